"""Delegations: found by holder or by the blind index of the delegate, with what was done under each.

Whom they name is sealed under the holder's own key: it is known for as long as the holder is.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, bindparam, or_, select, true, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import DataKey, KeyRing, open_json, seal_json
from storage.holders import holder_index, index_text
from storage.key_state import found_by
from storage.record_keys import KnownHolder, holder_key
from storage.tables import delegation_events, delegations, holders
from vault.model.delegation import Act, DelegatedAction, Delegation, DelegationEvent
from vault.model.holders import HolderCode

# Of what stands in the place of an index whose code nobody knows any more.
INDEX_BYTES = 32


def insert_delegation(
    db: WriteConnection, keys: KeyRing, holder: KnownHolder, delegation: Delegation
) -> None:
    """Writes a delegation of this holder."""
    delegation_id, place = delegation.delegation_id, delegation_place(delegation.delegation_id)
    db.execute(
        insert(delegations).values(
            id=delegation_id,
            holder_id=holder.holder_id,
            **delegate_index_values(keys, delegation.delegate),
            types=sorted(delegation.types),
            actions=sorted(delegation.actions),
            sealed=seal_json(holder.key, _content(delegation.holder_name, delegation.delegate), place),
            valid_from=delegation.valid_from,
            valid_to=delegation.valid_to,
            made_at=delegation.made_at,
        )
    )


def delegation_place(delegation_id: UUID) -> str:
    """What a delegation's envelope is bound to."""
    return f"{delegations.name}.sealed:{delegation_id}"


def delegate_index_values(keys: KeyRing, delegate: HolderCode | None) -> dict[str, object]:
    """The columns by which a delegate's delegations are found, under the active index key; None: by none."""
    index = secrets.token_bytes(INDEX_BYTES) if delegate is None else holder_index(keys, delegate)
    return {"delegate_index": index, "index_version": keys.index_version}


def delegations_with_keys() -> Select[Any]:
    """Every delegation's row with its holder's wrapped key, null where they are erased."""
    return select(delegations, holders.c.data_key.label("holder_key")).join(
        holders, holders.c.id == delegations.c.holder_id
    )


def delegate_of(content: Mapping[str, Any]) -> HolderCode | None:
    """Whom such an envelope names."""
    delegate = content["delegate"]
    return None if delegate is None else HolderCode.parse(delegate["code_type"], delegate["code"])


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
            _to(keys, code),
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
) -> tuple[Delegation, ...]:
    """A holder's delegations that are neither revoked nor ended."""
    query = _readable().where(
        delegations.c.holder_id == holder_id,
        delegations.c.revoked_at.is_(None),
        delegations.c.valid_to >= on,
    )
    return tuple(_delegation(keys, row) for row in db.execute(query))


def find_delegation(
    db: ReadConnection, keys: KeyRing, delegation_id: UUID, *, lock: bool = False
) -> Delegation | None:
    """One delegation of somebody who is not erased; `lock` keeps it as it is until the transaction ends."""
    query = _readable().where(delegations.c.id == delegation_id)
    row = db.execute(query.with_for_update(of=delegations) if lock else query).one_or_none()
    return None if row is None else _delegation(keys, row)


def revoke_delegation(db: WriteConnection, delegation_id: UUID, at: datetime) -> None:
    """Ends a locked delegation for good."""
    db.execute(update(delegations).where(delegations.c.id == delegation_id).values(revoked_at=at))


def erase_delegations(
    db: WriteConnection, keys: KeyRing, holder: KnownHolder, code: HolderCode, actor: str, at: datetime
) -> tuple[UUID, ...]:
    """Ends what a holder, locked by the caller, delegates or is delegated; the ids of all.

    The words of the former go; the latter are the other holders', and name nobody any more.
    """
    theirs = or_(delegations.c.holder_id == holder.holder_id, _to(keys, code))
    query = delegations_with_keys().where(theirs).order_by(delegations.c.id)
    touched = db.execute(query.with_for_update(of=delegations)).all()
    for row in touched:
        if row.revoked_at is None:
            insert_act(db, row.id, actor, Act(DelegationEvent.REVOKE, None, at, {}))
    if touched:
        statement = update(delegations).where(delegations.c.id == bindparam("id_"))
        db.execute(
            statement,
            [
                {
                    "id_": row.id,
                    "revoked_at": row.revoked_at or at,
                    "sealed": None if row.holder_id == holder.holder_id else _without_delegate(keys, row),
                    **delegate_index_values(keys, None),
                }
                for row in touched
            ],
        )
    return tuple(row.id for row in touched)


def delegations_of_holder(
    db: ReadConnection, keys: KeyRing, holder_id: UUID, limit: int
) -> tuple[Delegation, ...]:
    """What a holder delegates, newest first."""
    return _newest(db, keys, delegations.c.holder_id == holder_id, limit)


def delegations_to(db: ReadConnection, keys: KeyRing, code: HolderCode, limit: int) -> tuple[Delegation, ...]:
    """What is delegated to the person with this code, newest first."""
    return _newest(db, keys, _to(keys, code), limit)


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
    query = _readable().where(whose).order_by(delegations.c.id.desc()).limit(limit)
    return tuple(_delegation(keys, row) for row in db.execute(query))


def _readable() -> Select[Any]:
    """Delegations of those who are not erased, with what opens them."""
    return delegations_with_keys().where(holders.c.data_key.is_not(None))


def _to(keys: KeyRing, code: HolderCode) -> ColumnElement[bool]:
    return found_by(delegations.c.delegate_index, keys, index_text(code))


def _content(holder_name: str, delegate: HolderCode | None) -> dict[str, Any]:
    named = None if delegate is None else {"code_type": delegate.code_type, "code": delegate.value}
    return {"holder_name": holder_name, "delegate": named}


def _opened(keys: KeyRing, row: Row[Any]) -> tuple[DataKey, Any]:
    key = holder_key(keys, row.holder_id, row.holder_key)
    return key, open_json(key, row.sealed, delegation_place(row.id))


def _without_delegate(keys: KeyRing, row: Row[Any]) -> bytes:
    key, content = _opened(keys, row)
    return seal_json(key, _content(content["holder_name"], None), delegation_place(row.id))


def _delegation(keys: KeyRing, row: Row[Any]) -> Delegation:
    _, content = _opened(keys, row)
    return Delegation(
        delegation_id=row.id,
        holder_id=row.holder_id,
        holder_name=content["holder_name"],
        delegate=delegate_of(content),
        types=frozenset(row.types),
        actions=frozenset(DelegatedAction(action) for action in row.actions),
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        made_at=row.made_at,
        accepted_at=row.accepted_at,
        revoked_at=row.revoked_at,
    )
