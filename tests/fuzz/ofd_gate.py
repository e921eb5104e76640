"""Whatever is handed in as OFD, the gate takes it or refuses it with a sentence, and raises nothing else."""

from contextlib import suppress

from signing.ofd_judge import admit_ofd, check_ofd
from tests.fuzz.running import corpus
from tests.signing.ofd_judge import attacks
from tests.signing.ofd_judge.making import ours, packed, plain
from tests.signing.ofd_judge.zips import STORED, Item, zipped
from vault.errors import DocumentRefused

_UNPACKED = zipped([Item(name.encode(), body, method=STORED) for name, body in ours().items()])

SEEDS = (packed(plain()), packed(ours()), _UNPACKED, attacks.two_bodies(), *corpus(".zip", ".ofd"))


def one(data: bytes) -> None:
    """Both gates: what may be kept, and what may be sealed."""
    try:
        check_ofd(data)
    except DocumentRefused as refusal:
        if not refusal.detail:
            raise ValueError("A refusal without a reason.") from refusal
        return
    with suppress(DocumentRefused):
        admit_ofd(data)
