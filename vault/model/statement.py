"""What the QR of a certificate states about it, for whoever has no network: so much as fits, and no more."""

from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum

from vault.model.certificate import Status
from vault.model.face import masked_holder
from vault.model.holders import Holder
from vault.model.origin import OriginKind
from vault.model.written import UNPRINTABLE

# What its QR is printed at, with the quiet zone: the 81 modules of version 14 are 0.37 mm each, which phones
# read.
QR_SIZE_MM = 30.0
# Bytes of UTF-8 that a QR of 30 mm has room for beside the rest, which is always as long: 78 are 26 Chinese
# characters, 21 a masked name of seven.
NAMES_MAX_BYTES = 78
HOLDER_MAX_BYTES = 21
# 96 bits of SHA-256: nobody finds another file with the same.
DIGEST_PREFIX_BYTES = 12
_ELLIPSIS = "…"


class Covers(IntEnum):
    """What the digest is of. The values are those of the claims that carry it."""

    UNSEALED = 9
    """The file before QR and seal were set: the beginning of the sealed file, up to the seal's update."""
    SEALED = 10
    """The sealed file as a whole."""


@dataclass(frozen=True, slots=True)
class DocumentMark:
    """The first bytes of a file's SHA-256, and what part of the sealed file they are of."""

    covers: Covers
    prefix: bytes


@dataclass(frozen=True, slots=True)
class Statement:
    """A certificate as the vault states it for a moment, `as_of`, in whole seconds.

    `identifier`: 电子证照标识 in full, which holds the codes of type and authority. `holder`: the first
    holder's name, masked; `holders`: how many there are. `valid_to` None: long-term. `origin`: what its file
    is; who made a digital copy, and who compared it, stands on the page and not here.
    """

    identifier: str
    type_name: str
    authority_name: str
    holder: str = field(repr=False)
    holders: int
    issued_on: date
    valid_from: date
    valid_to: date | None
    status: Status
    as_of: datetime
    document: DocumentMark
    origin: OriginKind = OriginKind.BORN_SEALED


def stated_names(type_name: str, authority_name: str) -> tuple[str, str]:
    """Both names as they are stated; where the two do not fit, the authority's gives way first.

    A catalogue's check refuses such names; types from before it may have them. What cannot be printed becomes
    a blank: no reader takes it.
    """
    type_name, authority_name = (UNPRINTABLE.sub(" ", name) for name in (type_name, authority_name))
    if names_fit(type_name, authority_name):
        return type_name, authority_name
    type_name = clipped(type_name, NAMES_MAX_BYTES // 2)
    return type_name, clipped(authority_name, NAMES_MAX_BYTES - len(type_name.encode()))


def names_fit(type_name: str, authority_name: str) -> bool:
    """Whether the names of a kind and of an authority that issues it can be stated in full."""
    return len((type_name + authority_name).encode()) <= NAMES_MAX_BYTES


def stated_holder(holder: Holder) -> str:
    """A holder's name as strangers may see it, cut to what fits."""
    shown = {"code_type": holder.code.code_type, "code": holder.code.value, "name": holder.name}
    return clipped(masked_holder(shown)["name"], HOLDER_MAX_BYTES)


def clipped(text: str, size_max_bytes: int) -> str:
    """The text, or as much of it as fits with an ellipsis behind it."""
    content = text.encode()
    if len(content) <= size_max_bytes:
        return text
    kept = content[: size_max_bytes - len(_ELLIPSIS.encode())].decode(errors="ignore")
    return kept + _ELLIPSIS
