"""The rules on the file as a whole: its ends, what is active in it, and what stands behind its signatures.

What is wrong with the file is wrong with each of its seals: a reader sees one file.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pikepdf

from signing.active_content import check_active
from signing.file_ends import check_ends
from signing.judge.fields import Signed
from signing.judge.findings import Findings, SubIndication, failure
from signing.judge.rendering import Box, check_rendering
from signing.judge.revisions import Later, check_revisions
from signing.judge.updates import Additions
from vault.errors import DocumentRefused, SignatureError
from vault.model.verdict import CheckResult


@dataclass(frozen=True, slots=True)
class Whole:
    """What holds for every seal, and what stands behind each of them, by its place in the order of age.

    A place is missing in `later` where something stands there that no rule explains, which is in `torn`, or
    that cannot be read.
    """

    findings: Findings
    later: dict[int, Later] = field(default_factory=dict)
    torn: frozenset[int] = frozenset()


def judge_whole(
    pdf: bytes,
    opened: pikepdf.Pdf,
    additions: Additions,
    found: list[Signed],
    *,
    size_max_bytes: int,
    admitted: bool,
) -> Whole:
    """The rules V1, V2, V7 and V11, each as a check of its own. `admitted`: the gate applied V2 already."""
    findings = Findings()
    with findings.step("file_ends"), _as_finding():  # V1
        check_ends(pdf, size_max_bytes=size_max_bytes)
        findings.passed("file_ends", "The file begins and ends as a PDF and is nothing else.")
    with findings.step("active_content"), _as_finding():  # V2
        if not admitted:
            check_active(opened)
        findings.passed("active_content", "Nothing in the file is active, attached or kept elsewhere.")
    later: dict[int, Later] = {}
    wrong: dict[int, Findings] = {}
    for place, signed in enumerate(found):  # V7
        looked = Findings()
        with looked.step("revisions"):
            later[place] = check_revisions(pdf, additions, signed, newest=signed is found[-1])
        if looked.checks:
            wrong[place] = looked
    failed = {place for place, looked in wrong.items() if looked.checks[0].result is CheckResult.FAILED}
    torn = failed | {place for place in wrong if _are_strange(additions, found[place].range_end)}
    if wrong:  # what is found is told before what cannot be read
        findings.adopt(wrong[min(failed or wrong)])
    else:
        findings.passed("revisions", _said(set(later.values())))
    permitted = [place for place, what in later.items() if what is not Later.NOTHING]
    if len(later) == len(found):
        with findings.step("rendering"):  # V11
            pages = [_compared(pdf, opened, found, place) for place in permitted]
            findings.passed(
                "rendering",
                f"The first {min(pages)} pages show what was signed." if pages else "Nothing to compare.",
            )
    return Whole(findings, later, frozenset(torn))


def _are_strange(additions: Additions, end: int) -> bool:
    """Where pyHanko reads nothing, our own reader's word: whether it read something that is not permitted."""
    try:
        additions.check(end)
    except SignatureError:
        return True
    except Exception:  # noqa: BLE001 - hostile bytes raise anything; what cannot be read proves nothing
        return False
    return False


def _said(what: set[Later]) -> str:
    if Later.OWN_FIELD in what:
        return "After an older signature only further signatures were added."
    if Later.PERMITTED in what:
        return "After an older signature only what it permits was added."
    return "Nothing was added between its signatures."


def _compared(pdf: bytes, opened: pikepdf.Pdf, found: list[Signed], place: int) -> int:
    return check_rendering(pdf[: found[place].range_end], pdf, _boxes(opened, found[place + 1 :]))


def _boxes(opened: pikepdf.Pdf, later: list[Signed]) -> list[tuple[int, Box]]:
    """Where later signatures may show something: page from 0, and box in points, of those with any area."""
    widgets = {widget.objgen for signed in later for widget in (signed.held, *signed.held.get("/Kids", ()))}
    boxes = []
    for number, page in enumerate(opened.pages):
        for annotation in page.obj.get("/Annots", ()):
            if annotation.objgen in widgets and annotation.is_indirect:
                left, bottom, right, top = (float(side) for side in annotation.Rect)
                if left != right or bottom != top:
                    boxes.append((number, (left, bottom, right, top)))
    return boxes


@contextmanager
def _as_finding() -> Iterator[None]:
    """What the gate refuses is no proof of tampering: the seal is left undecided."""
    try:
        yield
    except DocumentRefused as error:
        raise failure(SubIndication.SIG_CONSTRAINTS_FAILURE, error.detail) from error
