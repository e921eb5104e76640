"""Personal data at rest: keys by version, data keys of holders, cipher text in the object store, erasure.

Light on locks: new tables, nullable columns, columns that may be null from now on (a change of the
catalogue only), and two indexes built CONCURRENTLY. Rows and objects from before are read as they are;
`certvault keys rotate` renews them. In what is otherwise written once, wrapped keys may be wrapped anew, with
the blind index beside them, and a usage copy in clear may get its cipher text's name; nothing else changes.
"""

import sqlalchemy as sa
from alembic import op

from migrations.run import LOCK_TIMEOUT_MS

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

# Erasure empties these.
MAY_BE_NULL: dict[str, dict[str, sa.LargeBinary]] = {
    "holders": {"code_index": sa.LargeBinary(), "data_key": sa.LargeBinary(), "sealed": sa.LargeBinary()},
    "certificates": {"data_key": sa.LargeBinary(), "sealed": sa.LargeBinary()},
    "cases": {"data_key": sa.LargeBinary(), "sealed": sa.LargeBinary()},
    "materials": {"data_key": sa.LargeBinary(), "sealed": sa.LargeBinary()},
    "material_events": {"data_key": sa.LargeBinary()},
    "uses": {"data_key": sa.LargeBinary(), "sealed": sa.LargeBinary()},
}
NEW: dict[str, list[sa.Column[object]]] = {
    "holders": [sa.Column("erased_at", sa.DateTime(timezone=True), nullable=True)],
    "certificates": [sa.Column("index_version", sa.SmallInteger(), nullable=True)],
    "cases": [sa.Column("index_version", sa.SmallInteger(), nullable=True)],
    "uses": [sa.Column("index_version", sa.SmallInteger(), nullable=True)],
    "webhooks": [sa.Column("index_version", sa.SmallInteger(), nullable=True)],
    "audit_events": [sa.Column("index_version", sa.SmallInteger(), nullable=True)],
    "certificate_holders": [sa.Column("data_key", sa.LargeBinary(), nullable=True)],
    "material_holders": [sa.Column("data_key", sa.LargeBinary(), nullable=True)],
    "use_holders": [sa.Column("data_key", sa.LargeBinary(), nullable=True)],
    "documents": [sa.Column("object_name", sa.Text(), nullable=True)],
    "materials": [sa.Column("object_name", sa.Text(), nullable=True)],
    "use_copies": [sa.Column("object_name", sa.Text(), nullable=True)],
}
# A record's key is looked for under its id.
INDEXES = {
    "ix_material_holders_material_id": "material_holders (material_id)",
    "ix_use_holders_use_id": "use_holders (use_id)",
}
# What may not be named in an UPDATE at all; the trigger on rows holds for every other column, too.
REWRAPPED = {
    "audit_events": "id, at, actor, action, certificate_id, case_id, details, sealed",
    "material_events": "id, material_id, action, trust, actor, at, sealed",
}
# The one column that may change: an erasure takes a key away, and a rotation names a copy's cipher text.
CHANGED_IN = {"use_holders": "data_key", "use_copies": "object_name"}
REWRAP_ONLY = """
CREATE FUNCTION refuse_all_but_rewrapping() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.data_key IS NOT NULL AND NEW.data_key IS NOT NULL
       AND to_jsonb(OLD) - '{data_key,case_index,index_version}'::text[]
         = to_jsonb(NEW) - '{data_key,case_index,index_version}'::text[] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$
"""
ONE_COLUMN_ONLY = """
CREATE FUNCTION refuse_all_but_one_column() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(OLD) - TG_ARGV[0] = to_jsonb(NEW) - TG_ARGV[0] THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$
"""
# Stands in every query that finds by a blind index: a process that lacks a key must fail, not miss rows.
KEY_RING_HAS = """
CREATE FUNCTION key_ring_has(versions smallint[]) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF EXISTS (SELECT FROM key_state
               WHERE NOT (index_version = ANY (versions) AND index_oldest = ANY (versions))) THEN
        RAISE EXCEPTION 'the key ring lacks an index key in use'
            USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN true;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "key_state",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("index_version", sa.SmallInteger(), nullable=False),
        sa.Column("index_oldest", sa.SmallInteger(), nullable=False),
        sa.Column("wrapping_version", sa.SmallInteger(), nullable=False),
        sa.Column("wrapping_oldest", sa.SmallInteger(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renewed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_key_state_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_state")),
    )
    op.execute(
        "INSERT INTO key_state"
        " SELECT 1, 1, 1, 1, 1, now(), CASE WHEN EXISTS (SELECT FROM cases) THEN NULL ELSE now() END"
    )
    op.create_table(
        "upload_keys",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["clients.id"], name=op.f("fk_upload_keys_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_upload_keys")),
    )
    op.create_table(
        "case_holders",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("case_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["case_id"], ["cases.id"], name=op.f("fk_case_holders_case_id")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_case_holders_holder_id")),
        sa.PrimaryKeyConstraint("holder_id", "case_id", name=op.f("pk_case_holders")),
    )
    op.create_table(
        "hold_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_hold_events_holder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hold_events")),
    )
    op.create_index(op.f("ix_hold_events_holder_id"), "hold_events", ["holder_id"])
    op.execute(
        "CREATE TRIGGER hold_events_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON hold_events"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    for table, columns in NEW.items():
        for column in columns:
            op.add_column(table, column)
    for table, kinds in MAY_BE_NULL.items():
        for name, kind in kinds.items():
            op.alter_column(table, name, existing_type=kind, nullable=True)
    op.execute(KEY_RING_HAS)
    op.execute(REWRAP_ONLY)
    for table, kept in REWRAPPED.items():
        op.execute(f"DROP TRIGGER {table}_insert_only ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OF {kept} OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_rewrap_only BEFORE UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_all_but_rewrapping()"
        )
    op.execute(ONE_COLUMN_ONLY)
    for table, changed in CHANGED_IN.items():
        op.execute(f"DROP TRIGGER {table}_insert_only ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_one_column_only BEFORE UPDATE ON {table}"
            f" FOR EACH ROW EXECUTE FUNCTION refuse_all_but_one_column('{changed}')"
        )
    with op.get_context().autocommit_block():
        # It waits for transactions, not for a lock that others queue behind.
        op.execute("SET lock_timeout = 0")
        for name, definition in INDEXES.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {definition}")
        op.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")


def downgrade() -> None:
    """Refused by the database where anything was written since: the release before cannot read it."""
    for name in INDEXES:
        op.execute(f"DROP INDEX {name}")
    for table in CHANGED_IN:
        op.execute(f"DROP TRIGGER {table}_one_column_only ON {table}")
        op.execute(f"DROP TRIGGER {table}_insert_only ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute("DROP FUNCTION refuse_all_but_one_column()")
    for table in REWRAPPED:
        op.execute(f"DROP TRIGGER {table}_rewrap_only ON {table}")
        op.execute(f"DROP TRIGGER {table}_insert_only ON {table}")
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute("DROP FUNCTION refuse_all_but_rewrapping()")
    op.execute("DROP FUNCTION key_ring_has(smallint[])")
    for table, kinds in MAY_BE_NULL.items():
        for name, kind in kinds.items():
            op.alter_column(table, name, existing_type=kind, nullable=False)
    for table, columns in NEW.items():
        for column in columns:
            op.drop_column(table, column.name)
    op.drop_index(op.f("ix_hold_events_holder_id"), table_name="hold_events")
    for table in ("hold_events", "case_holders", "upload_keys", "key_state"):
        op.drop_table(table)
