"""Uses: what is used by whom for which case, found by request, code, copy or holder.

A use's data key is wrapped by the key of every holder of what is used, and seals its copy, too: when the last
of them is erased, nothing opens either.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Column, Row, Select, Table, Text, Uuid, func, select, true, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import DataKey, KeyRing, open_json, seal_json
from storage.key_state import found_by
from storage.record_keys import (
    USES,
    KnownHolder,
    holder_key,
    record_key,
    way_in,
    way_in_columns,
    wrapped_for,
)
from storage.tables import (
    certificate_holders,
    holders,
    material_holders,
    use_codes,
    use_copies,
    use_events,
    use_footings,
    use_holders,
    uses,
)
from vault.errors import IntegrityError
from vault.model.actors import PERSON_PREFIX
from vault.model.certificate import SealLevel
from vault.model.footing import BY_FUNCTION, Consented, Footing, Statutory, footing_json
from vault.model.use import CopyRecord, Subject, SubjectKind, UseAction, UseRecord

# Purpose of the blind index of a whole request.
REQUEST = "use-request"
# What is left of the words of an erased use.
_NOTHING: Mapping[str, Any] = {"case_number": "", "purpose": "", "organisation": "", "clerk": None}


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A use code as its row holds it, and the use that it is for."""

    expires_at: datetime
    redeemed_by: str | None
    use: UseRecord


def find_standing_use(db: ReadConnection, keys: KeyRing, request: str, at: datetime) -> UseRecord | None:
    """The newest use that this request (its canonical text) made, its time not run out, revoked or not."""
    query = (
        use_records()
        .where(found_by(uses.c.request_index, keys, (REQUEST, request)), uses.c.expires_at > at)
        .order_by(uses.c.id.desc())
        .limit(1)
    )
    row = db.execute(query).one_or_none()
    return None if row is None else use_of(keys, row)


def lock_holders_of(db: WriteConnection, subject: Subject) -> None:
    """Holds those who hold this: nobody of them is erased until the transaction ends."""
    of, key = _holding(subject)
    query = (
        select(holders.c.id)
        .join(of, of.c.holder_id == holders.c.id)
        .where(key == subject.id)
        .order_by(holders.c.id)
        .with_for_update(read=True, key_share=True, of=holders)
    )
    db.execute(query)


def insert_use(
    db: WriteConnection,
    keys: KeyRing,
    use: UseRecord,
    data_key: DataKey,
    *,
    request: str,
    copy_name: str | None,
) -> None:
    """Writes a use with what it rests on, its holders and its copy: three to five statements.

    What is used is locked by the caller, so that its holders stay. `request`: its canonical text.
    `copy_name`: the name of the copy's object, which `data_key` has sealed already.
    """
    name = use.made_by.removeprefix(PERSON_PREFIX)
    person = None if name == use.made_by else UUID(name)
    content = {
        "purpose": use.purpose,
        "case_number": use.case_number,
        "organisation": use.organisation,
        "clerk": use.clerk,
    }
    db.execute(
        insert(uses).values(
            id=use.use_id,
            client_id=None if person is not None else use.made_by,
            person_id=person,
            certificate_id=use.subject.id if use.subject.kind is SubjectKind.CERTIFICATE else None,
            material_id=use.subject.id if use.subject.kind is SubjectKind.MATERIAL else None,
            service_item=use.service_item,
            **request_index_values(keys, request),
            sealed=seal_json(data_key, content, USES.content_place(use.use_id)),
            made_at=use.made_at,
            expires_at=use.expires_at,
        )
    )
    if use.footing != BY_FUNCTION:
        db.execute(insert(use_footings).values(use_id=use.use_id, **_footing_columns(use.footing)))
    db.execute(insert(use_holders), _holder_rows(db, keys, use, data_key))
    if use.copy is not None:
        db.execute(
            insert(use_copies).values(
                use_id=use.use_id,
                sha256=bytes.fromhex(use.copy.sha256),
                size_bytes=use.copy.size_bytes,
                pages=use.copy.pages,
                original_sha256=bytes.fromhex(use.copy.original_sha256),
                level=use.copy.level,
                seal_id=use.copy.seal_id,
                object_name=copy_name,
            )
        )


def request_index_values(keys: KeyRing, request: str) -> dict[str, object]:
    """The columns by which a request's use is found, under the active index key."""
    return {"request_index": keys.index(REQUEST, request), "index_version": keys.index_version}


