"""Granting a consent, in the order in which it happens."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.consents import (
    ConsentFile,
    consent_files,
    insert_consent,
    insert_consent_event,
    standing_consents,
)
from storage.db import extend_scope
from storage.history import AuditRow, insert_look
from storage.holders import about, ensure_holders, lock_known
from vault.consents.reading import ConsentRequest
from vault.errors import Conflict
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.consent import Consent, ConsentAction
from vault.model.holders import Holder, HolderCode
from vault.model.ids import uuid7
from vault.model.legal_time import legal_day
from vault.model.scope import NOBODY
from vault.workshop import Workshop

# More than anybody keeps in view; each is read when its organisation asks.
STANDING_MAX = 200


@dataclass(frozen=True, slots=True)
class Granted:
    """A consent as it stands. `repeated`: it was there before."""

    file: ConsentFile
    repeated: bool


def grant_consent(workshop: Workshop, person: Person, request: ConsentRequest, *, at: datetime) -> Granted:
    """Grants an organisation to see what the signed-in person holds.

    In one transaction: 1. the holder's row, made if the vault holds nothing of theirs yet, and locked; 2. the
    same grant that still stands is the same consent; 3. the consent, its event and the audit event.

    Raises:
        NotPermitted: they did not sign in as a holder with a code.
        Conflict: too many consents stand.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    authorize(person, Action.GRANT_CONSENT)
    assert person.code is not None  # noqa: S101 - without one it is not permitted
    keys, holder = workshop.keys, Holder.parse(person.code.code_type, person.code.value, person.name)
    scope = about(NOBODY, keys, holder.code)
    with workshop.database.writing(scope) as db:
        ensure_holders(db, keys, [holder], at)  # 1
        extend_scope(db, scope)  # who was made a moment ago is seen, too
        known = lock_known(db, keys, holder.code)
        assert known is not None  # noqa: S101 - whoever was found or made is not erased meanwhile
        standing = standing_consents(db, keys, known.holder_id, legal_day(at))
        granted = next((each for each in standing if request.is_the_same(each)), None)  # 2
        repeated = granted is not None
        if granted is None:
            if len(standing) >= STANDING_MAX:
                raise Conflict(f"{STANDING_MAX} consents stand already: take one back first.")
            granted = _new(request, known.holder_id, holder.code, at)
            insert_consent(db, known, granted)  # 3
            insert_consent_event(db, granted.consent_id, ConsentAction.GRANT, person.actor, at)
            event = AuditRow(person.actor, "consent-grant", None, None, details_of(granted))
            insert_look(db, keys, event, {"purpose": granted.purpose}, at, under=known.key)
        (file,) = consent_files(db, keys, known.holder_id, only=granted.consent_id, limit=1, uses_shown=0)
        return Granted(file, repeated)


def _new(request: ConsentRequest, holder_id: UUID, holder: HolderCode, at: datetime) -> Consent:
    return Consent(
        consent_id=uuid7(at),
        holder_id=holder_id,
        holder=holder,
        organisation=request.organisation,
        types=request.types,
        fields=request.fields,
        service_item=request.service_item,
        purpose=request.purpose,
        valid_from=request.period.first,
        valid_to=request.period.last,
        uses_max=request.uses,
        uses_left=request.uses,
        made_at=at,
        revoked_at=None,
    )


def details_of(consent: Consent) -> dict[str, object]:
    """What the audit event of a consent says in clear."""
    return {
        "consent": str(consent.consent_id),
        "holder": str(consent.holder_id),
        "organisation": consent.organisation,
        "types": sorted(consent.types),
        "service_item": consent.service_item,
    }
