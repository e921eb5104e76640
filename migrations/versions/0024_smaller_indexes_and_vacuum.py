"""Smaller indexes over identifiers and digests, one in an order no planner can miss, and vacuum's terms.

An identifier of 82 characters stood in two unique B-trees. It is given out by its reservation, which keeps it
unique, by the first 16 octets of its SHA-256; a certificate is looked up by it through a hash index, which
holds four octets of each.

Light on locks: indexes are built and dropped CONCURRENTLY; the two constraints go with a lock of an instant;
parameters of storage stop neither reader nor writer. Each step stands by itself and may be done again.
"""

from collections.abc import Mapping

from alembic import op

from migrations.run import LOCK_TIMEOUT_MS

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

# Of two different identifiers 16 octets are the same once in 10¹⁹ certificates.
IDENTIFIER_KEY = """
CREATE OR REPLACE FUNCTION identifier_key(identifier text) RETURNS bytea
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN substr(sha256(convert_to(identifier, 'UTF8')), 1, 16)
"""
BUILT = {
    "uq_reservations_identifier_key": "UNIQUE INDEX {} ON reservations (identifier_key(identifier))",
    "ix_certificates_identifier": "INDEX {} ON certificates USING hash (identifier)",
    "ix_documents_sha256_hash": "INDEX {} ON documents USING hash (sha256)",
    "ix_log_leaves_certificate_id_id": "INDEX {} ON log_leaves (certificate_id, id)",
}
CONSTRAINTS = {"uq_certificates_identifier": "certificates", "uq_reservations_identifier": "reservations"}
REPLACED = {
    "ix_documents_sha256": "INDEX {} ON documents (sha256)",
    "ix_log_leaves_certificate_id": "INDEX {} ON log_leaves (certificate_id)",
}

WRITTEN_ONCE = {"autovacuum_vacuum_insert_scale_factor": "0.02", "autovacuum_analyze_scale_factor": "0.02"}
# Each row is updated once, and never in place: its index or position is in an index.
GIVEN_A_PLACE = {**WRITTEN_ONCE, "autovacuum_vacuum_scale_factor": "0.05"}
PARAMETERS: Mapping[str, Mapping[str, str]] = {
    **dict.fromkeys(
        (
            "audit_chain",
            "audit_events",
            "audit_subjects",
            "avoided_resubmissions",
            "case_holders",
            "certificate_holders",
            "certificates",
            "documents",
            "renditions",
            "reservations",
            "status_events",
        ),
        WRITTEN_ONCE,
    ),
    **dict.fromkeys(("changes", "log_leaves", "seal_terms"), GIVEN_A_PLACE),
}


def upgrade() -> None:
    op.execute(IDENTIFIER_KEY)
    for table, parameters in PARAMETERS.items():
        told = ", ".join(f"{name} = {value}" for name, value in parameters.items())
        op.execute(f"ALTER TABLE {table} SET ({told})")
    with op.get_context().autocommit_block():
        _build(BUILT)
        for name, table in CONSTRAINTS.items():
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
        _drop(REPLACED)


def downgrade() -> None:
    with op.get_context().autocommit_block():
        _build(REPLACED)
        for name, table in CONSTRAINTS.items():
            op.execute(f"ALTER TABLE {table} DROP CONSTRAINT IF EXISTS {name}")
            _build({name: f"UNIQUE INDEX {{}} ON {table} (identifier)"})
            op.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} UNIQUE USING INDEX {name}")
        _drop(BUILT)
    for table, parameters in PARAMETERS.items():
        op.execute(f"ALTER TABLE {table} RESET ({', '.join(parameters)})")
    op.execute("DROP FUNCTION identifier_key")


def _build(indexes: Mapping[str, str]) -> None:
    """What an earlier try has left half-built is built again."""
    op.execute("SET lock_timeout = 0")  # it waits for transactions, not for a lock that others queue behind
    for name, definition in indexes.items():
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
        op.execute(f"CREATE {definition.format(f'CONCURRENTLY {name}')}")
    op.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")


def _drop(indexes: Mapping[str, str]) -> None:
    op.execute("SET lock_timeout = 0")
    for name in indexes:
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
    op.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
