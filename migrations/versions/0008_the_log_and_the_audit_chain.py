"""The transparency log's shards, checkpoints and tiles, and the chain over the audit events.

Light on locks: new tables, a nullable column, a constraint taken away, and indexes built CONCURRENTLY, each
in a transaction of its own. An index that an earlier try left half-built is dropped first.
"""

import sqlalchemy as sa
from alembic import op

from migrations.run import LOCK_TIMEOUT_MS

INSERT_ONLY = (
    "log_shards",
    "log_checkpoints",
    "log_publications",
    "log_cosignatures",
    "audit_chain",
    "audit_heads",
)
INDEXES = {
    "ix_log_leaves_waiting": "log_leaves (id) WHERE log_index IS NULL",
    "ix_log_leaves_own": "log_leaves (id) WHERE certificate_id IS NULL",
    "ix_audit_events_details": "audit_events USING gin (details jsonb_path_ops)",
    "ix_audit_events_case_id": "audit_events (case_id) WHERE case_id IS NOT NULL",
    "ix_audit_events_case_index": "audit_events (case_index) WHERE case_index IS NOT NULL",
    "ix_audit_events_actor": "audit_events (actor, id)",
    "ix_audit_events_at": "audit_events USING brin (at)",
}
# A leaf of the log's own has no certificate: null must equal null here.
LEAF_KEEPS = """
CREATE OR REPLACE FUNCTION refuse_leaf_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.log_index IS NULL
       AND (OLD.id, OLD.certificate_id, OLD.leaf, OLD.leaf_hash, OLD.promise)
         {equals} (NEW.id, NEW.certificate_id, NEW.leaf, NEW.leaf_hash, NEW.promise) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'log_leaves is insert-only' USING ERRCODE = 'insufficient_privilege';
END
$$
"""

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "log_shards",
        sa.Column("year", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("first_index", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_log_shards")),
        sa.UniqueConstraint("first_index", name=op.f("uq_log_shards_first_index")),
        sa.UniqueConstraint("origin", name=op.f("uq_log_shards_origin")),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("note", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["year"], ["log_shards.year"], name=op.f("fk_log_checkpoints_year")),
        sa.PrimaryKeyConstraint("year", "size", name=op.f("pk_log_checkpoints")),
    )
    op.create_table(
        "log_publications",
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["year", "size"],
            ["log_checkpoints.year", "log_checkpoints.size"],
            name=op.f("fk_log_publications_year_size"),
        ),
        sa.PrimaryKeyConstraint("year", "size", name=op.f("pk_log_publications")),
    )
    op.create_table(
        "log_cosignatures",
        sa.Column("year", sa.SmallInteger(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("witness", sa.Text(), nullable=False),
        sa.Column("line", sa.Text(), nullable=False),
        sa.Column("signed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["year", "size"],
            ["log_checkpoints.year", "log_checkpoints.size"],
            name=op.f("fk_log_cosignatures_year_size"),
        ),
        sa.PrimaryKeyConstraint("year", "size", "witness", name=op.f("pk_log_cosignatures")),
    )
    op.create_table(
        "log_tiles",
        sa.Column("tree", sa.Text(), nullable=False),
        sa.Column("level", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tree", "level", "number", name=op.f("pk_log_tiles")),
    )
    op.create_table(
        "audit_chain",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("leaf_hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_audit_chain")),
        sa.UniqueConstraint("event_id", name=op.f("uq_audit_chain_event_id")),
    )
    op.create_table(
        "audit_heads",
        sa.Column("size", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.Column("high_event_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_audit_heads")),
    )
    op.alter_column("log_leaves", "certificate_id", existing_type=sa.Uuid(), nullable=True)
    op.add_column("audit_events", sa.Column("case_index", sa.LargeBinary(), nullable=True))
    op.execute(LEAF_KEEPS.format(equals="IS NOT DISTINCT FROM"))
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        "CREATE TRIGGER log_leaves_not_truncated BEFORE TRUNCATE ON log_leaves"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    with op.get_context().autocommit_block():
        # It waits for transactions, not for a lock that others queue behind.
        op.execute("SET lock_timeout = 0")
        for name, definition in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")
        op.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
    op.execute("DROP TRIGGER log_leaves_not_truncated ON log_leaves")
    op.execute(LEAF_KEEPS.format(equals="="))
    op.drop_column("audit_events", "case_index")
    # Refused where the log has leaves of its own: what was published cannot be taken back.
    op.alter_column("log_leaves", "certificate_id", existing_type=sa.Uuid(), nullable=False)
    for table in (
        "audit_heads",
        "audit_chain",
        "log_tiles",
        "log_cosignatures",
        "log_publications",
        "log_checkpoints",
        "log_shards",
    ):
        op.drop_table(table)
