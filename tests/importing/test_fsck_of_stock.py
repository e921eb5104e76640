"""fsck of imported stock: a pack in one request, its damage found and named, and processes that may die."""

import os
import signal
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from multiprocessing import active_children
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy import event, select, update

from api.fsck_hands import fsck_hands
from storage.blobs import BlobStore, pack_of, place_in_pack
from storage.embedded import EngineAddresses
from storage.s3 import StoreAddress
from storage.spans import Span
from storage.tables import certificates, documents
from tests.importing.conftest import imported
from tests.registers import Register
from vault.errors import Unavailable
from vault.fsck import Finding, Hands, Part, PartDone, Weight, examine
from vault.fsck.parts import CertificatePart, ObjectPart, done_parts
from vault.model.ids import uuid7
from vault.model.scope import VAULT
from vault.workshop import Workshop

pytestmark = pytest.mark.engines

ROWS = 5
LOST = "The object store has lost document"
SHUT = "does not open: altered, cut short, moved, or another key."


class CountedStore(BlobStore):
    """A real store; `asked`: how often for which name."""

    def __init__(self, address: StoreAddress) -> None:
        super().__init__(address)
        self.asked: Counter[str] = Counter()

    def document_parts(self, name: str) -> Iterator[bytes]:
        """As the store's own."""
        self.asked[name] += 1
        return super().document_parts(name)


@dataclass(frozen=True)
class Packed:
    """One import's certificates, in the order in which their files lie in its pack."""

    pack: str
    ids: tuple[UUID, ...]
    identifiers: tuple[str, ...]
    names: tuple[str, ...]

    @property
    def part(self) -> CertificatePart:
        """These certificates, and whatever lies between."""
        return CertificatePart(Span(UUID(int=min(self.ids).int - 1), max(self.ids)))


def store_of(engines: EngineAddresses, documents_bucket: str = "certvault-documents") -> CountedStore:
    address = StoreAddress(
        engines.s3_endpoint, engines.s3_access_key, engines.s3_secret_key, documents_bucket, "certvault-in"
    )
    return CountedStore(address)


def packed(register: Register, folder: Path) -> Packed:
    """An import of a few rows."""
    register.rows.clear()
    register.add(ROWS)
    imported(register, register.csv(folder))
    query = (
        select(certificates.c.id, certificates.c.identifier, documents.c.object_name)
        .join(documents, documents.c.certificate_id == certificates.c.id)
        .order_by(certificates.c.id.desc())
        .limit(ROWS)
    )
    with register.house.wired.workshop.database.reading(VAULT) as db:
        rows = sorted(db.execute(query), key=lambda row: place_in_pack(row.object_name))
    (pack,) = {pack_of(row.object_name) for row in rows}
    ids, identifiers, names = zip(*((row.id, row.identifier, row.object_name) for row in rows), strict=True)
    return Packed(pack, ids, identifiers, names)


def found_in(workshop: Workshop, stock: Packed) -> list[tuple[str, str]]:
    done = examine(workshop, stock.part)
    assert done.certificates == ROWS
    assert {each.weight for each in done.findings} <= {Weight.PROBLEM}
    return [(each.about, each.detail) for each in done.findings]


def test_a_pack_is_asked_for_once_and_statements_do_not_grow_with_its_rows(
    register: Register, engines: EngineAddresses, tmp_path: Path
) -> None:
    first, second = packed(register, tmp_path), packed(register, tmp_path)
    workshop = register.house.wired.workshop
    both = CertificatePart(Span(first.part.span.after, second.part.span.until))
    statements: list[int] = []
    for part, packs in ((first.part, [first.pack]), (both, [first.pack, second.pack])):
        store, heard = store_of(engines), Counter[str]()

        def note(_c: object, _cursor: object, statement: str, *_: object, into: Counter[str] = heard) -> None:
            into[statement] += 1

        engine = workshop.database._engine  # noqa: SLF001 - the one place where all statements pass
        event.listen(engine, "before_cursor_execute", note)
        try:
            assert examine(replace(workshop, blobs=store), part).findings == ()
        finally:
            event.remove(engine, "before_cursor_execute", note)
        assert store.asked == Counter(packs)
        statements.append(heard.total())
    assert statements[0] == statements[1] > 0


