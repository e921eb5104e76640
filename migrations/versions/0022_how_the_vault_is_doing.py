"""How the vault is doing: deposits counted by minute and hour, clients last seen, runs of checks and backups.

Resubmissions avoided are added up by month; the worker begins with the first row, and until it is through the
rest is counted as before.

Light on locks: new tables only, and four indexes built CONCURRENTLY: of cases that may not close, of the
queue's jobs that were given up, of those that wait by when they are due, and of what a case asked for before.
"""

import sqlalchemy as sa
from alembic import op

from migrations.run import LOCK_TIMEOUT_MS

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

# Named as the queue's own are not, so that a later release of it cannot come to have the same.
JOBS_INDEX = "ix_vault_procrastinate_jobs_failed"
DUE_INDEX = "ix_vault_procrastinate_jobs_scheduled"
CASES_INDEX = "ix_cases_open"
AVOIDED_INDEX = "ix_avoided_resubmissions_case_index"
BUILT = {
    JOBS_INDEX: "procrastinate_jobs (task_name, id) WHERE status = 'failed'",
    DUE_INDEX: "procrastinate_jobs (scheduled_at, id) WHERE status = 'todo'",
    AVOIDED_INDEX: "avoided_resubmissions (case_index)",
    CASES_INDEX: "cases (reserved_at) WHERE committed_at IS NULL AND request_digest <> ''::bytea",
}


def _moment(name: str, *, nullable: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.DateTime(timezone=True), nullable=nullable)


def upgrade() -> None:
    with op.get_context().autocommit_block():
        # It waits for transactions, not for a lock that others queue behind.
        op.execute("SET lock_timeout = 0")
        for name, on in BUILT.items():
            op.execute(f"DROP INDEX CONCURRENTLY IF EXISTS {name}")
            op.execute(f"CREATE INDEX CONCURRENTLY {name} ON {on}")
        op.execute(f"SET lock_timeout = {LOCK_TIMEOUT_MS}")
    op.create_table(
        "deposit_tallies",
        sa.Column("span", sa.Text(), nullable=False),
        _moment("starts_at"),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.CheckConstraint("span IN ('minute', 'hour')", name=op.f("ck_deposit_tallies_span_known")),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_deposit_tallies_client_id")),
        sa.PrimaryKeyConstraint("span", "starts_at", "client_id", "outcome", name=op.f("pk_deposit_tallies")),
    )
    op.create_table(
        "client_sightings",
        sa.Column("client_id", sa.Text(), nullable=False),
        _moment("seen_at"),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_client_sightings_client_id")),
        sa.PrimaryKeyConstraint("client_id", name=op.f("pk_client_sightings")),
    )
    op.create_table(
        "operation_runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        _moment("started_at"),
        _moment("seen_at"),
        _moment("finished_at", nullable=True),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("problems", sa.Integer(), nullable=False),
        sa.Column("notes", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('fsck', 'backup-database', 'backup-objects', 'backup-keys')",
            name=op.f("ck_operation_runs_kind_known"),
        ),
        sa.CheckConstraint(
            "outcome IN ('well', 'problems', 'failed')", name=op.f("ck_operation_runs_outcome_known")
        ),
        sa.CheckConstraint(
            "(outcome IS NULL) = (finished_at IS NULL)",
            name=op.f("ck_operation_runs_ended_with_an_outcome"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_operation_runs")),
    )
    op.create_index("ix_operation_runs_kind", "operation_runs", ["kind", "started_at"])
    op.create_table(
        "avoided_months",
        sa.Column("month", sa.Text(), nullable=False),
        sa.Column("service_item", sa.Text(), nullable=False),
        sa.Column("authority", sa.Text(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("month", "service_item", "authority", name=op.f("pk_avoided_months")),
    )
    op.create_table(
        "avoided_progress",
        sa.Column("one", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("counted_through", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("one = 1", name=op.f("ck_avoided_progress_one_row")),
        sa.PrimaryKeyConstraint("one", name=op.f("pk_avoided_progress")),
    )
    op.execute("INSERT INTO avoided_progress VALUES (1, 0)")


def downgrade() -> None:
    op.drop_table("avoided_progress")
    op.drop_table("avoided_months")
    op.drop_index(AVOIDED_INDEX, "avoided_resubmissions")
    op.drop_table("operation_runs")
    op.drop_table("client_sightings")
    op.drop_table("deposit_tallies")
    op.drop_index(CASES_INDEX, "cases")
    op.drop_index(DUE_INDEX, "procrastinate_jobs")
    op.drop_index(JOBS_INDEX, "procrastinate_jobs")
