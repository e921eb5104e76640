"""Certificate identifier (电子证照标识, GB/T 36904-2018): a certificate's name in the whole country.

`1.2.156.3005.2.TYPE.AUTHORITY.SERIAL.VERSION.C`: type code 21, issuing authority's social credit code 18,
serial of digits and capitals, version 3 digits, check character (ISO/IEC 7064 MOD 37,36 over the four parts
joined, without root and full stops). The standard's text is not free: this is what several implementers agree
on, and their published identifiers check out. We write strictly and read leniently.
"""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from vault.errors import InputError
from vault.model.checksums import ALPHANUMERIC, mod_37_36
from vault.model.credit_code import LENGTH as CREDIT_CODE_LENGTH
from vault.model.credit_code import SocialCreditCode
from vault.model.transcription import written_form

ROOT = "1.2.156.3005.2"
VERSION_MAX = 999  # three digits
SERIAL_LENGTH_MAX = 64  # characters; keeps the whole within the 128 that national interfaces give to 证照标识

_SERIAL = re.compile(rf"[0-9A-Z]{{1,{SERIAL_LENGTH_MAX}}}")
_TYPE_SEQUENCE = re.compile(r"[0-9]{3}")
_IDENTIFIER = re.compile(
    rf"(?P<root>{re.escape(ROOT)}\.)?"
    r"(?P<type_code>[0-9A-Z]{21})\.(?P<authority>[0-9A-Z]{6}|[0-9A-Z]{18})\."
    rf"(?P<serial>{_SERIAL.pattern})\.(?P<version>[0-9]{{3}})\.(?P<check>[0-9A-Z])"
)
# In the vendors' variant a letter's sum wraps here first, before the standard's 36.
_VARIANT_LETTER_WRAP = 37


class IdentifierCheck(StrEnum):
    """How an identifier's check character fits: by the standard, by the vendors' variant, or not at all."""

    OK = "ok"
    LEGACY = "legacy"
    BAD = "bad"


@dataclass(frozen=True, slots=True)
class CertificateIdentifier:
    """An identifier that we write: both organisations' codes are valid, and the check character is computed.

    Raises `InputError` at `/type_code`, `/authority`, `/serial` or `/version`.
    """

    type_code: str
    authority: str
    serial: str
    version: int

    def __post_init__(self) -> None:
        _check_type_code(self.type_code)
        try:
            SocialCreditCode(self.authority)
        except InputError as error:
            raise error.under("/authority") from None
        if not _SERIAL.fullmatch(self.serial):
            raise InputError.at(
                "/serial", f"expected 1 to {SERIAL_LENGTH_MAX} digits and capital letters A to Z as serial"
            )
        if not 1 <= self.version <= VERSION_MAX:
            raise InputError.at("/version", f"expected a version from 1 to {VERSION_MAX}, got {self.version}")

    @classmethod
    def parse(cls, text: str) -> Self:
        """The strict reading of the full text: root, 18-character authority, check character by the standard.

        Raises `InputError` (pointer "" for the text as a whole).
        """
        reading = read_identifier(text)
        if not reading.rooted:
            raise InputError.at("", f"expected a certificate identifier that begins with {ROOT}.")
        identifier = cls(reading.type_code, reading.authority, reading.serial, reading.version)
        if reading.check is IdentifierCheck.LEGACY:
            raise InputError.at(
                "", "the check character follows a vendors' variant of MOD 37,36, not ISO 7064"
            )
        if reading.check is IdentifierCheck.BAD:
            raise InputError.at("", "the identifier's check character does not fit its other characters")
        return identifier

    @property
    def check_character(self) -> str:
        """0-9 or A-Z."""
        return mod_37_36("".join(self._parts()))

    def _parts(self) -> tuple[str, str, str, str]:
        return (self.type_code, self.authority, self.serial, f"{self.version:03d}")

    def __str__(self) -> str:
        return ".".join((ROOT, *self._parts(), self.check_character))


@dataclass(frozen=True, slots=True)
class IdentifierReading:
    """What stands in an identifier from anywhere: its parts as written, and how the check character fits.

    `authority` may be a six-digit area code; `rooted` tells whether the root was there.
    """

    type_code: str
    authority: str
    serial: str
    version: int
    check_character: str
    check: IdentifierCheck
    rooted: bool


def read_identifier(text: str) -> IdentifierReading:
    """The lenient reading, for imports: shape only; codes are not judged, the check is only reported.

    Raises `InputError` (pointer "") where the text has not even the shape.
    """
    match = _IDENTIFIER.fullmatch(written_form(text))
    if match is None:
        raise InputError.at(
            "",
            "expected a certificate identifier: type code (21).authority (18).serial.version (3).check (1),"
            f" with {ROOT}. in front",
        )
    joined = match["type_code"] + match["authority"] + match["serial"] + match["version"]
    return IdentifierReading(
        type_code=match["type_code"],
        authority=match["authority"],
        serial=match["serial"],
        version=int(match["version"]),
        check_character=match["check"],
        check=_judge(joined, match["check"]),
        rooted=match["root"] is not None,
    )


def _judge(joined: str, check: str) -> IdentifierCheck:
    if mod_37_36(joined) == check:
        return IdentifierCheck.OK
    return IdentifierCheck.LEGACY if _variant_check(joined) == check else IdentifierCheck.BAD


def _variant_check(joined: str) -> str:
    """The check character as two vendors compute it; both write exactly this.

    Against MOD 37,36: letters count one too high (A is 11), a letter's sum over 37 is reduced modulo 37
    first, and the result counts characters from one. So an identifier of digits alone gets another one, too.
    """
    product = 36
    for character in joined:
        value = ALPHANUMERIC.index(character)
        total = product + value + (1 if character.isalpha() else 0)
        if character.isalpha() and total > _VARIANT_LETTER_WRAP:
            total %= _VARIANT_LETTER_WRAP
        product = (total % 36 or 36) * 2 % 37
    return ALPHANUMERIC[36 - product]


def _check_type_code(type_code: str) -> None:
    """21 characters: social credit code of the body that defines the type, and three digits."""
    try:
        SocialCreditCode(type_code[:CREDIT_CODE_LENGTH])
    except InputError as error:
        raise error.under("/type_code") from None
    if not _TYPE_SEQUENCE.fullmatch(type_code[CREDIT_CODE_LENGTH:]):
        raise InputError.at(
            "/type_code", "expected a social credit code and three digits (21 characters) as type code"
        )
