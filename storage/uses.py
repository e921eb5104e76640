"""Uses: what is used by whom for which case, found by request, code, copy or holder."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, func, literal, select, update
from sqlalchemy.dialects.postgresql import insert

from storage.db import ReadConnection, WriteConnection
from storage.envelope import KeyRing, open_json, seal_json
from storage.tables import (
    certificate_holders,
    certificates,
    clients,
    material_holders,
    materials,
    use_codes,
    use_copies,
    use_events,
    use_footings,
    use_holders,
    uses,
)
from vault.model.certificate import SealLevel
from vault.model.footing import BY_FUNCTION, Consented, Footing, Statutory, footing_json
from vault.model.use import CopyRecord, Subject, SubjectKind, UseAction, UseRecord

# Purpose of the blind index of a whole request.
REQUEST = "use-request"


@dataclass(frozen=True, slots=True)
class CodeRow:
    """A use code as its row holds it, and the use that it is for."""

    expires_at: datetime
    redeemed_by: str | None
    use: UseRecord


@dataclass(frozen=True, slots=True)
class AccessRow:
    """A use as its holder sees it: `client_name`, whose system; `identifier` of certificates only."""

    use: UseRecord
    client_name: str
    type_code: str
    identifier: str | None
    redeemed: int


def request_index(keys: KeyRing, request: str) -> bytes:
    """The blind index of a request's canonical text."""
    return keys.index(REQUEST, request)


def find_standing_use(db: ReadConnection, keys: KeyRing, index: bytes, at: datetime) -> UseRecord | None:
    """The newest use that this request made and whose time has not run out, revoked or not."""
    query = (
        _records()
        .where(uses.c.request_index == index, uses.c.expires_at > at)
        .order_by(uses.c.id.desc())
        .limit(1)
    )
    row = db.execute(query).one_or_none()
    return None if row is None else _record(keys, row)


def insert_use(db: WriteConnection, keys: KeyRing, use: UseRecord, index: bytes) -> None:
    """Writes a use with what it rests on, its holders and its copy: three or four statements."""
    data_key = keys.new_data_key(f"uses.data_key:{use.use_id}")
    content = {
        "purpose": use.purpose,
        "case_number": use.case_number,
        "organisation": use.organisation,
        "clerk": use.clerk,
    }
    db.execute(
        insert(uses).values(
            id=use.use_id,
            client_id=use.client_id,
            certificate_id=use.subject.id if use.subject.kind is SubjectKind.CERTIFICATE else None,
            material_id=use.subject.id if use.subject.kind is SubjectKind.MATERIAL else None,
            service_item=use.service_item,
            request_index=index,
            data_key=data_key.wrapped,
            sealed=seal_json(data_key, content, f"uses.sealed:{use.use_id}"),
            made_at=use.made_at,
            expires_at=use.expires_at,
        )
    )
    db.execute(insert(use_footings).values(use_id=use.use_id, **_footing_columns(use.footing)))
    db.execute(insert(use_holders).from_select(["holder_id", "use_id"], _holders_of(use)))
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
            )
        )


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
        _records()
        .add_columns(use_codes.c.expires_at.label("code_expires_at"), use_codes.c.redeemed_by)
        .join(use_codes, use_codes.c.use_id == uses.c.id)
        .where(use_codes.c.code_hash == code_hash)
        .with_for_update(of=[use_codes, uses])
    )
    row = db.execute(query).one_or_none()
    return None if row is None else CodeRow(row.code_expires_at, row.redeemed_by, _record(keys, row))


def redeem_code(db: WriteConnection, code_hash: bytes, client_id: str, at: datetime) -> None:
    """Marks a locked code as redeemed."""
    statement = update(use_codes).where(use_codes.c.code_hash == code_hash)
    db.execute(statement.values(redeemed_by=client_id, redeemed_at=at))


def has_redeemed(db: ReadConnection, use_id: UUID, client_id: str) -> bool:
    """Whether this client has redeemed a code of this use."""
    query = select(func.count()).where(use_codes.c.use_id == use_id, use_codes.c.redeemed_by == client_id)
    return db.execute(query).scalar_one() > 0


def find_use(db: ReadConnection, keys: KeyRing, use_id: UUID, *, lock: bool = False) -> UseRecord | None:
    """One use; `lock` holds its row until the transaction ends."""
    query = _records().where(uses.c.id == use_id)
    row = db.execute(query.with_for_update(of=[uses]) if lock else query).one_or_none()
    return None if row is None else _record(keys, row)


def use_by_copy(db: ReadConnection, keys: KeyRing, sha256: str) -> UseRecord | None:
    """The use whose copy has this digest."""
    row = db.execute(_records().where(use_copies.c.sha256 == bytes.fromhex(sha256))).one_or_none()
    return None if row is None else _record(keys, row)


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
    """Ends every use that rests on a consent, with its event; their ids, and the digests of their copies."""
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
    copies = select(use_copies.c.sha256).where(use_copies.c.use_id.in_(use_ids))
    return use_ids, tuple(sha256.hex() for sha256 in db.execute(copies).scalars())


def uses_of_holder(
    db: ReadConnection, keys: KeyRing, holder_id: UUID, *, before: UUID | None, limit: int
) -> tuple[AccessRow, ...]:
    """The newest uses of what a holder has, at most `limit`, those made before the use `before` only.

    One statement: a scan of the holder's own index entries, whatever else the vault holds.
    """
    redeemed = (
        select(func.count())
        .where(use_codes.c.use_id == uses.c.id, use_codes.c.redeemed_by.is_not(None))
        .scalar_subquery()
    )
    query = (
        _records()
        .add_columns(
            clients.c.name.label("client_name"),
            func.coalesce(certificates.c.type_code, materials.c.type_code).label("type_code"),
            certificates.c.identifier,
            redeemed.label("redeemed"),
        )
        .join(use_holders, use_holders.c.use_id == uses.c.id)
        .join(clients, clients.c.id == uses.c.client_id)
        .outerjoin(certificates, certificates.c.id == uses.c.certificate_id)
        .outerjoin(materials, materials.c.id == uses.c.material_id)
        .where(use_holders.c.holder_id == holder_id)
        .order_by(use_holders.c.use_id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(use_holders.c.use_id < before)
    return tuple(
        AccessRow(_record(keys, row), row.client_name, row.type_code, row.identifier, row.redeemed)
        for row in db.execute(query)
    )


def _holders_of(use: UseRecord) -> Select[Any]:
    of, key = (
        (certificate_holders, certificate_holders.c.certificate_id)
        if use.subject.kind is SubjectKind.CERTIFICATE
        else (material_holders, material_holders.c.material_id)
    )
    return select(of.c.holder_id, literal(use.use_id)).where(key == use.subject.id)


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


def _records() -> Select[Any]:
    """One row a use, its footing and its copy beside it."""
    return (
        select(
            uses,
            use_footings.c.legal_basis,
            use_footings.c.consent_id,
            use_copies.c.sha256,
            use_copies.c.size_bytes,
            use_copies.c.pages,
            use_copies.c.original_sha256,
            use_copies.c.level,
            use_copies.c.seal_id,
        )
        .outerjoin(use_footings, use_footings.c.use_id == uses.c.id)
        .outerjoin(use_copies, use_copies.c.use_id == uses.c.id)
    )


def _record(keys: KeyRing, row: Row[Any]) -> UseRecord:
    data_key = keys.data_key(row.data_key, f"uses.data_key:{row.id}")
    content = open_json(data_key, row.sealed, f"uses.sealed:{row.id}")
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
        client_id=row.client_id,
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
    )
