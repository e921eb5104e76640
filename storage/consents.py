"""Consents: found by holder and organisation, used up under their lock, and what happened to each."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, true, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.tables import clients, consent_events, consents, holders
from vault.model.consent import REPEAT_WITHIN, Consent, ConsentAction, Look

# Purposes of blind indexes: of a whole grant, and of a whole request that used consents.
GRANT = "consent-grant"
REQUEST = "consent-request"


@dataclass(frozen=True, slots=True)
class ConsentUse:
    """A use of a consent, as its holder sees it."""

    client_name: str
    look: Look
    certificate_id: UUID | None
    at: datetime


@dataclass(frozen=True, slots=True)
class ConsentFile:
    """A consent with its newest uses. `organisation_name`: of a client of it, None where there is none."""

    consent: Consent
    organisation_name: str | None
    uses: tuple[ConsentUse, ...]


def insert_consent(db: WriteConnection, keys: KeyRing, consent: Consent, index: bytes) -> None:
    """Writes a consent."""
    data_key = keys.new_data_key(f"consents.data_key:{consent.consent_id}")
    content = {"purpose": consent.purpose}
    db.execute(
        insert(consents).values(
            id=consent.consent_id,
            holder_id=consent.holder_id,
            organisation=consent.organisation,
            types=sorted(consent.types),
            fields=None if consent.fields is None else sorted(consent.fields),
            service_item=consent.service_item,
            data_key=data_key.wrapped,
            sealed=seal_json(data_key, content, f"consents.sealed:{consent.consent_id}"),
            valid_from=consent.valid_from,
            valid_to=consent.valid_to,
            uses_max=consent.uses_max,
            uses_left=consent.uses_left,
            request_index=index,
            made_at=consent.made_at,
        )
    )


def insert_consent_event(
    db: WriteConnection, consent_id: UUID, action: ConsentAction, actor: str, at: datetime
) -> None:
    """Writes that a consent was given or taken back."""
    db.execute(insert(consent_events).values(consent_id=consent_id, action=action, actor=actor, at=at))


def lock_holder(db: WriteConnection, holder_id: UUID) -> None:
    """Holds a holder's row: of two grants at once the second one sees what the first one made."""
    db.execute(select(holders.c.id).where(holders.c.id == holder_id).with_for_update(key_share=True))


def standing_consents(db: ReadConnection, keys: KeyRing, holder_id: UUID, on: date) -> dict[bytes, Consent]:
    """A holder's consents that are neither revoked nor ended nor used up, by the index of their grant."""
    query = select(consents).where(
        consents.c.holder_id == holder_id,
        consents.c.revoked_at.is_(None),
        consents.c.valid_to >= on,
        consents.c.uses_left > 0,
    )
    return {row.request_index: _consent(keys, row) for row in db.execute(query)}


def consents_for(
    db: ReadConnection,
    keys: KeyRing,
    holder_ids: Collection[UUID],
    organisation: str,
    on: date,
    *,
    lock: bool = False,
) -> tuple[Consent, ...]:
    """What these holders consent to for an organisation, not revoked and not ended; perhaps used up.

    `lock` holds the rows until the transaction ends, in the order of their ids, so that two requests of one
    organisation do not wait for each other crosswise.
    """
    query = (
        select(consents)
        .where(
            consents.c.holder_id.in_(list(holder_ids)),
            consents.c.organisation == organisation,
            consents.c.revoked_at.is_(None),
            consents.c.valid_to >= on,
        )
        .order_by(consents.c.id)
    )
    found = db.execute(query.with_for_update() if lock else query)
    return tuple(_consent(keys, row) for row in found)


def counted_lately(
    db: ReadConnection, consent_ids: Collection[UUID], request_index: bytes, at: datetime
) -> frozenset[UUID]:
    """Those of these consents on which this very request was counted within `REPEAT_WITHIN`."""
    query = select(consent_events.c.consent_id).where(
        consent_events.c.consent_id.in_(list(consent_ids)),
        consent_events.c.request_index == request_index,
        consent_events.c.at > at - REPEAT_WITHIN,
    )
    return frozenset(db.execute(query).scalars())


