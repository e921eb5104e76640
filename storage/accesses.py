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
    Row,
    Select,
    Uuid,
    any_,
    bindparam,
    func,
    literal,
    select,
    true,
)

from storage.audit import reasons_of
from storage.db import ReadConnection
from storage.deferrals import AUDITOR, covering, other_case_indexes
from storage.envelope import KeyRing
from storage.history import look_keys_or_why
from storage.holders import index_text
from storage.key_state import found_by
from storage.own_things import own_things
from storage.tables import (
    audit_events,
    audit_subjects,
    certificate_holders,
    clients,
    people,
    use_copies,
    uses,
    verification_days,
)
from vault.model.actors import PERSON_PREFIX
from vault.model.deferral import OrderKind
from vault.model.history_entry import EVERYBODY, Access, Deferred, UseSeen, Who, without_id_numbers
from vault.model.holders import HolderCode

OPERATOR = "operator:"
PUBLIC = "public"
ANYONE = "anyone"
"""Strangers: who verify, counted by day; who redeem the code of a presentation."""
# Looks at audit events: about many people's rows, and about nobody's things.
_WITHOUT_THINGS = frozenset({"audit-find", "audit-export"})


def accesses_about(
    db: ReadConnection,
    keys: KeyRing,
    holder_id: UUID,
    code: HolderCode,
    *,
    certificate_id: UUID | None,
    before: int,
    limit: int,
    at: datetime,
) -> tuple[Access, ...]:
    """The newest accesses below `before`, at most `limit`, without those that are not to be shown yet.

    `code`: the holder's. `certificate_id`: those to this certificate only, which must be the holder's. Seven
    statements at most, however much there is, and one more while the key ring has older index keys.

    Raises:
        IntegrityError: an envelope does not open.
    """
    aliases = other_case_indexes(db, keys)
    rows = db.execute(_page(holder_id, certificate_id, aliases, before, limit, at)).all()
    return _told(db, keys, holder_id, code, rows)


def find_access(
    db: ReadConnection, keys: KeyRing, holder_id: UUID, code: HolderCode, event_id: int, *, at: datetime
) -> Access | None:
    """One access of a holder's history; None where there is none that they may see."""
    found = accesses_about(
        db, keys, holder_id, code, certificate_id=None, before=event_id + 1, limit=1, at=at
    )
    return found[0] if found and found[0].event_id == event_id else None


def is_of_holder(db: ReadConnection, certificate_id: UUID, holder_id: UUID) -> bool:
    """Whether this holder has this certificate."""
    query = select(func.count()).where(
        certificate_holders.c.holder_id == holder_id, certificate_holders.c.certificate_id == certificate_id
    )
    return db.execute(query).scalar_one() > 0


def _page(
    holder_id: UUID,
    certificate_id: UUID | None,
    aliases: Sequence[tuple[UUID, bytes]],
    before: int,
    limit: int,
    at: datetime,
) -> Select[Any]:
    """The first entries under each name by the table's key, then the first of those."""
    about = holder_id if certificate_id is None else certificate_id
    names = (
        func.unnest(literal([about, EVERYBODY], ARRAY(Uuid))).table_valued("about").render_derived("names")
    )
    subject, event = audit_subjects.alias("s"), audit_events.alias("e")
    order = covering(holder_id, event, aliases).lateral("deferral")
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


def _told(
    db: ReadConnection, keys: KeyRing, holder_id: UUID, code: HolderCode, rows: Sequence[Row[Any]]
) -> tuple[Access, ...]:
    data_keys = look_keys_or_why(db, keys, rows)
    named_uses = {row.id: UUID(row.details["use"]) for row in rows if row.details.get("use")}
    seen, makers = _uses(db, set(named_uses.values()))
    told = [
        _access(
            row,
            reasons_of(data_keys.get(row.id), row) or {},
            made_it=row.id in named_uses and makers.get(named_uses[row.id]) == row.actor,
        )
        for row in rows
    ]
    with_things = [a.event_id for a in told if a.action not in _WITHOUT_THINGS]
    things, counts = own_things(db, holder_id, with_things)
    mine = _own_people(db, keys, code, {row.actor for row in rows if row.actor.startswith(PERSON_PREFIX)})
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


