"""Seals under control: grants, their approvals, what was used today; and the limits on strangers.

Light on locks: new tables, and two nullable columns without a default. The triggers on `documents` and
`use_copies` take a lock that waits for commits at that moment (a few milliseconds) and scan nothing.

A seal is stopped under `FOR UPDATE`, and the foreign keys of those tables hold `FOR KEY SHARE` on the seal's
row from the insert to the commit. The trigger fires after the foreign key's (by name, PostgreSQL's rule) and
reads the row anew: so either the stop waits for the commit of what was sealed, or that sees the stop.
"""

import sqlalchemy as sa
from alembic import op

INSERT_ONLY = ("seal_grants", "seal_grant_events", "seal_events")
# What bears a seal: certificates' documents, and usage copies.
SEALED = ("documents", "use_copies")
# `storage.db` knows this SQLSTATE: the deposit is told to come again.
REFUSE_STOPPED = """
CREATE FUNCTION refuse_stopped_seal() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM seals WHERE id = NEW.seal_id AND stopped_at IS NOT NULL) THEN
        RAISE EXCEPTION 'seal % is stopped', NEW.seal_id USING ERRCODE = 'CV001';
    END IF;
    RETURN NULL;
END
$$
"""

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "seal_grants",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("seal_id", sa.Text(), nullable=False),
        sa.Column("type_code", sa.Text(), nullable=False),
        sa.Column("type_version", sa.Integer(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("daily_cap", sa.Integer(), nullable=False),
        sa.Column("valid_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("valid_to", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_via", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("daily_cap > 0", name=op.f("ck_seal_grants_cap_above_zero")),
        sa.CheckConstraint("valid_to > valid_from", name=op.f("ck_seal_grants_window_in_order")),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_seal_grants_client_id")),
        sa.ForeignKeyConstraint(["seal_id"], ["seals.id"], name=op.f("fk_seal_grants_seal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_grants")),
    )
    op.create_index(
        "ix_seal_grants_seal_id_client_id_type_code", "seal_grants", ["seal_id", "client_id", "type_code"]
    )
    op.create_table(
        "seal_grant_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["seal_grants.id"], name=op.f("fk_seal_grant_events_grant_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_grant_events")),
        sa.UniqueConstraint("grant_id", "action", name=op.f("uq_seal_grant_events_grant_id_action")),
    )
    op.create_table(
        "seal_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("seal_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("via", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("answers", sa.BigInteger(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["answers"], ["seal_events.id"], name=op.f("fk_seal_events_answers")),
        sa.ForeignKeyConstraint(["seal_id"], ["seals.id"], name=op.f("fk_seal_events_seal_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_seal_events")),
        sa.UniqueConstraint("answers", name=op.f("uq_seal_events_answers")),
    )
    op.create_index(op.f("ix_seal_events_seal_id"), "seal_events", ["seal_id"])
    op.create_table(
        "seal_uses",
        sa.Column("grant_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("share", sa.Integer(), nullable=False),
        sa.Column("used", sa.Integer(), nullable=False),
        sa.CheckConstraint("used BETWEEN 0 AND share", name=op.f("ck_seal_uses_within_share")),
        sa.ForeignKeyConstraint(["grant_id"], ["seal_grants.id"], name=op.f("fk_seal_uses_grant_id")),
        sa.PrimaryKeyConstraint("grant_id", "day", "slot", name=op.f("pk_seal_uses")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "rate_buckets",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("empty_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_rate_buckets")),
        prefixes=["UNLOGGED"],
    )
    op.add_column("reservations", sa.Column("grant_id", sa.Uuid(), nullable=True))
    op.add_column("reservations", sa.Column("counted_on", sa.Date(), nullable=True))
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(REFUSE_STOPPED)
    for table in SEALED:
        op.execute(
            f"CREATE TRIGGER seal_not_stopped AFTER INSERT ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION refuse_stopped_seal()"
        )


def downgrade() -> None:
    for table in SEALED:
        op.execute(f"DROP TRIGGER seal_not_stopped ON {table}")
    op.execute("DROP FUNCTION refuse_stopped_seal()")
    op.drop_column("reservations", "counted_on")
    op.drop_column("reservations", "grant_id")
    op.drop_table("rate_buckets")
    op.drop_table("seal_uses")
    op.drop_index(op.f("ix_seal_events_seal_id"), table_name="seal_events")
    op.drop_table("seal_events")
    op.drop_table("seal_grant_events")
    op.drop_index("ix_seal_grants_seal_id_client_id_type_code", table_name="seal_grants")
    op.drop_table("seal_grants")
