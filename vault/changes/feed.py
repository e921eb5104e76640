"""Reading the feed: every change that a reader may see, in order, for ever replayable, without gaps."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from storage.changes import (
    audience_of_client,
    change_at,
    changes_between,
    give_places,
    has_unplaced,
    last_place,
)
from storage.db import Database, ReadConnection
from vault.changes.cursors import START, Cursor, cursor_of, read_cursor, stands_for
from vault.errors import FieldProblem, InputError, UnknownCursor
from vault.model.access import Action, Kind, Machine, Resource, authorities_of, permitted
from vault.model.actors import ClientGrant
from vault.model.changes import CertificateChange, Change
from vault.workshop import Workshop

# Entries of one answer: about half a megabyte of JSON.
PAGE_MAX = 1000
PAGE_DEFAULT = 100
# Places given out in one transaction: tens of milliseconds, for which other readers at the head wait.
PLACES_MAX = 2000


Reader = ClientGrant | Machine
"""Who follows the feed."""


@dataclass(frozen=True, slots=True)
class ChangePage:
    """`cursor`: where to read on, the one given where nothing came. `more`: there is more to read at once."""

    changes: tuple[Change, ...]
    cursor: str
    more: bool


def changes_after(workshop: Workshop, cursor: str, limit: int, reader: Reader) -> ChangePage:
    """The next changes after a cursor that this reader may see; the empty text or `0` is the start.

    1. check the cursor: the change that it was given out for stands in its place.
    2. read the page of the reader's authorities and own materials, and leave out what it may not see of it:
    certificates of types that it is not bound to. So a page may be short, or empty, with more to come.
    3. at the feed's head, with changes that wait for a place: give out places and read again. So a reader
       sees whatever was committed before it asked, and deposits wait for no sequencer.

    Raises:
        InputError: the cursor has not the form of one, or the limit is out of range; at `/after`, `/limit`.
        UnknownCursor: it lies ahead of the feed, or another change stands there: the vault was restored from
            an older backup, or the cursor is another vault's.
        Unavailable: the database does not answer.
    """
    if not 1 <= limit <= PAGE_MAX:
        raise InputError.at("/limit", f"Expected 1 to {PAGE_MAX}.")
    start = read_cursor(cursor)
    audiences = audiences_of(reader)
    with workshop.database.reading() as db:
        _check_place(db, start)  # 1
        found = changes_between(db, start.position, None, audiences, limit)  # 2
        waiting = len(found) < limit and has_unplaced(db)
    if waiting:  # 3
        placed = place_changes(workshop.database)
        with workshop.database.reading() as db:
            found = changes_between(db, start.position, None, audiences, limit)
            waiting = placed == PLACES_MAX
    more = len(found) == limit or waiting
    return ChangePage(told_to(reader, found), cursor_of(found[-1]) if found else cursor or START, more)


def audiences_of(reader: Reader) -> Collection[str] | None:
    """Whose changes a reader's feed and webhooks are read from; None for everybody's."""
    authorities = authorities_of(reader)
    if authorities is None or isinstance(reader, Machine):
        return None
    return {*authorities, audience_of_client(reader.client_id)}


def told_to(reader: Reader, changes: Sequence[Change]) -> tuple[Change, ...]:
    """Those of these changes that a reader may see."""
    return permitted(reader, Action.READ_CHANGE, changes, _resource)


def _resource(change: Change) -> Resource:
    if isinstance(change, CertificateChange):
        return Resource(Kind.CERTIFICATE, change.authority, change.type_code)
    return Resource(Kind.MATERIAL, by=change.client_id)


def place_of(workshop: Workshop, cursor: str) -> int:
    """The place of a cursor's change; 0 for the start.

    Raises:
        InputError, UnknownCursor, Unavailable: as `changes_after`.
    """
    found = read_cursor(cursor)
    with workshop.database.reading() as db:
        _check_place(db, found)
    return found.position


def place_changes(database: Database) -> int:
    """Gives places to at most `PLACES_MAX` changes that wait; how many. Any process may, at any time.

    Raises:
        Unavailable: the database does not answer.
    """
    with database.writing() as db:
        return give_places(db, PLACES_MAX)


def _check_place(db: ReadConnection, cursor: Cursor) -> None:
    if not cursor.position:
        return
    change = change_at(db, cursor.position)
    if change is not None and stands_for(cursor, change):
        return
    if change is None:
        sentence = f"The cursor lies ahead of the feed, which ends at {last_place(db)}."
    else:
        sentence = "Another change stands in the cursor's place."
    sentence += " The vault was restored from an older backup, or this cursor is another vault's: read anew."
    raise UnknownCursor(sentence, FieldProblem("/after", sentence))
