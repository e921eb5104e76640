"""How long the vault seals without a trusted time: within its budget, and never without saying so."""

from datetime import datetime

from storage.seal_terms import Untimed, untimed
from vault.errors import Unavailable
from vault.model.long_term import OverBudget
from vault.model.scope import VAULT
from vault.workshop import Workshop

# The authority is tried again with each deposit; a system need not ask more often than that.
RETRY_AFTER_S = 60


def check_outage(workshop: Workshop, *, at: datetime) -> None:
    """Returns where a seal may be left without a time-stamp that the authority did not give.

    Asked only when that happened: the ordinary deposit pays nothing for it.

    Raises:
        Unavailable: the budget is used up, and the operator wants deposits refused then.
    """
    budget = workshop.long_term.budget
    if budget.then is OverBudget.MARK:
        return
    with workshop.database.reading(VAULT) as db:
        waiting = untimed(db, budget.documents)
    if is_over(workshop, waiting, at=at):
        raise Unavailable(
            "The time-stamp authority has not answered for too long: nothing is sealed without a trusted "
            "time any more. Send the case again later.",
            retry_after_s=RETRY_AFTER_S,
        )


def is_over(workshop: Workshop, waiting: Untimed, *, at: datetime) -> bool:
    """Whether what waits is more, or older, than the budget allows."""
    budget = workshop.long_term.budget
    too_old = waiting.since is not None and at - waiting.since >= budget.longest
    return too_old or waiting.count >= budget.documents
