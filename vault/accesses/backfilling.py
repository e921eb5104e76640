"""Filing audit events from before revision 0012 under whom they are about."""

from collections.abc import Callable

from storage.audit_filing import file_events
from storage.db import Database

# Events of one transaction: a fraction of a second, so that nothing waits for it.
FILED_AT_ONCE = 2_000


def file_earlier(database: Database, *, after: int, progress: Callable[[int, int], None]) -> int:
    """Files every audit event above this id that is not filed yet; how many events it went through.

    Broken off anywhere and started again, or run twice at once, it files each once. `progress` hears the last
    event's id, from where it may go on, and how many events there were so far.

    Raises:
        Unavailable: the database does not answer.
    """
    seen = 0
    while True:
        with database.writing() as db:
            batch = file_events(db, after, FILED_AT_ONCE)
        if batch is None:
            return seen
        after, events = batch
        seen += events
        progress(after, seen)
