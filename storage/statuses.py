"""A certificate's status and the events that made it: the row says what holds now, the events say why."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from uuid import UUID

from sqlalchemy import ColumnElement, Date, Row, Text, cast, func, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.tables import cases, certificates, status_events
from vault.model.certificate import CertificateRecord, ErasedCertificate, Status
from vault.model.lifecycle import (
    TAKES_OVER,
    Action,
    InspectionResult,
    OutOfForce,
    StatusEvent,
    statuses_permitting,
)


@dataclass(frozen=True, slots=True)
class LockedCertificate:
    """A certificate whose row this transaction holds: nobody changes its status meanwhile."""

    certificate_id: UUID
    identifier: str
    type_code: str
    issuing_authority: str
    status: Status
    superseded_by: UUID | None


def lock_certificate(db: WriteConnection, certificate_id: UUID) -> LockedCertificate | None:
    """Holds a certificate's row until the transaction ends; rows that refer to it may still be written."""
    query = (
        select(
            certificates.c.id,
            certificates.c.identifier,
            certificates.c.type_code,
            certificates.c.issuing_authority,
            certificates.c.status,
            certificates.c.superseded_by,
        )
        .where(certificates.c.id == certificate_id)
        .with_for_update(key_share=True)
    )
    row = db.execute(query).one_or_none()
    if row is None:
        return None
    return LockedCertificate(
        row.id,
        row.identifier,
        row.type_code,
        row.issuing_authority,
        Status(row.status),
        row.superseded_by,
    )


def apply_event(db: WriteConnection, certificate_id: UUID, event: StatusEvent, *, changes: bool) -> None:
    """Writes an event of a locked certificate and, where it `changes` the status, the new status."""
    if changes:
        db.execute(
            update(certificates)
            .where(certificates.c.id == certificate_id)
            .values(status=event.status, status_since=event.at)
        )
    _insert_event(db, certificate_id, event)


def supersede(db: WriteConnection, old: UUID, new: UUID, event: StatusEvent) -> str | None:
    """Links a certificate to its next version and takes it out of force.

    Its identifier; None where it can no longer be superseded.
    """
    statement = (
        update(certificates)
        .where(certificates.c.id == old, *_may_be_superseded())
        .values(status=event.status, status_since=event.at, superseded_by=new)
        .returning(certificates.c.identifier)
    )
    identifier: str | None = db.execute(statement).scalar_one_or_none()
    if identifier is not None:
        _insert_event(db, old, event)
    return identifier


def announce(db: WriteConnection, old: UUID, new: UUID) -> bool:
    """Links a certificate to a version that begins later, and leaves it in force until then.

    False where it can no longer be superseded.
    """
    statement = (
        update(certificates).where(certificates.c.id == old, *_may_be_superseded()).values(superseded_by=new)
    )
    return db.execute(statement).rowcount == 1


def _may_be_superseded() -> tuple[ColumnElement[bool], ...]:
    """In a status that permits it; without a successor, or with one that was taken back before it began."""
    successor = certificates.alias("successor")
    taken_back = select(successor.c.id).where(
        successor.c.id == certificates.c.superseded_by, successor.c.status.not_in(TAKES_OVER)
    )
    return (
        certificates.c.status.in_(statuses_permitting(Action.SUPERSEDE)),
        certificates.c.superseded_by.is_(None) | taken_back.exists(),
    )


@dataclass(frozen=True, slots=True)
class Successor:
    """A version and the one before it. `client_id`: the client that deposited it."""

    predecessor: UUID | None
    valid_from: date
    status: Status
    client_id: str


def find_successor(db: ReadConnection, certificate_id: UUID) -> Successor | None:
    """What a version's taking over depends on."""
    query = (
        select(
            certificates.c.supersedes,
            certificates.c.valid_from,
            certificates.c.status,
            cases.c.client_id,
        )
        .join(cases, cases.c.id == certificates.c.case_id)
        .where(certificates.c.id == certificate_id)
    )
    row = db.execute(query).one_or_none()
    return None if row is None else Successor(row[0], row[1], Status(row[2]), row[3])


def events_of(db: ReadConnection, certificate_ids: Sequence[UUID]) -> dict[UUID, list[StatusEvent]]:
    """The events of each of these certificates, oldest first."""
    query = (
        select(status_events)
        .where(status_events.c.certificate_id.in_(certificate_ids))
        .order_by(status_events.c.id)
    )
    found: dict[UUID, list[StatusEvent]] = {}
    for row in db.execute(query):
        found.setdefault(row.certificate_id, []).append(event_of(row))
    return found


def event_of(row: Row[tuple[object, ...]]) -> StatusEvent:
    """The event in a row. Raises `ValueError` where it names an action, status or result that is none."""
    effective_on: date | None = row.effective_on
    return StatusEvent(
        action=Action(row.action),
        status=Status(row.status),
        actor=row.actor,
        reason=row.reason,
        effective_on=effective_on,
        result=None if row.result is None else InspectionResult(row.result),
        at=row.at,
    )


def identifiers_of(db: ReadConnection, certificate_ids: Sequence[UUID]) -> Mapping[UUID, str]:
    """The identifiers of these certificates, whoever may see them: versions before and after one."""
    found = {each: func.identifier_of_version(each, type_=Text) for each in certificate_ids}
    if not found:
        return {}
    row = db.execute(select(*found.values())).one()
    return {each: identifier for each, identifier in zip(found, row, strict=True) if identifier is not None}


def out_of_force(db: ReadConnection, record: CertificateRecord | ErasedCertificate) -> OutOfForce | None:
    """Since when, why and in favour of what a certificate is not `valid`; None where it is."""
    if record.status is Status.VALID:
        return None
    query = (
        select(status_events)
        .where(
            status_events.c.certificate_id == record.certificate_id,
            status_events.c.action != Action.INSPECT,
        )
        .order_by(status_events.c.id.desc())
        .limit(1)
    )
    event = event_of(db.execute(query).one())
    successor = record.superseded_by
    identifier = None if successor is None else identifiers_of(db, [successor]).get(successor)
    return OutOfForce(event.day, event.reason, identifier)


def status_on(db: ReadConnection, certificate_id: UUID, day: date) -> Status | None:
    """Which status a certificate had on a day in China, as it is known now; None before its first."""
    since = func.coalesce(
        status_events.c.effective_on, cast(func.timezone("Asia/Shanghai", status_events.c.at), Date)
    )
    query = (
        select(status_events.c.status)
        .where(status_events.c.certificate_id == certificate_id, since <= day)
        .order_by(status_events.c.id.desc())
        .limit(1)
    )
    found = db.execute(query).scalar_one_or_none()
    return None if found is None else Status(found)


def _insert_event(db: WriteConnection, certificate_id: UUID, event: StatusEvent) -> None:
    db.execute(
        insert(status_events).values(
            certificate_id=certificate_id,
            action=event.action,
            status=event.status,
            actor=event.actor,
            reason=event.reason,
            effective_on=event.effective_on,
            result=event.result,
            at=event.at,
        )
    )
