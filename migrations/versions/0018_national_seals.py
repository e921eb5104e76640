"""National seals: the seal as its maker signed it, beside the row that every seal has.

Light on locks: a new table only, empty. Rows of `seals` from before stay as they are: a national seal is told
by its purpose, and there is none yet.

Going back is refused while there are national seals: the release before would take their keys for seals of
another kind, and could not open them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None

REFUSE_DOWN = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM seals WHERE purpose IN ('national', 'national-closing')) THEN
        RAISE EXCEPTION 'there are national seals, which the release before does not know of';
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "national_seals",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["seals.id"], name=op.f("fk_national_seals_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_national_seals")),
    )
    op.execute(
        "CREATE TRIGGER national_seals_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON national_seals"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def downgrade() -> None:
    op.execute(REFUSE_DOWN)
    op.drop_table("national_seals")
