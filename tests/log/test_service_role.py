"""A role with the service's rights can do all of the log's work, and cannot rewrite what was written."""

from collections.abc import Iterator
from dataclasses import replace
from urllib.parse import quote, urlsplit

import pytest
from psycopg import connect, errors, sql

from migrations.service_role import INSERT_ONLY, grants
from storage.embedded import EngineAddresses
from storage.envelope import Suite
from tests.log.conftest import AT, Log, SchemaDatabase
from vault.errors import NotPermitted
from vault.rotating import rotate
from vault.transparency.audit_trail import audit_contradictions

pytestmark = pytest.mark.engines
ROLE = "log_service_test"


@pytest.fixture
def serving(log: Log, engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address under which the role comes in; only the superuser makes roles."""
    found = tmp_path_factory.getbasetemp().glob("engines*/data/**/postgres-superuser")
    (secret,) = {path.resolve() for path in found}  # pytest keeps a link to its newest folder beside it
    parts = urlsplit(engines.database_url)
    as_superuser = parts._replace(
        netloc=f"postgres:{quote(secret.read_text().strip())}@{parts.hostname}:{parts.port}"
    )
    with connect(as_superuser.geturl(), autocommit=True) as db:
        db.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'only-for-this-test'").format(sql.Identifier(ROLE)))
    with connect(engines.database_url, autocommit=True) as db:
        for statement in grants(ROLE, log.name):
            db.execute(statement)
    yield parts._replace(netloc=f"{ROLE}:only-for-this-test@{parts.hostname}:{parts.port}").geturl()
    with connect(as_superuser.geturl(), autocommit=True) as db:
        db.execute(sql.SQL("DROP OWNED BY {}").format(sql.Identifier(ROLE)))
        db.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(ROLE)))


def test_the_service_can_do_its_work_and_cannot_rewrite_history(log: Log, serving: str) -> None:
    database = SchemaDatabase(serving, log.name)
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
    with connect(serving, autocommit=True) as db:
        db.execute(sql.SQL("SET search_path TO {}").format(sql.Identifier(log.name)))
        for table in (*INSERT_ONLY, "log_leaves"):
            name = sql.Identifier(table)
            for statement in ("DELETE FROM {}", "TRUNCATE {}", "ALTER TABLE {} DISABLE TRIGGER USER"):
                with pytest.raises(errors.InsufficientPrivilege, match=r"permission denied|must be owner"):
                    db.execute(sql.SQL(statement).format(name))
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
