"""Uses by clerks who signed in: a use has a client or a person.

Light on locks: a nullable column, and a constraint taken away; neither reads the table.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("uses", sa.Column("person_id", sa.Uuid(), nullable=True))
    op.alter_column("uses", "client_id", existing_type=sa.Text(), nullable=True)


def downgrade() -> None:
    # Refused while people have uses: the release before could not say whose they are.
    op.alter_column("uses", "client_id", existing_type=sa.Text(), nullable=False)
    op.drop_column("uses", "person_id")
