"""Uses: who used what for which case, their codes and copies; and the seal that copies bear.

Light on locks: new tables, and one nullable column without a default.
"""

import sqlalchemy as sa
from alembic import op

INSERT_ONLY = ("use_holders", "use_copies", "use_events")

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("seals", sa.Column("purpose", sa.Text(), nullable=True))
    op.create_table(
        "uses",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=True),
        sa.Column("material_id", sa.Uuid(), nullable=True),
        sa.Column("service_item", sa.Text(), nullable=False),
        sa.Column("request_index", sa.LargeBinary(), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(certificate_id IS NULL) <> (material_id IS NULL)", name=op.f("ck_uses_one_subject")
        ),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_uses_client_id")),
        sa.ForeignKeyConstraint(["certificate_id"], ["certificates.id"], name=op.f("fk_uses_certificate_id")),
        sa.ForeignKeyConstraint(["material_id"], ["materials.id"], name=op.f("fk_uses_material_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_uses")),
    )
    op.create_index("ix_uses_request_index", "uses", ["request_index"])
    op.create_table(
        "use_holders",
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("use_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_use_holders_holder_id")),
        sa.ForeignKeyConstraint(["use_id"], ["uses.id"], name=op.f("fk_use_holders_use_id")),
        sa.PrimaryKeyConstraint("holder_id", "use_id", name=op.f("pk_use_holders")),
    )
    op.create_table(
        "use_codes",
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("use_id", sa.Uuid(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redeemed_by", sa.Text(), nullable=True),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["use_id"], ["uses.id"], name=op.f("fk_use_codes_use_id")),
        sa.ForeignKeyConstraint(["redeemed_by"], ["clients.id"], name=op.f("fk_use_codes_redeemed_by")),
        sa.PrimaryKeyConstraint("code_hash", name=op.f("pk_use_codes")),
    )
    op.create_index(op.f("ix_use_codes_use_id"), "use_codes", ["use_id"])
    op.create_table(
        "use_copies",
        sa.Column("use_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=False),
        sa.Column("original_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("seal_id", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["use_id"], ["uses.id"], name=op.f("fk_use_copies_use_id")),
        sa.ForeignKeyConstraint(["seal_id"], ["seals.id"], name=op.f("fk_use_copies_seal_id")),
        sa.PrimaryKeyConstraint("use_id", name=op.f("pk_use_copies")),
        sa.UniqueConstraint("sha256", name=op.f("uq_use_copies_sha256")),
    )
    op.create_table(
        "use_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("use_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["use_id"], ["uses.id"], name=op.f("fk_use_events_use_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_use_events")),
    )
    op.create_index(op.f("ix_use_events_use_id"), "use_events", ["use_id"])
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    for table in ("use_events", "use_copies", "use_codes", "use_holders", "uses"):
        op.drop_table(table)
    op.drop_column("seals", "purpose")
