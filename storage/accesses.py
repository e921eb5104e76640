"""A holder's history: what was done with what is theirs, a page in a fixed number of statements.

Each audit event has a row for every holder, certificate and material that it is about (a trigger writes
them); a page is one scan of those rows, newest first, whatever else the vault holds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Row,
    Select,
    Subquery,
    Uuid,
    any_,
    bindparam,
    func,
    literal,
    select,
    true,
    union_all,
)

from storage.audit import reasons_of
from storage.db import ReadConnection
from storage.deferrals import AUDITOR, covering
from storage.envelope import KeyRing
from storage.tables import (
    audit_events,
    audit_subjects,
    certificate_holders,
    certificates,
    clients,
    holders,
    material_holders,
    materials,
    people,
    use_copies,
    uses,
    verification_days,
)
from vault.model.deferral import OrderKind
from vault.model.history_entry import EVERYBODY, Access, Deferred, Thing, UseSeen, Who, without_id_numbers
from vault.model.use import SubjectKind

PERSON = "person:"
OPERATOR = "operator:"
PUBLIC = "public"
# Of one access so many things are listed; the others are counted.
THINGS_MAX = 20
# Looks at audit events: about many people's rows, and about nobody's things.
_WITHOUT_THINGS = frozenset({"audit-find", "audit-export"})


def accesses_about(
    db: ReadConnection,
    keys: KeyRing,
    holder_id: UUID,
    *,
    certificate_id: UUID | None,
    before: int,
    limit: int,
    at: datetime,
) -> tuple[Access, ...]:
    """The newest accesses below `before`, at most `limit`, without those that are not to be shown yet.

    `certificate_id`: those to this certificate only, which must be the holder's. Five statements, however
    much there is.

    Raises:
        IntegrityError: an envelope does not open.
    """
    rows = db.execute(_page(holder_id, certificate_id, before, limit, at)).all()
    return _told(db, keys, holder_id, rows)


def find_access(
    db: ReadConnection, keys: KeyRing, holder_id: UUID, event_id: int, *, at: datetime
) -> Access | None:
    """One access of a holder's history; None where there is none that they may see."""
    found = accesses_about(db, keys, holder_id, certificate_id=None, before=event_id + 1, limit=1, at=at)
    return found[0] if found and found[0].event_id == event_id else None


def is_of_holder(db: ReadConnection, certificate_id: UUID, holder_id: UUID) -> bool:
    """Whether this holder has this certificate."""
    query = select(func.count()).where(
        certificate_holders.c.holder_id == holder_id, certificate_holders.c.certificate_id == certificate_id
    )
    return db.execute(query).scalar_one() > 0


def _page(holder_id: UUID, certificate_id: UUID | None, before: int, limit: int, at: datetime) -> Select[Any]:
    """The first entries under each name by the table's key, then the first of those."""
    about = holder_id if certificate_id is None else certificate_id
    names = (
        func.unnest(literal([about, EVERYBODY], ARRAY(Uuid))).table_valued("about").render_derived("names")
    )
    subject, event = audit_subjects.alias("s"), audit_events.alias("e")
    order = covering(holder_id, event).lateral("deferral")
    # What concerns everybody concerns them from the day on which the vault knew them.
    begun = (
        select(func.min(audit_subjects.c.event_id))
        .where(audit_subjects.c.about == literal(about, Uuid))
        .scalar_subquery()
    )
    own = (
        select(event, order.c.kind.label("order_kind"), order.c.ends_at.label("order_ends_at"))
        .select_from(subject)
        .join(event, event.c.id == subject.c.event_id)
        .outerjoin(order, true())
        .where(subject.c.about == names.c.about, subject.c.event_id < before, subject.c.event_id >= begun)
        .where(order.c.ends_at.is_(None) | (order.c.ends_at <= at))
        .order_by(subject.c.event_id.desc())
        .limit(limit)
    )
    if certificate_id is not None:  # another holder of it may have disputed it: no business of this one's
        mine = audit_subjects.alias("mine")
        of_mine = select(mine.c.about).where(mine.c.about == holder_id, mine.c.event_id == subject.c.event_id)
        own = own.where((subject.c.about == EVERYBODY) | of_mine.exists())
    page = own.lateral("own")
    return (
        select(page, clients.c.name.label("client_name"), clients.c.authorities.label("client_authorities"))
        .select_from(names.join(page, true()).outerjoin(clients, clients.c.id == page.c.actor))
        .order_by(page.c.id.desc())
        .limit(limit)
    )


def _told(db: ReadConnection, keys: KeyRing, holder_id: UUID, rows: Sequence[Row[Any]]) -> tuple[Access, ...]:
    told = [_access(keys, row) for row in rows]
    with_things = [a.event_id for a in told if a.action not in _WITHOUT_THINGS]
    things, counts = _things(db, holder_id, with_things)
    named_uses = {row.id: UUID(row.details["use"]) for row in rows if row.details.get("use")}
    seen = _uses(db, set(named_uses.values()))
    mine = _own_people(db, holder_id, {row.actor for row in rows if row.actor.startswith(PERSON)})
    verified = _verified(db, [a.event_id for a in told if a.who is Who.PUBLIC])
    return tuple(
        replace(
            access,
            who=Who.YOU if row.actor in mine else access.who,
            things=things.get(row.id, ()),
            things_count=counts.get(row.id, 0),
            use=seen.get(named_uses[row.id]) if row.id in named_uses else None,
            count=verified.get(row.id),
        )
        for access, row in zip(told, rows, strict=True)
    )


