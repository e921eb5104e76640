"""The log survives: killed at any step, stores that lie, databases of yesterday, buckets that are lost."""

import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from storage.log_heads import newest_checkpoint, newest_publication
from storage.log_store import LogStore, StoredFile
from tests.conftest import House
from tests.faults import lying_store
from tests.log.conftest import AT, Log
from tests.programs import dying
from vault.errors import IntegrityError, Unavailable
from vault.model.scope import VAULT
from vault.transparency import publishing, sequencing
from vault.transparency.deriving import contradictions
from vault.transparency.health import log_health, sentence

pytestmark = [pytest.mark.engines, pytest.mark.crash]


STEPS = [
    "vault.transparency.sequencing:give_indexes",
    "vault.transparency.sequencing:write_tiles",
    "vault.transparency.sequencing:insert_checkpoint",
    "vault.transparency.sequencing:_batch",
    "vault.transparency.sequencing:_chain",
    "vault.transparency.publishing:_write_tiles",
    "vault.transparency.publishing:_replaced",
    "vault.transparency.publishing:note_publication",
    "vault.transparency.publishing:_tidy",
    "storage.log_store:LogStore.put_once",
    "storage.log_store:LogStore.replace_checkpoint",
    "storage.log_store:LogStore.remove",
]


@pytest.mark.parametrize("step", STEPS)
def test_killed_after_a_step_then_run_again(house: House, log: Log, step: str) -> None:
    log.add(200)
    log.sequence()
    before = log.workshop.log_store.read("2026/checkpoint")
    assert before is not None
    log.add(100, name="later")
    log.audit(2)
    died = dying("tests.log.dying_sequencer", log.name, step, settings=house.settings)
    assert died.returncode == -signal.SIGKILL, died.stderr.decode()
    seen = log.size()
    assert seen >= 200
    assert log.sequence().size == log.size() >= seen
    assert log.size() >= 301
    assert list(contradictions(log.workshop)) == []


def test_a_store_that_says_200_and_loses_a_tile_publishes_nothing(log: Log) -> None:
    log.add(3)
    with lying_store(log.address.endpoint) as store:
        address = replace(log.address, endpoint=f"http://127.0.0.1:{store.server_address[1]}")
        workshop = replace(log.workshop, log_store=LogStore(address))
        store.lose_puts = 1
        with pytest.raises(Unavailable, match="did not keep"):
            sequencing.sequence(workshop, at=AT)
    assert log.workshop.log_store.read("2026/checkpoint") is None
    log.sequence()
    assert log.size() == 3
    assert list(contradictions(log.workshop)) == []


def test_a_store_that_loses_the_checkpoint_publishes_it_with_the_next_run(log: Log) -> None:
    log.add(3)
    log.sequence()
    log.add(3, name="later")
    with lying_store(log.address.endpoint) as store:
        address = replace(log.address, endpoint=f"http://127.0.0.1:{store.server_address[1]}")
        patient = LogStore(address)
        replace_checkpoint = patient.replace_checkpoint

        def lose_then_replace(path: str, content: bytes, before: StoredFile | None) -> bool:
            store.lose_puts = 1
            return replace_checkpoint(path, content, before)

        patient.replace_checkpoint = lose_then_replace  # type: ignore[method-assign]  # the moment to lose a PUT
        with pytest.raises(Unavailable, match="did not keep"):
            sequencing.sequence(replace(log.workshop, log_store=patient), at=AT)
    assert log.size() == 3
    log.sequence()
    assert log.size() == 6


