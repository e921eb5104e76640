"""The audit events, divided by their ids into parts of 10⁸.

What is there becomes the first part. Light on locks: that none of its ids lies beyond the part's bound is
checked before, while others read and write; then everything is renamed, made and attached in one transaction,
which reads no row. It waits for the looks that are under way there, at most as long as a migration waits for
any lock; where that is too short nothing has happened, and it may be run again.

Parts are made ahead of need by `make_audit_parts`, a function of the owner: the service makes no tables. The
worker's upkeep calls it. There is no part for what fits in no other: making a part would have to read it
through, under a lock.
"""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"
branch_labels = None
depends_on = None

PART_IDS = 100_000_000
# The bound of the first part lies so far ahead at least: looks go on between the check and the attaching.
ROOM = 10_000_000
GIVEN = "SELECT coalesce(pg_sequence_last_value(pg_get_serial_sequence('audit_events', 'id')), 0)"
PARAMETERS = "autovacuum_vacuum_insert_scale_factor = 0.02, autovacuum_analyze_scale_factor = 0.02"
INDEXES = {
    "ix_audit_events_certificate_id": "(certificate_id)",
    "ix_audit_events_details": "USING gin (details jsonb_path_ops)",
    "ix_audit_events_case_id": "(case_id) WHERE case_id IS NOT NULL",
    "ix_audit_events_case_index": "(case_index) WHERE case_index IS NOT NULL",
    "ix_audit_events_actor": "(actor, id)",
    "ix_audit_events_at": "USING brin (at)",
}
# Statements are refused by a trigger of the table that they name: each part has its own. Those for rows are
# the divided table's, and PostgreSQL gives them to each part.
REFUSES = (
    "CREATE TRIGGER audit_events_insert_only BEFORE UPDATE OF id, at, actor, action, certificate_id, case_id,"
    " details, sealed OR DELETE OR TRUNCATE ON {} FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
)
OF_ROWS = {
    "audit_events_rewrap_only": "BEFORE UPDATE ON audit_events FOR EACH ROW"
    " EXECUTE FUNCTION refuse_all_but_rewrapping()",
    "audit_events_subjects": "AFTER INSERT ON audit_events FOR EACH ROW"
    " EXECUTE FUNCTION note_audit_subjects()",
}
# Attaching a part that is empty reads nothing, and stops nobody who reads or writes.
MAKE_PARTS = """
CREATE FUNCTION make_audit_parts(ahead integer) RETURNS integer LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp SET lock_timeout = '3s' AS $$
DECLARE
    part_ids CONSTANT bigint := {part_ids};
    given bigint := coalesce(pg_sequence_last_value(pg_get_serial_sequence('audit_events', 'id')), 0);
    newest bigint;
    made integer := 0;
    part text;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('make_audit_parts', 0));
    newest := (
        SELECT max(CAST(substring(c.relname FROM '_p([0-9]+)$') AS bigint))
        FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
        WHERE i.inhparent = 'audit_events'::regclass
    );
    FOR number IN newest + 1 .. given / part_ids + least(ahead, 10) LOOP
        part := 'audit_events_p' || number;
        EXECUTE format(
            'CREATE TABLE %I (LIKE audit_events INCLUDING DEFAULTS INCLUDING STORAGE)'
            ' WITH ({parameters})', part
        );
        EXECUTE format('{refuses}', part);
        EXECUTE format(
            'ALTER TABLE audit_events ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
            part, number * part_ids, (number + 1) * part_ids
        );
        made := made + 1;
    END LOOP;
    RETURN made;
END
$$
"""
# Rights on the table that there was are those on the divided one; a part is reached through it only.
MOVE_RIGHTS = """
DO $$
DECLARE given record;
BEGIN
    FOR given IN
        SELECT a.grantee, a.privilege_type AS privilege FROM pg_class c, aclexplode(c.relacl) a
        WHERE c.oid = '{old}'::regclass AND a.grantee <> c.relowner AND a.grantee <> 0
    LOOP
        EXECUTE format('GRANT %s ON {new} TO %s', given.privilege, given.grantee::regrole);
        EXECUTE format('REVOKE %s ON {old} FROM %s', given.privilege, given.grantee::regrole);
    END LOOP;
END
$$
"""
# Its argument is a row of the table, whatever that is called.
MOVE_FUNCTION = """
DO $$
DECLARE body text := pg_get_functiondef('audit_subjects_of({old})'::regprocedure);
BEGIN
    EXECUTE regexp_replace(body, '\\(e [^)]*{old}\\)', '(e {new})');
    DROP FUNCTION audit_subjects_of({old});
END
$$
"""


