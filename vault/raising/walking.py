"""Bringing every sealed file into the calendar, and reckoning the calendar anew when the policy changes."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime

from signing.algorithms import LIFETIMES
from storage.seal_term_walk import is_walked, walk_on
from vault.log import moment
from vault.model.long_term import below
from vault.model.scope import VAULT
from vault.workshop import Workshop

# A fraction of a second each; deposits do not wait for it.
WALK_FILES = 2_000


def walk(
    workshop: Workshop, *, at: datetime, progress: Callable[[int], None], batches_max: int | None = None
) -> bool:
    """Gives files from before revision 0017 their terms, reckons all anew for another policy; is it done?

    Broken off anywhere and started again, by several at once, it goes on where it was.

    Raises:
        Unavailable: the database does not answer.
    """
    policy = workshop.long_term
    if policy.target is None:
        return True
    lifetimes = {**LIFETIMES, **policy.lifetimes}
    text = json.dumps(
        [
            policy.target.value,
            policy.margin.total_seconds(),
            policy.grace.total_seconds(),
            {name: moment(end) for name, end in sorted(lifetimes.items())},
        ]
    )
    plan = hashlib.sha256(text.encode()).hexdigest()
    batches = 0
    with workshop.database.reading(VAULT) as db:
        if is_walked(db, plan):
            return True
    while batches_max is None or batches < batches_max:
        with workshop.database.writing(VAULT) as db:
            more = walk_on(
                db,
                plan=plan,
                lower=below(policy.target),
                lifetimes=lifetimes,
                margin=policy.margin,
                grace=policy.grace,
                at=at,
                rows=WALK_FILES,
            )
        if not more:
            return True
        batches += 1
        progress(batches * WALK_FILES)
    return False
