"""The clerk's desk: one sealed sheet of today's cases for each clerk.

Light on locks: one new table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "desks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["people.id"], name=op.f("fk_desks_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desks")),
    )
    op.create_index("ix_desks_ends_at", "desks", ["ends_at"])


def downgrade() -> None:
    op.drop_table("desks")
