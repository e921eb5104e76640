"""CMS SignedData (RFC 5652) as CAdES wants it (ETSI EN 319 122-1, clause 5), filled into prepared DER.

All that depends only on the key is encoded once (`prepare`); a signature then costs one digest's worth of
octets, one private-key operation and a few headers.
"""

from dataclasses import dataclass, field
from hashlib import sha256

from signing import der
from signing.keys import PSS_SALT_BYTES, SealingKey, SignatureAlgorithm
from vault.errors import SignatureError

ID_DATA = "1.2.840.113549.1.7.1"  # RFC 5652, clause 4
ID_CT_TST_INFO = "1.2.840.113549.1.9.16.1.4"  # RFC 3161, clause 2.4.2

_ID_SIGNED_DATA = der.oid("1.2.840.113549.1.7.2")
_ID_CONTENT_TYPE = der.oid("1.2.840.113549.1.9.3")
_ID_MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.4")
_ID_SIGNING_CERTIFICATE_V2 = der.oid("1.2.840.113549.1.9.16.2.47")
_ID_SIGNATURE_TIME_STAMP = der.oid("1.2.840.113549.1.9.16.2.14")

SHA256_ALGORITHM = der.sequence(der.oid("2.16.840.1.101.3.4.2.1"))  # RFC 5754, clause 2: no parameters
_MGF1_SHA256 = der.sequence(der.oid("1.2.840.113549.1.1.8"), SHA256_ALGORITHM)
_SIGNATURE_ALGORITHMS = {
    SignatureAlgorithm.ECDSA_P256_SHA256: der.sequence(der.oid("1.2.840.10045.4.3.2")),
    SignatureAlgorithm.RSA_PKCS1_SHA256: der.sequence(der.oid("1.2.840.113549.1.1.11"), der.NULL),
    SignatureAlgorithm.RSA_PSS_SHA256: der.sequence(
        der.oid("1.2.840.113549.1.1.10"),
        der.sequence(
            der.tlv(der.context(0), SHA256_ALGORITHM),
            der.tlv(der.context(1), _MGF1_SHA256),
            der.tlv(der.context(2), der.integer(PSS_SALT_BYTES)),
        ),
    ),
}
_HEADERS_MAX_BYTES = 16  # how much the enclosing headers may grow when signature and token are longest
_TOKEN_WRAPPING_BYTES = 64  # the unsigned attribute around a time-stamp token


@dataclass(frozen=True, slots=True)
class PreparedCms:
    """The DER of a SignedData by one key over one content type, all but digest, signature and time-stamp."""

    key: SealingKey = field(repr=False)
    version: bytes
    content_type: bytes
    content_type_attribute: bytes = field(repr=False)
    signing_certificate_attribute: bytes = field(repr=False)
    certificates: bytes = field(repr=False)
    signer_head: bytes = field(repr=False)
    signature_algorithm: bytes = field(repr=False)

    def size_max_bytes(self, token_room_bytes: int = 0) -> int:
        """The longest detached SignedData that `finish` can make with a token of at most this size."""
        template = len(
            self.finish(self.signed_attributes(bytes(32)), bytes(self.key.signature_size_max_bytes))
        )
        token = token_room_bytes + _TOKEN_WRAPPING_BYTES if token_room_bytes else 0
        return template + token + _HEADERS_MAX_BYTES

    def signed_attributes(self, message_digest: bytes) -> bytes:
        """The SET OF signed attributes, as it is signed; no signing-time (EN 319 142-1, clause 6.3)."""
        digest = _attribute(_ID_MESSAGE_DIGEST, der.octet_string(message_digest))
        return der.set_of(self.content_type_attribute, self.signing_certificate_attribute, digest)

    def finish(
        self,
        signed_attributes: bytes,
        signature: bytes,
        *,
        token: bytes | None = None,
        content: bytes | None = None,
    ) -> bytes:
        """A whole ContentInfo. `content`: encapsulated octets, or None for a detached signature.

        `token`: a DER TimeStampToken over `signature`, put into the unsigned attributes as it is.
        """
        encapsulated = [self.content_type]
        if content is not None:
            encapsulated.append(der.tlv(der.context(0), der.octet_string(content)))
        unsigned = []
        if token is not None:
            unsigned.append(der.tlv(der.context(1), _attribute(_ID_SIGNATURE_TIME_STAMP, token)))
        signer_info = der.sequence(
            self.signer_head,
            # RFC 5652, clause 5.4: stored under [0], signed as a SET
            bytes((der.context(0),)) + signed_attributes[1:],
            self.signature_algorithm,
            der.octet_string(signature),
            *unsigned,
        )
        signed_data = der.sequence(
            self.version,
            der.tlv(der.SET, SHA256_ALGORITHM),
            der.sequence(*encapsulated),
            self.certificates,
            der.tlv(der.SET, signer_info),
        )
        return der.sequence(_ID_SIGNED_DATA, der.tlv(der.context(0), signed_data))


def prepare(key: SealingKey, *, content_type: str = ID_DATA) -> PreparedCms:
    """Encode everything that does not depend on what is signed.

    Raises:
        SignatureError: the key's certificate is not DER, or it signs in another way than PDF seals do
            (`key-unsuitable`).
    """
    if key.algorithm not in _SIGNATURE_ALGORITHMS:
        raise SignatureError(
            f"A key that signs with {key.algorithm} seals no PDF: readers take "
            f"{', '.join(_SIGNATURE_ALGORITHMS)}.",
            reason="key-unsuitable",
        )
    content_type_der = der.oid(content_type)
    serial, issuer = _serial_and_issuer(key.certificate)
    # RFC 5652, clause 5.1: version 3 where the content is not id-data
    version = der.integer(1 if content_type == ID_DATA else 3)
    return PreparedCms(
        key=key,
        version=version,
        content_type=content_type_der,
        content_type_attribute=_attribute(_ID_CONTENT_TYPE, content_type_der),
        signing_certificate_attribute=_signing_certificate_v2(key.certificate, serial, issuer),
        certificates=der.tlv(der.context(0), *sorted({key.certificate, *key.chain})),
        signer_head=der.integer(1) + der.sequence(issuer, serial) + SHA256_ALGORITHM,
        signature_algorithm=_SIGNATURE_ALGORITHMS[key.algorithm],
    )


def _attribute(oid: bytes, value: bytes) -> bytes:
    return der.sequence(oid, der.tlv(der.SET, value))


def _signing_certificate_v2(certificate: bytes, serial: bytes, issuer: bytes) -> bytes:
    """ESS signing-certificate-v2 (RFC 5035, clause 3); its default digest, SHA-256, is not written in DER."""
    general_names = der.sequence(der.tlv(der.context(4), issuer))
    ess_id = der.sequence(der.octet_string(sha256(certificate).digest()), der.sequence(general_names, serial))
    return _attribute(_ID_SIGNING_CERTIFICATE_V2, der.sequence(der.sequence(ess_id)))


def _serial_and_issuer(certificate: bytes) -> tuple[bytes, bytes]:
    """The certificate's serial number and issuer as they are encoded in it (RFC 5280, clause 4.1)."""
    tbs, *_ = der.read(certificate).children()
    fields = tbs.children()
    if fields and fields[0].tag == der.context(0):  # version, absent in version 1
        fields = fields[1:]
    if len(fields) < 3:  # noqa: PLR2004 - serial number, signature algorithm, issuer
        raise SignatureError("The sealing certificate is too short to be one.", reason="not-der")
    return fields[0].encoded, fields[2].encoded
