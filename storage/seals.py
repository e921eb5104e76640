"""Seals: whose, with which certificate and picture. The key itself never enters the database."""

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Row, func, select, text, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.tables import national_seals, seal_events, seals
from vault.model.custody import Deed, SealAct

# A stop has to hold within five seconds; a commit takes some milliseconds.
WAIT_FOR_COMMITS_MS = 2_000

# What the platform's seal (平台章) is for. An authority's seal for PDFs of its certificates has no purpose.
USAGE_COPY = "usage-copy"
# An authority's seal for OFDs (GB/T 38540): with its SESeal in `national_seals`.
NATIONAL = "national"
# The platform's key that closes OFDs (GB/T 35275): no seal, so no SESeal.
NATIONAL_CLOSING = "national-closing"
# Of who digitises (扫描件): seals digital copies, which the issuer's seal never does.
ATTESTATION = "attestation"
# What is used under grants: seals that certificates bear. The platform's is used by the vault itself.
GRANTED_PURPOSES = frozenset({None, NATIONAL, ATTESTATION})


@dataclass(frozen=True, slots=True)
class SealRow:
    """A seal of an authority, or of the vault's operator.

    `picture`: PDF drawing operators in a box of 1000 by 1000 units; empty where a national seal was brought
    in with its own picture, and for a closing key. `purpose`: None for the PDFs of an authority's own
    certificates, `USAGE_COPY` for the copies that the platform makes, `NATIONAL` and `NATIONAL_CLOSING` for
    OFDs, `ATTESTATION` for digital copies.
    """

    seal_id: str
    authority: str
    authority_name: str
    algorithm: str
    key_name: str
    certificate_pem: str = field(repr=False)
    picture: bytes = field(repr=False)
    not_after: datetime
    created_at: datetime
    stopped_at: datetime | None
    purpose: str | None = None


def insert_seal(db: WriteConnection, seal: SealRow, national: bytes | None = None) -> None:
    """Keeps a new seal. `national`: the SESeal of one whose purpose is `NATIONAL`."""
    db.execute(
        insert(seals).values(
            id=seal.seal_id,
            authority=seal.authority,
            authority_name=seal.authority_name,
            algorithm=seal.algorithm,
            key_name=seal.key_name,
            certificate_pem=seal.certificate_pem,
            picture=seal.picture,
            not_after=seal.not_after,
            created_at=seal.created_at,
            stopped_at=seal.stopped_at,
            purpose=seal.purpose,
        )
    )
    if national is not None:
        db.execute(insert(national_seals).values(id=seal.seal_id, content=national))


def national_seal(db: ReadConnection, seal_id: str) -> bytes | None:
    """The SESeal of a national seal, DER; None for a seal of another kind."""
    query = select(national_seals.c.content).where(national_seals.c.id == seal_id)
    content: bytes | None = db.execute(query).scalar_one_or_none()
    return content


def seals_in_use(
    db: ReadConnection, authorities: frozenset[str], at: datetime, purpose: str | None = None
) -> dict[str, str]:
    """The id of the newest seal in use of each of these authorities, by authority.

    `purpose`: None for PDFs, `NATIONAL` for OFDs.
    """
    query = (
        select(seals.c.authority, seals.c.id)
        .where(
            seals.c.authority.in_(sorted(authorities)),
            seals.c.purpose.is_not_distinct_from(purpose),
            seals.c.stopped_at.is_(None),
            seals.c.not_after > at,
        )
        .order_by(seals.c.created_at, seals.c.id)
    )
    return {row.authority: row.id for row in db.execute(query)}


def platform_seal_in_use(db: ReadConnection, at: datetime, purpose: str = USAGE_COPY) -> str | None:
    """The id of the platform's newest seal in use: for usage copies, or `NATIONAL_CLOSING` for OFDs."""
    query = (
        select(seals.c.id)
        .where(seals.c.purpose == purpose, seals.c.stopped_at.is_(None), seals.c.not_after > at)
        .order_by(seals.c.created_at.desc(), seals.c.id.desc())
        .limit(1)
    )
    return db.execute(query).scalar_one_or_none()


def find_seal(db: ReadConnection, seal_id: str) -> SealRow | None:
    """A seal by its id."""
    row = db.execute(select(seals).where(seals.c.id == seal_id)).one_or_none()
    return None if row is None else _seal(row)


def all_seals(db: ReadConnection) -> tuple[SealRow, ...]:
    """Every seal, stopped ones too, by authority and age."""
    query = select(seals).order_by(seals.c.authority, seals.c.created_at, seals.c.id)
    return tuple(_seal(row) for row in db.execute(query))