def test_failed_but_happened_is_found_done(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    """The checkpoint's PUT took place and its answer was lost."""
    log.add(3)
    real = LogStore.replace_checkpoint

    def lost(self: LogStore, path: str, content: bytes, before: StoredFile | None) -> bool:
        real(self, path, content, before)
        raise Unavailable("cut off")

    with monkeypatch.context() as patch:
        patch.setattr(LogStore, "replace_checkpoint", lost)
        with pytest.raises(Unavailable):
            log.sequence()
    assert log.size() == 3
    with log.workshop.database.reading(VAULT) as db:
        assert newest_publication(db, 2026) is None
    log.sequence()
    with log.workshop.database.reading(VAULT) as db:
        seen = newest_publication(db, 2026)
    assert seen is not None
    assert seen.size == 3


def test_a_slow_worker_never_puts_a_smaller_checkpoint_back(
    log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It read the checkpoint, then others published twice before its own PUT."""
    log.add(3)
    log.sequence()
    log.add(3, name="slow")
    real: Callable[..., Any] = publishing._replaced  # noqa: SLF001 - the moment between reading and writing
    overtaken: list[bool] = []

    def overtake(*arguments: Any) -> bool:  # noqa: ANN401 - whatever the flow gives
        if not overtaken:
            overtaken.append(True)
            log.add(3, name="fast")
            log.sequence()
            assert log.size() == 9
        return bool(real(*arguments))

    monkeypatch.setattr(publishing, "_replaced", overtake)
    log.sequence()
    assert log.size() == 9
    assert list(contradictions(log.workshop)) == []


def test_a_database_of_yesterday_stops_the_log_instead_of_forking_it(log: Log) -> None:
    log.add(5)
    log.sequence()
    log.add(5, name="lost")
    log.sequence()
    signed = log.workshop.log_store.read("2026/checkpoint")
    log.changed(  # what a backup from before the second run would have
        "DELETE FROM log_publications WHERE size > 5",
        "DELETE FROM log_checkpoints WHERE size > 5",
        "DELETE FROM log_leaves WHERE log_index >= 5",
        "UPDATE log_tiles SET hashes = substr(hashes, 1, 160)",
    )
    log.add(7, name="new")
    with pytest.raises(IntegrityError, match="restored from an older backup"):
        log.sequence()
    assert log.workshop.log_store.read("2026/checkpoint") == signed
    with log.workshop.database.reading(VAULT) as db:
        newest = newest_checkpoint(db, 2026)
    assert newest is not None
    assert newest.size == 5  # nothing was signed
    assert "older backup" in sentence(log_health(log.workshop, at=AT))
    assert any("is not one that it has" in detail for _, detail in contradictions(log.workshop))


def test_a_new_database_at_an_old_bucket_stops_the_log(log: Log) -> None:
    log.add(5)
    log.sequence()
    log.changed(
        "DELETE FROM log_publications",
        "DELETE FROM log_checkpoints",
        "DELETE FROM log_shards",
        "DELETE FROM log_tiles",
        "UPDATE log_leaves SET log_index = NULL",
    )
    with pytest.raises(IntegrityError, match="a shard of 2026 that the database does not know"):
        log.sequence()


def test_a_bucket_that_was_lost_is_written_anew_only_on_demand(log: Log) -> None:
    log.add(300)
    log.sequence()
    store = log.workshop.log_store
    before = {path: store.read(path) for path in store.below("")}
    for path in before:
        store.remove(path)
    with pytest.raises(IntegrityError, match="--rebuild"):
        log.sequence()
    sequencing.sequence(log.workshop, at=AT, rebuild=True)
    assert {path: store.read(path) for path in store.below("")} == before


def test_a_checkpoint_of_another_key_stops_the_log(log: Log) -> None:
    log.add(1)
    log.sequence()
    found = log.workshop.log_store.checkpoint("2026/checkpoint")
    assert found is not None
    forged = found.content.replace(b"\n1\n", b"\n2\n")
    assert log.workshop.log_store.replace_checkpoint("2026/checkpoint", forged, found)
    with pytest.raises(IntegrityError, match="not one that this log has signed"):
        log.sequence()


def test_two_checkpoints_of_one_size_cannot_be(log: Log) -> None:
    log.add(2)
    log.sequence()
    log.changed("UPDATE log_leaves SET log_index = NULL")
    log.changed("DELETE FROM log_publications", "DELETE FROM log_checkpoints WHERE size = 2")
    log.workshop.log_store.remove("2026/checkpoint")
    log.changed("UPDATE log_tiles SET hashes = substr(hashes, 1, 32)")
    other = "UPDATE log_leaves SET leaf_hash = sha256(leaf) WHERE id = (SELECT min(id) FROM log_leaves)"
    log.changed(other)
    with pytest.raises(IntegrityError, match="other bytes"):  # the tile of the first tree stands there
        log.sequence()


def test_damage_to_anything_that_is_derived_is_found(log: Log) -> None:
    log.add(300)
    log.sequence()
    store = log.workshop.log_store
    assert list(contradictions(log.workshop)) == []
    store.remove("2026/tile/0/000")
    assert any("published tile" in detail for _, detail in contradictions(log.workshop))
    store.remove("2026/tile/entries/000")
    assert any("published entries" in detail for _, detail in contradictions(log.workshop))
    damage = {
        "tile in the database does not follow from the leaves": (
            "UPDATE log_tiles SET hashes = set_byte(hashes, 9, 9) WHERE level = 0 AND number = 1"
        ),
        "does not follow from those below": "UPDATE log_tiles SET hashes = sha256('x') WHERE level = 1",
        "root is not that": "UPDATE log_checkpoints SET root = sha256('x') WHERE size = 300",
        "not what the log's key signs": "UPDATE log_checkpoints SET note = note || 'x' WHERE size = 300",
        "are not the leaves": "UPDATE log_leaves SET leaf = leaf || ' ' WHERE log_index = 7",
        "not dense": "DELETE FROM log_leaves WHERE log_index = 7",
    }
    for says, statement in damage.items():
        log.changed(statement)
        assert any(says in detail for _, detail in contradictions(log.workshop)), says


def test_a_promise_that_is_broken_is_told(log: Log) -> None:
    log.add(3)
    due = AT + log.workshop.promise_within
    waiting = log_health(log.workshop, at=due)
    assert (waiting.waiting, sentence(waiting)) == (3, "ok")
    late = log_health(log.workshop, at=due + timedelta(hours=2))
    assert late.overdue == timedelta(hours=2)
    assert "7200 s; 3 leaves wait" in sentence(late)
    log.sequence()
    assert sentence(log_health(log.workshop, at=due + timedelta(hours=2))) == "ok"


def test_an_index_without_a_publication_keeps_no_promise(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    log.sequence()
    log.add(3)
    with monkeypatch.context() as patch:
        patch.setattr(sequencing, "publish", lambda *_, **__: None)
        log.sequence()
    late = log_health(log.workshop, at=AT + timedelta(days=2))
    assert (late.waiting, late.overdue) == (0, timedelta(days=1))
