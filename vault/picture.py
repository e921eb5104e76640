"""The picture (图样) of a certificate's first page, small, for its holder's own list."""

from datetime import datetime
from enum import IntEnum
from typing import Protocol
from uuid import UUID

from storage.certificates import record, stands
from storage.filed_objects import document_object
from storage.history import AuditRow, insert_audit, insert_look
from storage.holders import about
from storage.objects import read_object
from vault.errors import DocumentRefused, IntegrityError, NotFound
from vault.model.access import Action, Kind, Resource, certificate, not_there, refusal
from vault.model.actors import Person
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import newest_file
from vault.model.scope import NOBODY
from vault.workshop import Workshop

# Whatever is larger (a letter of hundreds of scanned pages) is downloaded, and not drawn while others wait.
DRAWN_MAX_BYTES = 8 * 1024 * 1024


class PictureSize(IntEnum):
    """For what it is drawn: the longer side in pixels."""

    CARD = 480  # in a list: 10 to 35 kB, as much as a page of text
    PAGE = 1100  # by itself: fine print can be read


class Draw(Protocol):
    """Draws a PDF's first page as WebP; raises DocumentRefused where there is none."""

    def __call__(self, content: bytes, /, *, side_max_pixels: int) -> bytes:
        """The picture: its longer side has so many pixels."""


_NONE = "There is no picture of this certificate: download the sealed file."


def picture_for_holder(
    workshop: Workshop,
    person: Person,
    certificate_id: UUID,
    size: PictureSize,
    *,
    at: datetime,
    draw_with: Draw,
) -> bytes:
    """The first page of the signed-in person's own sealed PDF as they would see it, in WebP.

    1. find it, and whether it is theirs; their look is recorded in the trail, as their own. It is not filed
    under them: their list told of it a moment ago, and ten pictures would be ten lines of their history. A
    refusal is filed, for whose it is. 2. read the file, checked against its digest. 3. draw it, in another
    process: it may have come from outside before it was sealed.

    Raises:
        NotFound: there is no such certificate of this holder, or none that is drawn.
        IntegrityError: the object store has lost it.
        Unavailable: an engine does not answer.
    """
    scope = NOBODY if person.code is None else about(NOBODY, workshop.keys, person.code)
    with workshop.database.writing(scope) as db:  # 1
        found = record(db, workshop.keys, certificate_id)
        if found is None and not stands(db, certificate_id):
            raise not_there(Kind.CERTIFICATE)
        of = Resource(Kind.CERTIFICATE) if found is None else certificate(found)
        refused = refusal(person, Action.FETCH_OWN_DOCUMENT, of)
        newest = None if found is None else newest_file(found, DocumentFormat.PDF)
        drawable = newest is not None and newest.size_bytes <= DRAWN_MAX_BYTES
        filed = None
        if refused is not None:
            event = AuditRow(person.actor, "refused-view", certificate_id, None, {})
            insert_look(db, workshop.keys, event, {}, at)
        else:
            filed = document_object(db, workshop.keys, certificate_id, DocumentFormat.PDF)
            details = {"pictured": str(certificate_id)}
            insert_audit(db, [AuditRow(person.actor, "own-picture", None, None, details)], at)
    if refused is not None:
        raise refused
    if not drawable:
        raise NotFound(_NONE)
    if filed is None:
        raise IntegrityError(f"Certificate {certificate_id} has lost its sealed file.")
    content = read_object(workshop.blobs, filed)  # 2
    try:
        return draw_with(content, side_max_pixels=size)  # 3
    except DocumentRefused as error:
        raise NotFound(_NONE) from error
