"""The holder's history, and disputes.

Light on locks: new tables, and a trigger on `audit_events`, which waits for the
writes under way there. From then on no audit event is written without the rows that say whom and what it is
about, also by processes of the release before. Earlier events get theirs by `certvault history backfill`.
"""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

INSERT_ONLY = ("audit_subjects", "dispute_events")
# What a rotation writes anew: a wrapped key, and indexes under other keys. Nothing else of an order changes.
ORDER_RENEWED = ("data_key", "case_index", "number_index", "index_version")
ORDER_KEPT = "id, kind, holder_id, client_id, covers_from, ends_at, renews, recorded_at, recorded_by, sealed"
OPEN = "state IN ('submitted', 'accepted')"

# Whom and what an audit event is about. What an event names: in its columns; in its details as `holder`,
# `holders`, `certificates`, `material`, `materials`, `use`; or everybody. Then whoever holds any of it; at
# last `things`, whose other holders it does not concern.
UUIDS_OF = """
CREATE FUNCTION uuids_of(list jsonb) RETURNS uuid[] LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF jsonb_typeof(list) = 'array' THEN
        RETURN ARRAY(SELECT CAST(v.id AS uuid) FROM jsonb_array_elements_text(list) AS v (id));
    END IF;
    RETURN NULL;
END
$$
"""
# Every look runs it: what an event does not have is not asked for.
SUBJECTS_OF = """
CREATE FUNCTION audit_subjects_of(e audit_events) RETURNS SETOF uuid LANGUAGE plpgsql STABLE AS $$
DECLARE
    named uuid[] := ARRAY[
        e.certificate_id, CAST(e.details->>'holder' AS uuid), CAST(e.details->>'material' AS uuid)
    ];
    list text;
BEGIN
    FOREACH list IN ARRAY ARRAY['holders', 'certificates', 'materials'] LOOP
        named := named || uuids_of(e.details->list);
    END LOOP;
    IF e.case_id IS NOT NULL THEN
        named := named || ARRAY(SELECT c.id FROM certificates c WHERE c.case_id = e.case_id)
            || ARRAY(SELECT m.id FROM materials m WHERE m.case_id = e.case_id);
    END IF;
    IF e.details ? 'use' THEN
        named := named || (
            SELECT coalesce(u.certificate_id, u.material_id) FROM uses u
            WHERE u.id = CAST(e.details->>'use' AS uuid)
        );
    END IF;
    IF e.details->'everybody' = 'true' THEN
        named := named || CAST('00000000-0000-0000-0000-000000000000' AS uuid);
    END IF;
    named := array_remove(named, NULL);
    IF cardinality(named) > 0 THEN
        RETURN QUERY SELECT unnest(named || uuids_of(e.details->'things'))
            UNION SELECT h.holder_id FROM certificate_holders h WHERE h.certificate_id = ANY (named)
            UNION SELECT h.holder_id FROM material_holders h WHERE h.material_id = ANY (named);
    END IF;
END
$$
"""
NOTE_SUBJECTS = """
CREATE FUNCTION note_audit_subjects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_subjects (about, event_id) SELECT about, NEW.id FROM audit_subjects_of(NEW) AS about;
    RETURN NULL;
END
$$
"""
# A dispute keeps what it is about; only its state moves on, until it is closed, and its index is renewed.
DISPUTE_KEEPS = """
CREATE FUNCTION refuse_dispute_change() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    changing text[] := '{request_index,index_version}';
BEGIN
    IF TG_OP = 'UPDATE' AND OLD.closed_at IS NULL THEN
        changing := changing || '{state,accepted_at,closed_at}';
    END IF;
    IF TG_OP = 'UPDATE' AND to_jsonb(OLD) - changing = to_jsonb(NEW) - changing THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION 'disputes is insert-only but for its state' USING ERRCODE = 'insufficient_privilege';
END
$$
"""

ALL_BUT_COLUMNS = """
CREATE FUNCTION refuse_all_but_columns() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF to_jsonb(OLD) - TG_ARGV = to_jsonb(NEW) - TG_ARGV THEN
        RETURN NEW;
    END IF;
    RAISE EXCEPTION '% is insert-only', TG_TABLE_NAME USING ERRCODE = 'insufficient_privilege';
END
$$
"""


