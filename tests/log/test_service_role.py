"""A role with the service's rights can do all of the log's work, and cannot rewrite what was written."""

from dataclasses import replace

import pytest
from psycopg import connect, errors, sql

from storage.embedded import EngineAddresses
from storage.envelope import Suite
from tests.log.conftest import AT, Log, SchemaDatabase
from vault.errors import NotPermitted
from vault.rotating import rotate
from vault.transparency.audit_trail import audit_contradictions

pytestmark = pytest.mark.engines


def test_the_service_can_do_its_work_and_cannot_rewrite_history(log: Log, engines: EngineAddresses) -> None:
    database = SchemaDatabase(engines.database_url, log.name)
    ours = replace(log, workshop=replace(log.workshop, database=database))
    try:
        for n in range(2):
            ours.add(200, name=f"step-{n}")
            ours.audit(3)
            ours.sequence()
        assert ours.size() == 402
        assert list(audit_contradictions(ours.workshop, at=ours.shards()[0].opened_at)) == []
        with pytest.raises(NotPermitted, match="tables' owner"):
            rotate(ours.workshop, Suite.AES, at=AT, wait=lambda _: None, progress=lambda _, __: None)
    finally:
        database.close()
    with connect(engines.database_url, autocommit=True) as db:
        db.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(log.name)))
        for change in (
            "audit_events SET actor = 'x'",
            "audit_events SET data_key = 'x'",
            "material_events SET data_key = 'x'",
            "use_holders SET holder_id = use_id",
            "log_leaves SET leaf = 'x'",
            "log_checkpoints SET root = 'x'",
        ):
            with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
                db.execute(f"UPDATE {change}".encode())
