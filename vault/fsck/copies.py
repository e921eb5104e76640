"""Step 7 of fsck: usage copies, and the uses for which they were made."""

from collections.abc import Iterator
from uuid import UUID

from storage.db import ReadConnection
from storage.filed_objects import copy_page
from storage.inspection import (
    PAGE_ROWS,
    contradicting_uses,
    in_pages,
    is_good_copy,
    named_copies,
)
from storage.objects import FiledObject, read_copy
from vault.errors import IntegrityError, NotFound
from vault.fsck.findings import Finding, Weight
from vault.fsck.objects import named_uuid
from vault.workshop import Workshop


def check_copies(workshop: Workshop) -> Iterator[Finding]:
    """Step 7: copies that are still good, the uses and their events, and the objects among the copies."""
    with workshop.database.reading() as db:
        after: UUID | None = None
        while page := copy_page(db, workshop.keys, after, PAGE_ROWS):
            for use_id, filed in page:
                yield from _check_copy(workshop, db, use_id, filed)
            after = page[-1][0]
        for use_id in contradicting_uses(db):
            yield Finding(Weight.PROBLEM, f"use {use_id}", "Its events and its state contradict each other.")
        for batch in in_pages(workshop.blobs.copies()):
            named = named_copies(db, [stored.name for stored in batch])
            for stored in batch:
                if stored.name not in named:
                    yield _explained_copy(workshop, stored.name)


def _check_copy(
    workshop: Workshop, db: ReadConnection, use_id: UUID, filed: FiledObject | IntegrityError
) -> Iterator[Finding]:
    """A copy may be revoked and taken away while it is looked at: only one that is still good is missed."""
    if isinstance(filed, IntegrityError):  # its use's envelope is looked at with the others
        return
    try:
        if len(read_copy(workshop.blobs, filed)) == filed.size_bytes:
            return
        detail = f"The usage copy {filed.sha256} has not the size of {filed.size_bytes} bytes of its row."
    except IntegrityError as error:
        detail = error.detail
    if is_good_copy(db, use_id):
        yield Finding(Weight.PROBLEM, f"use {use_id}", detail)


def _explained_copy(workshop: Workshop, name: str) -> Finding:
    try:
        use_id = named_uuid(workshop.blobs.copy_origin(name).get("use"))
    except NotFound:
        return Finding(Weight.NOTE, name, "The usage copy was taken away while it was looked at.")
    if use_id is None:
        return Finding(Weight.PROBLEM, name, "No row names this object and nothing explains it.")
    return Finding(Weight.NOTE, name, f"Left by a try of use {use_id}; the worker takes it away.")
