"""The intake bucket is emptied: uploads that nobody will name any more are removed.

What a deposit took is in the documents bucket, locked; the upload itself is no record.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.inspection import in_pages, uploads_in_need
from vault.errors import NotFound
from vault.workshop import Workshop

# Days between an upload and its deposit; approval systems send one right after the other, and again for as
# long as a case stays open. A month is longer than any holiday.
UPLOADS_KEPT = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Emptied:
    """How many old uploads were removed, and how many stay since a case that is reserved needs them."""

    removed: int
    needed: int


def empty_intake(workshop: Workshop, *, at: datetime) -> Emptied:
    """Removes uploads that were last written longer ago than `UPLOADS_KEPT` and that no reserved case names.

    1. list the uploads, a page at a time; 2. of those that are old, keep what a case needs that is reserved
    and not committed; 3. look at the time of each once more, and remove it.

    Broken off anywhere and run again, it goes on. A client that sends an upload again in the very moment
    between that look and the removal loses it: its deposit says so (422), and it sends the upload again.

    Raises:
        IntegrityError: a reserved case cannot be read, so that nobody knows what it needs.
        Unavailable: an engine does not answer; what was removed so far is gone.
    """
    removed = kept = 0
    written_before = at - UPLOADS_KEPT
    for page in in_pages(workshop.blobs.uploads()):  # 1
        old = [upload.name for upload in page if upload.modified_at < written_before]
        if not old:
            continue
        with workshop.database.reading() as db:
            needed = uploads_in_need(db, workshop.keys)  # 2
        for name in old:
            if name in needed:
                kept += 1
            elif _is_still_old(workshop, name, written_before):  # 3
                workshop.blobs.remove_upload(name)
                removed += 1
    return Emptied(removed, kept)


def _is_still_old(workshop: Workshop, name: str, written_before: datetime) -> bool:
    try:
        return workshop.blobs.upload_kept_since(name) < written_before
    except NotFound:  # another worker was here
        return False
