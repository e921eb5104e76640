"""Step 3: a page is made, or taken as it was handed in, with the QR that states it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from signing.intake import AdmittedPdf
from signing.seal import QrStamp
from signing.typeset import qr_modules
from vault.catalogue import page_data
from vault.deposit.reserving import ReservedCase
from vault.deposit.taking import TakenFile
from vault.errors import InputError, IntegrityError, Unavailable
from vault.model.catalogue import CertificateType, DocumentFormat, IssuingAuthority, SealPlace
from vault.model.certificate import ApprovalResult, CompletedCase, Reservation
from vault.model.origin import OriginKind
from vault.model.statement import QR_SIZE_MM
from vault.stating import printed_statement, stated, verify_url
from vault.workshop import Workshop

# On a page that we did not set we know no place for the seal: lower right, where departments put theirs.
SEAL_DIAMETER_MM = 42.0
SEAL_FROM_EDGE_MM = (45.0, 50.0)
QR_FROM_EDGE_MM = (22.0, 22.0)


@dataclass(frozen=True, slots=True)
class Unsealed:
    """A file ready to be sealed. `qr`: what its seal puts on it with itself; an OFD has its own already."""

    format: DocumentFormat
    content: bytes = field(repr=False)
    seal_place: SealPlace
    qr: QrStamp | None


@dataclass(frozen=True, slots=True)
class Page:
    """One result's page: a file for each format asked, in the order of `DocumentFormat`.

    `handed_in`: its one file came with the case, and whoever sent it can mend it.
    """

    reservation: Reservation
    files: tuple[Unsealed, ...]
    handed_in: bool


def make_page(
    workshop: Workshop,
    case: CompletedCase,
    reserved: ReservedCase,
    handed_in: Mapping[str, TakenFile],
    *,
    at: datetime,
) -> tuple[Page, ...]:
    """Step 3, for every result.

    Raises:
        InputError: a page cannot be set from these fields (a glyph that no font has, a text too long).
        Unavailable: the type got another version since its seal use was counted.
    """
    pages = []
    for result, reservation in zip(case.results, reserved.reservations, strict=True):
        try:
            version = reserved.uses[reservation.position].type_version
            pages.append(_make(workshop, result, reservation, version, handed_in, at))
        except InputError as error:
            raise error.under(f"/results/{reservation.position}") from error
    return tuple(pages)


def _make(
    workshop: Workshop,
    result: ApprovalResult,
    reservation: Reservation,
    version: int,
    handed_in: Mapping[str, TakenFile],
    at: datetime,
) -> Page:
    kind = workshop.shelf.type(result.type_code, at)
    if kind.version != version:
        raise Unavailable("The type got a new version at this moment; send the case again.", retry_after_s=1)
    if result.document is None:
        return typeset_page(workshop, kind, result, reservation, at)
    taken = handed_in[result.document.sha256]
    if taken.admitted is None:
        raise IntegrityError("A file to be sealed has not passed the gate.")
    last = taken.admitted.page_count
    width_mm, height_mm = taken.admitted.page_sizes_mm[-1]
    seal_right, seal_up = SEAL_FROM_EDGE_MM
    place = SealPlace(last, width_mm - seal_right, height_mm - seal_up, SEAL_DIAMETER_MM)
    if not isinstance(taken.admitted, AdmittedPdf):  # who has sealed an OFD would not have a page changed
        return Page(reservation, (Unsealed(DocumentFormat.OFD, taken.content, place, None),), handed_in=True)
    modules = page_symbol(workshop, kind, result, reservation, taken.content, at)
    qr_left, qr_up = QR_FROM_EDGE_MM
    stamp = QrStamp(modules, last, qr_left, height_mm - qr_up, QR_SIZE_MM)
    return Page(reservation, (Unsealed(DocumentFormat.PDF, taken.content, place, stamp),), handed_in=True)


def page_symbol(
    workshop: Workshop,
    kind: CertificateType,
    result: ApprovalResult,
    reservation: Reservation,
    unsealed: bytes,
    at: datetime,
    origin: OriginKind = OriginKind.BORN_SEALED,
) -> tuple[bytes, ...]:
    """The QR of this page: it states the page that it is set on.

    Raises:
        Unavailable: the statement keys cannot be read.
    """
    authority = kind.authority(result.issuing_authority)
    statement = printed_statement(
        result,
        reservation.identifier,
        unsealed,
        type_name=kind.name,
        authority_name="" if authority is None else authority.name,
        at=at,
        origin=origin,
    )
    return qr_modules(stated(workshop, verify_url(workshop.public_url, reservation.token), statement, at=at))


def typeset_page(
    workshop: Workshop,
    kind: CertificateType,
    result: ApprovalResult,
    reservation: Reservation,
    at: datetime,
    origin: OriginKind = OriginKind.BORN_SEALED,
) -> Page:
    """One result's page from its type's template, with a place for seal and QR.

    Raises:
        InputError: it cannot be set from these fields, or the authority may no longer issue this type.
        Unavailable: the statement keys cannot be read.
    """
    authority = kind.authority(result.issuing_authority)
    if authority is None:
        raise InputError.at("/issuing_authority", "This authority may no longer issue this type.")
    data = page_data(
        kind,
        number=result.number,
        holders=result.holders,
        identifier=reservation.identifier,
        verification_code=reservation.verification_code,
        authority_name=authority.name,
        issued_on=result.issued_on,
        valid_from=result.valid_from,
        valid_to=result.valid_to,
        fields=result.fields,
    )
    page = workshop.typesetter.typeset(kind.template, data, at=at)
    place = kind.seal_place
    if place.page == 0:  # the last page
        place = SealPlace(page.page_count, place.x_mm, place.y_mm, place.diameter_mm)
    modules = page_symbol(workshop, kind, result, reservation, page.content, at, origin)
    qr, half = page.qr_place, QR_SIZE_MM / 2
    stamp = QrStamp(modules, qr.page, qr.left_mm + half, qr.top_mm + half, QR_SIZE_MM, on_own_page=True)
    files = (
        Unsealed(DocumentFormat.PDF, page.content, place, stamp)
        if wanted is DocumentFormat.PDF
        else _as_ofd(kind, authority, result, reservation, page.content, place, stamp, at)
        for wanted in result.formats
    )
    return Page(reservation, tuple(files), handed_in=False)


def _as_ofd(
    kind: CertificateType,
    authority: IssuingAuthority,
    result: ApprovalResult,
    reservation: Reservation,
    page: bytes,
    place: SealPlace,
    stamp: QrStamp,
    at: datetime,
) -> Unsealed:
    """The same page as OFD, with the same QR."""
    from signing.ofd import CertificateFacts, typeset_ofd  # noqa: PLC0415 - most cases ask for no OFD

    facts = CertificateFacts(
        type_name=kind.name,
        type_code=kind.code,
        number=result.number,
        identifier=reservation.identifier,
        authority_name=authority.name,
        authority_code=authority.code,
        issued_on=result.issued_on,
        valid_from=result.valid_from,
        valid_to=result.valid_to,
        holders=result.holders,
        fields=result.fields,
    )
    content = typeset_ofd(page, facts=facts, qr=stamp, at=at)
    return Unsealed(DocumentFormat.OFD, content, place, None)
