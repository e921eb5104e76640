"""Presentations: found by the SHA-256 of their code, redeemed under their lock."""

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.tables import delegations, holders, presentation_events, presentations
from vault.model.presentation import Presentation, PresentationAction


def insert_presentation(db: WriteConnection, presentation: Presentation, code_hash: bytes) -> None:
    """Writes a presentation, its code as a hash."""
    fields = presentation.fields
    db.execute(
        insert(presentations).values(
            id=presentation.presentation_id,
            code_hash=code_hash,
            certificate_id=presentation.certificate_id,
            holder_id=presentation.holder_id,
            delegation_id=presentation.delegation_id,
            made_by=presentation.made_by,
            fields=None if fields is None else sorted(fields),
            made_at=presentation.made_at,
            expires_at=presentation.expires_at,
        )
    )


def insert_presentation_event(
    db: WriteConnection, presentation_id: UUID, action: PresentationAction, actor: str, at: datetime
) -> None:
    """Writes an event of a presentation."""
    db.execute(
        insert(presentation_events).values(presentation_id=presentation_id, action=action, actor=actor, at=at)
    )


def find_presentation(db: ReadConnection, code_hash: bytes, *, lock: bool = False) -> Presentation | None:
    """The presentation whose code has this hash; `lock` holds its row until the transaction ends."""
    query = (
        select(presentations, delegations.c.revoked_at, holders.c.erased_at)
        .join(holders, holders.c.id == presentations.c.holder_id)
        .outerjoin(delegations, delegations.c.id == presentations.c.delegation_id)
        .where(presentations.c.code_hash == code_hash)
    )
    row = db.execute(query.with_for_update(of=[presentations]) if lock else query).one_or_none()
    return None if row is None else _presentation(row)


def spent_by(db: ReadConnection, presentation_id: UUID) -> PresentationAction | None:
    """What spent the code: that it was redeemed, or taken back; None where it is not spent."""
    events = presentation_events.c
    query = select(events.action).where(
        events.presentation_id == presentation_id,
        events.action.in_((PresentationAction.REDEEM, PresentationAction.END)),
    )
    found = db.execute(query).scalars().first()
    return None if found is None else PresentationAction(found)


def spend_presentation(db: WriteConnection, presentation_id: UUID, at: datetime) -> None:
    """Marks the code of a locked presentation as spent."""
    statement = update(presentations).where(presentations.c.id == presentation_id)
    db.execute(statement.values(redeemed_at=at))


def _presentation(row: Row[Any]) -> Presentation:
    return Presentation(
        presentation_id=row.id,
        certificate_id=row.certificate_id,
        holder_id=row.holder_id,
        delegation_id=row.delegation_id,
        made_by=row.made_by,
        fields=None if row.fields is None else frozenset(row.fields),
        made_at=row.made_at,
        expires_at=row.expires_at,
        redeemed_at=row.redeemed_at,
        withdrawn=row.revoked_at is not None or row.erased_at is not None,
    )
