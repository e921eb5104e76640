"""A part of the audit trail leaves the database and comes back, by the commands that the documents give."""

import os
import re
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from sqlalchemy import text

from storage.accesses import accesses_about
from storage.embedded import EngineAddresses, postgres_program
from storage.history import AuditRow, insert_audit
from tests.engines.test_audit_parts import PART_IDS
from tests.log.conftest import AT, Log
from vault.audit_parts import make_room, parts_out, room_ahead
from vault.auditing import Auditor, AuditQuestion, export_events, find
from vault.model.history_entry import EVENT_ID_ABOVE_ALL
from vault.model.holders import HolderCode
from vault.model.scope import VAULT
from vault.transparency.audit_trail import audit_contradictions

pytestmark = pytest.mark.engines

HOUR = timedelta(hours=1)
COLD, LATER = 6, 4
WHO = Auditor("auditor", "抽查")
HOLDER = UUID("019a0000-0000-7000-8000-00000000c01d")
CODE = HolderCode.parse("099", "COLD-1")
OUT = "audit events 0 to 99999999"
_DOCUMENT = Path(__file__).parents[2] / "docs" / "cold-parts.md"
_STEPS = dict(
    re.findall(r"^```sh (\S+)\n(.*?)^```", _DOCUMENT.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
)


@dataclass(frozen=True)
class Operator:
    """Somebody with a shell, as the owner, in a folder of their own."""

    log: Log
    folder: Path
    environment: dict[str, str] = field(repr=False)

    def runs(self, step: str) -> str:
        """What a step of the document prints."""
        first = _STEPS["part"].partition("\n")[0]  # which parts
        done = subprocess.run(
            ["/bin/sh", "-ec", f"{first}\n{_STEPS[step]}"],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def finds(self) -> dict[str, str]:
        """What verification of the trail finds."""
        return dict(audit_contradictions(self.log.workshop, at=AT + 3 * HOUR))

    def of_holder(self) -> list[int]:
        """What was looked at in the holder's history."""
        with self.log.workshop.database.reading(VAULT) as db:
            found = accesses_about(
                db,
                self.log.workshop.keys,
                HOLDER,
                CODE,
                certificate_id=None,
                before=EVENT_ID_ABOVE_ALL,
                limit=100,
                at=AT + 3 * HOUR,
            )
        return [each.event_id for each in found if each.action == "view"]

    def asks(self, statement: str) -> list[tuple[object, ...]]:
        """The rows that a question brings."""
        with self.log.workshop.database.reading(VAULT) as db:
            return [tuple(row) for row in db.execute(text(statement))]


@pytest.fixture
def operator(log: Log, engines: EngineAddresses, tmp_path: Path) -> Iterator[Operator]:
    """A chain of two batches, the first in the first part, the second in the second one."""
    _looks(log, COLD, timedelta())
    with log.workshop.database.writing(VAULT) as db:
        db.execute(text(f"SELECT setval('audit_events_id_seq', {PART_IDS + 7})"))
    _looks(log, LATER, HOUR)
    known = conninfo_to_dict(engines.owner_database_url)
    environment = {
        "PATH": f"{postgres_program('psql').parent}:{os.environ['PATH']}",
        "PGHOST": str(known["host"]),
        "PGPORT": str(known["port"]),
        "PGUSER": str(known["user"]),
        "PGPASSWORD": str(known["password"]),
        "PGDATABASE": str(known["dbname"]),
        "PGOPTIONS": f"-csearch_path={log.name}",
    }
    yield Operator(log, tmp_path, environment)
    with psycopg.connect(engines.owner_database_url, autocommit=True) as owner:
        owner.execute("DROP SCHEMA IF EXISTS kept CASCADE")


def _looks(log: Log, count: int, later: timedelta) -> None:
    rows = [AuditRow("suite", "view", None, None, {"holder": str(HOLDER), "n": n}) for n in range(count)]
    with log.workshop.database.writing(VAULT) as db:
        insert_audit(db, rows, AT + later)
    log.sequence(at=AT + later)


def test_a_part_leaves_and_comes_back(operator: Operator) -> None:
    assert operator.finds() == {}
    whole = operator.of_holder()
    assert len(whole) == COLD + LATER

    assert "100000000" in operator.runs("part")
    operator.runs("take-out")
    assert [line for line in operator.runs("try").splitlines() if "differs" in line] == [
        "audit_events_p0 differs in|0",
    ]
    operator.runs("drop")

    _says_what_is_out(operator)
    operator.log.audit(2, at=AT + 2 * HOUR)
    operator.log.sequence(at=AT + 2 * HOUR)
    _says_what_is_out(operator)

    operator.runs("put-back")
    assert operator.finds() == {}
    assert operator.of_holder() == whole
    assert parts_out(operator.log.workshop) == ()
    triggers = operator.asks(
        "SELECT tgname FROM pg_trigger WHERE tgrelid = 'audit_events_p0'::regclass ORDER BY 1"
    )
    assert [name for (name,) in triggers] == [
        "audit_events_insert_only",
        "audit_events_rewrap_only",
        "audit_events_subjects",
    ]
    filed = "SELECT count(*) FROM audit_subjects JOIN audit_events ON id = event_id WHERE action = 'view'"
    assert operator.asks(filed) == [(COLD + LATER,)], "none filed twice, none lost"


def _says_what_is_out(operator: Operator) -> None:
    """One line for all of the part; everything else goes on with what is there."""
    workshop = operator.log.workshop
    found = operator.finds()
    assert set(found) == {OUT}
    assert f"{COLD} links were not held" in found[OUT]
    assert parts_out(workshop) == ("Audit events 0 to 99999999 are not in the table.",)
    make_room(workshop)
    assert room_ahead(workshop) == 2
    assert len(operator.of_holder()) == LATER
    seen = find(workshop, WHO, AuditQuestion(action="view"), limit=100, at=AT + 3 * HOUR)
    assert min(each.event_id for each in seen) > PART_IDS
    lines = [str(line) for line in export_events(workshop, WHO, AuditQuestion(), at=AT + 3 * HOUR)]
    assert len(lines) > LATER


def test_what_else_is_missing_is_named_beside_a_part_that_is_out(operator: Operator) -> None:
    operator.runs("part")
    operator.runs("take-out")
    (last,) = operator.asks("SELECT max(id) FROM audit_events")[0]
    operator.log.changed("DELETE FROM audit_events WHERE id = :id", id=last)
    assert set(operator.finds()) == {OUT, f"audit event {last}"}


def test_links_of_a_part_that_is_out_are_still_held_against_their_tree(operator: Operator) -> None:
    operator.runs("part")
    operator.runs("take-out")
    operator.log.changed("UPDATE audit_chain SET leaf_hash = sha256('x') WHERE position = 2")
    found = operator.finds()
    assert any(about.startswith("audit head") for about in found)
    assert any("the link was changed" in detail for detail in found.values())


def test_a_changed_event_does_not_come_back_unseen(operator: Operator) -> None:
    operator.runs("part")
    operator.runs("take-out")
    operator.log.changed(
        "ALTER TABLE audit_events_p0 DISABLE TRIGGER USER",
        "UPDATE audit_events_p0 SET actor = 'nobody' WHERE details->>'n' = '3'",
        "ALTER TABLE audit_events_p0 ENABLE TRIGGER USER",
    )
    bounds = (operator.folder / "audit_events_p0.bounds").read_text(encoding="utf-8")
    with operator.log.workshop.database.writing(VAULT) as db:
        db.execute(text(f"ALTER TABLE audit_events ATTACH PARTITION audit_events_p0 {bounds}"))
    (detail,) = operator.finds().values()
    assert "was changed" in detail


@pytest.fixture
def cold(engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A tablespace, as the server's superuser makes one."""
    (password,) = tmp_path_factory.getbasetemp().glob("engines[0-9]/data/secrets/postgres-superuser")
    known = {**conninfo_to_dict(engines.owner_database_url), "user": "postgres"}
    known["password"] = password.read_text(encoding="utf-8")
    with psycopg.connect(make_conninfo("", **known), autocommit=True) as db:
        db.execute("SET allow_in_place_tablespaces = on")
        db.execute("CREATE TABLESPACE cold LOCATION ''")
        db.execute("GRANT CREATE ON TABLESPACE cold TO certvault")
        yield
        db.execute("ALTER TABLE ALL IN TABLESPACE cold SET TABLESPACE pg_default")
        db.execute("ALTER INDEX ALL IN TABLESPACE cold SET TABLESPACE pg_default")
        db.execute("DROP TABLESPACE cold")


@pytest.mark.usefixtures("cold")
def test_a_part_moves_to_a_slower_disk_with_its_indexes(operator: Operator) -> None:
    where = (
        "SELECT coalesce(t.spcname, 'default'), count(*) FROM pg_class c"
        " LEFT JOIN pg_tablespace t ON t.oid = c.reltablespace"
        " WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'i')"
        " AND c.relname ~ '^(pk|ix)?_?audit_(events|subjects)_p0'"
        " GROUP BY 1"
    )
    ((before, relations),) = operator.asks(where)
    assert before == "default"
    operator.runs("part")
    operator.runs("move")
    assert operator.asks(where) == [("cold", relations)], "all of it, and no index beside"
    assert operator.finds() == {}
    assert len(operator.of_holder()) == COLD + LATER
