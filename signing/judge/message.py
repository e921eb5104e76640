"""Reading and verifying one CMS SignedData (RFC 5652): a seal's signature or a time-stamp token.

asn1crypto reads; it is never asked to encode a value again (`_received` gives the octets as they came),
because its re-encoding takes exponential time on some lengths.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache, partial
from hashlib import new, sha1, sha256, sha384, sha512
from typing import Any

from asn1crypto import cms, core, parser
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from signing.judge.findings import SubIndication, failure
from signing.judge.sm2 import verify_sm2

RSA_KEY_MIN_BITS = 2048
CERTIFICATES_MAX = 32  # a signature with more is an attempt to keep the judge busy
CERTIFICATES_KEPT = 256  # parsed: those of a city's seals and their issuers; octets never say another thing
KEPT_MAX_BYTES = 8 * 1024  # one with a key and its extensions has 1 to 2 kB
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
# SM3 (GB/T 33560) stands in a CMS under its number
_SM3 = "1.2.156.10197.1.401"
_DIGESTS: dict[str, Any] = {
    "sha256": sha256,
    "sha384": sha384,
    "sha512": sha512,
    _SM3: partial(new, "sm3"),
}
_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
}


@dataclass(frozen=True, slots=True)
class SignedMessage:
    """What one SignedData says: one signer, its signed attributes as received, its certificates.

    `content` is the encapsulated content, None when detached; `token` the DER of a signature time-stamp.
    """

    content_type: str
    content: bytes | None = field(repr=False)
    digest_name: str
    attributes_signed: bytes = field(repr=False)
    attributes: dict[str, Any] = field(repr=False)
    issuer_and_serial: tuple[bytes, int] | None = field(repr=False)
    subject_key_id: bytes | None = field(repr=False)
    algorithm: Any = field(repr=False)
    signature: bytes = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)
    token: bytes | None = field(repr=False)

    def digest(self, octets: bytes) -> bytes:
        """The octets' digest by the signer's own digest algorithm."""
        return digest_of(self.digest_name, octets)

    def native(self, name: str) -> Any:  # noqa: ANN401 - asn1crypto publishes no types
        """A signed attribute's value in Python's types, None when it is absent."""
        attribute = self.attributes.get(name)
        return None if attribute is None else attribute.native


def digest_of(name: str, octets: bytes) -> bytes:
    """A digest by the name or number that stands in a CMS.

    Raises:
        SignatureError: it is weaker than SHA-256 (CRYPTO_CONSTRAINTS_FAILURE).
    """
    if name not in _DIGESTS:
        raise failure(
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
            f"The digest is {name}, expected SHA-256, SHA-384, SHA-512 or SM3.",
        )
    digest: bytes = _DIGESTS[name](octets).digest()
    return digest


def read_message(encoded: bytes) -> SignedMessage:
    """Take a ContentInfo apart.

    Raises:
        SignatureError: not a SignedData (FORMAT_FAILURE); not one signer or no signed attributes
            (SIG_CONSTRAINTS_FAILURE); a digest weaker than SHA-256 (CRYPTO_CONSTRAINTS_FAILURE).
    """
    try:
        return _read(cms.ContentInfo.load(encoded, strict=True))
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise failure(SubIndication.FORMAT_FAILURE, "The signature's CMS cannot be read.") from error


def _read(outer: Any) -> SignedMessage:  # noqa: ANN401 - asn1crypto publishes no types
    if outer["content_type"].native != "signed_data":
        raise failure(SubIndication.FORMAT_FAILURE, "The signature is no CMS SignedData.")
    signed_data = outer["content"]
    if len(signed_data["signer_infos"]) != 1:
        raise failure(SubIndication.SIG_CONSTRAINTS_FAILURE, "The signature must have one signer.")
    signer = signed_data["signer_infos"][0]
    digest_name = signer["digest_algorithm"]["algorithm"].native
    if digest_name not in _DIGESTS:
        raise failure(
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
            f"The signature's digest is {digest_name}, expected SHA-256, SHA-384, SHA-512 or SM3.",
        )
    if not len(signer["signed_attrs"]):
        raise failure(SubIndication.SIG_CONSTRAINTS_FAILURE, "The signature has no signed attributes.")
    certificates = signed_data["certificates"]
    if len(certificates) > CERTIFICATES_MAX:
        raise failure(SubIndication.FORMAT_FAILURE, "The signature carries too many certificates.")
    encapsulated = signed_data["encap_content_info"]
    content = encapsulated["content"]
    sid = signer["sid"]
    by_serial = sid.name == "issuer_and_serial_number"
    return SignedMessage(
        content_type=encapsulated["content_type"].native,
        content=None if isinstance(content, core.Void) or content.native is None else bytes(content),
        digest_name=digest_name,
        # RFC 5652, clause 5.4: stored under [0], signed as a SET
        attributes_signed=parser.emit(0, 1, 17, signer["signed_attrs"].contents),
        attributes=_single_values(signer["signed_attrs"]),
        issuer_and_serial=(_received(sid.chosen["issuer"].chosen), sid.chosen["serial_number"].native)
        if by_serial
        else None,
        subject_key_id=None if by_serial else bytes(sid.chosen),
        algorithm=signer["signature_algorithm"],
        signature=bytes(signer["signature"]),
        certificates=tuple(
            _received(choice.chosen) for choice in certificates if choice.name == "certificate"
        ),
        token=_token(signer["unsigned_attrs"]),
    )


def signing_certificate(message: SignedMessage, *, sha1_allowed: bool = False) -> x509.Certificate:
    """The carried certificate that the signed attributes name (ESS signing-certificate-v2, RFC 5035).

    `sha1_allowed`: take the older attribute too, which RFC 3161 tokens carry.

    Raises:
        SignatureError: the attribute is missing or names no certificate of the message
            (NO_SIGNING_CERTIFICATE_FOUND), or it contradicts the signer's identifier
            (SIG_CONSTRAINTS_FAILURE).
    """
    attribute = message.attributes.get("signing_certificate_v2")
    older = message.attributes.get("signing_certificate") if sha1_allowed else None
    found = None
    if attribute is not None:
        named = attribute["certs"][0]
        digest = _DIGESTS.get(named["hash_algorithm"]["algorithm"].native)
        found = _by_digest(message, digest, named["cert_hash"].native) if digest else None
    elif older is not None:
        found = _by_digest(message, sha1, older["certs"][0]["cert_hash"].native)
    if found is None:
        raise failure(
            SubIndication.NO_SIGNING_CERTIFICATE_FOUND,
            "The signature's signing-certificate-v2 is missing or names no certificate that it carries.",
        )
    certificate = load_certificate(found)
    if not _is_signer(message, certificate):
        raise failure(
            SubIndication.SIG_CONSTRAINTS_FAILURE,
            "The signer's identifier and signing-certificate-v2 name different certificates.",
        )
    return certificate


def named_signer(message: SignedMessage) -> bytes | None:
    """The carried certificate, DER, that the signer's identifier names; None when it is not carried."""
    for encoded in message.certificates:
        if any(_is_signer(message, certificate) for certificate in load_certificates([encoded])):
            return encoded
    return None


