"""A development authority: root, seal certificates and a time-stamp certificate, for demos and tests.

Everything comes out as PEM; the caller stores it. Real seals come from a licensed authority and are imported.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from signing.keys import PDF_ALGORITHMS, SignatureAlgorithm
from vault.errors import InputError

ROOT_NAME = "certvault development root — not for production"
TIMESTAMP_NAME = "certvault development time-stamps — not for production"
ROOT_VALIDITY = timedelta(days=3650)
LEAF_VALIDITY = timedelta(days=1095)  # three years, as licensed authorities issue electronic seals
CRL_VALIDITY = timedelta(days=1)
RSA_KEY_BITS = 3072  # NIST SP 800-57: 128 bits of strength, as P-256
# A certificate made now is valid for machines whose clocks are a little behind
BACKDATED = timedelta(hours=1)
_ID_KP_DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A key as encrypted PKCS#8 and its certificate, both PEM."""

    key_pem: bytes = field(repr=False)
    certificate_pem: bytes

    @property
    def not_after(self) -> datetime:
        """When the certificate ends."""
        return x509.load_pem_x509_certificate(self.certificate_pem).not_valid_after_utc


def certificates_der(pem: bytes) -> tuple[bytes, ...]:
    """Every certificate of a PEM bundle, DER, in order.

    Raises:
        InputError: the bundle holds no certificate or is not readable.
    """
    try:
        found = x509.load_pem_x509_certificates(pem)
    except ValueError as error:
        raise InputError("The trust file is not readable: expected certificates as PEM.") from error
    return tuple(certificate.public_bytes(Encoding.DER) for certificate in found)


def new_development_authority(*, passphrase: bytes, at: datetime) -> IssuedKey:
    """A self-signed root: ECDSA P-256, valid from `at`, and named so that nobody takes it for a real one."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(ROOT_NAME)
    certificate = (
        _builder(name, key, name, at, ROOT_VALIDITY)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(ca=True), critical=True)
        .sign(key, SHA256())
    )
    return _issued(key, certificate, passphrase)


def development_crl(authority: IssuedKey, authority_passphrase: bytes, *, at: datetime) -> bytes:
    """The development authority's list of revoked certificates, DER: an empty one, good for a day."""
    root = x509.load_pem_x509_certificate(authority.certificate_pem)
    root_key = load_pem_private_key(authority.key_pem, authority_passphrase)
    if not isinstance(root_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the development authority's key is EC")
    listed = x509.CertificateRevocationListBuilder().issuer_name(root.subject)
    listed = listed.last_update(at).next_update(at + CRL_VALIDITY)
    return listed.sign(root_key, SHA256()).public_bytes(Encoding.DER)


def issue_seal_certificate(
    authority: IssuedKey,
    authority_passphrase: bytes,
    *,
    organisation: str,
    uscc: str,
    algorithm: SignatureAlgorithm,
    passphrase: bytes,
    at: datetime,
) -> IssuedKey:
    """A new seal key and its certificate for one organisation.

    The USCC stands in organizationIdentifier as `NTRCN-…` (ETSI EN 319 412-1, clause 5.1.4).
    """
    name = x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, organisation),
            x509.NameAttribute(NameOID.ORGANIZATION_IDENTIFIER, f"NTRCN-{uscc}"),
            x509.NameAttribute(NameOID.COMMON_NAME, organisation),
        ]
    )
    # emailProtection beside documentSigning: readers built on NSS know no other purpose for documents
    purposes = [_ID_KP_DOCUMENT_SIGNING, ExtendedKeyUsageOID.EMAIL_PROTECTION]
    return _leaf(
        authority,
        authority_passphrase,
        name=name,
        key=_new_key(algorithm),
        purposes=purposes,
        passphrase=passphrase,
        at=at,
    )


def issue_timestamp_certificate(
    authority: IssuedKey, authority_passphrase: bytes, *, passphrase: bytes, at: datetime
) -> IssuedKey:
    """A key and certificate for the development time-stamp authority (RFC 3161, clause 2.3)."""
    key = ec.generate_private_key(ec.SECP256R1())
    purposes = [ExtendedKeyUsageOID.TIME_STAMPING]
    return _leaf(
        authority,
        authority_passphrase,
        name=_name(TIMESTAMP_NAME),
        key=key,
        purposes=purposes,
        passphrase=passphrase,
        at=at,
    )


def _leaf(
    authority: IssuedKey,
    authority_passphrase: bytes,
    *,
    name: x509.Name,
    key: PrivateKey,
    purposes: list[x509.ObjectIdentifier],
    passphrase: bytes,
    at: datetime,
) -> IssuedKey:
    root = x509.load_pem_x509_certificate(authority.certificate_pem)
    root_key = load_pem_private_key(authority.key_pem, authority_passphrase)
    if not isinstance(root_key, ec.EllipticCurvePrivateKey):
        raise TypeError("the development authority's key is EC")
    # RFC 3161, clause 2.3: a time-stamp certificate has timeStamping alone, and it is critical
    critical = purposes == [ExtendedKeyUsageOID.TIME_STAMPING]
    certificate = (
        _builder(name, key, root.subject, at, LEAF_VALIDITY)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(ca=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage(purposes), critical=critical)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(
                root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
            ),
            critical=False,
        )
        .sign(root_key, SHA256())
    )
    return _issued(key, certificate, passphrase)


def _new_key(algorithm: SignatureAlgorithm) -> PrivateKey:
    if algorithm is SignatureAlgorithm.ECDSA_P256_SHA256:
        return ec.generate_private_key(ec.SECP256R1())
    if algorithm not in PDF_ALGORITHMS:
        raise InputError(f"This authority issues no certificate for {algorithm}: the national one does.")
    return rsa.generate_private_key(public_exponent=65537, key_size=RSA_KEY_BITS)


def _name(common_name: str) -> x509.Name:
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "CN"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    subject: x509.Name, key: PrivateKey, issuer: x509.Name, at: datetime, validity: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(at - BACKDATED)
        .not_valid_after(at + validity)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _key_usage(*, ca: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not ca,
        content_commitment=not ca,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=ca,
        crl_sign=ca,
        encipher_only=False,
        decipher_only=False,
    )


def _issued(key: PrivateKey, certificate: x509.Certificate, passphrase: bytes) -> IssuedKey:
    return IssuedKey(
        key_pem=key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(passphrase)),
        certificate_pem=certificate.public_bytes(Encoding.PEM),
    )
