"""Sealing a PDF: a visible, certifying PAdES signature appended to the file (ETSI EN 319 142-1)."""

from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Literal

from signing import cms
from signing.appearance import QrStamp, SealAppearance
from signing.keys import SealingKey
from signing.pades import stock
from signing.pades.structure import read_sealable
from signing.pades.update import TOKEN_GROWTH_BYTES, PreparedUpdate, SealText, prepare_update
from signing.timestamp import TimeStampAuthority
from vault.errors import Unavailable
from vault.model.certificate import SealLevel

__all__ = ["QrStamp", "SealAppearance", "SealedPdf", "seal_pdf"]

_PREPARED_MAX = 256  # seals in use at once by one process; a template is about 2 kB


@dataclass(frozen=True, slots=True)
class SealedPdf:
    """A sealed file. `certifies`: False where the file was signed before and could only be countersigned.

    `qr_drawn`: whether the QR stands on the page; nothing can be drawn on a page that is signed already.
    """

    content: bytes = field(repr=False)
    level: SealLevel
    path: Literal["fast", "stock"]
    certifies: bool
    qr_drawn: bool


def seal_pdf(
    document: bytes,
    *,
    key: SealingKey,
    appearance: SealAppearance,
    field_name: str,
    reason: str,
    location: str,
    at: datetime,
    tsa: TimeStampAuthority | None,
    stamp_required: bool = True,
) -> SealedPdf:
    """Append a seal to a PDF; the bytes handed in stand unchanged at the front of the result.

    1. read the structure that the update touches; 2. lay out the update with a gap for the signature: by
    ourselves where the structure is understood, by pyHanko where it is not; 3. hash all but the gap, sign;
    4. with a time-stamp authority, stamp the signature value (level B-T); 5. fill the gap.

    Files from outside go through `signing.intake.admit_pdf` first. A file without signatures is certified
    with no changes permitted (DocMDP P = 1). A file that carries approval signatures cannot be certified any
    more (ISO 32000-1, clause 12.8.2.2): it gets a further approval signature with a lock, and the old ones
    stay valid.

    `stamp_required` False: where the authority does not answer the seal is B-B, as `level` says.

    Raises:
        DocumentRefused: damaged, encrypted, or certified already.
        InputError: the seal or QR does not lie on its page, or the field name is taken.
        Unavailable: no time-stamp, or each token is longer than the one before.
    """
    sealable = read_sealable(
        document, field_name=field_name, seal_page=appearance.page, qr=appearance.qr
    )  # 1
    text = SealText(field_name, reason, location, at)
    layout = prepare_update if sealable.obstacle is None else stock.prepare_update
    prepared = _prepared(key)
    room = prepared.size_max_bytes(tsa.token_room_bytes if tsa else 0)
    update = layout(document, sealable, appearance, text, room)  # 2
    value, level = _sign(update, prepared, tsa, at, stamp_required=stamp_required)  # 3, 4
    if len(value) > update.room_bytes:  # a token longer than any before: once more, with room for it
        update = layout(document, sealable, appearance, text, len(value) + TOKEN_GROWTH_BYTES)
        value, level = _sign(update, prepared, tsa, at, stamp_required=stamp_required)
    if len(value) > update.room_bytes:
        raise Unavailable("The time-stamp authority's tokens grow from one to the next.", retry_after_s=600)
    return SealedPdf(  # 5
        content=update.fill(value),
        level=level,
        path="fast" if sealable.obstacle is None else "stock",
        certifies=not sealable.signed,
        qr_drawn=appearance.qr is not None and not sealable.signed,
    )


def _sign(
    update: PreparedUpdate,
    prepared: cms.PreparedCms,
    tsa: TimeStampAuthority | None,
    at: datetime,
    *,
    stamp_required: bool,
) -> tuple[bytes, SealLevel]:
    """The CMS over an update, with a time-stamp on its signature value if there is an authority."""
    signed = prepared.signed_attributes(update.digest())
    signature = prepared.key.sign(signed)
    token = None
    if tsa is not None:
        try:
            token = tsa.stamp(sha256(signature).digest(), at)
        except Unavailable:
            if stamp_required:
                raise
    level = SealLevel.B_B if token is None else SealLevel.B_T
    return prepared.finish(signed, signature, token=token), level


@lru_cache(maxsize=_PREPARED_MAX)
def _prepared(key: SealingKey) -> cms.PreparedCms:
    """Everything of the signature that depends on the key alone."""
    return cms.prepare(key)
