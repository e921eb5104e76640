"""Steps 3 and 5 of a chunk: a row's file is typeset or taken, sealed by who answers for it, and judged."""

import hashlib
from dataclasses import dataclass, field, replace
from datetime import datetime

from signing.intake import AdmittedPdf, admit_pdf, check_pdf
from signing.seal import QrStamp, SealAppearance, seal_pdf
from signing.typeset import scan_mark
from vault.deposit.making import Unsealed, page_symbol, typeset_page
from vault.deposit.sealing import SEAL_FIELD, SealedResult, judge
from vault.errors import DocumentRefused, InputError
from vault.importing.borne import Believed, Borne, borne_seal
from vault.importing.files import ReadFile
from vault.importing.rows import Wanted
from vault.model.catalogue import DocumentFormat, SealPlace
from vault.model.certificate import Reservation, SealedDocument, SealLevel, StoredDocument
from vault.model.origin import SCANS, Digitisation, Origin, OriginKind
from vault.model.statement import QR_SIZE_MM
from vault.seal_ring import UsableSeal
from vault.workshop import Workshop

# A copy's mark, lower right; its QR, lower left. On a small page both are smaller.
MARK_MM = 50.0
MARK_FROM_EDGE_MM = 32.0
MARK_SHARE_MAX = 0.45
QR_FROM_EDGE_MM = 22.0
QR_SHARE_MAX = 0.4

_COPY_ATTESTED = "数字化副本 与原件核对一致"
_COPY_UNVERIFIED = "数字化副本 未与原件核对"
_REASON = {
    OriginKind.TYPESET_ANEW: "依据登记数据制作电子证照",
    OriginKind.SCAN_ATTESTED: "数字化副本，与原件核对一致",
    OriginKind.SCAN_UNVERIFIED: "数字化副本，未与原件核对",
}


@dataclass(frozen=True, slots=True)
class TakenRow:
    """A row with its file, which the gate let through.

    `admitted`: of a copy that is to be sealed. `borne`: of a file that bears its seal already.
    """

    wanted: Wanted
    content: bytes = field(repr=False)
    admitted: AdmittedPdf | None = None
    borne: Borne | None = None


@dataclass(frozen=True, slots=True)
class MadeRow:
    """A row with its sealed file, judged.

    `origin`: with the name of who digitised it. `digests`: of a file that came with its seal, what it is
    known by; empty for what was sealed here.
    """

    wanted: Wanted
    reservation: Reservation
    origin: Origin
    document: StoredDocument
    content: bytes = field(repr=False)
    digests: frozenset[str] = frozenset()


def take_file(wanted: Wanted, read: ReadFile, believed: Believed, *, at: datetime) -> TakenRow:
    """A row's file through the gate; nothing where it is to be typeset.

    Raises:
        NotFound: there is no such file.
        InputError: it may not be sealed, or is not what the manifest says.
        Unavailable: the store of the files does not answer.
        IntegrityError: the file was uploaded, and lies there damaged.
    """
    if not wanted.file:
        return TakenRow(wanted, b"")
    content = read(wanted.file)
    if not content.startswith(b"%PDF-"):
        raise InputError.at("/file", "Expected a PDF, got another file.")
    try:
        if wanted.origin.kind in SCANS:
            admitted = admit_pdf(content)
            if admitted.existing_signatures:
                raise InputError.at(
                    "/origin", "The file bears a signature: it is kept as it is, as born_sealed."
                )
            return TakenRow(wanted, content, admitted=admitted)
        check_pdf(content)
    except DocumentRefused as error:
        raise InputError.at("/file", error.detail) from error
    return TakenRow(wanted, content, borne=borne_seal(wanted, content, believed, at=at))