def _access(row: Row[Any], reasons: Mapping[str, Any], *, made_it: bool) -> Access:
    """`made_it`: who did this made the use that it is about."""
    who = _who(row)
    # The envelope of a step of a use says who made the use, and not who redeems or ends it.
    of_a_use = row.details.get("use") is not None
    own = reasons if made_it or (who is Who.SYSTEM and not of_a_use) else {}
    # Somebody who signed in, and not for themselves.
    staff = who is Who.PERSON and row.details.get("organisation") is not None
    by_clerk = bool(reasons.get("acting_for") or own.get("clerk")) or row.action == "verify-material"
    return Access(
        event_id=row.id,
        at=row.at,
        actor=row.actor,
        action=row.action,
        who=who,
        client=row.client_name,
        authorities=_authorities(row, staff=staff),
        organisation=_clean(own.get("organisation")),
        by_clerk=staff or (by_clerk and who is Who.SYSTEM),
        service_item=reasons.get("service_item") or row.details.get("service_item"),
        case_number=_clean(reasons.get("case_number")),
        # Why an auditor looks is the auditors' own matter until they tell.
        purpose=_clean(reasons.get("purpose")) if who is Who.SYSTEM or staff else None,
        step=row.details.get("action") if row.action == "status" else None,
        by_consent=_by_consent(row.details),
        legal_basis=row.details.get("legal_basis"),
        deferred=None if row.order_kind is None else Deferred(OrderKind(row.order_kind), row.order_ends_at),
    )


def _by_consent(details: Mapping[str, Any]) -> bool:
    """Whether it rested on consents; not on which: one may be of another holder of the same certificate."""
    return details.get("footing") == "consent" and bool(details.get("consents"))


def _authorities(row: Row[Any], *, staff: bool) -> tuple[str, ...]:
    """For which bodies a system acts; of somebody who signed in, for which one they did."""
    if not staff:
        return tuple(row.client_authorities or ())
    return tuple(filter(None, [row.details.get("organisation")]))


def _clean(value: str | None) -> str | None:
    return None if not value else without_id_numbers(value)


def _who(row: Row[Any]) -> Who:
    actor: str = row.actor
    for prefix, who in ((PERSON_PREFIX, Who.PERSON), (AUDITOR, Who.AUDITOR), (OPERATOR, Who.OPERATOR)):
        if actor.startswith(prefix):
            return who
    return Who.PUBLIC if actor in {PUBLIC, ANYONE} else Who.SYSTEM


def _uses(db: ReadConnection, use_ids: Collection[UUID]) -> tuple[dict[UUID, UseSeen], dict[UUID, str]]:
    """These uses as they stand now, and who made them."""
    query = (
        select(
            uses.c.id,
            uses.c.client_id,
            uses.c.person_id,
            uses.c.expires_at,
            uses.c.revoked_at,
            use_copies.c.sha256,
        )
        .outerjoin(use_copies, use_copies.c.use_id == uses.c.id)
        .where(uses.c.id == any_(bindparam("uses", type_=ARRAY(Uuid))))
    )
    rows = db.execute(query, {"uses": list(use_ids)}).all()
    seen = {row.id: UseSeen(row.id, row.expires_at, row.revoked_at, row.sha256 is not None) for row in rows}
    return seen, {row.id: row.client_id or f"{PERSON_PREFIX}{row.person_id}" for row in rows}


def _own_people(
    db: ReadConnection, keys: KeyRing, code: HolderCode, actors: Collection[str]
) -> frozenset[str]:
    """Those of these actors who are the holder, by whichever provider they came in."""
    ids = [UUID(actor.removeprefix(PERSON_PREFIX)) for actor in actors]
    query = select(people.c.id).where(
        found_by(people.c.code_index, keys, index_text(code)),
        people.c.id == any_(bindparam("people", type_=ARRAY(Uuid))),
    )
    return frozenset(f"{PERSON_PREFIX}{found}" for found in db.execute(query, {"people": ids}).scalars())


def _verified(db: ReadConnection, event_ids: Collection[int]) -> Mapping[int, int]:
    """How often strangers verified on the day of each of these events."""
    query = select(verification_days.c.event_id, verification_days.c.count.label("times")).where(
        verification_days.c.event_id == any_(bindparam("events", type_=ARRAY(BigInteger)))
    )
    return {row.event_id: row.times for row in db.execute(query, {"events": list(event_ids)})}
