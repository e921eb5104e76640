"""After an upgrade: the service's rights brought to what `storage.tables.rights` declares.

Only what differs is changed, so that a second upgrade touches nothing; rights that were given beyond the
declaration are taken back.
"""

from collections.abc import Iterator

from sqlalchemy import Connection, text

from storage.tables.rights import QUEUE, QUEUE_PREFIX, READ, REVISION_TABLE, RIGHTS, Rights

# One entry for each: (kind, name, column or empty, privilege).
Grant = tuple[str, str, str, str]

_RELATIONS = """
    SELECT c.relname, c.relkind = 'S' AS is_sequence FROM pg_class c
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p', 'S')
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
    """What the service should have on the tables and sequences that are there."""
    for name, is_sequence in connection.execute(text(_RELATIONS)):
        if is_sequence:
            if name.startswith(QUEUE_PREFIX):
                yield ("SEQUENCE", name, "", "USAGE")
        else:
            yield from _grants(name, _rights_on(name))


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
