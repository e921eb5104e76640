"""Taking a consent back: it serves no request that comes after."""

from datetime import datetime
from uuid import UUID

from storage import consents
from storage.consents import ConsentFile, consent_files, find_consent, insert_consent_event
from storage.history import AuditRow, insert_look
from storage.holders import about, lock_known
from storage.uses import revoke_uses_under
from vault.consents.granting import details_of
from vault.consents.listing import USES_SHOWN_MAX
from vault.copy_removal import let_go
from vault.model.access import Action, Kind, Resource, authorize, not_there
from vault.model.actors import Person
from vault.model.consent import ConsentAction
from vault.model.scope import NOBODY
from vault.workshop import Workshop


def revoke_consent(workshop: Workshop, person: Person, consent_id: UUID, *, at: datetime) -> ConsentFile:
    """Ends a consent of the signed-in person, and with it every use that rests on it.

    Codes of those uses open nothing from now on, their copies verify as not in force and are taken away. What
    was done stays recorded. A repeat answers with the time of the first.

    Raises:
        NotFound: they gave no such consent.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    keys, actor = workshop.keys, person.actor
    scope = NOBODY if person.code is None else about(NOBODY, workshop.keys, person.code)
    with workshop.database.writing(scope) as db:
        # Holders first, as an erasure does.
        known = None if person.code is None else lock_known(db, keys, person.code)
        found = find_consent(db, keys, consent_id, lock=True)
        theirs = known is not None and found is not None and found.holder_id == known.holder_id
        holders = frozenset({found.holder.identity}) if found is not None and theirs else frozenset()
        authorize(person, Action.REVOKE_CONSENT, Resource(Kind.CONSENT, holders=holders))
        if known is None or found is None:
            raise not_there(Kind.CONSENT)
        if found.revoked_at is None:
            consents.revoke_consent(db, consent_id, at)
            insert_consent_event(db, consent_id, ConsentAction.REVOKE, actor, at)
            uses, copies = revoke_uses_under(db, consent_id, actor, at)
            for name in copies:
                let_go(db, name, at)
            details = {**details_of(found), "uses": [str(each) for each in uses]}
            event = AuditRow(actor, "consent-revoke", None, None, details)
            insert_look(db, keys, event, {"purpose": found.purpose}, at, under=known.key)
        (file,) = consent_files(
            db, keys, known.holder_id, only=consent_id, limit=1, uses_shown=USES_SHOWN_MAX
        )
        return file
