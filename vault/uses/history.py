"""What a holder sees: who used what of theirs, for which case, and when."""

from dataclasses import dataclass
from uuid import UUID

from storage.holders import find_holder, holder_index
from storage.uses import AccessRow, uses_of_holder
from vault.model.actors import Person
from vault.model.scope import of_holders
from vault.workshop import Workshop

ACCESSES_MAX = 100  # of one page; an envelope is opened for each


@dataclass(frozen=True, slots=True)
class Accesses:
    """One page of a holder's history, newest first. `next_before`: where the next page begins."""

    rows: tuple[AccessRow, ...]
    next_before: UUID | None


def accesses_of(workshop: Workshop, person: Person, *, before: UUID | None, limit: int) -> Accesses:
    """The uses of what the signed-in person holds, made before the use `before`, at most `limit`.

    Raises:
        Unavailable: the database does not answer.
    """
    if person.code is None:
        return Accesses((), None)
    with workshop.database.reading(of_holders(holder_index(workshop.keys, person.code))) as db:
        holder_id = find_holder(db, workshop.keys, person.code)
        if holder_id is None:
            return Accesses((), None)
        rows = uses_of_holder(db, workshop.keys, holder_id, before=before, limit=limit + 1)
    more = len(rows) > limit
    rows = rows[:limit]
    return Accesses(rows, rows[-1].use.use_id if more else None)
