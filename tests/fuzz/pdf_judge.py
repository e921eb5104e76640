"""Whatever is shown, the judge reports; and nothing passes whose covered bytes are not those sealed."""

from datetime import UTC, datetime

from signing.examination import examine
from signing.validate import Trust
from tests.fuzz.running import corpus
from tests.signing.attacks import ByHand, by_hand, language_between, listed, store_behind, two_signers
from tests.signing.workshop import new_workshop
from vault.model.verdict import Indication

# The first byte chooses what is made of the rest: the file itself, or a CMS in a good file's gap.
AS_CMS = b"C"


class Judge:
    """The judge with what it believes, and the one file that may pass."""

    def __init__(self, held: ByHand, trust: Trust) -> None:
        self._held, self._trust = held, trust
        self._value = held.value()
        self._good = held.fill(self._value)

    def __call__(self, data: bytes) -> None:
        """One file, or one CMS.

        Raises:
            ValueError: something passes that was not sealed.
        """
        as_cms = data[:1] == AS_CMS and len(data) <= self._held.update.room_bytes
        content = self._held.fill(data[1:]) if as_cms else data
        examined = examine(content, trust=self._trust, at=datetime.now(UTC))
        passed = any(report.indication is Indication.TOTAL_PASSED for report in examined.seals)
        if passed and not self._is_sealed(content):
            raise ValueError("A file passes that nobody sealed.")

    def _is_sealed(self, content: bytes) -> bool:
        """Whether all but the signature value is what was sealed: its unsigned parts may be anything."""
        update = self._held.update
        head = update.document + update.head
        behind = len(head) + 2 * update.room_bytes + 2
        return content.startswith(head) and content[behind:] == update.tail

    def seeds(self) -> tuple[bytes, ...]:
        """The good file, and its CMS."""
        return (self._good, AS_CMS + self._value)


_WORKSHOP = new_workshop()

one = Judge(by_hand(_WORKSHOP), listed(_WORKSHOP))
SEEDS = (
    *one.seeds(),
    store_behind(_WORKSHOP),
    language_between(_WORKSHOP),
    two_signers(_WORKSHOP),
    *corpus(".pdf"),
)