def insert_event(
    db: WriteConnection,
    use_id: UUID,
    action: UseAction,
    actor: str,
    at: datetime,
    footing: Footing | None = None,
) -> None:
    """Writes an event of a use; `footing`: what a redemption rests on."""
    told = None if footing is None else footing_json(footing)
    db.execute(insert(use_events).values(use_id=use_id, action=action, actor=actor, at=at, footing=told))


def insert_code(
    db: WriteConnection, use_id: UUID, code_hash: bytes, issued_at: datetime, expires_at: datetime
) -> None:
    """Gives a use one more code, by its hash."""
    db.execute(
        insert(use_codes).values(
            code_hash=code_hash, use_id=use_id, issued_at=issued_at, expires_at=expires_at
        )
    )


def lock_code(db: WriteConnection, keys: KeyRing, code_hash: bytes) -> CodeRow | None:
    """The code with this hash and its use, held until the transaction ends."""
    query = (
        use_records()
        .add_columns(use_codes.c.expires_at.label("code_expires_at"), use_codes.c.redeemed_by)
        .join(use_codes, use_codes.c.use_id == uses.c.id)
        .where(use_codes.c.code_hash == code_hash)
        .with_for_update(of=[use_codes, uses])
    )
    row = db.execute(query).one_or_none()
    return None if row is None else CodeRow(row.code_expires_at, row.redeemed_by, use_of(keys, row))


def redeem_code(db: WriteConnection, code_hash: bytes, client_id: str, at: datetime) -> None:
    """Marks a locked code as redeemed."""
    statement = update(use_codes).where(use_codes.c.code_hash == code_hash)
    db.execute(statement.values(redeemed_by=client_id, redeemed_at=at))


def redeemers(db: ReadConnection, use_id: UUID) -> frozenset[str]:
    """The clients that have redeemed codes of this use."""
    query = select(use_codes.c.redeemed_by).where(
        use_codes.c.use_id == use_id, use_codes.c.redeemed_by.is_not(None)
    )
    return frozenset(db.execute(query).scalars())


def find_use(db: ReadConnection, keys: KeyRing, use_id: UUID, *, lock: bool = False) -> UseRecord | None:
    """One use; `lock` holds its row until the transaction ends."""
    query = use_records().where(uses.c.id == use_id)
    row = db.execute(query.with_for_update(of=[uses]) if lock else query).one_or_none()
    return None if row is None else use_of(keys, row)


def find_uses(db: ReadConnection, keys: KeyRing, use_ids: Collection[UUID]) -> tuple[UseRecord, ...]:
    """These uses, the newest first: one statement."""
    query = use_records().where(uses.c.id.in_(use_ids)).order_by(uses.c.id.desc())
    return tuple(use_of(keys, row) for row in db.execute(query))


def find_use_key(db: ReadConnection, keys: KeyRing, use_id: UUID) -> DataKey | None:
    """The data key of a use; None where everybody is erased who held what it uses, or there is none."""
    opener = way_in(USES)
    query = select(uses.c.id, uses.c.data_key, *way_in_columns(opener)).outerjoin(opener, true())
    row = db.execute(query.where(uses.c.id == use_id)).one_or_none()
    return None if row is None else record_key(USES, keys, row)


def use_by_copy(db: ReadConnection, sha256: str) -> UUID | None:
    """The use whose copy has this digest."""
    query = select(use_copies.c.use_id).where(use_copies.c.sha256 == bytes.fromhex(sha256))
    return db.execute(query).scalar_one_or_none()


def is_use(db: ReadConnection, use_id: UUID) -> tuple[bool, UUID | None]:
    """Whether there is such a use, and of which certificate, whoever may see it: refusals are recorded."""
    maker = func.maker_of_use(use_id, type_=Text)
    row = db.execute(select(maker, func.certificate_of_use(use_id, type_=Uuid))).one()
    return row[0] is not None, row[1]


def is_of_holder(db: ReadConnection, use_id: UUID, holder_id: UUID) -> bool:
    """Whether what is used is held by this holder."""
    query = select(func.count()).where(use_holders.c.use_id == use_id, use_holders.c.holder_id == holder_id)
    return db.execute(query).scalar_one() > 0


def revoke_use(db: WriteConnection, use_id: UUID, at: datetime) -> None:
    """Ends a locked use for good."""
    db.execute(update(uses).where(uses.c.id == use_id).values(revoked_at=at))