def upgrade() -> None:
    bound = _check_ids()
    op.execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
    last = _one(GIVEN)
    op.execute("ALTER TABLE audit_events ALTER COLUMN id DROP IDENTITY")
    op.execute("ALTER TABLE audit_events RENAME TO audit_events_p0")
    op.execute("ALTER TABLE audit_events_p0 RENAME CONSTRAINT pk_audit_events TO pk_audit_events_p0")
    for name in INDEXES:
        op.execute(f"ALTER INDEX {name} RENAME TO {_of_first(name)}")
    for name in OF_ROWS:
        op.execute(f"DROP TRIGGER {name} ON audit_events_p0")
    op.execute(
        "CREATE TABLE audit_events (LIKE audit_events_p0 INCLUDING DEFAULTS INCLUDING STORAGE,"
        " CONSTRAINT pk_audit_events PRIMARY KEY (id)) PARTITION BY RANGE (id)"
    )
    op.execute(f"ALTER TABLE audit_events ALTER id ADD GENERATED ALWAYS AS IDENTITY (START WITH {last + 1})")
    for name, on in INDEXES.items():
        op.execute(f"CREATE INDEX {name} ON audit_events {on}")
    op.execute(MOVE_FUNCTION.format(old="audit_events_p0", new="audit_events"))
    op.execute(REFUSES.format("audit_events"))
    for name, when in OF_ROWS.items():
        op.execute(f"CREATE TRIGGER {name} {when}")
    op.execute(
        "ALTER TABLE audit_events ATTACH PARTITION audit_events_p0"
        f" FOR VALUES FROM (MINVALUE) TO ({bound * PART_IDS})"
    )
    op.execute("ALTER TABLE audit_events_p0 DROP CONSTRAINT ck_audit_events_p0_ids")
    op.execute(MOVE_RIGHTS.format(old="audit_events_p0", new="audit_events"))
    _make_function(bound)


def _check_ids() -> int:
    """How many times `PART_IDS` is above every id, now and for a while."""
    last = max(_one(GIVEN), _one("SELECT coalesce(max(id), 0) FROM audit_events"))
    bound = (last + ROOM) // PART_IDS + 1
    with op.get_context().autocommit_block():
        op.execute("ALTER TABLE audit_events DROP CONSTRAINT IF EXISTS ck_audit_events_p0_ids")
        op.execute(
            "ALTER TABLE audit_events ADD CONSTRAINT ck_audit_events_p0_ids"
            f" CHECK (id < {bound * PART_IDS}) NOT VALID"
        )
        op.execute("ALTER TABLE audit_events VALIDATE CONSTRAINT ck_audit_events_p0_ids")
    return bound


def _make_function(bound: int) -> None:
    bind = op.get_bind()
    name = bind.execute(sa.text("SELECT current_schema()")).scalar_one()
    schema = bind.dialect.identifier_preparer.quote_identifier(name)
    op.execute(
        MAKE_PARTS.format(
            schema=schema, part_ids=PART_IDS, parameters=PARAMETERS, refuses=REFUSES.format("%I")
        )
    )
    # The first part may be of several bounds' width: the second one's number is that of its lower bound.
    op.execute(
        f"CREATE TABLE audit_events_p{bound} (LIKE audit_events INCLUDING DEFAULTS INCLUDING STORAGE)"
        f" WITH ({PARAMETERS})"
    )
    op.execute(REFUSES.format(f"audit_events_p{bound}"))
    op.execute(
        f"ALTER TABLE audit_events ATTACH PARTITION audit_events_p{bound}"
        f" FOR VALUES FROM ({bound * PART_IDS}) TO ({(bound + 1) * PART_IDS})"
    )
    op.execute("SELECT make_audit_parts(2)")


def downgrade() -> None:
    """The parts back into one table. What later parts hold is copied into the first, under the lock."""
    op.execute("LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE")
    last = _one(GIVEN)
    op.execute("DROP FUNCTION make_audit_parts")
    op.execute("ALTER TABLE audit_events DETACH PARTITION audit_events_p0")
    op.execute("INSERT INTO audit_events_p0 SELECT * FROM audit_events")
    op.execute("ALTER TABLE audit_events RENAME TO audit_events_divided")
    for name in ("pk_audit_events", *INDEXES):
        op.execute(f"ALTER INDEX {name} RENAME TO divided_{name}")
    op.execute("ALTER TABLE audit_events_p0 RENAME TO audit_events")
    op.execute("ALTER TABLE audit_events RENAME CONSTRAINT pk_audit_events_p0 TO pk_audit_events")
    for name in INDEXES:
        op.execute(f"ALTER INDEX {_of_first(name)} RENAME TO {name}")
    op.execute(MOVE_FUNCTION.format(old="audit_events_divided", new="audit_events"))
    op.execute(MOVE_RIGHTS.format(old="audit_events_divided", new="audit_events"))
    op.execute("DROP TABLE audit_events_divided")
    op.execute(f"ALTER TABLE audit_events ALTER id ADD GENERATED ALWAYS AS IDENTITY (START WITH {last + 1})")
    for name, when in OF_ROWS.items():
        op.execute(f"CREATE TRIGGER {name} {when}")


def _of_first(index: str) -> str:
    return index.replace("audit_events", "audit_events_p0")


def _one(question: str) -> int:
    return int(op.get_bind().execute(sa.text(question)).scalar_one())
