"""Making seals (SESeal) and their signatures (SES_Signature) of GB/T 38540-2020 (V4).

All that depends on seal and key only is encoded once; a signature then costs one SM2 operation and a few
headers.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache

from signing import der
from signing.keys import SealingKey, SignatureAlgorithm
from signing.ses.checks import require_in_force, require_listed
from signing.ses.seal_reading import read_seal
from signing.ses.structure import (
    CERTIFICATES,
    HEADER_ID,
    PATH_MAX_CHARS,
    SM2_SM3_OID,
    SM3_BYTES,
    V4,
    Extension,
    ReadSeal,
    SealInfo,
)
from vault.errors import InputError, SignatureError

_PREPARED_MAX = 256  # seals in use at once by one process; each holds its own bytes, some 30 kB


def make_seal(info: SealInfo, maker: SealingKey) -> bytes:
    """A seal of version 4, signed by its maker (制章人) over SES_SealInfo alone.

    The result is read back before it is handed out: what the reader refuses is not made.

    Raises:
        InputError: a field is empty, too long or not ASCII, or the maker's key is not SM2.
    """
    _check_sm2(maker)
    try:
        made = der.sequence(
            encoded := _seal_info(info),
            der.octet_string(maker.certificate),
            SM2_SM3_OID,
            der.bit_string(maker.sign(encoded)),
        )
        read_seal(made)
    except UnicodeEncodeError as error:
        raise InputError("A seal's number, vendor and picture type are ASCII.") from error
    except SignatureError as error:
        raise InputError(f"The seal cannot be made: {error.detail}") from error
    return made


def sign_ses(
    seal: bytes,
    key: SealingKey,
    *,
    data_hash: bytes,
    property_info: str,
    at: datetime,
    stamp: Callable[[bytes], bytes] | None = None,
) -> bytes:
    """What `seal` and its signer's key make of a digest: SES_Signature of version 4, DER.

    `data_hash`: plain SM3 of what is sealed (an OFD's Signature.xml). `property_info`: its absolute path.
    `stamp`: makes a time-stamp token over the signature value; kept under [0].

    Raises:
        InputError: the digest is not SM3's, or the path is no ASCII path.
        SignatureError: the seal is not version 4 (`ses-version`), not within its validity (`seal-not-valid`),
            or does not list the key's certificate (`signer-not-listed`); or as `read_seal` says.
        Unavailable: `stamp` says so.
    """
    _check_digest(data_hash)
    if not property_info.isascii() or not 0 < len(property_info) <= PATH_MAX_CHARS:
        raise InputError(f"The sealed file's path is 1 to {PATH_MAX_CHARS} characters of ASCII.")
    prepared = _prepared(seal, key)
    require_in_force(prepared.seal, at)
    tbs = der.sequence(
        prepared.head,
        der.generalized_time(at.replace(microsecond=0)),
        der.bit_string(data_hash),
        der.ia5_string(property_info),
    )
    signature = key.sign(tbs)
    stamped = b"" if stamp is None else der.tlv(der.context(0), der.bit_string(stamp(signature)))
    return der.sequence(tbs, prepared.tail, der.bit_string(signature), stamped)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """`head`: version and seal, in front of the time; `tail`: certificate and algorithm, behind TBS_Sign."""

    seal: ReadSeal
    head: bytes = field(repr=False)
    tail: bytes = field(repr=False)


@lru_cache(maxsize=_PREPARED_MAX)
def _prepared(seal: bytes, key: SealingKey) -> _Prepared:
    _check_sm2(key)
    read = read_seal(seal)
    if read.version != V4:
        detail = f"We seal with seals of version 4 (GB/T 38540), got version {read.version}."
        raise SignatureError(detail, reason="ses-version")
    require_listed(read, key.certificate)
    return _Prepared(read, der.integer(V4) + seal, der.octet_string(key.certificate) + SM2_SM3_OID)


def _seal_info(info: SealInfo) -> bytes:
    header = der.sequence(der.ia5_string(HEADER_ID), der.integer(V4), der.ia5_string(info.vendor))
    signed_property = der.sequence(
        der.integer(info.kind),
        der.utf8_string(info.name),
        der.integer(CERTIFICATES),
        der.sequence(*map(der.octet_string, info.certificates)),
        *(
            der.generalized_time(moment.replace(microsecond=0))
            for moment in (info.created_at, info.valid_from, info.valid_to)
        ),
    )
    picture = der.sequence(
        der.ia5_string(info.picture.kind),
        der.octet_string(info.picture.content),
        der.integer(info.picture.width_mm),
        der.integer(info.picture.height_mm),
    )
    # Bare, as in every real seal; the standard's tag, if it has one, no reader asks for.
    added = der.sequence(*map(_extension, info.extensions)) if info.extensions else b""
    return der.sequence(header, der.ia5_string(info.es_id), signed_property, picture, added)


def _extension(extension: Extension) -> bytes:
    # FALSE is written out: readers in the field need it there, though DER leaves a default out.
    return der.sequence(
        der.oid(extension.oid), der.boolean(value=extension.critical), der.octet_string(extension.value)
    )


def _check_sm2(key: SealingKey) -> None:
    if key.algorithm is not SignatureAlgorithm.SM2_SM3:
        raise InputError(f"A national seal signs with SM2 and SM3, not with {key.algorithm}.")


def _check_digest(data_hash: bytes) -> None:
    if len(data_hash) != SM3_BYTES:
        raise InputError(f"An SM3 digest has {SM3_BYTES} bytes, got {len(data_hash)}.")