def upgrade() -> None:
    _accesses()
    _disputes()
    for statement in (UUIDS_OF, SUBJECTS_OF, NOTE_SUBJECTS, DISPUTE_KEEPS, ALL_BUT_COLUMNS):
        op.execute(statement)
    op.execute(
        "CREATE TRIGGER audit_events_subjects AFTER INSERT ON audit_events"
        " FOR EACH ROW EXECUTE FUNCTION note_audit_subjects()"
    )
    op.execute(
        "CREATE TRIGGER disputes_keep BEFORE UPDATE OR DELETE ON disputes"
        " FOR EACH ROW EXECUTE FUNCTION refuse_dispute_change()"
    )
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )
    op.execute(
        f"CREATE TRIGGER deferral_orders_insert_only BEFORE UPDATE OF {ORDER_KEPT} OR DELETE OR TRUNCATE"
        " ON deferral_orders FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )
    renewed = ", ".join(f"'{name}'" for name in ORDER_RENEWED)
    op.execute(
        "CREATE TRIGGER deferral_orders_renewed_only BEFORE UPDATE ON deferral_orders"
        f" FOR EACH ROW EXECUTE FUNCTION refuse_all_but_columns({renewed})"
    )
    op.execute(
        "CREATE TRIGGER disputes_not_emptied BEFORE TRUNCATE ON disputes"
        " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
    )


def _accesses() -> None:
    op.create_table(
        "audit_subjects",
        sa.Column("about", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("about", "event_id", name=op.f("pk_audit_subjects")),
    )
    op.create_index("ix_audit_subjects_event_id", "audit_subjects", ["event_id"])
    op.create_table(
        "deferral_orders",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=True),
        sa.Column("case_index", sa.LargeBinary(), nullable=True),
        sa.Column("client_id", sa.Text(), nullable=True),
        sa.Column("covers_from", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("renews", sa.Uuid(), nullable=True),
        sa.Column("recorded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recorded_by", sa.Text(), nullable=False),
        sa.Column("number_index", sa.LargeBinary(), nullable=False),
        sa.Column("index_version", sa.SmallInteger(), nullable=False),
        sa.Column("data_key", sa.LargeBinary(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.CheckConstraint(
            "holder_id IS NOT NULL OR case_index IS NOT NULL", name=op.f("ck_deferral_orders_somebody")
        ),
        sa.CheckConstraint("ends_at > recorded_at", name=op.f("ck_deferral_orders_dates_in_order")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_deferral_orders_holder_id")),
        sa.ForeignKeyConstraint(["client_id"], ["clients.id"], name=op.f("fk_deferral_orders_client_id")),
        sa.ForeignKeyConstraint(["renews"], ["deferral_orders.id"], name=op.f("fk_deferral_orders_renews")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deferral_orders")),
        sa.UniqueConstraint("number_index", name=op.f("uq_deferral_orders_number_index")),
        sa.UniqueConstraint("renews", name=op.f("uq_deferral_orders_renews")),
    )
    op.create_index(
        "ix_deferral_orders_holder_id",
        "deferral_orders",
        ["holder_id"],
        postgresql_where=sa.text("holder_id IS NOT NULL"),
    )
    op.create_index(
        "ix_deferral_orders_case_index",
        "deferral_orders",
        ["case_index"],
        postgresql_where=sa.text("holder_id IS NULL AND case_index IS NOT NULL"),
    )
    op.create_table(
        "verification_days",
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.id"], name=op.f("fk_verification_days_certificate_id")
        ),
        sa.PrimaryKeyConstraint("certificate_id", "day", name=op.f("pk_verification_days")),
        sa.UniqueConstraint(
            "event_id", "certificate_id", name=op.f("uq_verification_days_event_id_certificate_id")
        ),
    )
    op.create_table(
        "verification_batches",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_verification_batches")),
    )
    op.create_index("ix_verification_batches_at", "verification_batches", ["at"])


def _disputes() -> None:
    op.create_table(
        "disputes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=True),
        sa.Column("access_id", sa.BigInteger(), nullable=True),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("request_index", sa.LargeBinary(), nullable=False),
        sa.Column("index_version", sa.SmallInteger(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "(certificate_id IS NULL) <> (access_id IS NULL)", name=op.f("ck_disputes_one_subject")
        ),
        sa.CheckConstraint(
            "state IN ('submitted', 'accepted', 'rejected', 'resolved')",
            name=op.f("ck_disputes_state_known"),
        ),
        sa.CheckConstraint(
            "(state = 'submitted' AND accepted_at IS NULL AND closed_at IS NULL)"
            " OR (state = 'accepted' AND accepted_at IS NOT NULL AND closed_at IS NULL)"
            " OR (state = 'rejected' AND accepted_at IS NULL AND closed_at IS NOT NULL)"
            " OR (state = 'resolved' AND accepted_at IS NOT NULL AND closed_at IS NOT NULL)",
            name=op.f("ck_disputes_state_has_its_times"),
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_disputes_holder_id")),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.id"], name=op.f("fk_disputes_certificate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_disputes")),
    )
    op.create_index("ix_disputes_holder_id_id", "disputes", ["holder_id", "id"])
    op.create_index("ix_disputes_audience_id", "disputes", ["audience", "id"])
    op.create_index(
        "ix_disputes_standing",
        "disputes",
        ["certificate_id", "accepted_at"],
        postgresql_where=sa.text("state = 'accepted' AND certificate_id IS NOT NULL"),
    )
    op.create_index("ix_disputes_open_due_on", "disputes", ["due_on", "id"], postgresql_where=sa.text(OPEN))
    op.create_index(
        "uq_disputes_open",
        "disputes",
        ["holder_id", "request_index"],
        unique=True,
        postgresql_where=sa.text(OPEN),
    )
    op.create_table(
        "dispute_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("dispute_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=True),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(["dispute_id"], ["disputes.id"], name=op.f("fk_dispute_events_dispute_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_dispute_events")),
    )
    op.create_index(op.f("ix_dispute_events_dispute_id"), "dispute_events", ["dispute_id"])


def downgrade() -> None:
    op.execute("DROP TRIGGER audit_events_subjects ON audit_events")
    op.execute("DROP FUNCTION note_audit_subjects()")
    op.execute("DROP FUNCTION audit_subjects_of(audit_events)")
    op.execute("DROP FUNCTION IF EXISTS uuids_of(jsonb)")  # made later in databases that passed this early
    for table in (
        "dispute_events",
        "disputes",
        "verification_batches",
        "verification_days",
        "deferral_orders",
        "audit_subjects",
    ):
        op.drop_table(table)
    op.execute("DROP FUNCTION refuse_dispute_change()")
    op.execute("DROP FUNCTION refuse_all_but_columns()")
