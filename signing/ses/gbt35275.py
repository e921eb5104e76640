"""The closing platform signature: SignedData of GB/T 35275-2017, clause 8, over a digest.

Its content is the SM3 digest of an OFD's Signature.xml, and the SM2 signature takes these 32 bytes as its
message (GM/T 0099-2020, 7.2.2). Others put the digest into authenticated attributes, as CMS does: both are
read.
"""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from signing import der
from signing.der import Element
from signing.keys import SealingKey, SignatureAlgorithm
from signing.ses import fields
from signing.ses.structure import (
    CERTIFICATE_MAX_BYTES,
    CERTIFICATES_MAX,
    SIGNATURE_VALUE_MAX_BYTES,
    SM2_SIGNATURE,
    SM3_ALGORITHM,
    SM3_BYTES,
)
from vault.errors import InputError, SignatureError

SIGNED_DATA = "1.2.156.10197.6.1.4.2.2"
DATA = "1.2.156.10197.6.1.4.2.1"
CMS_SIGNED_DATA = "1.2.840.113549.1.7.2"  # some write CMS's own OIDs around the same structure
SIGNED_DATA_MAX_BYTES = 256 << 10  # a few certificates and attributes; ours have one to three kB

_MESSAGE_DIGEST = "1.2.840.113549.1.9.4"
_SIGNING_TIME = "1.2.840.113549.1.9.5"
_VERSION = der.integer(1)
_SM2_ALGORITHM = der.sequence(der.oid(SM2_SIGNATURE))
_PREPARED_MAX = 16  # closing keys of one platform: the newest and its predecessors
_ATTRIBUTES_MAX = 32


@dataclass(frozen=True, slots=True)
class ReadSignedData:
    """A SignedData with its one signer; every `bytes` is a slice of what was received.

    `content`: the OCTET STRING inside, None where it is left out. `signed`: the message under `signature`:
    the content, or the attributes as a SET. `message_digest`: the attribute of this name. `certificate`:
    the signer's, None where it is not inside.
    """

    content: bytes | None
    digest_algorithm: str
    signature_algorithm: str
    message_digest: bytes | None
    signed_at: datetime | None
    signed: bytes | None = field(repr=False)
    signature: bytes = field(repr=False)
    certificate: bytes | None = field(repr=False)
    certificates: tuple[bytes, ...] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """`head`: version and digest algorithms; `middle`: certificates; `signer`: all before the signature."""

    not_before: datetime
    not_after: datetime
    head: bytes = field(repr=False)
    middle: bytes = field(repr=False)
    signer: bytes = field(repr=False)


def sign_gbt35275(key: SealingKey, *, data_hash: bytes, at: datetime) -> bytes:
    """A SignedData by the platform's key over an SM3 digest, DER. It says no time; `at` is only checked.

    Raises:
        InputError: the digest is not SM3's, or the key is not SM2.
        SignatureError: the key's certificate is not valid at this time (`certificate-not-valid`).
    """
    if len(data_hash) != SM3_BYTES:
        raise InputError(f"An SM3 digest has {SM3_BYTES} bytes, got {len(data_hash)}.")
    prepared = _prepared(key)
    if not prepared.not_before <= at <= prepared.not_after:
        raise SignatureError(
            f"The closing certificate is valid until {prepared.not_after:%Y-%m-%d}, not at {at:%Y-%m-%d}.",
            reason="certificate-not-valid",
        )
    content = der.sequence(_DATA, der.tlv(der.context(0), der.octet_string(data_hash)))
    signer = der.sequence(prepared.signer, der.octet_string(key.sign(data_hash)))
    signed_data = der.sequence(prepared.head, content, prepared.middle, der.tlv(der.SET, signer))
    return der.sequence(_SIGNED_DATA, der.tlv(der.context(0), signed_data))


def read_gbt35275(content: bytes) -> ReadSignedData:
    """A SignedData of GB/T 35275 with one signer.

    Raises:
        SignatureError: too large (`ses-size`), not DER or bytes left over (`not-der`), or another structure
            (`ses-shape`).
    """
    if len(content) > SIGNED_DATA_MAX_BYTES:
        detail = f"A SignedData has at most {SIGNED_DATA_MAX_BYTES} bytes, got {len(content)}."
        raise SignatureError(detail, reason="ses-size")
    outer = fields.members(der.read(content), "Content", 2, 2)
    if fields.oid(outer[0], "Content type") not in {SIGNED_DATA, CMS_SIGNED_DATA}:
        raise fields.shape("Content type", f"signedData ({SIGNED_DATA})")
    parts = fields.members(fields.only(outer[1], der.context(0), "Content"), "SignedData", 4, 6)
    fields.integer(parts[0], "SignedData version")
    inner = fields.members(parts[2], "Signed content", 1, 2)
    fields.oid(inner[0], "Signed content's type")
    data = None
    if len(inner) > 1:
        data = fields.octets(
            fields.only(inner[1], der.context(0), "Signed content"), "Signed content", 1 << 16
        )
    certificates = _certificates(parts[3]) if parts[3].tag == der.context(0) else ()
    signer = fields.only(parts[-1], der.SET, "Signers (signerInfos)")
    return _signer(signer, data, certificates)


