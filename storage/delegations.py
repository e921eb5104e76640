"""Delegations: found by holder or by the blind index of the delegate, with what was done under each."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, select, true, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.holders import holder_index
from storage.tables import delegation_events, delegations
from vault.model.delegation import Act, DelegatedAction, Delegation, DelegationEvent
from vault.model.holders import HolderCode

# Purpose of the blind index of a whole grant.
GRANT = "delegation-grant"


def insert_delegation(db: WriteConnection, keys: KeyRing, delegation: Delegation, index: bytes) -> None:
    """Writes a delegation."""
    delegation_id, delegate = delegation.delegation_id, delegation.delegate
    data_key = keys.new_data_key(f"delegations.data_key:{delegation_id}")
    content = {
        "holder_name": delegation.holder_name,
        "delegate": {"code_type": delegate.code_type, "code": delegate.value},
    }
    db.execute(
        insert(delegations).values(
            id=delegation_id,
            holder_id=delegation.holder_id,
            delegate_index=holder_index(keys, delegate),
            index_version=keys.index_version,
            types=sorted(delegation.types),
            actions=sorted(delegation.actions),
            data_key=data_key.wrapped,
            sealed=seal_json(data_key, content, f"delegations.sealed:{delegation_id}"),
            valid_from=delegation.valid_from,
            valid_to=delegation.valid_to,
            request_index=index,
            made_at=delegation.made_at,
        )
    )


def insert_act(db: WriteConnection, delegation_id: UUID, actor: str, act: Act) -> None:
    """Writes what happened to a delegation, or under it."""
    db.execute(
        insert(delegation_events).values(
            delegation_id=delegation_id,
            action=act.action,
            actor=actor,
            certificate_id=act.certificate_id,
            details=dict(act.details),
            at=act.at,
        )
    )


def accept_delegations(
    db: WriteConnection, keys: KeyRing, code: HolderCode, actor: str, at: datetime
) -> None:
    """Accepts what waits for somebody who signs in: one statement where nothing does."""
    accepted = (
        update(delegations)
        .where(
            delegations.c.delegate_index == holder_index(keys, code),
            delegations.c.accepted_at.is_(None),
            delegations.c.revoked_at.is_(None),
        )
        .values(accepted_at=at)
        .returning(delegations.c.id)
    )
    for delegation_id in db.execute(accepted).scalars().all():
        insert_act(db, delegation_id, actor, Act(DelegationEvent.ACCEPT, None, at, {}))


def standing_delegations(
    db: ReadConnection, keys: KeyRing, holder_id: UUID, on: date
) -> dict[bytes, Delegation]:
    """A holder's delegations that are neither revoked nor ended, by the index of their grant."""
    query = select(delegations).where(
        delegations.c.holder_id == holder_id,
        delegations.c.revoked_at.is_(None),
        delegations.c.valid_to >= on,
    )
    return {row.request_index: _delegation(keys, row) for row in db.execute(query)}


def find_delegation(
    db: ReadConnection, keys: KeyRing, delegation_id: UUID, *, lock: bool = False
) -> Delegation | None:
    """One delegation; `lock` keeps it as it is until the transaction ends."""
    query = select(delegations).where(delegations.c.id == delegation_id)
    row = db.execute(query.with_for_update() if lock else query).one_or_none()
    return None if row is None else _delegation(keys, row)


def revoke_delegation(db: WriteConnection, delegation_id: UUID, at: datetime) -> None:
    """Ends a locked delegation for good."""
    db.execute(update(delegations).where(delegations.c.id == delegation_id).values(revoked_at=at))


def delegations_of_holder(
    db: ReadConnection, keys: KeyRing, holder_id: UUID, limit: int
) -> tuple[Delegation, ...]:
    """What a holder delegates, newest first."""
    return _newest(db, keys, delegations.c.holder_id == holder_id, limit)


def delegations_to(db: ReadConnection, keys: KeyRing, code: HolderCode, limit: int) -> tuple[Delegation, ...]:
    """What is delegated to the person with this code, newest first."""
    return _newest(db, keys, delegations.c.delegate_index == holder_index(keys, code), limit)


def acts_under(
    db: ReadConnection, delegation_ids: Sequence[UUID], shown: int
) -> Mapping[UUID, tuple[Act, ...]]:
    """The newest events of each of these delegations: one statement for any number."""
    if not delegation_ids:
        return {}
    newest = (
        select(delegation_events)
        .where(delegation_events.c.delegation_id == delegations.c.id)
        .order_by(delegation_events.c.id.desc())
        .limit(shown)
        .lateral("newest")
    )
    query = (
        select(delegations.c.id, newest.c.action, newest.c.certificate_id, newest.c.at, newest.c.details)
        .select_from(delegations.join(newest, true()))
        .where(delegations.c.id.in_(delegation_ids))
        .order_by(newest.c.id.desc())
    )
    found: dict[UUID, list[Act]] = {}
    for delegation_id, action, certificate_id, at, details in db.execute(query):
        act = Act(DelegationEvent(action), certificate_id, at, details)
        found.setdefault(delegation_id, []).append(act)
    return {delegation_id: tuple(acts) for delegation_id, acts in found.items()}


def _newest(
    db: ReadConnection, keys: KeyRing, whose: ColumnElement[bool], limit: int
) -> tuple[Delegation, ...]:
    query = select(delegations).where(whose).order_by(delegations.c.id.desc()).limit(limit)
    return tuple(_delegation(keys, row) for row in db.execute(query))


def _delegation(keys: KeyRing, row: Row[Any]) -> Delegation:
    data_key = keys.data_key(row.data_key, f"delegations.data_key:{row.id}")
    content = open_json(data_key, row.sealed, f"delegations.sealed:{row.id}")
    delegate = content["delegate"]
    return Delegation(
        delegation_id=row.id,
        holder_id=row.holder_id,
        holder_name=content["holder_name"],
        delegate=HolderCode.parse(delegate["code_type"], delegate["code"]),
        types=frozenset(row.types),
        actions=frozenset(DelegatedAction(action) for action in row.actions),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        made_at=row.made_at,
        accepted_at=row.accepted_at,
        revoked_at=row.revoked_at,
    )
