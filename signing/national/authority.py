"""A development authority for national seals: root, issuing CA, seal makers (制章人), signers, CRLs.

All SM2, for demos and tests: real seals and their certificates come from a licensed authority and are
imported. `cryptography` signs no certificate with SM2: it encodes extensions and names, `signing.der` the
rest.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType

from asn1crypto import pem
from cryptography import x509
from cryptography.x509.oid import NameOID

from signing import der, sm2
from signing.judge.sm2 import EC_PUBLIC_KEY, SM2_CURVE, SM2_WITH_SM3
from signing.national.certificates import read_pem
from signing.trust import BACKDATED, CRL_VALIDITY, LEAF_VALIDITY, ROOT_VALIDITY, IssuedKey

ROOT_NAME = "certvault development national root — not for production"
ISSUING_NAME = "certvault development national seals — not for production"
_VERSION_3 = der.tlv(der.context(0), der.integer(2))
_SIGNED_BY_SM2 = der.sequence(der.oid(SM2_WITH_SM3.dotted_string))
_UTC_TIME_YEARS = range(1950, 2050)  # RFC 5280, clause 4.1.2.5: later ones are GeneralizedTime
_KEY_ID_BYTES = 20  # RFC 5280, clause 4.2.1.2, and RFC 7093: 160 bits of a digest
_USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)
_ID_KP_DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336


@dataclass(frozen=True, slots=True)
class NationalAuthority:
    """A root and the CA below it that issues. Their `certificate_pem` hold their own certificates alone."""

    root: IssuedKey = field(repr=False)
    issuing: IssuedKey = field(repr=False)

    @property
    def chain_pem(self) -> bytes:
        """What stands behind a certificate that was issued here: the issuing CA's, then the root's."""
        return self.issuing.certificate_pem + self.root.certificate_pem


@dataclass(frozen=True, slots=True)
class _Request:
    """What a certificate shall say beside whose key it is."""

    subject: x509.Name
    public_key: bytes
    validity: timedelta
    extensions: tuple[x509.ExtensionType, ...]


def new_national_authority(*, passphrase: bytes, at: datetime) -> NationalAuthority:
    """A self-signed root and an issuing CA, valid from `at`; their names say that they are not real ones."""
    root_key, issuing_key = sm2.generate(), sm2.generate()
    root_name = _name((NameOID.COMMON_NAME, ROOT_NAME))
    root_usages = (x509.BasicConstraints(ca=True, path_length=1), _key_usage("key_cert_sign", "crl_sign"))
    root = _certificate(
        _Request(root_name, root_key.public_key, ROOT_VALIDITY, root_usages),
        (root_name, root_key),
        at,
    )
    issuing_usages = (x509.BasicConstraints(ca=True, path_length=0), _key_usage("key_cert_sign", "crl_sign"))
    issuing_name = _name((NameOID.COMMON_NAME, ISSUING_NAME))
    issuing = _certificate(
        _Request(issuing_name, issuing_key.public_key, ROOT_VALIDITY - 2 * BACKDATED, issuing_usages),
        (root_name, root_key),
        at,
    )
    return NationalAuthority(
        IssuedKey(sm2.key_pem(root_key, passphrase), _pem("CERTIFICATE", root)),
        IssuedKey(sm2.key_pem(issuing_key, passphrase), _pem("CERTIFICATE", issuing)),
    )


def issue_national_certificate(
    authority: NationalAuthority,
    authority_passphrase: bytes,
    *,
    organisation: str,
    uscc: str,
    passphrase: bytes,
    at: datetime,
    common_name: str | None = None,
) -> IssuedKey:
    """A new key and its certificate for an organisation that signs, or makes seals (制章人).

    `common_name` None: the organisation's name. The USCC stands in organizationIdentifier as `NTRCN-…` (ETSI
    EN 319 412-1, clause 5.1.4). `certificate_pem` begins with the certificate, the chain follows.

    Raises:
        SignatureError: the authority's key cannot be opened (`key-unreadable`).
    """
    issuer = _issuer(authority.issuing, authority_passphrase)
    key = sm2.generate()
    subject = _name(
        (NameOID.ORGANIZATION_NAME, organisation),
        (NameOID.ORGANIZATION_IDENTIFIER, f"NTRCN-{uscc}"),
        (NameOID.COMMON_NAME, common_name or organisation),
    )
    usages = (
        x509.BasicConstraints(ca=False, path_length=None),
        _key_usage("digital_signature", "content_commitment"),
        x509.ExtendedKeyUsage([_ID_KP_DOCUMENT_SIGNING]),
    )
    issued = _certificate(_Request(subject, key.public_key, LEAF_VALIDITY, usages), issuer, at)
    return IssuedKey(sm2.key_pem(key, passphrase), _pem("CERTIFICATE", issued) + authority.chain_pem)


def national_crl(
    issuer: IssuedKey,
    issuer_passphrase: bytes,
    *,
    at: datetime,
    revoked: Mapping[int, datetime] = MappingProxyType({}),
    next_at: datetime | None = None,
) -> bytes:
    """The list of revoked certificates of a root or issuing CA, DER (RFC 5280, clause 5), SM2.

    `revoked`: since when, by serial number. `next_at` None: a day after `at`.

    Raises:
        SignatureError: the issuer's key cannot be opened (`key-unreadable`).
    """
    name, key = _issuer(issuer, issuer_passphrase)
    entries = [der.sequence(der.integer(serial), _time(since)) for serial, since in sorted(revoked.items())]
    extensions = der.sequence(
        _extension(x509.AuthorityKeyIdentifier(_key_id(key.public_key), None, None)),
        _extension(x509.CRLNumber(int(at.timestamp()))),
    )
    return _signed(
        key,
        der.integer(1),  # version 2
        _SIGNED_BY_SM2,
        name.public_bytes(),
        _time(at),
        _time(next_at or at + CRL_VALIDITY),
        *([der.sequence(*entries)] if entries else []),
        der.tlv(der.context(0), extensions),
    )


def _issuer(issued: IssuedKey, passphrase: bytes) -> tuple[x509.Name, sm2.PrivateKey]:
    (certificate,) = read_pem(issued.certificate_pem)
    return certificate.parsed.subject, sm2.load_key(issued.key_pem, passphrase)


def _certificate(request: _Request, issuer: tuple[x509.Name, sm2.PrivateKey], at: datetime) -> bytes:
    """RFC 5280, clause 4.1."""
    name, key = issuer
    key_info = der.sequence(
        der.sequence(der.oid(EC_PUBLIC_KEY.dotted_string), der.oid(SM2_CURVE)),
        der.bit_string(request.public_key),
    )
    identifiers = (
        x509.SubjectKeyIdentifier(_key_id(request.public_key)),
        x509.AuthorityKeyIdentifier(_key_id(key.public_key), None, None),
    )
    return _signed(
        key,
        _VERSION_3,
        der.integer(x509.random_serial_number()),
        _SIGNED_BY_SM2,
        name.public_bytes(),
        der.sequence(_time(at - BACKDATED), _time(at + request.validity)),
        request.subject.public_bytes(),
        key_info,
        der.tlv(der.context(3), der.sequence(*map(_extension, (*request.extensions, *identifiers)))),
    )


def _signed(key: sm2.PrivateKey, *fields: bytes) -> bytes:
    to_be_signed = der.sequence(*fields)
    return der.sequence(to_be_signed, _SIGNED_BY_SM2, der.bit_string(sm2.sign(key, to_be_signed)))


def _extension(value: x509.ExtensionType) -> bytes:
    """Whom a certificate may sign for must be understood; the rest helps to find things."""
    critical = [der.boolean(value=True)] if isinstance(value, x509.BasicConstraints | x509.KeyUsage) else []
    return der.sequence(der.oid(value.oid.dotted_string), *critical, der.octet_string(value.public_bytes()))


def _name(*attributes: tuple[x509.ObjectIdentifier, str]) -> x509.Name:
    country = x509.NameAttribute(NameOID.COUNTRY_NAME, "CN")
    return x509.Name([country, *(x509.NameAttribute(kind, text) for kind, text in attributes)])


def _key_usage(*usages: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{usage: usage in usages for usage in _USAGES})


def _key_id(public_key: bytes) -> bytes:
    return sm2.sm3(public_key)[:_KEY_ID_BYTES]


def _time(moment: datetime) -> bytes:
    whole = moment.astimezone(UTC).replace(microsecond=0)
    if whole.year in _UTC_TIME_YEARS:
        return der.tlv(der.UTC_TIME, f"{whole:%y%m%d%H%M%SZ}".encode())
    return der.generalized_time(whole)


def _pem(kind: str, encoded: bytes) -> bytes:
    armoured: bytes = pem.armor(kind, encoded)
    return armoured