def _signer(element: Element, data: bytes | None, certificates: tuple[bytes, ...]) -> ReadSignedData:
    parts = fields.members(element, "Signer (signerInfo)", 5, 7)
    fields.integer(parts[0], "Signer's version")
    named = fields.members(parts[1], "Signer's issuer and serial number", 2, 2)
    wanted = (named[0].encoded, named[1].encoded)
    attributes = parts[3] if parts[3].tag == der.context(0) else None
    after = parts[4:] if attributes is not None else parts[3:]
    if len(after) < 2:  # noqa: PLR2004 - algorithm and signature
        raise fields.shape("Signer (signerInfo)", "an algorithm and a signature")
    found = {} if attributes is None else _attributes(attributes)
    signed = data
    if attributes is not None:
        # RFC 5652, clause 5.4, after which GB/T 35275 is written: stored under [0], signed as a SET.
        signed = bytes((der.SET,)) + attributes.encoded[1:]
    digest, moment = found.get(_MESSAGE_DIGEST), found.get(_SIGNING_TIME)
    if attributes is not None and digest is None:
        # RFC 5652, clause 5.3: without it nothing binds what was signed to any content.
        raise fields.shape("Attributes", "a message digest")
    return ReadSignedData(
        content=data,
        digest_algorithm=_algorithm(parts[2], "Digest algorithm"),
        signature_algorithm=_algorithm(after[0], "Signature algorithm"),
        message_digest=None if digest is None else fields.octets(digest, "Message digest", 64),
        signed_at=None if moment is None else _moment(moment),
        signed=signed,
        signature=fields.octets(after[1], "Signature", SIGNATURE_VALUE_MAX_BYTES),
        certificate=next((c for c in certificates if _issuer_and_serial(c) == wanted), None),
        certificates=certificates,
    )


def _attributes(element: Element) -> dict[str, Element]:
    """The single values of the authenticated attributes, by OID; one that comes twice is refused."""
    found: dict[str, Element] = {}
    for each in element.children(_ATTRIBUTES_MAX):
        parts = fields.members(each, "Attribute", 2, 2)
        name = fields.oid(parts[0], "Attribute's OID")
        if name in found:
            raise fields.shape("Attributes", f"each OID once, got {name} twice")
        found[name] = fields.only(parts[1], der.SET, f"Attribute {name}")
    return found


def _certificates(element: Element) -> tuple[bytes, ...]:
    found = element.children(CERTIFICATES_MAX)
    for each in found:
        fields.typed(each, der.SEQUENCE, "Certificate")
        if each.end - each.start > CERTIFICATE_MAX_BYTES:
            raise fields.shape("Certificate", f"at most {CERTIFICATE_MAX_BYTES} bytes")
    return tuple(each.encoded for each in found)


def _algorithm(element: Element, what: str) -> str:
    return fields.oid(fields.members(element, what, 1, 2)[0], what)


def _moment(element: Element) -> datetime:
    what = "Signing time"
    return fields.utc_moment(element, what) if element.tag == der.UTC_TIME else fields.moment(element, what)


@lru_cache(maxsize=_PREPARED_MAX)
def _prepared(key: SealingKey) -> _Prepared:
    if key.algorithm is not SignatureAlgorithm.SM2_SM3:
        raise InputError(f"A closing signature is made with SM2 and SM3, not with {key.algorithm}.")
    issuer, serial = _issuer_and_serial(key.certificate)
    times = _tbs_fields(key.certificate)[3].children()
    return _Prepared(
        not_before=_moment(times[0]),
        not_after=_moment(times[1]),
        head=_VERSION + der.tlv(der.SET, SM3_ALGORITHM),
        middle=der.tlv(der.context(0), *sorted({key.certificate, *key.chain})),
        signer=_VERSION + der.sequence(issuer, serial) + SM3_ALGORITHM + _SM2_ALGORITHM,
    )


def _issuer_and_serial(certificate: bytes) -> tuple[bytes, bytes]:
    """The certificate's issuer and serial number as they are encoded in it (RFC 5280, clause 4.1)."""
    found = _tbs_fields(certificate)
    return found[2].encoded, found[0].encoded


def _tbs_fields(certificate: bytes) -> list[Element]:
    """From the serial number on: serial number, algorithm, issuer, validity, subject and so on."""
    tbs = fields.members(der.read(certificate), "Certificate", 3, 3)[0]
    found = fields.members(tbs, "Certificate", 6, 10)
    return found[1:] if found[0].tag == der.context(0) else found


_DATA = der.oid(DATA)
_SIGNED_DATA = der.oid(SIGNED_DATA)
