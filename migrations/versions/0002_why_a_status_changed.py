"""Why and from which day a status changed, and what an inspection came to."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Without a default: the table is locked for a moment and no row is rewritten.
    op.add_column("status_events", sa.Column("reason", sa.Text(), nullable=True))
    op.add_column("status_events", sa.Column("effective_on", sa.Date(), nullable=True))
    op.add_column("status_events", sa.Column("result", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("status_events", "result")
    op.drop_column("status_events", "effective_on")
    op.drop_column("status_events", "reason")
