"""Steps 4 and 5: every file is sealed by its authority, and judged by another reader."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from signing.seal import SealAppearance, seal_pdf
from signing.validate import judge_pdf
from vault.deposit.counting import SealUse
from vault.deposit.judged import judged_ofd
from vault.deposit.making import Page, Unsealed
from vault.deposit.reserving import ReservedCase
from vault.errors import InputError, IntegrityError, SignatureError
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import Reservation, SealedDocument, SealLevel
from vault.model.scope import NOBODY
from vault.model.verdict import Indication, SealReport
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
        IntegrityError: the seal's key is missing or does not fit; or a page that was set here takes no seal.
        Unavailable: the seal was stopped meanwhile, its token does not answer, or the time-stamp authority
            has not answered for longer than the operator lets seals go without a trusted time.
    """
    uses = [reserved.uses[page.reservation.position] for page in pages]
    with workshop.database.reading(NOBODY) as db:
        usable = {seal_id: workshop.seals.opened(db, seal_id) for seal_id in dict.fromkeys(_named(uses))}
    sealed = []
    for page, use in zip(pages, uses, strict=True):
        closing = None if use.closing is None else usable[use.closing]
        try:
            documents = tuple(
                _seal(workshop, file, usable[use.seals[file.format].seal_id], closing, at)
                for file in page.files
            )
        except InputError as error:
            if not page.handed_in:  # the page and the seal's place are a template's, no client's
                raise IntegrityError(f"A page that was set here takes no seal: {error.detail}") from error
            raise error.under(f"/results/{page.reservation.position}/document") from error
        sealed.append(SealedResult(page.reservation, documents))
    untimed = any(file.level is SealLevel.B_B for each in sealed for file in each.documents)
    if workshop.tsa is not None and untimed:
        check_outage(workshop, at=at)
    return tuple(sealed)


def _named(uses: Sequence[SealUse]) -> Iterator[str]:
    for use in uses:
        yield from (seal.seal_id for seal in use.seals.values())
        if use.closing is not None:
            yield use.closing


def _seal(
    workshop: Workshop, file: Unsealed, owner: UsableSeal, closing: UsableSeal | None, at: datetime
) -> SealedDocument:
    if file.format is DocumentFormat.PDF:
        content, level = _certified(workshop, file, owner, at)
        signers: tuple[UsableSeal, ...] = (owner,)
    else:
        if closing is None:
            raise IntegrityError("An OFD is to be sealed, and no key was named to close it.")
        content, level = _closed(file, owner, closing, at), SealLevel.SES_V4
        signers = (owner, closing)
    return SealedDocument(
        format=file.format,
        content=content,
        sha256=hashlib.sha256(content).hexdigest(),
        sm3=hashlib.new("sm3", content).hexdigest(),
        level=level,
        seal_id=owner.seal_id,
        signers_sha256=tuple(hashlib.sha256(signer.key.certificate).hexdigest() for signer in signers),
    )


def _certified(
    workshop: Workshop, file: Unsealed, owner: UsableSeal, at: datetime
) -> tuple[bytes, SealLevel]:
    """A PDF, certified (PAdES)."""
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
    return sealed.content, sealed.level


def _closed(file: Unsealed, owner: UsableSeal, closing: UsableSeal, at: datetime) -> bytes:
    """An OFD, sealed with its authority's national seal and closed by the platform: nobody signs after it."""
    from signing.ofd import OfdPlace, seal_ofd  # noqa: PLC0415 - most cases ask for no OFD

    place = file.seal_place
    if owner.national is None:
        raise IntegrityError(f"Seal {owner.seal_id} is no national seal.")
    try:
        return seal_ofd(
            file.content,
            seal=owner.national,
            place=OfdPlace(place.page, place.x_mm, place.y_mm, place.diameter_mm, place.diameter_mm),
            key=owner.key,
            closing_key=closing.key,
            at=at,
        )
    except SignatureError as error:
        raise IntegrityError(f"Seal {owner.seal_id} cannot be used: {error.detail}") from error


def judge(workshop: Workshop, sealed: tuple[SealedResult, ...], *, at: datetime) -> None:
    """Step 5: readers that share no code with the sealers must find what was signed here whole in each file.

    Raises:
        IntegrityError: it does not; the check that failed is named.
    """
    for document in (each for result in sealed for each in result.documents):
        reports = _reports(workshop, document, at)
        made_here = len(document.signers_sha256)
        before, newest = reports[:-made_here], reports[-made_here:]
        undecided = [report for report in newest if report.indication is not Indication.TOTAL_PASSED]
        if undecided or len(newest) < made_here:
            failed = [c.name for report in undecided for c in report.checks if c.result != "passed"]
            named = ", ".join(failed) or "seal"
            raise IntegrityError(f"What was just sealed does not stand up to the reader: {named}.")
        if any(report.indication is Indication.TOTAL_FAILED for report in before):
            raise IntegrityError("Sealing broke a signature that the file had before.")
        if tuple(report.certificate_sha256 for report in newest) != document.signers_sha256:
            raise IntegrityError("What was just sealed bears another seal than the one that was used.")


def _reports(workshop: Workshop, document: SealedDocument, at: datetime) -> tuple[SealReport, ...]:
    if document.format is DocumentFormat.PDF:
        return judge_pdf(document.content, trust=workshop.trust, at=at, admitted=True)
    return judged_ofd(workshop, document.content, at=at)