def use_consents(
    db: WriteConnection,
    consent_ids: Collection[UUID],
    *,
    actor: str,
    look: Look,
    certificate_id: UUID | None,
    request_index: bytes,
    at: datetime,
) -> None:
    """Takes one use off each of these locked consents, and tells of it."""
    spent = update(consents).where(consents.c.id.in_(list(consent_ids)))
    db.execute(spent.values(uses_left=consents.c.uses_left - 1))
    db.execute(
        insert(consent_events),
        [
            {
                "consent_id": consent_id,
                "action": ConsentAction.USE,
                "actor": actor,
                "look": look,
                "certificate_id": certificate_id,
                "request_index": request_index,
                "at": at,
            }
            for consent_id in consent_ids
        ],
    )


def find_consent(
    db: ReadConnection, keys: KeyRing, consent_id: UUID, *, lock: bool = False
) -> Consent | None:
    """One consent; `lock` holds its row until the transaction ends."""
    query = select(consents).where(consents.c.id == consent_id)
    row = db.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _consent(keys, row)


def revoke_consent(db: WriteConnection, consent_id: UUID, at: datetime) -> None:
    """Ends a locked consent for good."""
    db.execute(update(consents).where(consents.c.id == consent_id).values(revoked_at=at))


def consent_files(
    db: ReadConnection,
    keys: KeyRing,
    holder_id: UUID,
    *,
    before: UUID | None = None,
    only: UUID | None = None,
    limit: int,
    uses_shown: int,
) -> tuple[ConsentFile, ...]:
    """A holder's consents, newest first, each with its newest uses: two statements for any number."""
    name = (
        select(func.min(clients.c.name))
        .where(clients.c.organisation == consents.c.organisation)
        .scalar_subquery()
    )
    query: Select[Any] = (
        select(consents, name.label("organisation_name"))
        .where(consents.c.holder_id == holder_id)
        .order_by(consents.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(consents.c.id < before)
    if only is not None:
        query = query.where(consents.c.id == only)
    rows = db.execute(query).all()
    told = _uses(db, [row.id for row in rows], uses_shown)
    return tuple(
        ConsentFile(_consent(keys, row), row.organisation_name, tuple(told.get(row.id, ()))) for row in rows
    )


def _uses(db: ReadConnection, consent_ids: Sequence[UUID], uses_shown: int) -> dict[UUID, list[ConsentUse]]:
    newest = (
        select(consent_events)
        .where(consent_events.c.consent_id == consents.c.id, consent_events.c.action == ConsentAction.USE)
        .order_by(consent_events.c.id.desc())
        .limit(uses_shown)
        .lateral("newest")
    )
    query = (
        select(consents.c.id, clients.c.name, newest.c.look, newest.c.certificate_id, newest.c.at)
        .select_from(consents.join(newest, true()).join(clients, clients.c.id == newest.c.actor))
        .where(consents.c.id.in_(consent_ids))
        .order_by(newest.c.id.desc())
    )
    found: dict[UUID, list[ConsentUse]] = {}
    for row in db.execute(query) if consent_ids else ():
        use = ConsentUse(row.name, Look(row.look), row.certificate_id, row.at)
        found.setdefault(row.id, []).append(use)
    return found


def _consent(keys: KeyRing, row: Row[Any]) -> Consent:
    data_key = keys.data_key(row.data_key, f"consents.data_key:{row.id}")
    content = open_json(data_key, row.sealed, f"consents.sealed:{row.id}")
    return Consent(
        consent_id=row.id,
        holder_id=row.holder_id,
        organisation=row.organisation,
        types=frozenset(row.types),
        fields=None if row.fields is None else frozenset(row.fields),
        service_item=row.service_item,
        purpose=content["purpose"],
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        uses_max=row.uses_max,
        uses_left=row.uses_left,
        made_at=row.made_at,
        revoked_at=row.revoked_at,
    )
