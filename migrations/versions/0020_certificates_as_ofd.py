"""Certificates as OFD: counted on the grant of their national seal, and never raised as PDFs are.

Light on locks: a nullable column, and the function that a trigger calls. What was reserved before has no OFD.

Going back is refused while there are OFD files: the release before would not know of their level.
"""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

_NOTE_TERM = import_module("migrations.versions.0019_seals_that_fail").NOTE_TERM
# In front of all else: PAdES levels and their renewal are PDF's.
_PDF_ALONE = """
    IF NEW.format <> 'pdf' THEN
        RETURN NULL;
    END IF;"""
REFUSE_DOWN = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM documents WHERE format <> 'pdf') THEN
        RAISE EXCEPTION 'there are OFD files, which the release before does not know of';
    END IF;
END
$$
"""


def upgrade() -> None:
    op.add_column("reservations", sa.Column("national_grant_id", sa.Uuid(), nullable=True))
    _replace(_NOTE_TERM.replace("BEGIN\n", f"BEGIN{_PDF_ALONE}\n", 1))


def downgrade() -> None:
    op.execute(REFUSE_DOWN)
    _replace(_NOTE_TERM)
    op.drop_column("reservations", "national_grant_id")


def _replace(made: str) -> None:
    op.execute(made.format(schema=_schema()).replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))


def _schema() -> str:
    bind = op.get_bind()
    name = bind.execute(sa.text("SELECT current_schema()")).scalar_one()
    return bind.dialect.identifier_preparer.quote_identifier(name)
