"""A chunk of a manifest's rows, from its cells to its certificates. One process does one at a time."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from hashlib import sha256
from uuid import UUID

from signing.validate import Trust
from storage.grants import UsableSeal
from storage.imports import find_chunk, put_chunk
from storage.objects import document_place, new_object
from storage.packs import Unpacked, prove_objects, put_pack
from vault.deposit.making import typeset_page
from vault.errors import Conflict, InputError, NotFound, NotPermitted, Unavailable, VaultError
from vault.importing.committing import Stored, commit_rows
from vault.importing.files import FilesPlace, ReadFile, open_files
from vault.importing.known import known_rows
from vault.importing.making import MadeRow, TakenRow, make_row, mark_lines, take_file
from vault.importing.mapping import explained
from vault.importing.orders import PART_MAX_BYTES, ChunkDone, ChunkOrder
from vault.importing.reserving import ReservedRows, reserve_rows, seal_for, usable_for
from vault.importing.rows import Wanted, wanted_row
from vault.model.certificate import Reservation
from vault.model.imports import ImportMode, RowOutcome, RowState
from vault.model.scope import NOBODY, VAULT
from vault.seal_ring import UsableSeal as OpenedSeal
from vault.verify.seal_list import trust_with_seals
from vault.workshop import Workshop

_BUSY = "Another import is at these rows."
_HELD = frozenset({RowState.IMPORTED, RowState.ALREADY_THERE})
_OPEN_MAX = 4  # places of files that one process keeps open


def import_chunk(workshop: Workshop, order: ChunkOrder, *, at: datetime) -> ChunkDone:
    """What becomes of a chunk's rows.

    1. claim: nobody else is at these rows; what became of them so far is read, and what is held stays.
    2. check: each row's cells against mapping, catalogue and grant; what the vault has already is left.
       A check ends here, when each file has been looked at and each page been set.
    3. take: its file, through the gate; so many rows together as a part may hold.
    4. reserve: one transaction for the part.
    5. make: typeset or take, seal, judge: each row by itself; who fails is rejected alone.
    6. store: one object for the part, locked; read it back and compare each file.
    7. commit: one transaction with certificates, leaves, audit event, job and the rows' outcomes. **This is
       the commit point of these rows**: before it nothing is visible, after it nothing is lost.

    A crash anywhere leaves at most a reservation and an object that no row names; the same rows again are
    read again, and those that were committed are known by their outcome, or by their number.

    Raises:
        InputError: the files are not there.
        SealCapReached: a grant is used up for today.
        Unavailable: an engine does not answer.
        IntegrityError: the vault's own work does not stand up to its own reader.
    """
    lock = int.from_bytes(
        sha256(order.run_id.bytes + order.number.to_bytes(8, "big")).digest()[:8], "big", signed=True
    )
    claimed = False
    try:
        with workshop.database.alone(lock, _BUSY):  # 1
            claimed = True
            return ChunkDone(order.number, _import(workshop, order, at))
    except Conflict:
        if claimed:
            raise
        return ChunkDone(order.number, None)


def _import(workshop: Workshop, order: ChunkOrder, at: datetime) -> tuple[RowOutcome, ...]:
    with workshop.database.reading(VAULT) as db:
        before = find_chunk(db, order.run_id, order.number)
    outcomes = {row.number: RowOutcome(row.number, RowState.PENDING) for row in order.rows}
    if before is not None:
        outcomes |= {
            each.row: each for each in before.outcomes if each.state in _HELD and each.row in outcomes
        }
    wanted = list(_checked(workshop, order, outcomes, at))  # 2
    if order.mode is ImportMode.CHECK:
        return _look_at(workshop, order, wanted, outcomes, at)
    read = _files(workshop, order.files)
    trust = _trust(workshop)
    part: list[TakenRow] = []
    size = 0
    for row in wanted:
        try:
            taken = take_file(row, read, trust, at=at)  # 3
        except (InputError, NotFound) as error:
            outcomes[row.row] = _rejected(order, row.row, error)
            continue
        if part and size + len(taken.content) > PART_MAX_BYTES:
            outcomes = _do_part(workshop, order, part, outcomes, at)
            part, size = [], 0
        part.append(taken)
        size += len(taken.content)
    outcomes = _do_part(workshop, order, part, outcomes, at)
    return tuple(outcomes.values())


def _checked(
    workshop: Workshop, order: ChunkOrder, outcomes: dict[int, RowOutcome], at: datetime
) -> Iterator[Wanted]:
    """Step 2: rows that may be imported and that the vault has not; what became of all others is noted."""
    catalogue = workshop.shelf.in_force(at)
    rows: list[Wanted] = []
    numbers: dict[int, Wanted] = {}
    for row in order.rows:
        if outcomes[row.number].state is not RowState.PENDING:
            continue
        try:
            wanted = wanted_row(order.mapping, row, catalogue, order.client, at=at)
        except (InputError, NotPermitted) as error:
            outcomes[row.number] = _rejected(order, row.number, error)
            continue
        first = numbers.setdefault(wanted.lock, wanted)
        if first is not wanted:
            outcomes[row.number] = _twice(first, wanted)
        else:
            rows.append(wanted)
    if not rows:
        return
    with workshop.database.reading(VAULT) as db:
        known = known_rows(db, workshop.keys, rows)
    outcomes |= known
    usable = usable_for(workshop, order, rows, at)
    for wanted in rows:
        if wanted.row in known:
            continue
        try:
            seal_for(usable, order.client.client_id, wanted)
        except InputError as error:
            outcomes[wanted.row] = _rejected(order, wanted.row, error)
            continue
        yield wanted


def _twice(first: Wanted, again: Wanted) -> RowOutcome:
    if first.result == again.result:
        return RowOutcome(again.row, RowState.ALREADY_THERE, None, f"It is row {first.row} once more.")
    return RowOutcome(
        again.row, RowState.REJECTED, None, f"Row {first.row} has the same number and says something else."
    )


def _look_at(
    workshop: Workshop,
    order: ChunkOrder,
    wanted: Sequence[Wanted],
    outcomes: dict[int, RowOutcome],
    at: datetime,
) -> tuple[RowOutcome, ...]:
    """The rest of a check: each file passes the gate, each page can be set. Nothing is sealed or stored."""
    read, trust = _files(workshop, order.files), _trust(workshop)
    for row in wanted:
        try:
            take_file(row, read, trust, at=at)
            if row.file:
                mark_lines(row.origin)
            else:
                typeset_page(workshop, row.kind, row.result, _SPECIMEN, at)
        except (InputError, NotFound) as error:
            outcomes[row.row] = _rejected(order, row.row, error)
            continue
        outcomes[row.row] = RowOutcome(row.row, RowState.IMPORTED)
    found = tuple(outcomes.values())
    with workshop.database.writing(VAULT) as db:
        put_chunk(db, order.run_id, order.number, found, at)
    return found


def _do_part(
    workshop: Workshop,
    order: ChunkOrder,
    part: Sequence[TakenRow],
    outcomes: dict[int, RowOutcome],
    at: datetime,
) -> dict[int, RowOutcome]:
    """Steps 4 to 7 for some rows; of none only what became of the others is written down."""
    if not part:
        with workshop.database.writing(VAULT) as db:
            put_chunk(db, order.run_id, order.number, list(outcomes.values()), at)
        return outcomes
    rows = [taken.wanted for taken in part]
    usable = usable_for(workshop, order, rows, at)
    seals = {row.row: seal_for(usable, order.client.client_id, row) for row in rows}
    reserved = reserve_rows(workshop, order, rows, seals, at)  # 4
    opened = _opened(workshop, seals.values())
    made, given_up = [], []
    for taken, reservation in zip(part, reserved.reservations, strict=True):
        seal = seals[taken.wanted.row]
        try:
            owner = None if seal is None else opened[seal.seal_id]
            made.append(make_row(workshop, taken, reservation, owner, at=at))  # 5
        except InputError as error:
            outcomes[taken.wanted.row] = _rejected(order, taken.wanted.row, error)
            given_up.append(reservation.certificate_id)
    stored = _store(workshop, reserved, made, at)  # 6
    return commit_rows(workshop, order, reserved.case_id, stored, given_up, outcomes, at=at)  # 7


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


def _trust(workshop: Workshop) -> Trust:
    with workshop.database.reading(NOBODY) as db:
        return trust_with_seals(workshop, db)


def _rejected(order: ChunkOrder, row: int, error: VaultError) -> RowOutcome:
    problems = error.problems if isinstance(error, InputError | NotPermitted) else ()
    if isinstance(error, NotFound):
        column = order.mapping.column_of("file")
        return RowOutcome(row, RowState.REJECTED, None, f"{column or 'file'} (file): {error.detail}")
    return RowOutcome(row, RowState.REJECTED, None, explained(order.mapping, error.detail, problems))


_PLACES: dict[FilesPlace, ReadFile] = {}


def _files(workshop: Workshop, place: FilesPlace) -> ReadFile:
    """How to read the files, found out once for each place: a zip's directory may have a million names."""
    known = _PLACES.get(place)
    if known is None:
        if len(_PLACES) >= _OPEN_MAX:
            _PLACES.clear()
        known = _PLACES[place] = open_files(workshop, place)
    return known


_SPECIMEN = Reservation(UUID(int=0), 0, "", 1, "0" * 10, "0" * 22, bytes(32))