@dataclass(frozen=True, slots=True)
class ListedSealRow:
    """A seal with its times, without its picture."""

    authority: str
    certificate_pem: str = field(repr=False)
    created_at: datetime
    stopped_at: datetime | None
    purpose: str | None


def listed_seals(db: ReadConnection) -> tuple[ListedSealRow, ...]:
    """Every seal, stopped ones too, as a judge needs them: one statement, no pictures."""
    query = select(
        seals.c.authority, seals.c.certificate_pem, seals.c.created_at, seals.c.stopped_at, seals.c.purpose
    )
    return tuple(ListedSealRow(*row) for row in db.execute(query.order_by(seals.c.created_at, seals.c.id)))


def lock_seals(db: WriteConnection, seal_ids: Collection[str]) -> dict[str, str]:
    """Holds these seals' rows until the transaction ends; whose they are, of those that are there.

    Deposits are not held up: their foreign keys take a lock that goes with this one.
    """
    query = select(seals.c.id, seals.c.authority).where(seals.c.id.in_(sorted(seal_ids)))
    return {
        row.id: row.authority
        for row in db.execute(query.order_by(seals.c.id).with_for_update(key_share=True))
    }


def wait_for_commits(db: WriteConnection, seal_id: str) -> None:
    """Holds a seal's row against deposits too: returns when none that used the seal is at its commit.

    Raises:
        Unavailable: one has been there for longer than `WAIT_FOR_COMMITS_MS`.
    """
    db.execute(text(f"SET LOCAL lock_timeout = {WAIT_FOR_COMMITS_MS}"))
    db.execute(select(seals.c.id).where(seals.c.id == seal_id).with_for_update())


def hold_in_use(db: WriteConnection, seal_ids: Collection[str]) -> frozenset[str]:
    """Which of these seals are in use; a stop waits for the transaction, as for a file's own seal.

    For seals that no row of the transaction names: those that one does are held by its foreign key.
    """
    query = select(seals.c.id, seals.c.stopped_at).where(seals.c.id.in_(sorted(seal_ids)))
    held = db.execute(query.order_by(seals.c.id).with_for_update(read=True, key_share=True))
    return frozenset(row.id for row in held if row.stopped_at is None)


def stop_seal(db: WriteConnection, seal_id: str, at: datetime) -> int:
    """Takes a seal out of use; the number of seals stopped by this call (0 or 1)."""
    statement = update(seals).where(seals.c.id == seal_id, seals.c.stopped_at.is_(None)).values(stopped_at=at)
    return db.execute(statement).rowcount


def resume_seal(db: WriteConnection, seal_id: str) -> None:
    """Takes a stopped seal into use again."""
    db.execute(update(seals).where(seals.c.id == seal_id).values(stopped_at=None))


def is_stopped(db: ReadConnection, seal_id: str) -> bool:
    """Whether a seal is out of use now: one read by primary key."""
    return db.execute(select(seals.c.stopped_at).where(seals.c.id == seal_id)).scalar_one() is not None


@dataclass(frozen=True, slots=True)
class SealEvent:
    """Something that was done to a seal. `answers`: the proposal that a resumption approved."""

    event_id: int
    seal_id: str
    act: SealAct
    deed: Deed
    answers: int | None


def insert_seal_event(
    db: WriteConnection, seal_id: str, act: SealAct, deed: Deed, answers: int | None = None
) -> None:
    """Keeps what was done to a seal."""
    db.execute(
        insert(seal_events).values(
            seal_id=seal_id,
            action=act.value,
            actor=deed.actor,
            via=deed.via,
            reason=deed.reason,
            answers=answers,
            at=deed.at,
        )
    )


def latest_seal_events(db: ReadConnection, seal_ids: Collection[str]) -> dict[str, SealEvent]:
    """The newest event of each of these seals; seals to which nothing was done are not in it."""
    newest = (
        select(func.max(seal_events.c.id))
        .where(seal_events.c.seal_id.in_(sorted(seal_ids)))
        .group_by(seal_events.c.seal_id)
    )
    rows = db.execute(select(seal_events).where(seal_events.c.id.in_(newest)))
    return {
        row.seal_id: SealEvent(
            row.id,
            row.seal_id,
            SealAct(row.action),
            Deed(row.actor, row.via, row.at, row.reason),
            row.answers,
        )
        for row in rows
    }


def _seal(row: Row[tuple[object, ...]]) -> SealRow:
    return SealRow(
        seal_id=row.id,
        authority=row.authority,
        authority_name=row.authority_name,
        algorithm=row.algorithm,
        key_name=row.key_name,
        certificate_pem=row.certificate_pem,
        picture=row.picture,
        not_after=row.not_after,
        created_at=row.created_at,
        stopped_at=row.stopped_at,
        purpose=row.purpose,
    )
