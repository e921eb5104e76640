"""Everything that is read from a strange file: what its seals are worth, and what it claims to be."""

from dataclasses import dataclass
from datetime import datetime

from signing.claims import Claims, read_claims
from signing.validate import Trust, judge_pdf
from vault.model.verdict import Check, CheckResult, Indication, SealReport

_PDF = b"%PDF-"
_ZIP = b"PK"
_SEARCHED_BYTES = 1024  # readers find a PDF behind so much of something else


@dataclass(frozen=True, slots=True)
class Examined:
    """A report on each seal, oldest first, and the file's own claims."""

    seals: tuple[SealReport, ...]
    claims: Claims


def examine(content: bytes, *, trust: Trust, at: datetime) -> Examined:
    """Judge a file and read its claims; what is neither PDF nor ZIP has neither.

    A ZIP is judged as OFD, also where a PDF begins in it: that it is both is O1's to tell. Never raises on a
    bad file. For files from outside run it in `signing.confined`.
    """
    if content.startswith(_ZIP):
        return _examine_ofd(content, trust=trust, at=at)
    if _PDF not in content[:_SEARCHED_BYTES]:
        return not_judged("The file is neither a PDF nor an OFD that can be read.", name="readable")
    try:
        claims = read_claims(content)
    except Exception:  # noqa: BLE001 - the boundary: a hostile file raises anything, and claims nothing
        claims = Claims()
    return Examined(judge_pdf(content, trust=trust, at=at), claims)


def _examine_ofd(content: bytes, *, trust: Trust, at: datetime) -> Examined:
    # Most processes never see an OFD: what reads them is loaded with the first one (in a judging child's
    # parent before it forks).
    from signing.ofd_judge import judge_ofd, read_ofd_claims  # noqa: PLC0415 - as said

    try:
        claims = read_ofd_claims(content)
    except Exception:  # noqa: BLE001 - as above
        claims = Claims()
    return Examined(judge_ofd(content, trust=trust, at=at), claims)


def not_judged(detail: str, *, name: str = "judged") -> Examined:
    """The report on a file that could not be judged: no proof of anything."""
    check = Check(name, CheckResult.FAILED, detail)
    report = SealReport(Indication.INDETERMINATE, "FORMAT_FAILURE", None, None, None, None, (check,))
    return Examined((report,), Claims())
