"""Reuse: service items, who verified a material, what is pending for whom, and resubmissions avoided.

Light on locks: new tables, and nullable columns without a default, which rewrite nothing. The one index on a
table that is in use holds the few cases that are not committed; building it keeps deposits waiting for one
scan of `cases`. (`CONCURRENTLY` would wait for the upgrade's own advisory lock in another process.)
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

INSERT_ONLY = ("material_events", "avoided_resubmissions")

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "service_items",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_service_items")),
    )
    op.create_table(
        "avoided_resubmissions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("case_index", sa.LargeBinary(), nullable=False),
        sa.Column("service_item", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("requirement", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_avoided_resubmissions")),
    )
    op.add_column("materials", sa.Column("issued_on", sa.Date(), nullable=True))
    op.add_column("materials", sa.Column("verified_by", sa.Text(), nullable=True))
    op.add_column("materials", sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True))
    op.create_table(
        "material_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("material_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("trust", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["material_id"], ["materials.id"], name=op.f("fk_material_events_material_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_material_events")),
    )
    op.create_index(op.f("ix_material_events_material_id"), "material_events", ["material_id"])
    op.add_column("cases", sa.Column("applicant_index", sa.LargeBinary(), nullable=True))
    op.create_index(
        "ix_cases_applicant_index",
        "cases",
        ["applicant_index"],
        postgresql_where=sa.text("committed_at IS NULL"),
    )
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def downgrade() -> None:
    op.drop_index("ix_cases_applicant_index", table_name="cases")
    op.drop_column("cases", "applicant_index")
    op.drop_index(op.f("ix_material_events_material_id"), table_name="material_events")
    op.drop_table("material_events")
    op.drop_column("materials", "verified_at")
    op.drop_column("materials", "verified_by")
    op.drop_column("materials", "issued_on")
    op.drop_table("avoided_resubmissions")
    op.drop_table("service_items")