def _access(keys: KeyRing, row: Row[Any]) -> Access:
    reasons = reasons_of(keys, row) or {}
    who = _who(row)
    # A redemption's envelope says who made the use, and not who redeems.
    own = {} if who is not Who.SYSTEM or row.action == "use-redeem" else reasons
    by_clerk = bool(reasons.get("acting_for") or own.get("clerk")) or row.action == "verify-material"
    return Access(
        event_id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        who=who,
        client=row.client_name,
        authorities=tuple(row.client_authorities or ()),
        organisation=_clean(own.get("organisation")),
        by_clerk=by_clerk and who is Who.SYSTEM,
        service_item=reasons.get("service_item") or row.details.get("service_item"),
        case_number=_clean(reasons.get("case_number")),
        # Why an auditor looks is the auditors' own matter until they tell.
        purpose=_clean(reasons.get("purpose")) if who is Who.SYSTEM else None,
        step=row.details.get("action") if row.action == "status" else None,
        deferred=None if row.order_kind is None else Deferred(OrderKind(row.order_kind), row.order_ends_at),
    )


def _clean(value: str | None) -> str | None:
    return None if not value else without_id_numbers(value)


def _who(row: Row[Any]) -> Who:
    actor: str = row.actor
    for prefix, who in ((PERSON, Who.PERSON), (AUDITOR, Who.AUDITOR), (OPERATOR, Who.OPERATOR)):
        if actor.startswith(prefix):
            return who
    return Who.PUBLIC if actor == PUBLIC else Who.SYSTEM


def _things(
    db: ReadConnection, holder_id: UUID, event_ids: Sequence[int]
) -> tuple[dict[int, tuple[Thing, ...]], dict[int, int]]:
    """Of each event the holder's own things, certificates before materials: the first few, and how many."""
    rows = db.execute(_THINGS, {"holder_id": holder_id, "events": list(event_ids)})
    found: dict[int, list[Thing]] = {}
    counts: dict[int, int] = {}
    for row in rows:
        thing = Thing(SubjectKind(row.kind), row.id, row.type_code, row.identifier)
        found.setdefault(row.event_id, []).append(thing)
        counts[row.event_id] = row.things
    return {event_id: tuple(things) for event_id, things in found.items()}, counts


def _uses(db: ReadConnection, use_ids: Collection[UUID]) -> dict[UUID, UseSeen]:
    query = (
        select(uses.c.id, uses.c.expires_at, uses.c.revoked_at, use_copies.c.sha256)
        .outerjoin(use_copies, use_copies.c.use_id == uses.c.id)
        .where(uses.c.id == any_(bindparam("uses", type_=ARRAY(Uuid))))
    )
    return {
        row.id: UseSeen(row.id, row.expires_at, row.revoked_at, row.sha256 is not None)
        for row in db.execute(query, {"uses": list(use_ids)})
    }


def _own_people(db: ReadConnection, holder_id: UUID, actors: Collection[str]) -> frozenset[str]:
    """Those of these actors who are the holder, by whichever provider they came in."""
    ids = [UUID(actor.removeprefix(PERSON)) for actor in actors]
    query = (
        select(people.c.id)
        .join(holders, holders.c.code_index == people.c.code_index)
        .where(holders.c.id == holder_id, people.c.id == any_(bindparam("people", type_=ARRAY(Uuid))))
    )
    return frozenset(f"{PERSON}{found}" for found in db.execute(query, {"people": ids}).scalars())


def _verified(db: ReadConnection, event_ids: Collection[int]) -> Mapping[int, int]:
    """How often strangers verified on the day of each of these events."""
    query = select(verification_days.c.event_id, verification_days.c.count.label("times")).where(
        verification_days.c.event_id == any_(bindparam("events", type_=ARRAY(BigInteger)))
    )
    return {row.event_id: row.times for row in db.execute(query, {"events": list(event_ids)})}


def _own_things(kind: SubjectKind, of: Any, key: ColumnElement[UUID], columns: Sequence[Any]) -> Select[Any]:  # noqa: ANN401 - a table
    """Those of the events' subjects that the holder has, of one kind."""
    return (
        select(audit_subjects.c.event_id, literal(kind.value).label("kind"), *columns)
        .join(of, key == audit_subjects.c.about)
        .where(
            of.c.holder_id == bindparam("holder_id", type_=Uuid),
            audit_subjects.c.event_id == any_(bindparam("events", type_=ARRAY(BigInteger))),
        )
    )


def _things_statement() -> Select[Any]:
    both: Subquery = union_all(
        _own_things(
            SubjectKind.CERTIFICATE,
            certificate_holders,
            certificate_holders.c.certificate_id,
            [certificates.c.id, certificates.c.type_code, certificates.c.identifier],
        ).join(certificates, certificates.c.id == audit_subjects.c.about),
        _own_things(
            SubjectKind.MATERIAL,
            material_holders,
            material_holders.c.material_id,
            [materials.c.id, materials.c.type_code, literal(None).label("identifier")],
        ).join(materials, materials.c.id == audit_subjects.c.about),
    ).subquery("both")
    place = func.row_number().over(partition_by=both.c.event_id, order_by=(both.c.kind, both.c.id.desc()))
    counted = select(
        both, place.label("place"), func.count().over(partition_by=both.c.event_id).label("things")
    ).subquery("counted")
    return select(counted).where(counted.c.place <= THINGS_MAX).order_by(counted.c.event_id, counted.c.place)


_THINGS = _things_statement()
