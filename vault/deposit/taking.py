"""Step 1: the files that a case names are there, are what they say, and may be sealed."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from signing.intake import AdmittedPdf, admit_pdf
from vault.deposit.judged import judged_ofd
from vault.errors import DocumentRefused, FieldProblem, InputError, NotFound
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import ApprovalResult, CompletedCase
from vault.model.verdict import CheckResult, Indication
from vault.uploads import OFD, Uploads, check_document, media_type_of, uploads_of
from vault.workshop import Workshop

if TYPE_CHECKING:
    from signing.ofd_judge import AdmittedOfd

# Files of one case are held in memory together while they are sealed; more than this is an import.
CASE_FILES_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A handed-in file with what the gate found; `admitted` None for materials, which are not sealed."""

    content: bytes = field(repr=False)
    media_type: str
    admitted: "AdmittedPdf | AdmittedOfd | None"


def take_handed_in(workshop: Workshop, case: CompletedCase, *, at: datetime) -> dict[str, TakenFile]:
    """Every file that the case names, by SHA-256. `at`: when signatures that a file bears are judged.

    Raises:
        InputError: a file was not uploaded, is refused, is of another format than is asked for, or all
            together are too large.
        Unavailable: the object store does not answer.
    """
    taken: dict[str, TakenFile] = {}
    if not case.materials and all(result.document is None for result in case.results):
        return taken
    uploads = uploads_of(workshop, case.client_id)
    problems: list[FieldProblem] = []
    wanted = [
        (f"/results/{n}/document/sha256", result.document.sha256, True)
        for n, result in enumerate(case.results)
        if result.document is not None
    ]
    wanted += [(f"/materials/{n}/sha256", m.sha256, False) for n, m in enumerate(case.materials)]
    for pointer, sha256, to_seal in wanted:
        try:
            _take(workshop, uploads, taken, sha256, to_seal=to_seal, at=at)
        except NotFound as error:
            problems.append(FieldProblem(pointer, error.detail))
        except DocumentRefused as error:
            problems.append(FieldProblem(pointer, error.detail))
        if sum(len(file.content) for file in taken.values()) > CASE_FILES_MAX_BYTES:
            raise InputError.at(pointer, f"The case's files together are over {CASE_FILES_MAX_BYTES} bytes.")
    if problems:
        refused = "A file that the case names cannot be taken."
        raise DocumentRefused(refused, *problems)
    _check_formats(case, taken)
    return taken


def _check_formats(case: CompletedCase, taken: Mapping[str, TakenFile]) -> None:
    """A file that was handed in is sealed as it is: nothing is converted."""
    problems = []
    for n, result in enumerate(case.results):
        own = _own_format(result, taken)
        if own is not None and result.formats != (own,):
            detail = (
                f"The document handed in is {own.upper()}, and is sealed as it is: expected formats"
                f' ["{own}"], got {list(map(str, result.formats))}.'
            )
            problems.append(FieldProblem(f"/results/{n}/formats", detail))
    if problems:
        raise InputError("A file that was handed in is not made into another format.", *problems)


def _own_format(result: ApprovalResult, taken: Mapping[str, TakenFile]) -> DocumentFormat | None:
    if result.document is None:
        return None
    is_ofd = taken[result.document.sha256].media_type == OFD
    return DocumentFormat.OFD if is_ofd else DocumentFormat.PDF


def _take(
    workshop: Workshop,
    uploads: Uploads,
    taken: dict[str, TakenFile],
    sha256: str,
    *,
    to_seal: bool,
    at: datetime,
) -> None:
    known = taken.get(sha256)
    if known is not None and (known.admitted is not None or not to_seal):
        return
    content = known.content if known is not None else uploads.read(sha256)
    media_type = media_type_of(content) if to_seal else check_document(content)
    admitted = _admit(workshop, content, media_type, at) if to_seal else None
    taken[sha256] = TakenFile(content, media_type, admitted)


def _admit(workshop: Workshop, content: bytes, media_type: str, at: datetime) -> "AdmittedPdf | AdmittedOfd":
    """The gate for what is to be sealed.

    Raises:
        DocumentRefused: with a sentence that tells the sender what is wrong.
    """
    if media_type != OFD:
        return admit_pdf(content)
    from signing.ofd_judge import admit_ofd  # noqa: PLC0415 - most processes never see an OFD

    admitted = admit_ofd(content)
    if admitted.closed:
        raise DocumentRefused(
            "The OFD is closed: one of its signatures covers the list of signatures, so that nobody may sign"
            " it any more. Hand in the file as it was before."
        )
    if admitted.existing_signatures:
        _check_borne(workshop, content, at)
    return admitted


def _check_borne(workshop: Workshop, content: bytes, at: datetime) -> None:
    """What an OFD bears must stand before ours stands behind it: afterwards it could seem that we broke it.

    Raises:
        DocumentRefused: a signature in it is broken, by the rules that judge the sealed file.
    """
    for number, report in enumerate(judged_ofd(workshop, content, at=at), 1):
        if report.indication is Indication.TOTAL_FAILED:
            failed = ", ".join(c.name for c in report.checks if c.result is CheckResult.FAILED)
            raise DocumentRefused(
                f"The OFD carries a broken signature: number {number} of its list fails in {failed}."
            )
