"""Citizen identity number (公民身份号码, GB 11643-1999) and the two kinds of card that share its form.

18 characters: area 6, birth date 8, sequence 3 (17th digit odd: male), check 1. Residence permits for people
from Hong Kong, Macao and Taiwan use the areas 81, 82, 83; the permanent resident card of foreigners (2023
edition) begins with 9, then province 2, numeric country 3, and goes on alike.
"""

from dataclasses import dataclass, field
from datetime import date
from typing import Self

from vault.errors import InputError
from vault.model.checksums import mod_11_2
from vault.model.transcription import describe, mask_code, written_form

LENGTH = 18
LEGACY_LENGTH = 15
PERMANENT_RESIDENT_PREFIX = "9"

# First two digits of GB/T 2260 area codes. The other four are not judged: areas are merged and renamed, and
# people keep the number that they were given. 91 (abroad) is missing: 9 begins a permanent resident card.
PROVINCES = frozenset(
    f"{code}"
    for first, last in ((11, 15), (21, 23), (31, 37), (41, 46), (50, 54), (61, 65), (71, 71), (81, 83))
    for code in range(first, last + 1)
)
# Numbers were first given in 1984; the standard's own example is born in 1880. Older dates are slips.
EARLIEST_BIRTH = date(1850, 1, 1)
# In 15-digit numbers these sequences were kept for people over a hundred, born in the 1800s. This is what
# implementers say: the 1989 edition was not at hand.
_CENTENARIAN_SEQUENCES = frozenset({"996", "997", "998", "999"})


@dataclass(frozen=True, slots=True)
class CitizenId:
    """A valid number in its 18-character form. Neither `repr` nor `str` shows it; `value` does.

    Raises `InputError` (pointer "") unless `value` is a valid number exactly as the standard writes it.
    """

    value: str = field(repr=False)

    def __post_init__(self) -> None:
        _check(self.value)

    @classmethod
    def parse(cls, text: str, *, today: date | None = None) -> Self:
        """A number as people write it: blanks, full-width digits, a small x, or the older form of 15 digits.

        A 15-digit number becomes its 18-character form, under which the same person is known today. With
        `today`, a birth date after it is refused as well. Raises `InputError` (pointer ""), quoting nothing.
        """
        written = written_form(text)
        number = cls(_from_legacy(written) if len(written) == LEGACY_LENGTH else written)
        if today is not None and number.birth_date > today:
            raise InputError.at("", "the birth date in the identity number lies in the future")
        return number

    @property
    def birth_date(self) -> date:
        """The date in the number; it always exists."""
        return _birth_date(self.value)

    def masked(self) -> str:
        """First and last four characters, the rest as stars."""
        return mask_code(self.value)

    def __repr__(self) -> str:
        return f"CitizenId({self.masked()})"

    def __str__(self) -> str:
        return self.masked()


def _check(value: str) -> None:
    if len(value) != LENGTH:
        raise InputError.at("", f"identity number: expected 18 characters (older form 15), got {len(value)}")
    for place, character in enumerate(value, start=1):
        admitted = "0123456789X" if place == LENGTH else "0123456789"
        if character not in admitted:
            expected = "a digit or X" if place == LENGTH else "a digit"
            raise InputError.at(
                "", f"identity number, character {place}: expected {expected}, got {describe(character)}"
            )
    _check_province(value)
    if _birth_date(value) < EARLIEST_BIRTH:
        raise InputError.at("", f"the birth date in the identity number lies before {EARLIEST_BIRTH.year}")
    if mod_11_2(value[:-1]) != value[-1]:
        raise InputError.at("", "identity number: the check character does not fit the digits")


def _check_province(value: str) -> None:
    if value.startswith(PERMANENT_RESIDENT_PREFIX):
        if value[1:3] not in PROVINCES:
            raise InputError.at(
                "", "permanent resident card: digits 2 and 3 are no province code of GB/T 2260"
            )
    elif value[:2] not in PROVINCES:
        raise InputError.at("", "identity number: the first two digits are no province code of GB/T 2260")


def _birth_date(value: str) -> date:
    try:
        return date(int(value[6:10]), int(value[10:12]), int(value[12:14]))
    except ValueError:
        # `from None`: the library's message may quote digits of the number.
        raise InputError.at("", "identity number, characters 7 to 14: there is no such birth date") from None


def _from_legacy(digits: str) -> str:
    """15 digits (area 6, YYMMDD, sequence 3) as 18: the century goes in, the check character at the end."""
    if not (digits.isascii() and digits.isdigit()):
        raise InputError.at("", "identity number of the older form: expected 15 digits, got other characters")
    if digits.startswith(PERMANENT_RESIDENT_PREFIX):
        raise InputError.at("", "permanent resident cards have 18 digits, got 15")
    century = "18" if digits[-3:] in _CENTENARIAN_SEQUENCES else "19"
    body = digits[:6] + century + digits[6:]
    return body + mod_11_2(body)
