"""The role that serves: the rights that are declared and no other, whatever it tries."""

from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import pytest
from psycopg import Connection, connect, errors, sql
from pydantic import SecretStr

from api.edge import Mode
from api.service_role import check_service_role, role_sentence
from migrations.protection import actual, declared
from migrations.run import role_of, upgrade
from storage.embedded import EngineAddresses
from storage.tables import metadata
from storage.tables.rights import RIGHTS
from tests.conftest import House
from tests.engines.test_migrations import connection
from tests.programs import certvault
from vault.errors import NotPermitted

pytestmark = pytest.mark.engines

INSERT_ONLY = sorted(name for name, rights in RIGHTS.items() if not rights.privileges & {"UPDATE", "DELETE"})
FORBIDDEN = (
    "UPDATE {table} SET {column} = NULL",
    "DELETE FROM {table}",
    "TRUNCATE {table}",
    "DROP TABLE {table}",
    "ALTER TABLE {table} DISABLE TRIGGER USER",
    "ALTER TABLE {table} DISABLE ROW LEVEL SECURITY",
    "CREATE INDEX ON {table} ((1))",
)


@pytest.fixture
def serving(house: House) -> Iterator[Connection[tuple[object, ...]]]:
    with connect(house.settings.database_url.get_secret_value(), autocommit=True) as db:
        yield db


def test_every_table_has_its_declaration() -> None:
    assert set(RIGHTS) == set(metadata.tables)
    for name, rights in RIGHTS.items():
        assert rights.columns <= set(metadata.tables[name].columns.keys()), name


def test_the_service_has_what_is_declared_and_everybody_else_has_nothing(house: House) -> None:
    service = role_of(house.settings.database_url.get_secret_value())
    assert service == "certvault_service"
    with connection(house.settings.migrating_url) as db:
        assert actual(db, service) == set(declared(db))
        given = db.exec_driver_sql(
            "SELECT DISTINCT a.grantee::regrole::text FROM pg_class c, aclexplode(c.relacl) a"
            " WHERE c.relnamespace = 'public'::regnamespace"
        )
        assert set(given.scalars()) == {"certvault", service}


def test_what_was_given_beyond_is_taken_back_and_a_second_upgrade_changes_nothing(
    house: House, engines: EngineAddresses
) -> None:
    with connect(engines.owner_database_url, autocommit=True) as db:
        db.execute("GRANT DELETE, UPDATE (actor) ON audit_events TO certvault_service")
        db.execute("REVOKE SELECT ON seals FROM certvault_service")
    upgrade(engines.owner_database_url, service_url=engines.database_url)
    with connection(house.settings.migrating_url) as db:
        assert actual(db, "certvault_service") == set(declared(db))


@pytest.mark.parametrize("table", INSERT_ONLY)
def test_what_is_written_once_cannot_be_touched(serving: Connection[tuple[object, ...]], table: str) -> None:
    kept = next(
        c.name for c in metadata.tables[table].columns if c.name not in RIGHTS[table].columns | {"id"}
    )
    names = {"table": sql.Identifier(table), "column": sql.Identifier(kept)}
    for statement in FORBIDDEN:
        with pytest.raises(errors.InsufficientPrivilege, match=r"permission denied|must be owner"):
            serving.execute(sql.SQL(statement).format(**names))


@pytest.mark.parametrize("table", sorted(name for name, rights in RIGHTS.items() if rights.columns))
def test_only_the_declared_columns_change(serving: Connection[tuple[object, ...]], table: str) -> None:
    for column in {*metadata.tables[table].columns.keys()} - RIGHTS[table].columns - {"id"}:
        with pytest.raises(errors.InsufficientPrivilege, match="permission denied"):
            serving.execute(
                sql.SQL("UPDATE {} SET {} = NULL WHERE false").format(
                    sql.Identifier(table), sql.Identifier(column)
                )
            )


@pytest.mark.parametrize(
    "statement",
    [
        "SET ROLE certvault",
        "SET SESSION AUTHORIZATION certvault",
        "ALTER ROLE CURRENT_USER BYPASSRLS",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMP TABLE certificates (id int)",
        "CREATE SCHEMA mine",
        "SET session_replication_role = replica",
        "UPDATE alembic_version SET version_num = '0001'",
        "DROP FUNCTION refuse_change() CASCADE",
        "CREATE OR REPLACE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN END'",
    ],
)
def test_there_is_no_way_up(serving: Connection[tuple[object, ...]], statement: str) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        serving.execute(statement.encode())


def test_production_refuses_a_role_that_could_rewrite_history(
    house: House, engines: EngineAddresses, tmp_path_factory: pytest.TempPathFactory
) -> None:
    found = tmp_path_factory.getbasetemp().glob("engines*/data/**/postgres-superuser")
    (secret,) = {path.resolve() for path in found}  # pytest keeps a link to its newest folder beside it
    parts = urlsplit(engines.database_url)
    superuser = parts._replace(
        netloc=f"postgres:{quote(secret.read_text().strip())}@{parts.hostname}:{parts.port}"
    )
    serves = house.settings
    assert check_service_role(serves).too_much == ()
    owns = serves.model_copy(update={"database_url": SecretStr(engines.owner_database_url)})
    rules = serves.model_copy(update={"database_url": SecretStr(superuser.geturl())})
    production = {"mode": Mode.PRODUCTION}
    check_service_role(serves.model_copy(update=production))
    sentence = role_sentence(check_service_role(owns))
    assert "comes in as certvault: it may bypass row security (BYPASSRLS); it owns tables" in sentence
    assert "alembic_version, audit_chain, audit_events and" in sentence
    for settings, why in ((owns, "owns tables"), (rules, "comes in as postgres: it is a superuser")):
        with pytest.raises(NotPermitted, match=why):
            check_service_role(settings.model_copy(update=production))
    environment = {
        **owns.model_copy(update=production).environment(),
        "CERTVAULT_PUBLIC_URL": "https://vault.example",
    }
    del environment["CERTVAULT_PROVIDERS"]
    for command in (("serve",), ("worker",), ("db", "upgrade")):
        done = certvault(*command, settings=environment)
        assert (done.returncode, done.stdout) == (1, ""), done.stderr
        assert "certvault: The service comes in as certvault: it may bypass" in done.stderr
    del environment["CERTVAULT_OWNER_DATABASE_URL"]
    done = certvault("db", "upgrade", settings=environment)
    assert done.returncode == 2
    assert "Set CERTVAULT_OWNER_DATABASE_URL" in done.stderr
