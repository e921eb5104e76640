"""What becomes of a code that was given: its picture, how it stands, taking it back.

Whoever made it may ask, with the code itself in hand: the vault has only its hash, and cannot show it again.
"""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from signing.typeset import qr_modules
from storage.certificates import record
from storage.db import ReadConnection, extend_scope
from storage.history import AuditRow, insert_audit
from storage.presentations import (
    find_presentation,
    insert_presentation_event,
    spend_presentation,
    spent_by,
)
from vault.errors import IntegrityError, NotFound
from vault.model.access import Action, Kind, Resource, authorize
from vault.model.actors import Person
from vault.model.certificate import CertificateRecord
from vault.model.presentation import Presentation, PresentationAction
from vault.model.scope import of_shown
from vault.presentations.making import code_hash, details_of
from vault.workshop import Workshop

_NONE = "You have shown nothing under this address, or not in this browser."


class Standing(StrEnum):
    """How a code stands."""

    OPEN = "open"
    SEEN = "seen"  # somebody redeemed it
    TAKEN_BACK = "taken_back"
    OVER = "over"  # its time, or the delegation under which it was made


@dataclass(frozen=True, slots=True)
class Shown:
    """A presentation as it stands, and what is shown by it."""

    presentation: Presentation
    standing: Standing
    certificate: CertificateRecord = field(repr=False)


def shown_now(workshop: Workshop, person: Person, presentation_id: UUID, code: str, *, at: datetime) -> Shown:
    """What the signed-in person shows by this code of theirs. The look is in the trail.

    Raises:
        NotFound: they gave no such code.
        IntegrityError: the certificate is gone.
        Unavailable: the database does not answer.
    """
    scope = of_shown(code_hash(code))
    with workshop.database.noting(scope) as db:
        found = _own(db, person, presentation_id, code)
        extend_scope(db, scope.naming(found.certificate_id))
        certificate = record(db, workshop.keys, found.certificate_id)
        if certificate is None:
            raise IntegrityError("A certificate that is presented is gone.")
        # Not filed under the holder: that it was made is told already.
        details = {"presentation": str(presentation_id)}
        insert_audit(db, [AuditRow(person.actor, "own-presentation", None, None, details)], at)
        return Shown(found, _standing(db, found, at), certificate)


def standing_of(
    workshop: Workshop, person: Person, presentation_id: UUID, code: str, *, at: datetime
) -> Standing:
    """How a code of the signed-in person's stands: nothing else of it, so nothing is written.

    Raises:
        NotFound: they gave no such code.
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(of_shown(code_hash(code))) as db:
        return _standing(db, _own(db, person, presentation_id, code), at)


def end_presentation(
    workshop: Workshop, person: Person, presentation_id: UUID, code: str, *, at: datetime
) -> Standing:
    """Takes a code back: it opens nothing from now on. One that is spent or over stays as it is.

    Raises:
        NotFound: they gave no such code.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    scope = of_shown(code_hash(code))
    with workshop.database.writing(scope) as db:
        found = _own(db, person, presentation_id, code, lock=True)
        if not found.opens(at):
            return _standing(db, found, at)
        extend_scope(db, scope.naming(found.certificate_id))
        spend_presentation(db, presentation_id, at)
        insert_presentation_event(db, presentation_id, PresentationAction.END, person.actor, at)
        event = AuditRow(person.actor, "presentation-end", found.certificate_id, None, details_of(found))
        insert_audit(db, [event], at)
    return Standing.TAKEN_BACK


def code_address(workshop: Workshop, code: str) -> str:
    """Where the QR of a code leads: to the page that redeems it. Without the statement that `url` carries.

    What is read from a screen is seen by whoever has a network, and nobody else: a third of the modules, so
    that a tired camera reads it at once (decision 0035).
    """
    return f"{workshop.public_url}/v#p={code}"


def code_picture(workshop: Workshop, code: str) -> tuple[bytes, ...]:
    """The QR of a code: rows from the top, 1 for dark, without the quiet zone of 4 modules around it."""
    return qr_modules(code_address(workshop, code))


def _own(
    db: ReadConnection, person: Person, presentation_id: UUID, code: str, *, lock: bool = False
) -> Presentation:
    found = find_presentation(db, code_hash(code), lock=lock)
    mine = found is not None and (found.presentation_id, found.made_by) == (presentation_id, person.person_id)
    holders = frozenset({person.code.identity}) if mine and person.code is not None else frozenset()
    authorize(person, Action.PRESENT, Resource(Kind.CERTIFICATE, holders=holders))
    if found is None:
        raise NotFound(_NONE)
    return found


def _standing(db: ReadConnection, found: Presentation, at: datetime) -> Standing:
    if found.opens(at):
        return Standing.OPEN
    if found.redeemed_at is None:
        return Standing.OVER
    return (
        Standing.SEEN
        if spent_by(db, found.presentation_id) is PresentationAction.REDEEM
        else Standing.TAKEN_BACK
    )