def verify_signature(message: SignedMessage, certificate: x509.Certificate) -> str:
    """Verify the signature value over the signed attributes; the algorithm in words.

    Raises:
        SignatureError: it does not verify (SIG_CRYPTO_FAILURE), or the algorithm or key is not accepted
            (CRYPTO_CONSTRAINTS_FAILURE).
    """
    if message.digest_name == _SM3:
        algorithm = message.algorithm["algorithm"].dotted
        return verify_sm2(certificate, algorithm, message.attributes_signed, message.signature)
    public_key = _public_key(certificate)
    name = message.algorithm.signature_algo
    hash_name = message.digest_name if name == "rsassa_pkcs1v15" else message.algorithm.hash_algo
    chosen = _HASHES.get(hash_name)
    if chosen is None or hash_name != message.digest_name:
        raise failure(
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The signature's digests contradict each other."
        )
    try:
        if isinstance(public_key, ec.EllipticCurvePublicKey) and name == "ecdsa":
            if not isinstance(public_key.curve, _CURVES):
                raise failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The signer's curve is not accepted.")
            public_key.verify(message.signature, message.attributes_signed, ec.ECDSA(chosen))
            return f"ECDSA on {public_key.curve.name} with {hash_name}"
        if isinstance(public_key, rsa.RSAPublicKey) and name in {"rsassa_pkcs1v15", "rsassa_pss"}:
            if public_key.key_size < RSA_KEY_MIN_BITS:
                raise failure(
                    SubIndication.CRYPTO_CONSTRAINTS_FAILURE,
                    f"The RSA key has {public_key.key_size} bits, expected {RSA_KEY_MIN_BITS} or more.",
                )
            scheme = padding.PKCS1v15() if name == "rsassa_pkcs1v15" else _pss(message, hash_name)
            public_key.verify(message.signature, message.attributes_signed, scheme, chosen)
            return f"RSA of {public_key.key_size} bits, {name}, with {hash_name}"
    except InvalidSignature as error:
        raise failure(
            SubIndication.SIG_CRYPTO_FAILURE, "The signature value does not fit the signer's key."
        ) from error
    except UnsupportedAlgorithm as error:
        raise failure(
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The signer's key is not supported."
        ) from error
    raise failure(SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The signature's algorithm is not accepted.")


def _public_key(certificate: x509.Certificate) -> object:
    try:
        return certificate.public_key()
    except (UnsupportedAlgorithm, ValueError) as error:  # ValueError: a point that is not on its curve
        raise failure(
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The signer's key is not supported."
        ) from error


def load_certificate(encoded: bytes) -> x509.Certificate:
    """A certificate from DER.

    Raises:
        SignatureError: it cannot be read (FORMAT_FAILURE).
    """
    try:
        return _parsed(encoded)
    except (ValueError, x509.InvalidVersion) as error:
        raise failure(SubIndication.FORMAT_FAILURE, "A certificate cannot be read.") from error


def load_certificates(encoded: Sequence[bytes]) -> list[x509.Certificate]:
    """The certificates that can be read: another is of no use for a chain, and no reason to stop."""
    found = []
    for one in encoded:
        try:
            found.append(_parsed(one))
        except (ValueError, x509.InvalidVersion):
            continue
    return found


@lru_cache(maxsize=CERTIFICATES_KEPT)
def subject_name(certificate: x509.Certificate) -> str:
    """Whose it is, as RFC 4514 writes it."""
    return certificate.subject.rfc4514_string()


def _parsed(encoded: bytes) -> x509.Certificate:
    if len(encoded) > KEPT_MAX_BYTES:
        return x509.load_der_x509_certificate(encoded)
    return _kept(encoded)


@lru_cache(maxsize=CERTIFICATES_KEPT)
def _kept(encoded: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(encoded)


def _pss(message: SignedMessage, hash_name: str) -> padding.PSS:
    parameters = message.algorithm["parameters"]
    mask_hash = parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native
    if mask_hash != hash_name:
        raise failure(
            SubIndication.CRYPTO_CONSTRAINTS_FAILURE, "The signature's PSS parameters are not accepted."
        )
    return padding.PSS(mgf=padding.MGF1(_HASHES[hash_name]), salt_length=parameters["salt_length"].native)


def _is_signer(message: SignedMessage, certificate: x509.Certificate) -> bool:
    if message.issuer_and_serial is not None:
        return message.issuer_and_serial == (certificate.issuer.public_bytes(), certificate.serial_number)
    try:
        held = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        return False
    return held == message.subject_key_id


def _by_digest(message: SignedMessage, digest: Any, wanted: bytes) -> bytes | None:  # noqa: ANN401 - hashlib's constructors share no type
    return next((one for one in message.certificates if digest(one).digest() == wanted), None)


def _single_values(attributes: Any) -> dict[str, Any]:  # noqa: ANN401 - asn1crypto publishes no types
    """Attributes by name; each of those that we read must come once, with one value (RFC 5652, clause 11)."""
    found: dict[str, Any] = {}
    for attribute in attributes:
        name = attribute["type"].native
        values = attribute["values"]
        if name in found or len(values) != 1:
            raise failure(SubIndication.FORMAT_FAILURE, "A signed attribute does not have exactly one value.")
        found[name] = values[0]
    return found


def _token(unsigned: Any) -> bytes | None:  # noqa: ANN401 - asn1crypto publishes no types
    for attribute in unsigned:
        if attribute["type"].native == "signature_time_stamp_token" and len(attribute["values"]):
            return _received(attribute["values"][0])
    return None


def _received(value: Any) -> bytes:  # noqa: ANN401 - asn1crypto publishes no types
    """A value's octets as they came, by its raw contents: `dump()` may encode anew."""
    octets: bytes = parser.emit(value.class_, value.method, value.tag, value.contents)
    return octets
