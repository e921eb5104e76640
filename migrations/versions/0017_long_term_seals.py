"""Long-term seals: raised renditions, and when each sealed file is to be looked at again.

Light on locks: new tables, and a trigger on `documents`, which waits for the commits under way there (a few
milliseconds). What was deposited before gets its terms from the worker, in batches.

Going back is refused while there are renditions: the release before would not know of them.
"""

from importlib import import_module

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

# What has a time-stamp is looked at after the time in which a revocation may still come to be known.
NOTE_TERM = """
CREATE FUNCTION note_seal_term() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('certvault.vault', true), '');
    timed boolean := NEW.level <> 'B-B';
BEGIN
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
# Public verification shows renditions, too, the newest of each format first.
_PUBLIC = import_module("migrations.versions.0015_public_verification")
_SHOWN_BEFORE = """
    ARRAY(SELECT d.format || ' ' || d.level || ' ' || d.seal_id || ' ' || encode(d.sha256, 'hex')
        FROM documents d WHERE d.certificate_id = c.id ORDER BY d.format DESC),"""
_SHOWN_NOW = """
    ARRAY(SELECT f.format || ' ' || f.level || ' ' || f.seal_id || ' ' || encode(f.sha256, 'hex')
        FROM (SELECT d.format, 0 AS number, d.level, d.seal_id, d.sha256
            FROM documents d WHERE d.certificate_id = c.id
            UNION ALL SELECT r.format, r.number, r.level, r.seal_id, r.sha256
            FROM renditions r WHERE r.certificate_id = c.id) f
        ORDER BY f.format DESC, f.number DESC),"""
REFUSE_DOWN = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM renditions) THEN
        RAISE EXCEPTION 'there are raised renditions, which the release before does not know of';
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "renditions",
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("number", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("sm3", sa.LargeBinary(), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("seal_id", sa.Text(), nullable=False),
        sa.Column("object_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("number > 0", name=op.f("ck_renditions_number_from_one")),
        sa.ForeignKeyConstraint(
            ["certificate_id", "format"],
            ["documents.certificate_id", "documents.format"],
            name=op.f("fk_renditions_certificate_id_format"),
        ),
        sa.ForeignKeyConstraint(["seal_id"], ["seals.id"], name=op.f("fk_renditions_seal_id")),
        sa.PrimaryKeyConstraint("certificate_id", "format", "number", name=op.f("pk_renditions")),
    )
    op.create_index("ix_renditions_sha256", "renditions", ["sha256"])
    _terms()
    op.execute(
        "CREATE TRIGGER renditions_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON renditions"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    op.execute(NOTE_TERM.format(schema=_schema()))
    op.execute(
        "CREATE TRIGGER documents_seal_term AFTER INSERT ON documents"
        " FOR EACH ROW EXECUTE FUNCTION note_seal_term()"
    )
    op.execute("INSERT INTO seal_term_walk (one, done) SELECT 1, NOT EXISTS (SELECT FROM documents)")
    _show_in_public(_PUBLIC.SHOWN.replace(_SHOWN_BEFORE, _SHOWN_NOW))


def _schema() -> str:
    bind = op.get_bind()
    name = bind.execute(sa.text("SELECT current_schema()")).scalar_one()
    return bind.dialect.identifier_preparer.quote_identifier(name)


def _show_in_public(shown: str) -> None:
    made = _PUBLIC.PUBLIC_CERTIFICATE.format(columns=_PUBLIC.COLUMNS, shown=shown, schema=_schema())
    op.execute(made.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))


def _terms() -> None:
    op.create_table(
        "seal_terms",
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("format", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("number", sa.SmallInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lasts_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("algorithms", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.Column("untimed_since", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "state IN ('waiting', 'resting', 'failed', 'ended')", name=op.f("ck_seal_terms_state_known")
        ),
        sa.PrimaryKeyConstraint("certificate_id", "format", name=op.f("pk_seal_terms")),
    )
    op.create_index(
        "ix_seal_terms_due_at",
        "seal_terms",
        ["due_at"],
        postgresql_where=sa.text("state IN ('waiting', 'resting')"),
    )
    op.create_index(
        "ix_seal_terms_untimed_since",
        "seal_terms",
        ["untimed_since"],
        postgresql_where=sa.text("untimed_since IS NOT NULL"),
    )
    op.create_index(
        "ix_seal_terms_failed", "seal_terms", ["due_at"], postgresql_where=sa.text("state = 'failed'")
    )
    op.create_table(
        "seal_term_walk",
        sa.Column("one", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("walked_through", sa.Uuid(), nullable=True),
        sa.Column("done", sa.Boolean(), nullable=False),
        sa.Column("plan", sa.Text(), nullable=True),
        sa.Column("grace", sa.Interval(), nullable=True),
        sa.CheckConstraint("one = 1", name=op.f("ck_seal_term_walk_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_seal_term_walk")),
    )


def downgrade() -> None:
    op.execute(REFUSE_DOWN)
    _show_in_public(_PUBLIC.SHOWN)
    op.execute("DROP TRIGGER documents_seal_term ON documents")
    op.execute("DROP FUNCTION note_seal_term()")
    for table in ("seal_term_walk", "seal_terms", "renditions"):
        op.drop_table(table)
