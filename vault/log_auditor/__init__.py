"""The auditor of a transparency log: needs its public address and its key, and trusts neither of them.

`following.py` reads the log and holds it against what was seen before; `memory.py` is what an auditor keeps;
`questions.py` are the things that people bring: a document, a receipt, a proof, somebody else's checkpoint.
"""

from vault.log_auditor.exported import check_export
from vault.log_auditor.following import Fetch, Followed, Report, follow
from vault.log_auditor.memory import Memory, parse_memory
from vault.log_auditor.questions import (
    Answer,
    Question,
    about_checkpoint,
    about_document,
    about_proof,
    about_receipts,
    proven_origin,
)

__all__ = [
    "Answer",
    "Fetch",
    "Followed",
    "Memory",
    "Question",
    "Report",
    "about_checkpoint",
    "about_document",
    "about_proof",
    "about_receipts",
    "check_export",
    "follow",
    "parse_memory",
    "proven_origin",
]
