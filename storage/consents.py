"""Consents: found by holder and organisation, used up under their lock, and what happened to each.

What is said in them is sealed under the holder's own key: it is known for as long as the holder is.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, select, true, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import DataKey, KeyRing, open_json, seal_json, tag_under
from storage.holders import code_of
from storage.record_keys import KnownHolder, holder_key
from storage.tables import clients, consent_events, consents, holders
from vault.model.consent import REPEAT_WITHIN, Consent, ConsentAction, Look


@dataclass(frozen=True, slots=True)
class OpenConsent:
    """A consent that may count for a request. `request_tag`: what its holder's key makes of the request."""

    consent: Consent
    request_tag: bytes


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


def insert_consent(db: WriteConnection, holder: KnownHolder, consent: Consent) -> None:
    """Writes a consent of this holder."""
    db.execute(
        insert(consents).values(
            id=consent.consent_id,
            holder_id=holder.holder_id,
            organisation=consent.organisation,
            types=sorted(consent.types),
            fields=None if consent.fields is None else sorted(consent.fields),
            service_item=consent.service_item,
            sealed=seal_json(holder.key, {"purpose": consent.purpose}, consent_place(consent.consent_id)),
            valid_from=consent.valid_from,
            valid_to=consent.valid_to,
            uses_max=consent.uses_max,
            uses_left=consent.uses_left,
            made_at=consent.made_at,
        )
    )


def consent_place(consent_id: UUID) -> str:
    """What a consent's envelope is bound to."""
    return f"{consents.name}.sealed:{consent_id}"


def insert_consent_event(
    db: WriteConnection, consent_id: UUID, action: ConsentAction, actor: str, at: datetime
) -> None:
    """Writes that a consent was given or taken back."""
    db.execute(insert(consent_events).values(consent_id=consent_id, action=action, actor=actor, at=at))


def standing_consents(db: ReadConnection, keys: KeyRing, holder_id: UUID, on: date) -> tuple[Consent, ...]:
    """A holder's consents that are neither revoked nor ended nor used up."""
    query = _consents().where(
        consents.c.holder_id == holder_id,
        consents.c.revoked_at.is_(None),
        consents.c.valid_to >= on,
        consents.c.uses_left > 0,
    )
    return tuple(_consent(keys, row) for row in db.execute(query))


def consents_for(
    db: ReadConnection,
    keys: KeyRing,
    holder_ids: Collection[UUID],
    organisation: str,
    on: date,
    request: str,
    *,
    lock: bool = False,
) -> tuple[OpenConsent, ...]:
    """What these holders consent to for an organisation, not revoked and not ended; perhaps used up.

    `request`: the canonical text of what is asked. `lock` holds the rows until the transaction ends, in the
    order of their ids, so that two requests of one organisation do not wait for each other crosswise.
    """
    query = (
        _consents()
        .where(
            consents.c.holder_id.in_(list(holder_ids)),
            consents.c.organisation == organisation,
            consents.c.revoked_at.is_(None),
            consents.c.valid_to >= on,
        )
        .order_by(consents.c.id)
    )
    found = db.execute(query.with_for_update(of=consents) if lock else query)
    return tuple(
        OpenConsent(_consent(keys, row), tag_under(_key(keys, row), f"consent-request/{request}"))
        for row in found
    )


def counted_lately(db: ReadConnection, found: Collection[OpenConsent], at: datetime) -> frozenset[UUID]:
    """Those of these consents on which this very request was counted within `REPEAT_WITHIN`."""
    query = select(consent_events.c.consent_id).where(
        consent_events.c.consent_id.in_([each.consent.consent_id for each in found]),
        consent_events.c.request_tag.in_([each.request_tag for each in found]),
        consent_events.c.at > at - REPEAT_WITHIN,
    )
    return frozenset(db.execute(query).scalars())


def use_consents(
    db: WriteConnection,
    tags: Mapping[UUID, bytes],
    *,
    actor: str,
    look: Look,
    certificate_id: UUID | None,
    at: datetime,
) -> None:
    """Takes one use off each of these locked consents, and tells of it. `tags`: the request's, by consent."""
    spent = update(consents).where(consents.c.id.in_(list(tags)))
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
                "request_tag": request_tag,
                "at": at,
            }
            for consent_id, request_tag in sorted(tags.items())
        ],
    )


def find_consent(
    db: ReadConnection, keys: KeyRing, consent_id: UUID, *, lock: bool = False
) -> Consent | None:
    """One consent of somebody who is not erased; `lock` holds its row until the transaction ends."""
    query = _consents().where(consents.c.id == consent_id)
    row = db.execute(query.with_for_update(of=consents) if lock else query).one_or_none()
    return None if row is None else _consent(keys, row)


def revoke_consent(db: WriteConnection, consent_id: UUID, at: datetime) -> None:
    """Ends a locked consent for good."""
    db.execute(update(consents).where(consents.c.id == consent_id).values(revoked_at=at))


def erase_consents(db: WriteConnection, holder_id: UUID, actor: str, at: datetime) -> tuple[UUID, ...]:
    """Ends what a holder, locked by the caller, consents to, and takes its words away; the ids of all.

    Those that were not revoked are, with their event.
    """
    mine = consents.c.holder_id == holder_id
    standing = select(consents.c.id).where(mine, consents.c.revoked_at.is_(None)).with_for_update()
    for consent_id in db.execute(standing.order_by(consents.c.id)).scalars().all():
        revoke_consent(db, consent_id, at)
        insert_consent_event(db, consent_id, ConsentAction.REVOKE, actor, at)
    emptied = update(consents).where(mine).values(sealed=None).returning(consents.c.id)
    return tuple(sorted(db.execute(emptied).scalars()))


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
    query = (
        _consents()
        .add_columns(name.label("organisation_name"))
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


def consents_with_keys() -> Select[Any]:
    """Every consent's row with what opens it, null where the holder is erased."""
    return select(
        consents,
        holders.c.code_type,
        holders.c.data_key.label("holder_key"),
        holders.c.sealed.label("holder_sealed"),
    ).join(holders, holders.c.id == consents.c.holder_id)


def _consents() -> Select[Any]:
    """Consents of those who are not erased."""
    return consents_with_keys().where(holders.c.data_key.is_not(None))


def _key(keys: KeyRing, row: Row[Any]) -> DataKey:
    return holder_key(keys, row.holder_id, row.holder_key)


def _consent(keys: KeyRing, row: Row[Any]) -> Consent:
    key = _key(keys, row)
    content = open_json(key, row.sealed, consent_place(row.id))
    return Consent(
        consent_id=row.id,
        holder_id=row.holder_id,
        holder=code_of(row, key),
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
