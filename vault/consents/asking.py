"""Who might be consented to: organisations that can ask, and those that asked in vain."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.accesses import accesses_about
from storage.clients import asking_organisations
from storage.consents import standing_consents
from storage.history import AuditRow, insert_audit
from storage.holders import about, find_holder
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.history_entry import EVENT_ID_ABOVE_ALL, access_id
from vault.model.legal_time import legal_day
from vault.model.scope import NOBODY
from vault.workshop import Workshop

# Whoever still wants it asks again within a month.
ASKED_WITHIN = timedelta(days=30)
# Of the newest entries of the history; an envelope is opened for each.
LOOKED_THROUGH_MAX = 100
_IN_VAIN = frozenset({"refused-holdings", "refused-reuse-check", "refused-use"})


@dataclass(frozen=True, slots=True)
class Asked:
    """An organisation that asked and was refused for want of a consent; `access`: the newest time."""

    access: str
    organisation: str
    name: str
    at: datetime
    service_item: str | None
    purpose: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Askers:
    """`known`: who can ask by consent, by USCC, with a name. `waiting`: who asked in vain, newest first."""

    known: dict[str, str]
    waiting: tuple[Asked, ...]


def askers_for(workshop: Workshop, person: Person, *, at: datetime) -> Askers:
    """The organisations that can ask the signed-in person's consent, and those that wait for an answer.

    One waits that was refused within a month, for a purpose for which no consent to it stands that was given
    since. What an order defers is left out, as it is of the history. The look is recorded like one at that.

    Raises:
        NotPermitted: they did not sign in as a holder with a code.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.LIST_CONSENTS)
    assert person.code is not None  # noqa: S101 - without one it is not permitted
    keys = workshop.keys
    with workshop.database.noting(about(NOBODY, keys, person.code)) as db:
        organisations = asking_organisations(db)
        known = {each.organisation: each.name for each in organisations}
        by_client = {each.client_id: each for each in organisations}
        holder_id = find_holder(db, keys, person.code)
        if holder_id is None:
            return Askers(known, ())
        newest = accesses_about(
            db,
            keys,
            holder_id,
            person.code,
            certificate_id=None,
            before=EVENT_ID_ABOVE_ALL,
            limit=LOOKED_THROUGH_MAX,
            at=at,
        )
        given = standing_consents(db, keys, holder_id, legal_day(at))
        insert_audit(db, [AuditRow(person.actor, "own-accesses", None, None, {})], at)
    waiting: dict[tuple[str, str | None, str | None], Asked] = {}
    for access in newest:
        asker = by_client.get(access.actor)
        if asker is None or access.action not in _IN_VAIN or access.at < at - ASKED_WITHIN:
            continue
        if any(each.organisation == asker.organisation and each.made_at > access.at for each in given):
            continue
        asked = Asked(
            access_id(access.event_id),
            asker.organisation,
            asker.name,
            access.at,
            access.service_item,
            access.purpose,
        )
        waiting.setdefault((asked.organisation, asked.service_item, asked.purpose), asked)
    return Askers(known, tuple(waiting.values()))
