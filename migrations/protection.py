"""After an upgrade: policies and the service's rights brought to what `storage.tables` declares.

Only what differs is changed, so that a second upgrade touches nothing; rights that were given beyond the
declaration are taken back. A policy's comment holds the digest of its text: PostgreSQL keeps an expression as
it understood it, not as it was written.
"""

import hashlib
from collections.abc import Iterator, Mapping

from sqlalchemy import Connection, text

from storage.tables.rights import QUEUE, QUEUE_PREFIX, READ, REVISION_TABLE, RIGHTS, Rights
from storage.tables.row_security import ROW_RULES, RowRule

# One entry for each: (kind, name, column or empty, privilege).
Grant = tuple[str, str, str, str]

_RELATIONS = """
    SELECT c.relname, c.relkind = 'S' AS is_sequence FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'S')
"""
# Going back leaves columns that the code still names: there is nothing to grant then.
_COLUMNS = """
    SELECT c.relname, a.attname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p')
        AND a.attnum > 0 AND NOT a.attisdropped
"""
# Direct grants to the role; what everybody may do is not the service's own.
_GIVEN = """
    WITH ours AS (
        SELECT c.oid, c.relname, c.relkind, c.relacl FROM pg_class c
        WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'S')
    ), role AS (SELECT oid FROM pg_roles WHERE rolname = :role)
    SELECT CASE relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname::text, '', a.privilege_type
    FROM ours CROSS JOIN LATERAL aclexplode(relacl) a JOIN role ON role.oid = a.grantee
    UNION ALL
    SELECT 'TABLE', relname::text, attname::text, a.privilege_type
    FROM ours JOIN pg_attribute ON attrelid = ours.oid
    CROSS JOIN LATERAL aclexplode(attacl) a JOIN role ON role.oid = a.grantee
"""


_POLICIES = """
    SELECT p.polname::text, obj_description(p.oid, 'pg_policy') FROM pg_policy p
    WHERE p.polrelid = CAST(:table AS regclass)
"""
_SECURED = "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = CAST(:table AS regclass)"


def protect_rows(connection: Connection) -> tuple[str, ...]:
    """Makes the policies of every protected table what is declared; the tables that had to be changed.

    A table a transaction: its lock is short, and nobody sees it without its policies.
    """
    return tuple(table for table, rule in ROW_RULES.items() if _protect_table(connection, table, rule))


def policies(rule: RowRule) -> Mapping[str, str]:
    """A table's policies by name: what follows `CREATE POLICY name ON table`."""

    def or_vault(condition: str | None) -> str:
        return "scope_is_vault()" if condition is None else f"scope_is_vault() OR {condition}"

    see = or_vault(rule.see)
    return {
        "sees": f"FOR SELECT USING ({see})",
        "adds": f"FOR INSERT WITH CHECK ({or_vault(rule.add)})",
        # Who sees a row may lock it; what is written back is judged for itself.
        "changes": f"FOR UPDATE USING ({see}) WITH CHECK ({or_vault(rule.change)})",
        "removes": f"FOR DELETE USING ({or_vault(rule.remove)})",
    }


def _protect_table(connection: Connection, table: str, rule: RowRule) -> bool:
    with connection.begin():
        there = {row[0]: row[1] for row in connection.execute(text(_POLICIES), {"table": table})}
        secured = connection.execute(text(_SECURED), {"table": table}).scalar_one()
        wanted = policies(rule)
        digests = {name: hashlib.sha256(body.encode()).hexdigest() for name, body in wanted.items()}
        strange = [name for name in there if name not in wanted or there[name] != digests[name]]
        statements = [f"DROP POLICY {name} ON {table}" for name in strange]
        for name, body in wanted.items():
            if there.get(name) != digests[name]:
                statements.append(f"CREATE POLICY {name} ON {table} {body}")
                statements.append(f"COMMENT ON POLICY {name} ON {table} IS '{digests[name]}'")
        if not secured:
            statements.append(f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
        for statement in statements:
            connection.exec_driver_sql(statement)
        return bool(statements)


def protect(connection: Connection, service: str) -> int:
    """Gives the role `service` what is declared, in one transaction; how many statements that took.

    It must not be the owner, whose rights nobody can take away.
    """
    with connection.begin():
        quote = connection.dialect.identifier_preparer.quote_identifier
        schema = connection.execute(text("SELECT current_schema()")).scalar_one()
        wanted, given = set(declared(connection)), actual(connection, service)
        statements = [f"GRANT USAGE ON SCHEMA {quote(schema)} TO {quote(service)}"]
        for verb, to, some in (("REVOKE", "FROM", given - wanted), ("GRANT", "TO", wanted - given)):
            for kind, name, column, privilege in sorted(some):
                what = f"{privilege} ({quote(column)})" if column else privilege
                on = f"{kind} {quote(schema)}.{quote(name)}"
                statements.append(f"{verb} {what} ON {on} {to} {quote(service)}")
        for statement in statements:
            connection.execute(text(statement))
        return len(statements)


def declared(connection: Connection) -> Iterator[Grant]:
    """What the service should have on the tables, columns and sequences that are there."""
    there = {(row[0], row[1]) for row in connection.execute(text(_COLUMNS))}
    for name, is_sequence in connection.execute(text(_RELATIONS)):
        if is_sequence:
            if name.startswith(QUEUE_PREFIX):
                yield ("SEQUENCE", name, "", "USAGE")
        else:
            yield from (each for each in _grants(name, _rights_on(name)) if not each[2] or each[1:3] in there)


def actual(connection: Connection, service: str) -> set[Grant]:
    """What the service has."""
    return {(row[0], row[1], row[2], row[3]) for row in connection.execute(text(_GIVEN), {"role": service})}


def _rights_on(table: str) -> Rights | None:
    if table.startswith(QUEUE_PREFIX):
        return QUEUE
    return READ if table == REVISION_TABLE else RIGHTS.get(table)


def _grants(table: str, rights: Rights | None) -> Iterator[Grant]:
    if rights is None:  # not ours: a neighbour in the same schema
        return
    yield from (("TABLE", table, "", privilege) for privilege in rights.privileges)
    yield from (("TABLE", table, column, "UPDATE") for column in rights.columns)
