"""Granting a consent, in the order in which it happens."""

from dataclasses import dataclass
from datetime import datetime

from storage.consents import (
    GRANT,
    ConsentFile,
    consent_files,
    insert_consent,
    insert_consent_event,
    lock_holder,
    standing_consents,
)
from storage.history import AuditRow, insert_look
from storage.holders import ensure_holders
from vault.consents.reading import ConsentRequest
from vault.errors import Conflict
from vault.model.actors import Person
from vault.model.consent import Consent, ConsentAction
from vault.model.holders import Holder
from vault.model.ids import uuid7
from vault.model.legal_time import legal_day
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
        NotPermitted: they did not sign in as a holder.
        Conflict: too many consents stand.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    code = person.own_code()
    keys, actor = workshop.keys, f"person:{person.person_id}"
    with workshop.database.writing() as db:
        holder = Holder.parse(code.code_type, code.value, person.name)
        holder_id = ensure_holders(db, keys, [holder], at)[holder.code]  # 1
        lock_holder(db, holder_id)
        index = keys.index(GRANT, request.canonical(str(holder_id)))
        standing = standing_consents(db, keys, holder_id, legal_day(at))
        granted = standing.get(index)  # 2
        if granted is None and len(standing) >= STANDING_MAX:
            raise Conflict(f"{STANDING_MAX} consents stand already: take one back first.")
        repeated = granted is not None
        if granted is None:
            granted = Consent(
                consent_id=uuid7(at),
                holder_id=holder_id,
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
            insert_consent(db, keys, granted, index)  # 3
            insert_consent_event(db, granted.consent_id, ConsentAction.GRANT, actor, at)
            event = AuditRow(actor, "consent-grant", None, None, details_of(granted))
            insert_look(db, keys, event, {"purpose": granted.purpose}, at)
        (file,) = consent_files(db, keys, holder_id, only=granted.consent_id, limit=1, uses_shown=0)
        return Granted(file, repeated)


def details_of(consent: Consent) -> dict[str, object]:
    """What the audit event of a consent says in clear."""
    return {
        "consent": str(consent.consent_id),
        "holder": str(consent.holder_id),
        "organisation": consent.organisation,
        "types": sorted(consent.types),
        "service_item": consent.service_item,
    }
