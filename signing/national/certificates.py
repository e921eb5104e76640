"""SM2 certificates as values: what is asked of them, and their bytes (RFC 5280; GM/T 0015)."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from asn1crypto import pem
from cryptography import x509
from cryptography.x509.oid import NameOID, ObjectIdentifier

from signing.judge.findings import SubIndication, failure
from signing.judge.sm2 import sm2_public_key
from signing.sm2.curve import check_point

CERTIFICATE_MAX_BYTES = 16_384  # real ones have 600 to 2,000
CERTIFICATES_MAX = 32  # in one file or message; a chain has three or four
CERTIFICATES_MAX_BYTES = 2 * CERTIFICATES_MAX * CERTIFICATE_MAX_BYTES  # as PEM, with text around it
_Extension = TypeVar("_Extension", bound=x509.ExtensionType)
_CODE_PREFIX = "NTRCN-"  # a social credit code (ETSI EN 319 412-1, clause 5.1.4)
_SIGNING = frozenset({"digital_signature", "content_commitment"})
# What `cryptography` raises at octets that are no certificate, when it looks at them.
_UNREADABLE = (
    ValueError,
    TypeError,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
_KEY_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
)


@dataclass(frozen=True, slots=True)
class NationalCertificate:
    """An SM2 certificate that was read to its end; nothing about it is checked but its form and its key.

    `subject`, `issuer`: as RFC 4514. `organisation`: O, else CN. `organisation_code`: the social credit code
    in organizationIdentifier (`NTRCN-…`). `key_usage`: the names of RFC 5280, clause 4.2.1.3, as
    `cryptography` writes them; None where the extension is absent. `public_key`: 65 octets, 04‖x‖y.
    """

    der: bytes = field(repr=False)
    subject: str
    organisation: str | None
    organisation_code: str | None
    issuer: str
    serial: int
    not_before: datetime
    not_after: datetime
    public_key: bytes = field(repr=False)
    key_usage: frozenset[str] | None
    is_ca: bool
    parsed: x509.Certificate = field(repr=False, compare=False)

    @property
    def may_sign(self) -> bool:
        """Whether its key may sign documents and seals: SM2 has pairs of certificates, one only enciphers."""
        return self.key_usage is None or not self.key_usage.isdisjoint(_SIGNING)


def read_certificate(der: bytes) -> NationalCertificate:
    """An SM2 certificate from its DER.

    Raises:
        SignatureError: it cannot be read, is too long, or bytes are left over (FORMAT_FAILURE); its key is
            none of SM2's, or no point of the curve (CRYPTO_CONSTRAINTS_FAILURE).
    """
    if len(der) > CERTIFICATE_MAX_BYTES:
        raise failure(
            SubIndication.FORMAT_FAILURE,
            f"A certificate has {len(der)} bytes, expected {CERTIFICATE_MAX_BYTES} at most.",
        )
    try:
        parsed = x509.load_der_x509_certificate(der)
        usage = _extension(parsed, x509.KeyUsage)
        constraints = _extension(parsed, x509.BasicConstraints)
        public_key = sm2_public_key(parsed)
        read = NationalCertificate(
            der=der,
            subject=parsed.subject.rfc4514_string(),
            organisation=_named(parsed, NameOID.ORGANIZATION_NAME) or _named(parsed, NameOID.COMMON_NAME),
            organisation_code=_named(parsed, NameOID.ORGANIZATION_IDENTIFIER, _code),
            issuer=parsed.issuer.rfc4514_string(),
            serial=parsed.serial_number,
            not_before=parsed.not_valid_before_utc,
            not_after=parsed.not_valid_after_utc,
            public_key=public_key,
            key_usage=None if usage is None else frozenset(n for n in _KEY_USAGES if getattr(usage, n)),
            is_ca=constraints is not None and constraints.ca,
            parsed=parsed,
        )
    except _UNREADABLE as error:
        raise failure(SubIndication.FORMAT_FAILURE, "A certificate cannot be read.") from error
    check_point(public_key)
    return read


def read_pem(content: bytes) -> tuple[NationalCertificate, ...]:
    """Every certificate of a PEM file, in order.

    Raises:
        SignatureError: none, too many, or one cannot be read (FORMAT_FAILURE), or is no SM2 certificate
            (CRYPTO_CONSTRAINTS_FAILURE).
    """
    if len(content) > CERTIFICATES_MAX_BYTES:
        raise failure(SubIndication.FORMAT_FAILURE, "The certificates' file is too long.")
    try:
        found = [der for kind, _, der in pem.unarmor(content, multiple=True) if kind == "CERTIFICATE"]
    except (ValueError, TypeError) as error:
        raise failure(
            SubIndication.FORMAT_FAILURE, "The certificates cannot be read: expected PEM."
        ) from error
    if not 0 < len(found) <= CERTIFICATES_MAX:
        raise failure(
            SubIndication.FORMAT_FAILURE,
            f"The file holds {len(found)} certificates, expected 1 to {CERTIFICATES_MAX}.",
        )
    return tuple(read_certificate(der) for der in found)


def _named(
    parsed: x509.Certificate, kind: ObjectIdentifier, of: Callable[[str], str | None] = lambda text: text
) -> str | None:
    """The first value of this kind in the subject that says something."""
    values = (of(str(name.value)) for name in parsed.subject.get_attributes_for_oid(kind))
    return next((value for value in values if value), None)


def _code(text: str) -> str | None:
    return text.removeprefix(_CODE_PREFIX) if text.startswith(_CODE_PREFIX) else None


def _extension(parsed: x509.Certificate, kind: type[_Extension]) -> _Extension | None:
    try:
        return parsed.extensions.get_extension_for_class(kind).value
    except x509.ExtensionNotFound:
        return None