@pytest.mark.parametrize("damage", ["missing", "altered", "cut", "empty"])
def test_a_damaged_pack_is_found_and_each_file_named(
    register: Register, engines: EngineAddresses, tmp_path: Path, damage: str
) -> None:
    """In a bucket of its own: what is locked cannot be changed."""
    stock = packed(register, tmp_path)
    workshop = register.house.wired.workshop
    content = bytearray(b"".join(workshop.blobs.document_parts(stock.pack)))
    at, length = place_in_pack(stock.names[2])
    store = store_of(engines, f"certvault-{damage}-{os.urandom(4).hex()}")
    store.prepare()
    if damage == "altered":
        content[at + length // 2] ^= 1
    elif damage in ("cut", "empty"):
        del content[at + length // 2 if damage == "cut" else 0 :]
    if damage != "missing":
        until = datetime.now(UTC) + timedelta(minutes=1)
        store.put_document(stock.pack, bytes(content), retain_until=until, origin={})
    expected = {"missing": range(ROWS), "altered": [2], "cut": range(2, ROWS), "empty": range(ROWS)}[damage]
    other = replace(workshop, blobs=store)
    found = found_in(other, stock)
    assert {about for about, _ in found} == {stock.identifiers[n] for n in expected}
    assert len(found) == len(expected)
    assert all(
        detail.startswith(LOST) if damage == "missing" else detail.endswith(SHUT) for _, detail in found
    )
    # Alone, a file is asked for by its range, which may begin behind the end of what is left.
    alone = examine(other, CertificatePart(Span(UUID(int=stock.ids[4].int - 1), stock.ids[4])))
    assert [(each.about, each.detail) for each in alone.findings] == [
        each for each in found if each[0] == stock.identifiers[4]
    ]


@pytest.mark.parametrize(
    ("names", "wrong", "says"),
    [
        ((1, 0), (0, 1), SHUT),
        (("{0}x", None), (0,), "expected its offset and its length."),
    ],
    ids=["swapped", "no place"],
)
def test_a_row_that_names_another_place_is_found(
    register: Register,
    tmp_path: Path,
    names: tuple[int | str, int | None],
    wrong: tuple[int, ...],
    says: str,
) -> None:
    stock = packed(register, tmp_path)

    def name(row: int, target: str) -> None:
        statement = update(documents).where(documents.c.certificate_id == stock.ids[row])
        with register.house.owner.writing(VAULT) as db:
            db.execute(statement.values(object_name=target))

    try:
        for row, target in enumerate(names):
            if target is not None:
                name(row, stock.names[target] if isinstance(target, int) else target.format(stock.names[row]))
        found = found_in(register.house.wired.workshop, stock)
    finally:
        for row in range(2):
            name(row, stock.names[row])
    assert sorted(about for about, _ in found) == sorted(stock.identifiers[n] for n in wrong)
    assert all(detail.endswith(says) for _, detail in found)


def test_a_pack_that_no_row_names_is_found(
    register: Register, engines: EngineAddresses, tmp_path: Path
) -> None:
    stock = packed(register, tmp_path)
    workshop = replace(register.house.wired.workshop, blobs=store_of(engines, "certvault-stray-packs"))
    workshop.blobs.prepare()
    case = uuid7(datetime.now(UTC))
    stray = f"{case.hex[-2:]}/{case}/{'0' * 32}"
    beside = f"{stock.pack[:-32]}{'0' * 32}"
    until = datetime.now(UTC) + timedelta(minutes=1)
    for name, of_case in ((stray, case), (beside, UUID(stock.pack.split("/")[1]))):
        workshop.blobs.put_document(name, b"x", retain_until=until, origin={"case": str(of_case)})
    done = examine(workshop, ObjectPart((stock.pack, stray, beside)))
    assert [(each.weight, each.about) for each in done.findings] == [
        (Weight.PROBLEM, stray),
        (Weight.NOTE, beside),
    ]
    assert done.objects == 3


def test_parts_are_told_in_their_order_and_a_process_that_died_is_told(register: Register) -> None:
    some = [CertificatePart(Span(UUID(int=n), UUID(int=n + 1))) for n in range(6)]
    before = set(active_children())
    with fsck_hands(register.house.settings, 2) as hands:
        assert list(done_parts(hands, some)) == [PartDone(())] * len(some)
        first, *_ = set(active_children()) - before
        os.kill(first.pid or 0, signal.SIGKILL)
        first.join()
        with pytest.raises(Unavailable, match="A process of fsck died"):
            list(done_parts(hands, some))
    assert set(active_children()) <= before


def test_whoever_waits_leaves_the_futures_to_their_pool() -> None:
    """Its thread tells each of them of a process that died, which it cannot where one was cancelled."""
    given: list[Future[PartDone]] = [Future() for _ in range(3)]
    left = iter(given)
    given[0].set_exception(BrokenProcessPool("died"))
    with pytest.raises(Unavailable, match="A process of fsck died"):
        list(done_parts(Hands(lambda _: next(left), 3), [ObjectPart(())] * 3))
    for each in given[1:]:
        each.set_exception(BrokenProcessPool("died"))


def test_an_engine_that_is_away_ends_it_with_parts_in_every_state(register: Register) -> None:
    before = set(active_children())

    def looked_at() -> None:
        with fsck_hands(register.house.settings, 1) as hands:
            away: Future[PartDone] = Future()
            away.set_exception(Unavailable("The object store does not answer."))
            first = iter([away])

            def submit(part: Part) -> "Future[PartDone]":
                return next(first, None) or hands.submit(part)

            list(done_parts(Hands(submit, 12), [ObjectPart(())] * 12))

    with pytest.raises(Unavailable, match="object store"):
        looked_at()
    assert set(active_children()) <= before


def test_whoever_stops_it_stops_its_processes_at_once(register: Register) -> None:
    before = set(active_children())

    def stopped() -> None:
        with fsck_hands(register.house.settings, 1) as hands:
            hands.submit(CertificatePart(Span(UUID(int=0), UUID(int=1)))).result()
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert set(active_children()) <= before


def test_findings_come_in_the_order_of_the_parts_and_few_are_under_way() -> None:
    submitted: list[Future[PartDone]] = []

    def submit(part: Part) -> "Future[PartDone]":
        assert isinstance(part, ObjectPart)
        submitted.append(Future())
        if len(submitted) % 2 == 0:  # the later of two is done first
            for n in (len(submitted) - 1, len(submitted) - 2):
                submitted[n].set_result(PartDone((Finding(Weight.NOTE, str(n), ""),)))
        assert sum(not each.done() for each in submitted) <= 1
        return submitted[-1]

    done = done_parts(Hands(submit, 2), [ObjectPart(()) for _ in range(6)])
    assert [each.findings[0].about for each in done] == ["0", "1", "2", "3", "4", "5"]
