"""Certificates as OFD: counted on the grant of their national seal, and never raised as PDFs are.

Light on locks: a nullable column, and the function that a trigger calls. What was reserved before has no OFD.

Going back is refused while there are OFD files: the release before would not know of their level.
"""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None

# As revision 0017 made it, and in front of it: PAdES levels and their renewal are PDF's.
_NOTE_TERM = """
CREATE OR REPLACE FUNCTION note_seal_term() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('certvault.vault', true), '');
    timed boolean := NEW.level <> 'B-B';
BEGIN{pdf_alone}
    PERFORM set_config('certvault.vault', 'on', true);
    INSERT INTO seal_terms (certificate_id, format, level, number, state, due_at, tries, untimed_since)
    VALUES (NEW.certificate_id, NEW.format, NEW.level, 0, 'waiting',
        CASE WHEN timed THEN now() + coalesce((SELECT grace FROM seal_term_walk), interval '1 hour')
            ELSE now() END, 0,
        CASE WHEN timed THEN NULL ELSE now() END);
    PERFORM set_config('certvault.vault', before, true);
    RETURN NULL;
END
$$
"""
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
    op.execute(_NOTE_TERM.format(schema=_schema(), pdf_alone=_PDF_ALONE))


def downgrade() -> None:
    op.execute(REFUSE_DOWN)
    op.execute(_NOTE_TERM.format(schema=_schema(), pdf_alone=""))
    op.drop_column("reservations", "national_grant_id")


def _schema() -> str:
    bind = op.get_bind()
    name = bind.execute(sa.text("SELECT current_schema()")).scalar_one()
    return bind.dialect.identifier_preparer.quote_identifier(name)
