"""Steps 4 and 5: every file is sealed by its authority, and judged by another reader."""

import hashlib
from dataclasses import dataclass
from datetime import datetime

from signing.seal import SealAppearance, seal_pdf
from signing.validate import judge_pdf
from vault.deposit.making import Page, Unsealed
from vault.deposit.reserving import ReservedCase
from vault.errors import InputError, IntegrityError
from vault.model.certificate import Reservation, SealedDocument, SealLevel
from vault.model.scope import NOBODY
from vault.model.verdict import Indication
from vault.outage import check_outage
from vault.seal_ring import UsableSeal
from vault.workshop import Workshop

SEAL_FIELD = "certvault-seal"


@dataclass(frozen=True, slots=True)
class SealedResult:
    """One result's sealed files: one for each format asked."""

    reservation: Reservation
    documents: tuple[SealedDocument, ...]


def seal(
    workshop: Workshop, reserved: ReservedCase, pages: tuple[Page, ...], *, at: datetime
) -> tuple[SealedResult, ...]:
    """Step 4, for every page: each file by the seal that its use was counted for.

    Raises:
        InputError: the handed-in file admits no seal (certified by somebody else already).
        IntegrityError: the seal's key is missing or does not fit.
        Unavailable: the seal was stopped meanwhile, its token does not answer, or the time-stamp authority
            has not answered for longer than the operator lets seals go without a trusted time.
    """
    uses = [reserved.uses[page.reservation.position] for page in pages]
    with workshop.database.reading(NOBODY) as db:
        usable = {
            seal.seal_id: workshop.seals.opened(db, seal.seal_id)
            for use in uses
            for seal in use.seals.values()
        }
    sealed = []
    for page, use in zip(pages, uses, strict=True):
        try:
            documents = tuple(
                _seal(workshop, file, usable[use.seals[file.format].seal_id], at) for file in page.files
            )
        except InputError as error:
            raise error.under(f"/results/{page.reservation.position}/document") from error
        sealed.append(SealedResult(page.reservation, documents))
    untimed = any(file.level is SealLevel.B_B for each in sealed for file in each.documents)
    if workshop.tsa is not None and untimed:
        check_outage(workshop, at=at)
    return tuple(sealed)


def _seal(workshop: Workshop, file: Unsealed, owner: UsableSeal, at: datetime) -> SealedDocument:
    place = file.seal_place
    sealed = seal_pdf(
        file.content,
        key=owner.key,
        appearance=SealAppearance(
            owner.picture, place.page, place.x_mm, place.y_mm, place.diameter_mm, file.qr
        ),
        field_name=SEAL_FIELD,
        reason="电子证照签发",
        location=owner.authority_name,
        at=at,
        tsa=workshop.tsa,
        stamp_required=False,
    )
    content = sealed.content
    return SealedDocument(
        format=file.format,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        sm3=hashlib.new("sm3", content).hexdigest(),
        level=sealed.level,
        seal_id=owner.seal_id,
        signer_sha256=hashlib.sha256(owner.key.certificate).hexdigest(),
    )


def judge(workshop: Workshop, sealed: tuple[SealedResult, ...], *, at: datetime) -> None:
    """Step 5: a reader that shares no code with the sealer must find each file's newest seal whole.

    Raises:
        IntegrityError: it does not; the check that failed is named.
    """
    for document in (each for result in sealed for each in result.documents):
        reports = judge_pdf(document.content, trust=workshop.trust, at=at, admitted=True)
        if not reports or reports[-1].indication is not Indication.TOTAL_PASSED:
            failed = (
                ", ".join(c.name for c in reports[-1].checks if c.result != "passed") if reports else "seal"
            )
            raise IntegrityError(f"What was just sealed does not stand up to the reader: {failed}.")
        if any(report.indication is Indication.TOTAL_FAILED for report in reports[:-1]):
            raise IntegrityError("Sealing broke a signature that the file had before.")
        if reports[-1].certificate_sha256 != document.signer_sha256:
            raise IntegrityError("What was just sealed bears another seal than the one that was used.")
