"""Whatever is handed in, the gate takes it or refuses it with a sentence, and raises nothing else."""

from contextlib import suppress

import atheris

with atheris.instrument_imports(include=["signing"]):
    from signing.intake import admit_pdf, check_pdf

from tests.fuzz.running import corpus, fuzz
from tests.papers import new_pdf
from tests.signing.attacks import by_hand, scripted
from tests.signing.workshop import new_workshop
from vault.errors import DocumentRefused


def gate(data: bytes) -> None:
    """Both gates: what may be kept, and what may be sealed."""
    try:
        check_pdf(data)
    except DocumentRefused as refusal:
        if not refusal.detail:
            raise ValueError("A refusal without a reason.") from refusal
        return
    with suppress(DocumentRefused):
        admit_pdf(data)


if __name__ == "__main__":
    workshop = new_workshop()
    own = (new_pdf(), by_hand(workshop).fill(), scripted(workshop))
    fuzz(gate, (*own, *corpus(".pdf")))
