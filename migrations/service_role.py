"""What the service's database role may do: everything it needs, and no more. For whoever makes that role.

The owner of the tables (who migrates) and the role that serves are two. The triggers refuse to rewrite
history whoever asks; without the right to, the serving role cannot even try, nor switch a trigger off.
`certvault keys rotate`, which wraps keys in the histories anew, is for the owner.
"""

from psycopg import sql

# Written once: no UPDATE, no DELETE, no TRUNCATE for the service.
INSERT_ONLY = (
    "audit_chain",
    "audit_events",
    "audit_heads",
    "audit_subjects",
    "avoided_resubmissions",
    "certificate_types",
    "consent_events",
    "deferral_orders",
    "delegation_events",
    "dispute_events",
    "hold_events",
    "log_checkpoints",
    "log_cosignatures",
    "log_publications",
    "log_shards",
    "material_events",
    "presentation_events",
    "seal_events",
    "seal_grant_events",
    "seal_grants",
    "service_items",
    "status_events",
    "use_copies",
    "use_events",
    "use_footings",
)
# Single columns that change, of rows that otherwise do not.
UPDATED_COLUMNS = {
    "changes": ("position",),
    "disputes": ("state", "accepted_at", "closed_at"),
    "log_leaves": ("log_index",),
    "log_tiles": ("hashes",),
    "seal_uses": ("used",),
    "seals": ("stopped_at",),
    "use_holders": ("data_key",),
    "verification_days": ("count",),
}


def grants(role: str, schema: str = "public") -> tuple[sql.Composed, ...]:
    """The statements that give `role` its rights, to be run by the tables' owner after every upgrade.

    Rights that it had before are taken first, so that running them again changes nothing. The queue's tables
    (procrastinate's) keep all rights: jobs come and go.
    """
    who, where = sql.Identifier(role), sql.Identifier(schema)
    statements = [
        sql.SQL("GRANT USAGE ON SCHEMA {} TO {}").format(where, who),
        sql.SQL("GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA {} TO {}").format(where, who),
        sql.SQL("GRANT USAGE ON ALL SEQUENCES IN SCHEMA {} TO {}").format(where, who),
        sql.SQL("REVOKE INSERT, UPDATE, DELETE ON {}.alembic_version FROM {}").format(where, who),
    ]
    for table in (*INSERT_ONLY, *UPDATED_COLUMNS):
        named = sql.Identifier(schema, table)
        statements.append(sql.SQL("REVOKE UPDATE, DELETE, TRUNCATE ON {} FROM {}").format(named, who))
    for table, columns in UPDATED_COLUMNS.items():
        names = sql.SQL(", ").join(map(sql.Identifier, columns))
        named = sql.Identifier(schema, table)
        statements.append(sql.SQL("GRANT UPDATE ({}) ON {} TO {}").format(names, named, who))
    return tuple(statements)
