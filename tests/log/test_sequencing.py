"""The sequencer: dense, in order, published whole; all that the log claims follows from its leaves."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from signing.log_note import open_checkpoint
from storage.log_heads import newest_checkpoint
from tests.log.conftest import AT, Log
from tests.trials import together
from tests.unit.tlog import naive
from vault.errors import IntegrityError
from vault.tlog.entries import split_bundle
from vault.tlog.merkle import EMPTY_ROOT
from vault.tlog.merkle_leaf import leaf_hash
from vault.tlog.tiles import tiles_between
from vault.transparency import sequencing
from vault.transparency.deriving import contradictions
from vault.transparency.published import published
from vault.transparency.sequencing import sequence

pytestmark = pytest.mark.engines


def read(log: Log, path: str) -> bytes:
    content = log.workshop.log_store.read(path)
    assert content is not None, path
    return content


def leaves_of(log: Log, size: int, year: int = 2026) -> list[bytes]:
    """Every entry that a shard has published."""
    entries = []
    for tile in tiles_between(0, size):
        if tile.level == 0:
            entries += split_bundle(read(log, f"{year}/{tile.entries_path}"), tile.width)
    return entries


def test_an_empty_log_has_a_checkpoint_of_nothing(log: Log) -> None:
    done = log.sequence()
    assert (done.leaves, done.size) == (0, 0)
    signed = open_checkpoint(read(log, "2026/checkpoint"), log.key())
    assert (signed.checkpoint.size, signed.checkpoint.root) == (0, EMPTY_ROOT)
    assert signed.checkpoint.origin == "vault.example/v1/log/2026"
    assert list(contradictions(log.workshop)) == []


@pytest.mark.parametrize("steps", [[1], [255, 1, 1], [256], [300, 0, 213, 600], [1, 1, 1]])
def test_leaves_are_published_in_order_with_the_naive_root(log: Log, steps: list[int]) -> None:
    expected: list[bytes] = []
    for n, step in enumerate(steps):
        expected += log.add(step, name=f"step-{n}") if step else []
        done = log.sequence()
        assert done.size == log.size() == len(expected)
        signed = open_checkpoint(read(log, "2026/checkpoint"), log.key())
        assert signed.checkpoint.root == naive.root([leaf_hash(entry) for entry in expected])
        assert leaves_of(log, len(expected)) == expected
        tree = naive.NaiveTiles([leaf_hash(entry) for entry in expected])
        for tile in tiles_between(0, len(expected)):
            assert read(log, f"2026/{tile.path}") == tree.tile(tile)
    assert list(contradictions(log.workshop)) == []


def test_partial_tiles_go_once_they_are_full(log: Log) -> None:
    store = log.workshop.log_store
    for n, step in enumerate((100, 100, 100)):
        log.add(step, name=f"step-{n}")
        log.sequence()
    assert store.below("2026/tile/0/000.p/") == []
    assert store.below("2026/tile/entries/000.p/") == []
    assert store.below("2026/tile/0/001.p/") == ["2026/tile/0/001.p/44"]


def test_a_backlog_is_taken_in_batches_of_a_run(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencing, "BATCH_LEAVES", 10)
    monkeypatch.setattr(sequencing, "RUN_LEAVES", 30)
    contents = log.add(75)
    assert [log.sequence().size for _ in range(4)] == [30, 60, 75, 75]
    assert leaves_of(log, 75) == contents
    with log.workshop.database.reading() as db:
        newest = newest_checkpoint(db, 2026)
    assert newest is not None
    assert newest.size == 75


def test_many_workers_at_once_make_one_log(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sequencing, "BATCH_LEAVES", 7)
    log.sequence()
    workers, rounds = 4, 3
    for n in range(rounds):
        log.add(100, name=f"round-{n}")
        assert sum(run.leaves for run in together(*[log.sequence] * workers)) == 100
        assert log.size() == (n + 1) * 100
    assert len(set(leaves_of(log, 300))) == 300
    assert list(contradictions(log.workshop)) == []


def test_leaves_that_come_meanwhile_are_not_lost(log: Log) -> None:
    def deposit(n: int) -> None:
        for m in range(10):
            log.add(3, name=f"deposit-{n}-{m}")

    with ThreadPoolExecutor(5) as pool:
        deposits = [pool.submit(deposit, n) for n in range(3)]
        runs = [pool.submit(log.sequence) for _ in range(6)]
        for done in deposits:
            done.result()
        for run in runs:
            run.result()
    log.sequence()
    assert log.size() == 90
    assert len(set(leaves_of(log, 90))) == 90
    assert list(contradictions(log.workshop)) == []


def test_with_the_year_the_shard_ends_and_the_next_names_its_end(log: Log) -> None:
    old = log.add(5)
    log.sequence()
    eve = datetime(2026, 12, 31, 15, 59, 59, tzinfo=UTC)  # a second before midnight in China
    old += log.add(2, at=eve, name="eve")
    log.sequence(at=eve)
    assert log.size() == 7
    assert len(log.shards()) == 1
    new = log.add(4, at=eve, name="new")
    done = log.sequence(at=eve + timedelta(seconds=1))
    assert done.origin == "vault.example/v1/log/2027"
    first, second = log.shards()
    assert (first.year, second.year, second.first_index) == (2026, 2027, 8)
    ended = published(log.workshop, first)
    assert ended is not None
    assert ended.size == 8
    *entries, closing = leaves_of(log, 8)
    assert entries == old
    assert b'"event":"shard-closed"' in closing
    opening, *others = leaves_of(log, 5, year=2027)
    assert others == new
    assert ended.signed.checkpoint.root.hex().encode() in opening
    assert list(contradictions(log.workshop)) == []


def test_a_clock_that_goes_back_reopens_nothing(log: Log) -> None:
    log.add(1)
    log.sequence(at=datetime(2027, 1, 1, 12, tzinfo=UTC))
    log.add(1, name="later")
    assert log.sequence(at=AT).origin == "vault.example/v1/log/2027"
    assert log.size() == 2


def test_nothing_is_closed_while_nothing_waits(log: Log) -> None:
    log.add(1)
    log.sequence()
    log.sequence(at=datetime(2028, 1, 1, 12, tzinfo=UTC))
    assert len(log.shards()) == 1


def test_audit_events_become_a_leaf_without_saying_anything(log: Log) -> None:
    log.audit(3, actor="somebody-to-hide")
    log.sequence()
    (leaf,) = leaves_of(log, 1)
    assert b'"event":"audit-head"' in leaf
    assert b"somebody" not in leaf
    assert log.sequence().size == 1  # nothing new: no new head
    log.audit(1)
    assert sequence(log.workshop, at=AT).size == 1  # the last head is too young
    assert sequence(log.workshop, at=AT + timedelta(minutes=5)).size == 2


def test_a_bucket_that_lies_about_a_tile_stops_the_log(log: Log) -> None:
    log.add(3)
    log.workshop.log_store.put_once("2026/tile/0/000.p/3", bytes(96))
    with pytest.raises(IntegrityError, match="other bytes"):
        log.sequence()
    assert log.workshop.log_store.read("2026/checkpoint") is None