def revoke_uses_under(
    db: WriteConnection, consent_id: UUID, actor: str, at: datetime
) -> tuple[tuple[UUID, ...], tuple[str, ...]]:
    """Ends every use that rests on a consent, with its event; their ids, and what their copies are called.

    Names are those of the objects in the store.
    """
    standing = select(use_footings.c.use_id).where(use_footings.c.consent_id == consent_id)
    ended = (
        update(uses)
        .where(uses.c.id.in_(standing), uses.c.revoked_at.is_(None), uses.c.expires_at > at)
        .values(revoked_at=at)
        .returning(uses.c.id)
    )
    use_ids = tuple(sorted(db.execute(ended).scalars()))
    if not use_ids:
        return (), ()
    db.execute(
        insert(use_events),
        [{"use_id": each, "action": UseAction.REVOKE, "actor": actor, "at": at} for each in use_ids],
    )
    # A consent is younger than the names in clear from before revision 0010.
    copies = select(use_copies.c.object_name).where(use_copies.c.use_id.in_(use_ids))
    return use_ids, tuple(db.execute(copies).scalars())


def _holder_rows(
    db: WriteConnection, keys: KeyRing, use: UseRecord, data_key: DataKey
) -> list[dict[str, object]]:
    """A row for each holder of what is used, with the use's key for everyone who is not erased."""
    of, key = _holding(use.subject)
    query = (
        select(of.c.holder_id, holders.c.data_key)
        .join(holders, holders.c.id == of.c.holder_id)
        .where(key == use.subject.id)
    )
    rows: list[dict[str, object]] = []
    for row in db.execute(query):
        wrapped = None
        if row.data_key is not None:
            holder = KnownHolder(row.holder_id, holder_key(keys, row.holder_id, row.data_key))
            wrapped = wrapped_for(USES, use.use_id, holder, data_key)
        rows.append({"holder_id": row.holder_id, "use_id": use.use_id, "data_key": wrapped})
    return rows


def _holding(subject: Subject) -> tuple[Table, Column[UUID]]:
    """The table of those who hold what is used, and its column of what they hold."""
    if subject.kind is SubjectKind.CERTIFICATE:
        return certificate_holders, certificate_holders.c.certificate_id
    return material_holders, material_holders.c.material_id


def _footing_columns(footing: Footing) -> dict[str, Any]:
    match footing:
        case Statutory(legal_basis):
            return {"legal_basis": legal_basis}
        case Consented((consent_id,)):
            return {"consent_id": consent_id}
        case Consented(consents):
            raise ValueError(f"A use rests on one consent, got {len(consents)}.")


def _footing(legal_basis: str | None, consent_id: UUID | None) -> Footing:
    if consent_id is not None:
        return Consented((consent_id,))
    return BY_FUNCTION if legal_basis is None else Statutory(legal_basis)


def use_records() -> Select[Any]:
    """One row a use, with what opens it, its footing and its copy beside it."""
    opener = way_in(USES)
    found = select(
        uses,
        *way_in_columns(opener),
        use_footings.c.legal_basis,
        use_footings.c.consent_id,
        use_copies.c.sha256,
        use_copies.c.size_bytes,
        use_copies.c.pages,
        use_copies.c.original_sha256,
        use_copies.c.level,
        use_copies.c.seal_id,
    )
    return (
        found.outerjoin(use_footings, use_footings.c.use_id == uses.c.id)
        .outerjoin(use_copies, use_copies.c.use_id == uses.c.id)
        .outerjoin(opener, true())
    )


def use_of(keys: KeyRing, row: Row[Any]) -> UseRecord:
    """The use in a row of these queries.

    Raises:
        IntegrityError: its envelope does not open.
    """
    data_key = record_key(USES, keys, row)
    if (data_key is None) is not (row.sealed is None):
        raise IntegrityError(f"Use {row.id} has lost its envelope or its data key.")
    erased = data_key is None
    content = _NOTHING if data_key is None else open_json(data_key, row.sealed, USES.content_place(row.id))
    subject = (
        Subject(SubjectKind.MATERIAL, row.material_id)
        if row.certificate_id is None
        else Subject(SubjectKind.CERTIFICATE, row.certificate_id)
    )
    copy = None
    if row.sha256 is not None:
        copy = CopyRecord(
            row.sha256.hex(),
            row.size_bytes,
            row.pages,
            row.original_sha256.hex(),
            SealLevel(row.level),
            row.seal_id,
        )
    return UseRecord(
        use_id=row.id,
        made_by=row.client_id or f"{PERSON_PREFIX}{row.person_id}",
        subject=subject,
        service_item=row.service_item,
        case_number=content["case_number"],
        purpose=content["purpose"],
        organisation=content["organisation"],
        clerk=content["clerk"],
        made_at=row.made_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        copy=copy,
        footing=_footing(row.legal_basis, row.consent_id),
        erased=erased,
    )
