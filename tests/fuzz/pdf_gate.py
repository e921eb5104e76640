"""Whatever is handed in, the gate takes it or refuses it with a sentence, and raises nothing else."""

from contextlib import suppress

from signing.intake import admit_pdf, check_pdf
from tests.fuzz.running import corpus
from tests.papers import new_pdf
from tests.signing.attacks import by_hand, scripted
from tests.signing.workshop import new_workshop
from vault.errors import DocumentRefused

_WORKSHOP = new_workshop()

SEEDS = (new_pdf(), by_hand(_WORKSHOP).fill(), scripted(_WORKSHOP), *corpus(".pdf"))


def one(data: bytes) -> None:
    """Both gates: what may be kept, and what may be sealed."""
    try:
        check_pdf(data)
    except DocumentRefused as refusal:
        if not refusal.detail:
            raise ValueError("A refusal without a reason.") from refusal
        return
    with suppress(DocumentRefused):
        admit_pdf(data)
