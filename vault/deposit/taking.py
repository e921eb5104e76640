"""Step 1: the files that a case names are there, are what they say, and may be sealed."""

from dataclasses import dataclass, field

from signing.intake import AdmittedPdf, admit_pdf
from vault.errors import DocumentRefused, FieldProblem, InputError, NotFound
from vault.model.certificate import CompletedCase
from vault.uploads import Uploads, check_document, media_type_of, uploads_of
from vault.workshop import Workshop

# Files of one case are held in memory together while they are sealed; more than this is an import.
CASE_FILES_MAX_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class TakenFile:
    """A handed-in file with what the gate found; `admitted` None for materials, which are not sealed."""

    content: bytes = field(repr=False)
    media_type: str
    admitted: AdmittedPdf | None


def take_handed_in(workshop: Workshop, case: CompletedCase) -> dict[str, TakenFile]:
    """Every file that the case names, by SHA-256.

    Raises:
        InputError: a file was not uploaded, is refused, or all together are too large.
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
            _take(uploads, taken, sha256, to_seal=to_seal)
        except NotFound as error:
            problems.append(FieldProblem(pointer, error.detail))
        except DocumentRefused as error:
            problems.append(FieldProblem(pointer, error.detail))
        if sum(len(file.content) for file in taken.values()) > CASE_FILES_MAX_BYTES:
            raise InputError.at(pointer, f"The case's files together are over {CASE_FILES_MAX_BYTES} bytes.")
    if problems:
        refused = "A file that the case names cannot be taken."
        raise DocumentRefused(refused, *problems)
    return taken


def _take(uploads: Uploads, taken: dict[str, TakenFile], sha256: str, *, to_seal: bool) -> None:
    known = taken.get(sha256)
    if known is not None and (known.admitted is not None or not to_seal):
        return
    content = known.content if known is not None else uploads.read(sha256)
    admitted = admit_pdf(content) if to_seal else None
    media_type = media_type_of(content) if to_seal else check_document(content)
    taken[sha256] = TakenFile(content, media_type, admitted)
