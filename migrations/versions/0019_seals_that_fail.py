"""Seals that fail, counted and found; what earlier revisions left different between databases made alike.

* `failed_tries` counts what fails for a reason of its own; tries while an authority is away count no more.
* Nothing waits for a first time-stamp where no authority is set: `untimed_since` is written once the calendar
  goes by a policy.
* Revision 0012 was changed after some databases had passed it. Those get the functions that all others have.

Light on locks: a nullable column, an index built CONCURRENTLY, and functions.
"""

from importlib import import_module

import sqlalchemy as sa
from alembic import op

from migrations.run import LOCK_TIMEOUT_MS

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

_HISTORY = import_module("migrations.versions.0012_the_holders_history")
_LONG_TERM = import_module("migrations.versions.0017_long_term_seals")
_UNTIMED_BEFORE = "CASE WHEN timed THEN NULL ELSE now() END);"
_UNTIMED_NOW = (
    "CASE WHEN timed OR NOT EXISTS (SELECT FROM seal_term_walk WHERE plan IS NOT NULL) THEN NULL"
    " ELSE now() END);"
)
NOTE_TERM = _LONG_TERM.NOTE_TERM.replace(_UNTIMED_BEFORE, _UNTIMED_NOW)
INDEX = "ix_seal_terms_failure"


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # It waits for transactions, not for a lock that others queue behind.
        op.execute("SET lock_timeout = 0")
        op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {INDEX}")
        op.execute(f"CREATE INDEX CONCURRENTLY {INDEX} ON seal_terms (due_at) WHERE failure IS NOT NULL")
        op.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    op.add_column("seal_terms", sa.Column("failed_tries", sa.SmallInteger(), nullable=True))
    _replace(NOTE_TERM.format(schema=_schema()))
    for made in (_HISTORY.UUIDS_OF, _HISTORY.SUBJECTS_OF):
        _replace(made)


def _schema() -> str:
    bind = op.get_bind()
    name = bind.execute(sa.text("SELECT current_schema()")).scalar_one()
    return bind.dialect.identifier_preparer.quote_identifier(name)


def _replace(made: str) -> None:
    op.execute(made.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", 1))


def downgrade() -> None:
    op.drop_index(INDEX, "seal_terms")
    _replace(_LONG_TERM.NOTE_TERM.format(schema=_schema()))
    op.drop_column("seal_terms", "failed_tries")
