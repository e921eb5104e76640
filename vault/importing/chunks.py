"""A chunk of a manifest's rows, from its cells to its certificates. One process does one at a time."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from storage.grants import UsableSeal
from storage.imports import find_chunk, put_chunk
from storage.objects import document_place, new_object
from storage.packs import Unpacked, prove_objects, put_pack
from vault.deposit.making import typeset_page
from vault.errors import Conflict, InputError, IntegrityError, NotFound, SealCapReached, Unavailable
from vault.importing.borne import Believed
from vault.importing.checking import HELD, Checked, rejected, rows_to_do, settle_twins
from vault.importing.committing import Stored, commit_rows, other_certificates_files
from vault.importing.files import FilesPlace, ReadFile, open_files
from vault.importing.making import MadeRow, TakenRow, make_row, mark_lines, take_file
from vault.importing.orders import PART_MAX_BYTES, ChunkDone, ChunkOrder
from vault.importing.reserving import GrantUsedUp, ReservedRows, reserve_rows, seal_for, usable_for
from vault.importing.rows import Wanted
from vault.model.certificate import Reservation
from vault.model.imports import ImportMode, RowOutcome, RowState
from vault.model.scope import NOBODY, VAULT
from vault.seal_ring import UsableSeal as OpenedSeal
from vault.verify.seal_list import seal_owners, trust_with_seals
from vault.workshop import Workshop

_BUSY = "Another import is at these rows."
_OPEN_MAX = 4  # places of files that one process keeps open


def import_chunk(workshop: Workshop, order: ChunkOrder, *, at: datetime) -> ChunkDone:
    """What becomes of a chunk's rows.

    1. claim: nobody else is at these rows; what became of them so far is read, and what is held stays.
    2. check: each row's cells against mapping, catalogue and grant; what the vault has already is left.
       A check ends here, when each file has been looked at and each page been set.
    3. take: its file, through the gate; so many rows together as a part may hold.
    4. reserve: one transaction for the part. Rows whose grant is used up stay pending, the others go on.
    5. make: typeset or take, seal, judge: each row by itself; who fails is rejected alone.
    6. store: one object for the part, locked; read it back and compare each file.
    7. commit: one transaction with certificates, leaves, audit event, job and the rows' outcomes. **This is
       the commit point of these rows**: before it nothing is visible, after it nothing is lost.

    A crash anywhere leaves at most a reservation and an object that no row names; the same rows again are
    read again, and those that were committed are known by their outcome, or by their number.

    Raises:
        InputError: the files are not there.
        Unavailable: an engine does not answer.
        IntegrityError: a seal's key is missing or does not fit.
    """
    lock = int.from_bytes(
        sha256(order.run_id.bytes + order.number.to_bytes(8, "big")).digest()[:8], "big", signed=True
    )
    claimed = False
    try:
        with workshop.database.alone(lock, _BUSY):  # 1
            claimed = True
            return _import(workshop, order, at)
    except Conflict:
        if claimed:
            raise
        return ChunkDone(order.number, None)


def _import(workshop: Workshop, order: ChunkOrder, at: datetime) -> ChunkDone:
    checked = Checked({row.number: RowOutcome(row.number, RowState.PENDING) for row in order.rows})

    def files() -> ReadFile:
        return opened_files(workshop, order.files)

    if order.mode is ImportMode.CHECK:  # every row anew: files, grants and catalogue may have changed
        wanted = rows_to_do(workshop, order, checked, files, at)  # 2
        return ChunkDone(order.number, _look_at(workshop, order, wanted, checked, at))
    with workshop.database.reading(VAULT) as db:
        before = find_chunk(db, order.run_id, order.number)
    if before is not None:
        held = {each.row: each for each in before.outcomes if each.state in HELD}
        checked.outcomes |= {row: each for row, each in held.items() if row in checked.outcomes}
    wanted = rows_to_do(workshop, order, checked, files, at)  # 2
    believed = _believed(workshop)
    part: list[TakenRow] = []
    size, waits = 0, None
    for row in wanted:
        try:
            taken = take_file(row, files(), believed, at=at)  # 3
        except (InputError, NotFound, IntegrityError) as error:
            checked.outcomes[row.row] = rejected(order, row.row, error)
            continue
        if part and size + len(taken.content) > PART_MAX_BYTES:
            waits = _do_part(workshop, order, part, checked, at) or waits
            part, size = [], 0
        part.append(taken)
        size += len(taken.content)
    waits = _do_part(workshop, order, part, checked, at) or waits
    if not checked.twins:
        return ChunkDone(order.number, tuple(checked.outcomes.values()), waits)
    return ChunkDone(order.number, _settled(workshop, order, checked, at), waits)


def _settled(workshop: Workshop, order: ChunkOrder, checked: Checked, at: datetime) -> tuple[RowOutcome, ...]:
    """What became of every row, twins too, written down: when the others are committed, and not before."""
    found = tuple(settle_twins(checked))
    with workshop.database.writing(VAULT) as db:
        put_chunk(db, order.run_id, order.number, found, at)
    return found


def _look_at(
    workshop: Workshop, order: ChunkOrder, wanted: Sequence[Wanted], checked: Checked, at: datetime
) -> tuple[RowOutcome, ...]:
    """The rest of a check: each file passes the gate, each page can be set. Nothing is sealed or stored."""
    read, believed = opened_files(workshop, order.files), _believed(workshop)
    borne: dict[int, frozenset[str]] = {}
    for row in wanted:
        try:
            taken = take_file(row, read, believed, at=at)
            if row.file:
                mark_lines(row.origin)
            else:
                typeset_page(workshop, row.kind, row.result, _SPECIMEN, at)
        except (InputError, NotFound, IntegrityError) as error:
            checked.outcomes[row.row] = rejected(order, row.row, error)
            continue
        if taken.borne is not None:
            borne[row.row] = taken.borne.digests
        checked.outcomes[row.row] = RowOutcome(row.row, RowState.IMPORTED)
    with workshop.database.reading(VAULT) as db:
        checked.outcomes |= other_certificates_files(db, borne)
    return _settled(workshop, order, checked, at)


def _do_part(
    workshop: Workshop, order: ChunkOrder, part: Sequence[TakenRow], checked: Checked, at: datetime
) -> SealCapReached | None:
    """Steps 4 to 7 for some rows; of none only what became of the others is written down.

    Rows whose grant is used up for today stay as they are: what is answered says when they can go on.
    """
    waits: SealCapReached | None = None
    while part:
        rows = [taken.wanted for taken in part]
        usable = usable_for(workshop, order, rows, at)
        seals = {row.row: seal_for(usable, order.client.client_id, row) for row in rows}
        try:
            reserved = reserve_rows(workshop, order, rows, seals, at)  # 4
        except GrantUsedUp as error:
            part = [taken for taken in part if not _is_under(seals[taken.wanted.row], error.grant_id)]
            waits = error
            continue
        _make_and_commit(workshop, order, part, seals, reserved, checked, at)
        return waits
    with workshop.database.writing(VAULT) as db:
        put_chunk(db, order.run_id, order.number, list(checked.outcomes.values()), at)
    return waits


def _is_under(seal: UsableSeal | None, grant_id: UUID) -> bool:
    return seal is not None and seal.grant_id == grant_id


def _make_and_commit(
    workshop: Workshop,
    order: ChunkOrder,
    part: Sequence[TakenRow],
    seals: Mapping[int, UsableSeal | None],
    reserved: ReservedRows,
    checked: Checked,
    at: datetime,
) -> None:
    opened = _opened(workshop, seals.values())
    made, given_up = [], []
    for taken, reservation in zip(part, reserved.reservations, strict=True):
        row = taken.wanted.row
        seal = seals[row]
        try:
            owner = None if seal is None else opened[seal.seal_id]
            made.append(make_row(workshop, taken, reservation, owner, at=at))  # 5
        except (InputError, IntegrityError) as error:
            checked.outcomes[row] = rejected(order, row, error)
            given_up.append(reservation.certificate_id)
    stored = _store(workshop, reserved, made, at)  # 6
    checked.outcomes = commit_rows(
        workshop, order, reserved.case_id, stored, given_up, checked.outcomes, at=at
    )  # 7


def _opened(workshop: Workshop, seals: Iterable[UsableSeal | None]) -> dict[str, OpenedSeal]:
    ids = {seal.seal_id for seal in seals if seal is not None}
    with workshop.database.reading(NOBODY) as db:
        return {seal_id: workshop.seals.opened(db, seal_id) for seal_id in sorted(ids)}


def _store(workshop: Workshop, reserved: ReservedRows, made: Sequence[MadeRow], at: datetime) -> list[Stored]:
    """Step 6: one object, read back once.

    Raises:
        Unavailable: the store does not answer, or lost or changed what it had acknowledged.
    """
    if not made:
        return []
    files = []
    for row in made:
        certificate_id, key = row.reservation.certificate_id, workshop.keys.record_key(row.reservation.key)
        place = document_place(certificate_id, row.document.format)
        filed = new_object(certificate_id, place, key, row.document.sha256, row.document.size_bytes)
        files.append(Unpacked(filed, row.content))
    types = {row.wanted.kind.code for row in made}
    placed = put_pack(
        workshop.blobs,
        reserved.case_id,
        files,
        retain_until=at + max(workshop.retention_of(code, at) for code in types),
        origin={"case": str(reserved.case_id)},
    )
    if prove_objects(workshop.blobs, placed):
        raise Unavailable("The object store did not keep what it acknowledged; import the rows again.")
    return [Stored(row, filed) for row, filed in zip(made, placed, strict=True)]


def _believed(workshop: Workshop) -> Believed:
    with workshop.database.reading(NOBODY) as db:
        return Believed(trust_with_seals(workshop, db), seal_owners(db))


_PLACES: dict[FilesPlace, ReadFile] = {}


def opened_files(workshop: Workshop, place: FilesPlace) -> ReadFile:
    """How to read the files, found out once for each place: a zip's directory may have a million names.

    Raises:
        InputError, Unavailable: as `open_files`.
    """
    known = _PLACES.get(place)
    if known is None:
        if len(_PLACES) >= _OPEN_MAX:
            _PLACES.clear()
        known = _PLACES[place] = open_files(workshop, place)
    return known


_SPECIMEN = Reservation(UUID(int=0), 0, "", 1, "0" * 10, "0" * 22, bytes(32))
