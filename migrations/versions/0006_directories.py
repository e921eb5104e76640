"""Materials with versions, as types and items have; and for whom a reserved result will be.

Two new tables: nothing that is in use is locked.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "material_types",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("definition", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("code", "version", name=op.f("pk_material_types")),
    )
    op.create_table(
        "reserved_holders",
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("code_index", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"],
            ["reservations.certificate_id"],
            name=op.f("fk_reserved_holders_certificate_id"),
        ),
        sa.PrimaryKeyConstraint("certificate_id", "code_index", name=op.f("pk_reserved_holders")),
    )
    op.create_index("ix_reserved_holders_code_index", "reserved_holders", ["code_index"])


def downgrade() -> None:
    op.drop_index("ix_reserved_holders_code_index", table_name="reserved_holders")
    op.drop_table("reserved_holders")
    op.drop_table("material_types")
