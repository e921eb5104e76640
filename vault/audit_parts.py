"""Room for audit events: the table's parts are made ahead of need."""

from storage import audit_parts
from vault.errors import IntegrityError
from vault.model.scope import NOBODY
from vault.workshop import Workshop

AHEAD_LEAST = 1
"""With fewer parts above the newest event the doctor warns: the worker has not made any for 10⁸ events."""


def make_room(workshop: Workshop) -> int:
    """Makes the parts that are missing ahead of the newest event; how many those were. May be called at will.

    Raises:
        Unavailable: the database does not answer, or a lock was not given.
    """
    with workshop.database.writing(NOBODY) as db:
        return audit_parts.make_audit_parts(db)


def room_ahead(workshop: Workshop) -> int:
    """How many parts lie above the newest event.

    Raises:
        IntegrityError: too few: soon no look could be noted, so none would be answered.
    """
    with workshop.database.reading(NOBODY) as db:
        ahead = audit_parts.parts_ahead(db)
    if ahead < AHEAD_LEAST:
        raise IntegrityError(
            "Expected a part of the audit events ahead of the newest, got none: is the worker running?"
            " `SELECT make_audit_parts(2)` makes them."
        )
    return ahead


def parts_out(workshop: Workshop) -> tuple[str, ...]:
    """What was taken out of the table, each part in a sentence.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(NOBODY) as db:
        out = audit_parts.ids_in_no_part(db)
    return tuple(f"Audit events {ids.start} to {ids.stop - 1} are not in the table." for ids in out)
