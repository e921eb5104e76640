"""Consents, delegations and presentations; on what footing a client asks, and a use rests.

Light on locks: new tables, nullable columns, and one column that may be null from now on. Until every process
is of this release, add no client that asks on consents: older ones do not know that it may not do more.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

INSERT_ONLY = ("consent_events", "delegation_events", "presentation_events", "use_footings")

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("clients", sa.Column("legal_basis", sa.Text(), nullable=True))
    op.add_column("clients", sa.Column("organisation", sa.Text(), nullable=True))
    op.add_column("use_events", sa.Column("footing", postgresql.JSONB(astext_type=sa.Text()), nullable=True))
    op.alter_column("uses", "service_item", nullable=True)
    _consents()
    _delegations()
    _presentations()
    op.create_table(
        "use_footings",
        sa.Column("use_id", sa.Uuid(), nullable=False),
        sa.Column("legal_basis", sa.Text(), nullable=True),
        sa.Column("consent_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "(legal_basis IS NULL) <> (consent_id IS NULL)", name=op.f("ck_use_footings_one_footing")
        ),
        sa.ForeignKeyConstraint(["use_id"], ["uses.id"], name=op.f("fk_use_footings_use_id")),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_use_footings_consent_id")),
        sa.PrimaryKeyConstraint("use_id", name=op.f("pk_use_footings")),
    )
    op.create_index(op.f("ix_use_footings_consent_id"), "use_footings", ["consent_id"])
    for table in INSERT_ONLY:
        op.execute(
            f"CREATE TRIGGER {table}_insert_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
            " FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
        )


def _consents() -> None:
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("organisation", sa.Text(), nullable=False),
        sa.Column("types", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("service_item", sa.Text(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("uses_max", sa.Integer(), nullable=False),
        sa.Column("uses_left", sa.Integer(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("uses_left BETWEEN 0 AND uses_max", name=op.f("ck_consents_uses")),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_consents_holder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_holder_id_organisation", "consents", ["holder_id", "organisation"])
    op.create_table(
        "consent_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("consent_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("look", sa.Text(), nullable=True),
        sa.Column("certificate_id", sa.Uuid(), nullable=True),
        sa.Column("request_tag", sa.LargeBinary(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["consent_id"], ["consents.id"], name=op.f("fk_consent_events_consent_id")),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.id"], name=op.f("fk_consent_events_certificate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consent_events")),
    )
    op.create_index(op.f("ix_consent_events_consent_id"), "consent_events", ["consent_id"])


def _delegations() -> None:
    op.create_table(
        "delegations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("delegate_index", sa.LargeBinary(), nullable=False),
        sa.Column("index_version", sa.SmallInteger(), nullable=False),
        sa.Column("types", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("actions", sa.ARRAY(sa.Text()), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_to", sa.Date(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_delegations_holder_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegations")),
    )
    op.create_index(op.f("ix_delegations_holder_id"), "delegations", ["holder_id"])
    op.create_index(op.f("ix_delegations_delegate_index"), "delegations", ["delegate_index"])
    op.create_table(
        "delegation_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("delegation_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["delegation_id"], ["delegations.id"], name=op.f("fk_delegation_events_delegation_id")
        ),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.id"], name=op.f("fk_delegation_events_certificate_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_delegation_events")),
    )
    op.create_index(op.f("ix_delegation_events_delegation_id"), "delegation_events", ["delegation_id"])


def _presentations() -> None:
    op.create_table(
        "presentations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(), nullable=False),
        sa.Column("certificate_id", sa.Uuid(), nullable=False),
        sa.Column("holder_id", sa.Uuid(), nullable=False),
        sa.Column("delegation_id", sa.Uuid(), nullable=True),
        sa.Column("made_by", sa.Uuid(), nullable=False),
        sa.Column("fields", sa.ARRAY(sa.Text()), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("redeemed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["certificate_id"], ["certificates.id"], name=op.f("fk_presentations_certificate_id")
        ),
        sa.ForeignKeyConstraint(["holder_id"], ["holders.id"], name=op.f("fk_presentations_holder_id")),
        sa.ForeignKeyConstraint(
            ["delegation_id"], ["delegations.id"], name=op.f("fk_presentations_delegation_id")
        ),
        sa.ForeignKeyConstraint(["made_by"], ["people.id"], name=op.f("fk_presentations_made_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presentations")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_presentations_code_hash")),
    )
    op.create_index(op.f("ix_presentations_holder_id"), "presentations", ["holder_id"])
    op.create_table(
        "presentation_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("presentation_id", sa.Uuid(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["presentation_id"], ["presentations.id"], name=op.f("fk_presentation_events_presentation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_presentation_events")),
    )
    op.create_index(
        op.f("ix_presentation_events_presentation_id"), "presentation_events", ["presentation_id"]
    )


def downgrade() -> None:
    for table in (
        "use_footings",
        "presentation_events",
        "presentations",
        "delegation_events",
        "delegations",
        "consent_events",
        "consents",
    ):
        op.drop_table(table)
    op.execute("UPDATE uses SET service_item = '' WHERE service_item IS NULL")
    op.alter_column("uses", "service_item", nullable=False)
    op.drop_column("use_events", "footing")
    op.drop_column("clients", "organisation")
    op.drop_column("clients", "legal_basis")
