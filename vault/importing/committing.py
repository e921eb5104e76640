"""Step 7 of a chunk, the commit point of its rows: one transaction, in which no row can take another down."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from storage.cases import insert_case_holders, redeem_import_case
from storage.db import ReadConnection, WriteConnection
from storage.history import AuditRow, insert_leaves, insert_look
from storage.holders import ensure_holders
from storage.import_rows import (
    DATABASE_REFUSES,
    files_held,
    hold_locks,
    refuses_row,
    row_by_itself,
    say_import,
)
from storage.imports import put_chunk
from storage.new_certificates import NewCertificate, insert_certificates
from storage.objects import FiledObject
from storage.reservations import abandon_some
from storage.round_trip import one_round_trip
from vault.deposit.committing import defer_second_look, issue_leaf
from vault.importing.known import known_rows
from vault.importing.making import MadeRow
from vault.importing.orders import ChunkOrder
from vault.model.imports import RowOutcome, RowState
from vault.model.scope import VAULT
from vault.workshop import Workshop

_REFUSED = "The database does not take this row: an operator has to look into its log."
_ANOTHERS = "The vault has this file already, as another certificate's: a sealed file is one certificate's."


@dataclass(frozen=True, slots=True)
class Stored:
    """A row whose file is in the store, and where."""

    made: MadeRow
    filed: FiledObject


def commit_rows(
    workshop: Workshop,
    order: ChunkOrder,
    case_id: UUID,
    rows: Sequence[Stored],
    given_up: Sequence[UUID],
    outcomes: Mapping[int, RowOutcome],
    *,
    at: datetime,
) -> dict[int, RowOutcome]:
    """Commits these rows, and with them what became of the chunk's rows so far: all that is new of it.

    `given_up`: certificates that were reserved and are not made. `outcomes`: of the chunk's other rows.
    Where the database refuses a statement, the rows are tried again one by one, each in a savepoint.

    Raises:
        Unavailable: the database does not answer. Where that happens at the commit itself, it may have taken
            place: whoever tries again reads first what became of the rows.
    """
    try:
        return _commit(workshop, order, case_id, rows, given_up, outcomes, one_by_one=False, at=at)
    except DATABASE_REFUSES:
        return _commit(workshop, order, case_id, rows, given_up, outcomes, one_by_one=True, at=at)


def _commit(
    workshop: Workshop,
    order: ChunkOrder,
    case_id: UUID,
    rows: Sequence[Stored],
    given_up: Sequence[UUID],
    outcomes: Mapping[int, RowOutcome],
    *,
    one_by_one: bool,
    at: datetime,
) -> dict[int, RowOutcome]:
    """What became of the chunk's rows.

    1. nobody else imports these numbers or files meanwhile; 2. what another import committed since is left to
    it, and a file that is another certificate's is not taken again; 3. the holders; 4. the certificates with
    leaves; 5. the case, the audit event, the job, the outcomes.
    """
    settled = dict(outcomes)
    with workshop.database.writing(VAULT) as db:
        files = {digest for each in rows for digest in each.made.digests}
        hold_locks(db, [*(each.made.wanted.lock for each in rows), *map(_file_lock, files)])  # 1
        known = known_rows(db, workshop.keys, [each.made.wanted for each in rows])  # 2
        by_row = {each.made.wanted.row: each.made for each in rows}
        settled |= {row: each.with_file(by_row[row].document.sha256) for row, each in known.items()}
        borne = {row: made.digests for row, made in by_row.items() if row not in known and made.digests}
        elsewhere = other_certificates_files(db, borne)
        settled |= elsewhere
        new = [each for row, each in zip(by_row, rows, strict=True) if row not in known | elsewhere]
        say_import(db)
        written = new
        if one_by_one:
            written = _one_by_one(db, workshop, order, case_id, new, at)
        else:
            _write(db, workshop, order, case_id, new, at)  # 3, 4
        in_it = {each.made.reservation.certificate_id for each in written}
        settled |= {each.made.wanted.row: _outcome(each, in_it) for each in new}
        left = [each.made.reservation.certificate_id for each in rows]
        left = [each for each in left if each not in in_it] + list(given_up)
        if left:
            abandon_some(db, left, at)
        if in_it:
            redeem_import_case(db, case_id, at)  # 5
        with one_round_trip(db):
            if in_it:
                _tell(db, workshop, order, case_id, sorted(in_it), at)
            put_chunk(db, order.run_id, order.number, list(settled.values()), at)
    return settled


def _outcome(each: Stored, in_it: set[UUID]) -> RowOutcome:
    row, certificate_id = each.made.wanted.row, each.made.reservation.certificate_id
    if certificate_id in in_it:
        return RowOutcome(row, RowState.IMPORTED, certificate_id)
    return RowOutcome(row, RowState.REJECTED, None, _REFUSED)


def other_certificates_files(
    db: ReadConnection, borne: Mapping[int, frozenset[str]]
) -> dict[int, RowOutcome]:
    """Rows whose file is one already: of a certificate in the vault, or of a row before them.

    `borne`: by row, the digests by which a file that keeps its seal is known: it is bound to one certificate.
    """
    if not borne:
        return {}
    held = files_held(db, frozenset(digest for digests in borne.values() for digest in digests))
    found: dict[int, RowOutcome] = {}
    seen: dict[str, int] = {}
    for row, digests in borne.items():
        if digests & held:
            found[row] = RowOutcome(row, RowState.REJECTED, None, _ANOTHERS)
        elif before := [seen[digest] for digest in sorted(digests) if digest in seen]:
            reason = f"Row {before[0]} has the same file: a sealed file is one certificate's."
            found[row] = RowOutcome(row, RowState.REJECTED, None, reason)
        else:
            seen |= dict.fromkeys(digests, row)
    return found


def _file_lock(sha256: str) -> int:
    return int.from_bytes(bytes.fromhex(sha256)[:8], "big", signed=True)


def _one_by_one(
    db: WriteConnection,
    workshop: Workshop,
    order: ChunkOrder,
    case_id: UUID,
    rows: Sequence[Stored],
    at: datetime,
) -> list[Stored]:
    written = []
    for each in rows:
        try:
            with row_by_itself(db):
                _write(db, workshop, order, case_id, [each], at)
        except DATABASE_REFUSES as error:
            if not refuses_row(error):
                raise  # the connection's own translation says what it is
            continue
        written.append(each)
    return written


def _write(
    db: WriteConnection,
    workshop: Workshop,
    order: ChunkOrder,
    case_id: UUID,
    rows: Sequence[Stored],
    at: datetime,
) -> None:
    if not rows:
        return
    everybody = {h.code: h for each in rows for h in each.made.wanted.result.holders}
    holders = ensure_holders(db, workshop.keys, everybody.values(), at)
    named = {holders[h.code].holder_id for each in rows for h in each.made.wanted.result.holders}
    with one_round_trip(db):
        insert_case_holders(db, case_id, named)
        new = [_new_certificate(workshop, case_id, each) for each in rows]
        insert_certificates(db, workshop.keys, new, holders, actor=order.client.client_id, at=at)
        insert_leaves(db, [issue_leaf(workshop, each, at) for each in new])


def _tell(
    db: WriteConnection,
    workshop: Workshop,
    order: ChunkOrder,
    case_id: UUID,
    certificate_ids: Sequence[UUID],
    at: datetime,
) -> None:
    """One audit event for them all, which a trigger files under everybody whom they are about; one job."""
    client = order.client
    details = {"certificates": [str(each) for each in certificate_ids], "run": str(order.run_id)}
    event = AuditRow(client.client_id, "import", None, case_id, details, client.acting_for)
    insert_look(db, workshop.keys, event, {}, at)
    defer_second_look(db, case_id, at)


def _new_certificate(workshop: Workshop, case_id: UUID, each: Stored) -> NewCertificate:
    made, result = each.made, each.made.wanted.result
    return NewCertificate(
        certificate_id=made.reservation.certificate_id,
        case_id=case_id,
        position=made.reservation.position,
        identifier=made.reservation.identifier,
        version=made.reservation.version,
        type_code=result.type_code,
        type_version=made.wanted.kind.version,
        issuing_authority=result.issuing_authority,
        issued_on=result.issued_on,
        valid_from=result.valid_from,
        valid_to=result.valid_to,
        number=result.number,
        holders=result.holders,
        fields=result.fields,
        verification_code=made.reservation.verification_code,
        token=made.reservation.token,
        supersedes=None,
        documents=(made.document,),
        key=workshop.keys.record_key(made.reservation.key),
        object_names=(each.filed.stored_name,),
        origin=made.origin,
    )
