"""Imports of a register's stock: runs and what became of their rows; where a certificate comes from.

* `certificates.origin`: null, as in all rows from before: sealed when it was issued.
* A file may come with a seal that is not the vault's: `documents.seal_id` may be null. Such a file is not
  raised, and public verification names no seal of the vault's for it.
* What an import seals waits for its time-stamp on purpose: it is no sign of an authority that is away, and
  does not count against how long the vault may go without one.

Light on locks: two new tables, a nullable column, a constraint dropped, functions.

Going back is refused while there are imported certificates: the release before would not tell what they are.
"""

from importlib import import_module

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_PUBLIC = import_module("migrations.versions.0015_public_verification")
_LONG_TERM = import_module("migrations.versions.0017_long_term_seals")
_FAILING = import_module("migrations.versions.0019_seals_that_fail")
_OFD = import_module("migrations.versions.0020_certificates_as_ofd")
_SHOWN = _PUBLIC.SHOWN.replace(_LONG_TERM._SHOWN_BEFORE, _LONG_TERM._SHOWN_NOW)  # noqa: SLF001 - its own neighbour
_TERM = _FAILING.NOTE_TERM.replace("BEGIN\n", f"BEGIN{_OFD._PDF_ALONE}\n", 1)  # noqa: SLF001 - as above
# A file that was sealed elsewhere stays as it came. An import says so while it commits.
_OURS_ALONE = "    IF NEW.format <> 'pdf' OR NEW.seal_id IS NULL THEN"
_NOT_BY_IMPORT = "timed OR coalesce(current_setting('certvault.import', true), '') = 'on' OR NOT EXISTS"
REFUSE_DOWN = """
DO $$
BEGIN
    IF EXISTS (SELECT FROM certificates WHERE origin IS NOT NULL)
        OR EXISTS (SELECT FROM documents WHERE seal_id IS NULL) THEN
        RAISE EXCEPTION 'there are imported certificates, which the release before would not tell apart';
    END IF;
END
$$
"""


def upgrade() -> None:
    op.create_table(
        "import_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("source", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("total", sa.Integer(), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("failure", sa.Text(), nullable=True),
        sa.CheckConstraint("mode IN ('check', 'import')", name=op.f("ck_import_runs_mode_known")),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_import_runs_client_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_runs")),
        sa.UniqueConstraint("client_id", "mode", "digest", name=op.f("uq_import_runs_client_id_mode_digest")),
    )
    op.create_table(
        "import_chunks",
        sa.Column("run_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("rows", postgresql.ARRAY(sa.Integer()), nullable=False),
        sa.Column("states", sa.LargeBinary(), nullable=False),
        sa.Column("certificates", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("reasons", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("imported", sa.Integer(), nullable=False),
        sa.Column("already_there", sa.Integer(), nullable=False),
        sa.Column("rejected", sa.Integer(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["run_id"], ["import_runs.id"], name=op.f("fk_import_chunks_run_id")),
        sa.PrimaryKeyConstraint("run_id", "number", name=op.f("pk_import_chunks")),
    )
    op.add_column("certificates", sa.Column("origin", sa.Text(), nullable=True))
    op.alter_column("documents", "seal_id", nullable=True)
    _replace(
        _TERM.replace("    IF NEW.format <> 'pdf' THEN", _OURS_ALONE).replace(
            "timed OR NOT EXISTS", _NOT_BY_IMPORT
        )
    )
    _show_in_public(_SHOWN.replace("f.seal_id ||", "coalesce(f.seal_id, '-') ||"))


def downgrade() -> None:
    op.execute(REFUSE_DOWN)
    _show_in_public(_SHOWN)
    _replace(_TERM)
    op.alter_column("documents", "seal_id", nullable=False)
    op.drop_column("certificates", "origin")
    op.drop_table("import_chunks")
    op.drop_table("import_runs")


def _schema() -> str:
    bind = op.get_bind()
    name = bind.execute(sa.text("SELECT current_schema()")).scalar_one()
    return bind.dialect.identifier_preparer.quote_identifier(name)


def _replace(made: str) -> None:
    op.execute(made.format(schema=_schema()).replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))


def _show_in_public(shown: str) -> None:
    made = _PUBLIC.PUBLIC_CERTIFICATE.format(columns=_PUBLIC.COLUMNS, shown=shown, schema=_schema())
    op.execute(made.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))
