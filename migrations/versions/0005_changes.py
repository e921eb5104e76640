"""The feed of changes, and webhooks.

Light on locks: new tables, and triggers on three tables that are in use, each of which waits for the writes
under way on its table. From then on nothing happens without its row in `changes`, also by processes of the
release before. What happened earlier is copied afterwards, in batches, by the worker or by `certvault changes
backfill`; until that is done the feed gives out no place to anything newer.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

SOURCES = ("status_events", "materials", "material_events")

CERTIFICATE_CHANGES = """
CREATE FUNCTION note_certificate_changes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (audience, action, certificate_id, status_event_id, at)
    SELECT c.issuing_authority, e.action, c.id, e.id, e.at
    FROM fresh e JOIN certificates c ON c.id = e.certificate_id ORDER BY e.id;
    RETURN NULL;
END
$$
"""
# A material that no case has committed would have no time of its own.
MATERIALS_ARCHIVED = """
CREATE FUNCTION note_materials_archived() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (audience, action, material_id, trust, at)
    SELECT 'client:' || k.client_id, 'archive', m.id, m.trust, coalesce(k.committed_at, now())
    FROM fresh m JOIN cases k ON k.id = m.case_id ORDER BY m.case_id, m.position;
    RETURN NULL;
END
$$
"""
MATERIALS_VERIFIED = """
CREATE FUNCTION note_materials_verified() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO changes (audience, action, material_id, trust, at)
    SELECT 'client:' || k.client_id, e.action, m.id, e.trust, e.at
    FROM fresh e JOIN materials m ON m.id = e.material_id JOIN cases k ON k.id = m.case_id ORDER BY e.id;
    RETURN NULL;
END
$$
"""
NOTING = {
    "status_events": "note_certificate_changes",
    "materials": "note_materials_archived",
    "material_events": "note_materials_verified",
}
# A change may only be given its position, once.
CHANGE_KEEPS = """
CREATE FUNCTION refuse_feed_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.position IS NULL
       AND (OLD.id, OLD.audience, OLD.action, OLD.at) = (NEW.id, NEW.audience, NEW.action, NEW.at)
       AND (OLD.certificate_id, OLD.status_event_id, OLD.material_id, OLD.trust)
           IS NOT DISTINCT FROM (NEW.certificate_id, NEW.status_event_id, NEW.material_id, NEW.trust) THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'changes is insert-only' USING ERRCODE = 'insufficient_privilege';
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=True),
        sa.Column("status_event_id", sa.BigInteger(), nullable=True),
        sa.Column("material_id", sa.Uuid(), nullable=True),
        sa.Column("trust", sa.Text(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "(material_id IS NULL) <> (certificate_id IS NULL)"
            " AND (certificate_id IS NULL) = (status_event_id IS NULL)"
            " AND (material_id IS NULL) = (trust IS NULL)",
            name=op.f("ck_changes_one_subject"),
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.id"], name=op.f("fk_changes_certificate_id")
        ),
        sa.ForeignKeyConstraint(
            ["status_event_id"], ["status_events.id"], name=op.f("fk_changes_status_event_id")
        ),
        sa.ForeignKeyConstraint(["material_id"], ["materials.id"], name=op.f("fk_changes_material_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_changes")),
        sa.UniqueConstraint("status_event_id", name=op.f("uq_changes_status_event_id")),
        sa.UniqueConstraint("material_id", "action", name=op.f("uq_changes_material_id_action")),
    )
    placed = sa.text("position IS NOT NULL")
    op.create_index("uq_changes_position", "changes", ["position"], unique=True, postgresql_where=placed)
    op.create_index(
        "ix_changes_audience_position", "changes", ["audience", "position"], postgresql_where=placed
    )
    op.create_index("ix_changes_pending", "changes", ["id"], postgresql_where=sa.text("position IS NULL"))
    op.create_table(
        "change_backfills",
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("copied_through", sa.Text(), nullable=True),
        sa.Column("copied", sa.BigInteger(), nullable=False),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("source", name=op.f("pk_change_backfills")),
    )
    _webhooks()
    for statement in (CERTIFICATE_CHANGES, MATERIALS_ARCHIVED, MATERIALS_VERIFIED, CHANGE_KEEPS):
        op.execute(statement)
    for table, function in NOTING.items():
        op.execute(
            f"CREATE TRIGGER {table}_noted AFTER INSERT ON {table} REFERENCING NEW TABLE AS fresh"
            f" FOR EACH STATEMENT EXECUTE FUNCTION {function}()"
        )
    op.execute(
        "CREATE TRIGGER changes_keep BEFORE UPDATE OR DELETE ON changes"
        " FOR EACH ROW EXECUTE FUNCTION refuse_feed_change()"
    )
    op.execute(
        "CREATE TRIGGER changes_not_emptied BEFORE TRUNCATE ON changes"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    # After the triggers, which wait for writes under way: what is there now has no row in `changes`.
    for source in SOURCES:
        op.execute(
            "INSERT INTO change_backfills (source, copied, done)"  # noqa: S608 - names from above
            f" SELECT '{source}', 0, NOT EXISTS (SELECT 1 FROM {source})"
        )


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("url_index", sa.LargeBinary(), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("cut_through", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_webhooks_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        sa.UniqueConstraint("client_id", "url_index", name=op.f("uq_webhooks_client_id_url_index")),
    )
    op.create_table(
        "webhook_secrets",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_secrets_webhook_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_secrets")),
    )
    op.create_index(op.f("ix_webhook_secrets_webhook_id"), "webhook_secrets", ["webhook_id"])
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("after_position", sa.BigInteger(), nullable=False),
        sa.Column("through_position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("next_try_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("settled_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('pending', 'delivered', 'dead')", name=op.f("ck_webhook_deliveries_state_known")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(
        "ix_webhook_deliveries_webhook_id_state", "webhook_deliveries", ["webhook_id", "state", "settled_at"]
    )
    for name, column, state in (
        ("pending", "next_try_at", "pending"),
        ("dead", "settled_at", "dead"),
        ("delivered", "settled_at", "delivered"),
    ):
        op.create_index(
            f"ix_webhook_deliveries_{name}",
            "webhook_deliveries",
            [column],
            postgresql_where=sa.text(f"state = '{state}'"),
        )


def downgrade() -> None:
    for table, function in NOTING.items():
        op.execute(f"DROP TRIGGER {table}_noted ON {table}")
        op.execute(f"DROP FUNCTION {function}()")
    for table in ("webhook_deliveries", "webhook_secrets", "webhooks", "change_backfills"):
        op.drop_table(table)
    op.drop_table("changes")
    op.execute("DROP FUNCTION refuse_feed_change()")
