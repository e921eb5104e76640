"""National seals and their signatures as values.

V1: GM/T 0031-2014, V4: GB/T 38540-2020, V5: GM/T 0031-2025. What the standards leave
to custom stands here, each number once.
"""

from dataclasses import dataclass, field
from datetime import datetime

from signing import der

SM3 = "1.2.156.10197.1.401"
SM2_SM3 = "1.2.156.10197.1.501"  # SM2 signature with SM3, as V4 names it
SM2_SIGNATURE = "1.2.156.10197.1.301.1"  # SM2 signature, as GB/T 35275 names it
SM3_BYTES = 32

V1, V4, V5 = 1, 4, 5
V1_NUMBERS = frozenset({1, 2, 3})  # before the shape changed with 4, vendors numbered as they liked
HEADER_ID = "ES"
VENDOR = "CERTVAULT"  # Vid: who made the seal's software

# Certificate list by certificates (1) or by their digests (2): GB/T 38540, SES_ESPropertyInfo.
CERTIFICATES, DIGESTS = 1, 2

# Property type: what a seal is. GM/T 0031-2014 knows 1 (unit) and 2 (person); real seals carry others.
UNIT_SEAL = 1

PICTURE_MAX_BYTES = 1 << 20  # a scanned picture of 42 mm at 600 dpi is below; vector ones are some 20 kB
PICTURE_MAX_MM = 200  # wider than any seal: an A4 page is 210 mm wide
CERTIFICATE_MAX_BYTES = 16 << 10  # real ones have one to two kB
CERTIFICATES_MAX = 64  # real seals name one
EXTENSIONS_MAX = 64
EXTENSION_MAX_BYTES = 64 << 10
SEAL_MAX_BYTES = 2 << 20  # a picture, certificates and extensions in full
SIGNATURE_VALUE_MAX_BYTES = 1 << 10  # SM2: 72; RSA-4096: 512
TIME_STAMP_MAX_BYTES = 64 << 10  # a token with its chain; ours have two kB
SIGNED_MAX_BYTES = SEAL_MAX_BYTES + (256 << 10)  # a signature: the seal, a token, a certificate, extensions

NAME_MAX_BYTES = 600  # 200 Chinese characters
ID_MAX_CHARS = 128
PATH_MAX_CHARS = 1024


@dataclass(frozen=True, slots=True)
class Picture:
    """How a seal looks. `kind`: `png`, `ofd` … in whatever case it is written; sizes in millimetres."""

    kind: str
    content: bytes = field(repr=False)
    width_mm: int
    height_mm: int


@dataclass(frozen=True, slots=True)
class Extension:
    """A vendor's addition (ExtData). `oid`: dotted."""

    oid: str
    critical: bool
    value: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CertificateDigest:
    """A signer named by the digest of their certificate (certListType 2). `algorithm`: as written."""

    algorithm: str
    value: bytes


@dataclass(frozen=True, slots=True)
class SealInfo:
    """What a seal maker vouches for (SES_SealInfo), to be made.

    `es_id`: the seal's registered number. `certificates`: of those who may use it, DER. Times: to the second.
    """

    es_id: str
    name: str
    certificates: tuple[bytes, ...] = field(repr=False)
    created_at: datetime
    valid_from: datetime
    valid_to: datetime
    picture: Picture
    kind: int = UNIT_SEAL
    vendor: str = VENDOR
    extensions: tuple[Extension, ...] = ()


@dataclass(frozen=True, slots=True)
class ReadSeal:
    """A seal as it was received; every `bytes` is a slice of it.

    `version`: 1, 4 or 5. `encoded`: the whole SESeal. `info`: SES_SealInfo. `signed`: what the maker signed
    (V4 and V5: `info`; V1: the SEQUENCE of info, certificate and algorithm). `maker_signature`: DER or 64 raw
    bytes, as the maker wrote it. `time_stamp`: V5 only.
    """

    version: int
    vendor: str
    es_id: str
    kind: int
    name: str
    certificates: tuple[bytes, ...] = field(repr=False)
    digests: tuple[CertificateDigest, ...]
    created_at: datetime
    valid_from: datetime
    valid_to: datetime
    picture: Picture
    extensions: tuple[Extension, ...]
    maker_certificate: bytes = field(repr=False)
    maker_algorithm: str
    maker_signature: bytes = field(repr=False)
    info: bytes = field(repr=False)
    signed: bytes = field(repr=False)
    encoded: bytes = field(repr=False)
    time_stamp: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class ReadSesSignature:
    """A seal's use as it was received; every `bytes` is a slice of it.

    `tbs`: TBS_Sign, which `signature` (DER or 64 raw bytes) by `certificate` is over. `seal`: the SESeal in
    it, byte-exact; `read_seal`: the same, read. `time_info`: the field's value; `signed_at` None where it is
    a V1 time-stamp token or a vendor's text. `data_hash`: what was signed with the seal, a digest.
    """

    version: int
    seal: bytes = field(repr=False)
    read_seal: ReadSeal
    time_info: bytes = field(repr=False)
    signed_at: datetime | None
    data_hash: bytes
    property_info: str
    extensions: tuple[Extension, ...]
    certificate: bytes = field(repr=False)
    algorithm: str
    signature: bytes = field(repr=False)
    tbs: bytes = field(repr=False)
    time_stamp: bytes | None = field(default=None, repr=False)


SM2_SM3_OID = der.oid(SM2_SM3)
SM3_ALGORITHM = der.sequence(der.oid(SM3))
