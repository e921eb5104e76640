"""What is exported, a page at a time: every certificate by its id, or what changed since a cursor."""

from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from storage.changes import change_at, last_place
from storage.directory_rows import (
    DamagedRow,
    newest_places,
    of_certificates,
    page_after,
    type_names,
)
from vault.changes import PAGE_MAX, changes_after, cursor_of, place_changes
from vault.changes.cursors import START
from vault.changes.feed import PLACES_MAX
from vault.model.access import MACHINE
from vault.model.changes import CertificateChange
from vault.model.directory import DirectoryEntry
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class Head:
    """The feed's end as an export found it: up to there it is complete, whatever happens meanwhile."""

    position: int
    cursor: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some certificates, identifiers of those that cannot be read, and the place after which to go on."""

    entries: tuple[DirectoryEntry, ...]
    damaged: tuple[str, ...]
    place: str


def head_of_feed(workshop: Workshop) -> Head:
    """Gives every change that is committed its place; the last one.

    Raises:
        Unavailable: the database does not answer.
    """
    while place_changes(workshop.database) == PLACES_MAX:
        pass
    with workshop.database.reading() as db:
        position = last_place(db)
        newest = change_at(db, position)
    return Head(position, START if newest is None else cursor_of(newest))


def every_certificate(workshop: Workshop, place: str) -> Iterator[Page]:
    """Every certificate after this place (empty: from the first one); one statement a page.

    What is committed behind the reader meanwhile is missed, and what changes behind it is told as it was:
    both stand in the feed after the head that was taken before.
    """
    with workshop.database.reading() as db:
        names = type_names(db)
    after = UUID(place) if place else None
    while True:
        with workshop.database.reading() as db:
            page = page_after(db, workshop.keys, names, after)
        if page is None:
            return
        after = page.last
        yield _page(page.found, str(after))


def changed_certificates(workshop: Workshop, place: str, head: Head) -> Iterator[Page]:
    """Each certificate that changed after the cursor `place` and up to `head`, once; as it is now.

    A certificate stands where its newest change up to the head stands, so that nobody has to remember which
    were there already; four statements a page.

    Raises:
        InputError: the cursor has not the form of one.
        UnknownCursor: it is another vault's, or the vault was restored from an older backup.
    """
    with workshop.database.reading() as db:
        names = type_names(db)
    while True:
        page = changes_after(workshop, place, PAGE_MAX, MACHINE)
        changes = [change for change in page.changes if change.position <= head.position]
        if not changes:
            return
        place = cursor_of(changes[-1])
        places = {c.certificate_id: c.position for c in changes if isinstance(c, CertificateChange)}
        with workshop.database.reading() as db:
            newest = newest_places(db, places.keys(), head.position)
            here = [each for each, position in places.items() if newest[each] == position]
            found = of_certificates(db, workshop.keys, names, here)
        yield _page(found, place)


def _page(found: tuple[DirectoryEntry | DamagedRow, ...], place: str) -> Page:
    return Page(
        tuple(each for each in found if isinstance(each, DirectoryEntry)),
        tuple(each.identifier for each in found if isinstance(each, DamagedRow)),
        place,
    )