def make_row(
    workshop: Workshop, taken: TakenRow, reservation: Reservation, owner: UsableSeal | None, *, at: datetime
) -> MadeRow:
    """A row's sealed file. `owner`: whose seal it gets; None for a file that keeps its own, byte for byte.

    Seals of an import get no time-stamp now: they are raised later, by the worker (decision 37).

    Raises:
        InputError: the page cannot be set, or has no room for the seal.
        IntegrityError: what was sealed does not stand up to the reader.
        Unavailable: the statement keys cannot be read.
    """
    wanted = taken.wanted
    if owner is None:
        level, digests = SealLevel.B_B, frozenset[str]()
        if taken.borne is not None:
            level, digests = taken.borne.level, taken.borne.digests
        document = _stored(taken.content, level, None)
        return MadeRow(wanted, reservation, wanted.origin, document, taken.content, digests)
    origin = wanted.origin
    if origin.digitised is None:
        page = typeset_page(workshop, wanted.kind, wanted.result, reservation, at, origin.kind)
        file, picture = page.files[0], owner.picture
    else:
        origin = replace(origin, digitised=replace(origin.digitised, authority_name=owner.authority_name))
        file = _copy(workshop, taken, reservation, at)
        picture = scan_mark(owner.picture, mark_lines(origin))
    place = file.seal_place
    sealed = seal_pdf(
        file.content,
        key=owner.key,
        appearance=SealAppearance(picture, place.page, place.x_mm, place.y_mm, place.diameter_mm, file.qr),
        field_name=SEAL_FIELD,
        reason=_REASON[origin.kind],
        location=owner.authority_name,
        at=at,
        tsa=None,
    )
    document = _stored(sealed.content, sealed.level, owner.seal_id)
    _judge(workshop, reservation, document, sealed.content, owner, at)
    return MadeRow(wanted, reservation, origin, document, sealed.content)


def mark_lines(origin: Origin) -> tuple[str, ...]:
    """What stands on a copy below the seal of who made it: what it is, who compared it, and when."""
    digitised: Digitisation | None = origin.digitised
    if digitised is None or digitised.officer is None or digitised.attested_on is None:
        return (_COPY_UNVERIFIED,)
    day = digitised.attested_on
    return (_COPY_ATTESTED, f"核对人 {digitised.officer}", f"{day.year}年{day.month}月{day.day}日")


def _copy(workshop: Workshop, taken: TakenRow, reservation: Reservation, at: datetime) -> Unsealed:
    """A scan with its places: the mark on its last page, lower right, and its QR, lower left."""
    wanted, admitted = taken.wanted, taken.admitted
    if admitted is None:
        raise InputError.at("/file", "A copy that is to be sealed has not passed the gate.")
    width_mm, height_mm = admitted.page_sizes_mm[-1]
    least = min(width_mm, height_mm)
    mark, qr = min(MARK_MM, least * MARK_SHARE_MAX), min(QR_SIZE_MM, least * QR_SHARE_MAX)
    from_edge = min(MARK_FROM_EDGE_MM, mark / 2 + least * 0.04)
    place = SealPlace(admitted.page_count, width_mm - from_edge, height_mm - from_edge, mark)
    kind, result, origin = wanted.kind, wanted.result, wanted.origin.kind
    modules = page_symbol(workshop, kind, result, reservation, taken.content, at, origin)
    from_edge = min(QR_FROM_EDGE_MM, qr / 2 + least * 0.04)
    stamp = QrStamp(modules, admitted.page_count, from_edge, height_mm - from_edge, qr)
    return Unsealed(DocumentFormat.PDF, taken.content, place, stamp)


def _stored(content: bytes, level: SealLevel, seal_id: str | None) -> StoredDocument:
    return StoredDocument(
        DocumentFormat.PDF,
        hashlib.sha256(content).hexdigest(),
        hashlib.new("sm3", content).hexdigest(),
        len(content),
        level,
        seal_id,
    )


def _judge(
    workshop: Workshop,
    reservation: Reservation,
    document: StoredDocument,
    content: bytes,
    owner: UsableSeal,
    at: datetime,
) -> None:
    sealed = SealedDocument(
        format=document.format,
        content=content,
        sha256=document.sha256,
        sm3=document.sm3,
        level=document.level,
        seal_id=owner.seal_id,
        signers_sha256=(hashlib.sha256(owner.key.certificate).hexdigest(),),
    )
    judge(workshop, (SealedResult(reservation, (sealed,)),), at=at)
