"""Whose rows a transaction may see: what it has said, as functions for the tables' policies.

Functions only: nothing that is in use is locked. The policies themselves, and the service's rights, are
brought to what `storage.tables` declares after every upgrade (`migrations.protection`).

Going back takes the policies away with the functions: the release before says nothing, and would see nothing.
"""

from alembic import op
from sqlalchemy import text

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

# What was never said is null, and after a transaction that said it, empty: neither equals anything.
_SAID = {
    "scope_client": ("text", "client"),
    "scope_person": ("uuid", "person"),
    "scope_authorities": ("text[]", "authorities"),
    "scope_holders": ("bytea[]", "holders"),
    "scope_holder_ids": ("uuid[]", "holder_ids"),
    "scope_shown": ("bytea[]", "shown"),
    "scope_named": ("uuid[]", "named"),
}
# Policies that asked each other's tables would go round in circles. These functions ask for the vault itself
# and tell one word: whose case it is, the ids of holders whose index one has, an identifier, which is public.
# As the owner, who need not pass the policies where it may bypass them (microseconds instead of hundreds of
# them); where it may not, they say `vault` and take it back, by hand: only a superuser may write `SET
# certvault.vault` at a function. A transaction in which one fails is over, and so is what it said.
ASK = """
CREATE FUNCTION {name}(sought {by}) RETURNS {kind} LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('certvault.vault', true), '');
    answer {kind};
BEGIN
    PERFORM set_config('certvault.vault', 'on', true);
    answer := ({query});
    PERFORM set_config('certvault.vault', before, true);
    RETURN answer;
END
$$
"""
_ASKED = {
    "client_of_case": ("uuid", "text", "SELECT client_id FROM cases WHERE id = sought"),
    "applicant_of_case": ("uuid", "bytea", "SELECT applicant_index FROM cases WHERE id = sought"),
    "applicant_of_reservation": (
        "uuid",
        "bytea",
        """SELECT k.applicant_index FROM reservations r JOIN cases k ON k.id = r.case_id
        WHERE r.certificate_id = sought""",
    ),
    "client_of_reservation": (
        "uuid",
        "text",
        """SELECT k.client_id FROM reservations r JOIN cases k ON k.id = r.case_id
        WHERE r.certificate_id = sought""",
    ),
    "client_of_material": (
        "uuid",
        "text",
        "SELECT k.client_id FROM materials m JOIN cases k ON k.id = m.case_id WHERE m.id = sought",
    ),
    "maker_of_use": (
        "uuid",
        "text",
        "SELECT coalesce(client_id, 'person:' || person_id) FROM uses WHERE id = sought",
    ),
    "certificate_of_use": ("uuid", "uuid", "SELECT certificate_id FROM uses WHERE id = sought"),
    # Does it bring, or has it reserved, what this transaction is about? As the policies of those say.
    "case_is_shown": (
        "uuid",
        "boolean",
        """SELECT EXISTS (
            SELECT FROM certificates c WHERE c.case_id = sought AND (
                c.issuing_authority = ANY (scope_authorities()) OR c.id = ANY (scope_named())
                OR EXISTS (SELECT FROM certificate_holders h
                    WHERE h.certificate_id = c.id AND h.holder_id = ANY (scope_holder_ids())))
        ) OR EXISTS (
            SELECT FROM materials m WHERE m.case_id = sought AND (
                m.id = ANY (scope_named())
                OR EXISTS (SELECT FROM material_holders h
                    WHERE h.material_id = m.id AND h.holder_id = ANY (scope_holder_ids())))
        ) OR EXISTS (
            SELECT FROM reservations r JOIN reserved_holders h ON h.certificate_id = r.certificate_id
            WHERE r.case_id = sought AND h.code_index = ANY (scope_holders())
        )""",
    ),
    # Whether these are seen, as their own policies say: for the rows that open them.
    "certificate_is_shown": (
        "uuid",
        "boolean",
        """SELECT sought = ANY (scope_named()) OR EXISTS (
            SELECT FROM certificates c WHERE c.id = sought AND (
                c.issuing_authority = ANY (scope_authorities())
                OR EXISTS (SELECT FROM certificate_holders h
                    WHERE h.certificate_id = c.id AND h.holder_id = ANY (scope_holder_ids()))
                OR EXISTS (SELECT FROM cases k WHERE k.id = c.case_id AND k.client_id = scope_client())))""",
    ),
    "material_is_shown": (
        "uuid",
        "boolean",
        """SELECT sought = ANY (scope_named()) OR EXISTS (
            SELECT FROM materials m JOIN cases k ON k.id = m.case_id
            WHERE m.id = sought AND k.client_id = scope_client()
        ) OR EXISTS (
            SELECT FROM material_holders h
            WHERE h.material_id = sought AND h.holder_id = ANY (scope_holder_ids()))""",
    ),
    "use_is_shown": (
        "uuid",
        "boolean",
        """SELECT sought = ANY (scope_named()) OR EXISTS (
            SELECT FROM uses u WHERE u.id = sought
            AND (u.client_id = scope_client() OR u.person_id = scope_person())
        ) OR EXISTS (
            SELECT FROM use_codes k WHERE k.use_id = sought
            AND (k.code_hash = ANY (scope_shown()) OR k.redeemed_by = scope_client())
        ) OR EXISTS (
            SELECT FROM use_holders h WHERE h.use_id = sought AND h.holder_id = ANY (scope_holder_ids()))""",
    ),
    "certificate_stands": (
        "uuid",
        "boolean",
        "SELECT sealed IS NOT NULL FROM certificates WHERE id = sought",
    ),
    "identifier_of_version": ("uuid", "text", "SELECT identifier FROM certificates WHERE id = sought"),
}
# Which holders are seen with what is seen: their keys open it. Each way only where the transaction has it.
_HOLDER_IS_SHOWN = """
    IF EXISTS (SELECT FROM certificate_holders h
               WHERE h.holder_id = sought AND h.certificate_id = ANY (scope_named()))
       OR EXISTS (SELECT FROM material_holders h
                  WHERE h.holder_id = sought AND h.material_id = ANY (scope_named()))
       OR EXISTS (SELECT FROM use_holders h WHERE h.holder_id = sought AND h.use_id = ANY (scope_named()))
    THEN answer := true;
    ELSIF scope_authorities() IS NOT NULL AND (
        EXISTS (SELECT FROM certificate_holders h JOIN certificates c ON c.id = h.certificate_id
                WHERE h.holder_id = sought AND c.issuing_authority = ANY (scope_authorities()))
        OR EXISTS (SELECT FROM disputes d
                   WHERE d.holder_id = sought AND d.audience = ANY (scope_authorities())))
    THEN answer := true;
    ELSIF scope_client() IS NOT NULL AND (
        EXISTS (SELECT FROM case_holders h JOIN cases k ON k.id = h.case_id
                WHERE h.holder_id = sought AND k.client_id = scope_client())
        OR EXISTS (SELECT FROM use_holders h JOIN uses u ON u.id = h.use_id
                   WHERE h.holder_id = sought AND u.client_id = scope_client())
        OR EXISTS (SELECT FROM use_holders h JOIN use_codes k ON k.use_id = h.use_id
                   WHERE h.holder_id = sought AND k.redeemed_by = scope_client())
        OR EXISTS (SELECT FROM disputes d
                   WHERE d.holder_id = sought AND d.audience = 'client:' || scope_client())
        OR EXISTS (SELECT FROM consents k JOIN clients mine ON mine.organisation = k.organisation
                   WHERE k.holder_id = sought AND mine.id = scope_client()))
    THEN answer := true;
    ELSIF scope_person() IS NOT NULL
        AND EXISTS (SELECT FROM use_holders h JOIN uses u ON u.id = h.use_id
                    WHERE h.holder_id = sought AND u.person_id = scope_person())
    THEN answer := true;
    ELSIF scope_shown() IS NOT NULL AND (
        EXISTS (SELECT FROM use_codes k JOIN use_holders h ON h.use_id = k.use_id
                WHERE h.holder_id = sought AND k.code_hash = ANY (scope_shown()))
        OR EXISTS (SELECT FROM presentations p
                   WHERE p.holder_id = sought AND p.code_hash = ANY (scope_shown())))
    THEN answer := true;
    ELSIF scope_holders() IS NOT NULL
        AND EXISTS (SELECT FROM delegations d
                    WHERE d.holder_id = sought AND d.delegate_index = ANY (scope_holders()))
    THEN answer := true;
    ELSIF scope_holder_ids() IS NOT NULL AND (
        EXISTS (SELECT FROM certificate_holders h JOIN certificate_holders mine
                    ON mine.certificate_id = h.certificate_id
                WHERE h.holder_id = sought AND mine.holder_id = ANY (scope_holder_ids()))
        OR EXISTS (SELECT FROM material_holders h JOIN material_holders mine
                       ON mine.material_id = h.material_id
                   WHERE h.holder_id = sought AND mine.holder_id = ANY (scope_holder_ids())))
    THEN answer := true;
    ELSE answer := false;
    END IF;
"""
# A process without an index key in use made no index under it: it would miss those who stand under it.
_IDS_OF_HOLDERS = """
    IF cardinality(ring) > 0 THEN PERFORM key_ring_has(ring); END IF;
    answer := (SELECT array_agg(id) FROM holders WHERE code_index = ANY (sought));
"""
# For public verification, which takes as long for a miss as for a hit: what is shown, or another one near by.
_SHOWN_OR_NEAR = """
    answer := (SELECT c.id FROM certificates c WHERE {condition} LIMIT 1);
    other := (SELECT c.id FROM certificates c WHERE c.id <= near ORDER BY c.id DESC LIMIT 1);
    answer := coalesce(answer, other);
"""
_DONE: dict[str, tuple[str, str, str, str]] = {
    "holder_is_shown": ("sought uuid", "boolean", "", _HOLDER_IS_SHOWN),
    "ids_of_holders": ("sought bytea[], ring smallint[]", "uuid[]", "", _IDS_OF_HOLDERS),
    "certificate_by_token": (
        "tokens bytea[], near uuid",
        "uuid",
        "other uuid;",
        _SHOWN_OR_NEAR.format(condition="c.token_index = ANY (tokens)"),
    ),
    "certificate_by_code": (
        "numbers bytea[], codes bytea[], near uuid",
        "uuid",
        "other uuid;",
        _SHOWN_OR_NEAR.format(condition="c.number_index = ANY (numbers) AND c.code_index = ANY (codes)"),
    ),
}
# As `ASK`, with more than one question.
DO = """
CREATE FUNCTION {name}({by}) RETURNS {kind} LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('certvault.vault', true), '');
    answer {kind};
    {more}
BEGIN
    PERFORM set_config('certvault.vault', 'on', true);
    {steps}
    PERFORM set_config('certvault.vault', before, true);
    RETURN answer;
END
$$
"""
# Whom an event is about is found out and written whoever the event's transaction is for.
NOTE_SUBJECTS = """
CREATE OR REPLACE FUNCTION note_audit_subjects() RETURNS trigger LANGUAGE plpgsql
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('certvault.vault', true), '');
BEGIN
    PERFORM set_config('certvault.vault', 'on', true);
    INSERT INTO audit_subjects (about, event_id) SELECT about, NEW.id FROM audit_subjects_of(NEW) AS about;
    PERFORM set_config('certvault.vault', before, true);
    RETURN NULL;
END
$$
"""
NOTE_SUBJECTS_BEFORE = """
CREATE OR REPLACE FUNCTION note_audit_subjects() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO audit_subjects (about, event_id) SELECT about, NEW.id FROM audit_subjects_of(NEW) AS about;
    RETURN NULL;
END
$$
"""


def upgrade() -> None:
    op.execute(
        "CREATE FUNCTION scope_is_vault() RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE"
        " AS $$ SELECT coalesce(current_setting('certvault.vault', true), '') = 'on' $$"
    )
    for name, (kind, setting) in _SAID.items():
        op.execute(
            f"CREATE FUNCTION {name}() RETURNS {kind} LANGUAGE sql STABLE PARALLEL SAFE"
            f" AS $$ SELECT nullif(current_setting('certvault.{setting}', true), '')::{kind} $$"
        )
    op.execute(
        "CREATE FUNCTION scope_actor() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE"
        " AS $$ SELECT coalesce(scope_client(), 'person:' || scope_person()) $$"
    )
    bind = op.get_bind()
    schema = bind.dialect.identifier_preparer.quote_identifier(
        bind.execute(text("SELECT current_schema()")).scalar_one()
    )
    for name, (by, kind, query) in _ASKED.items():
        op.execute(ASK.format(name=name, by=by, kind=kind, query=query, schema=schema))
    for name, (by, kind, more, steps) in _DONE.items():
        op.execute(DO.format(name=name, by=by, kind=kind, more=more, steps=steps, schema=schema))
    op.execute(NOTE_SUBJECTS.format(schema=schema))


def downgrade() -> None:
    op.execute(
        """
        DO $$
        DECLARE item record;
        BEGIN
            FOR item IN SELECT schemaname, tablename, policyname FROM pg_policies
                WHERE schemaname = current_schema() LOOP
                EXECUTE format('DROP POLICY %I ON %I.%I', item.policyname, item.schemaname, item.tablename);
            END LOOP;
            FOR item IN SELECT relname FROM pg_class
                WHERE relnamespace = current_schema()::regnamespace AND relrowsecurity LOOP
                EXECUTE format('ALTER TABLE %I DISABLE ROW LEVEL SECURITY', item.relname);
                EXECUTE format('ALTER TABLE %I NO FORCE ROW LEVEL SECURITY', item.relname);
            END LOOP;
        END
        $$
        """
    )
    op.execute(NOTE_SUBJECTS_BEFORE)
    for name in (*_ASKED, *_DONE):
        op.execute(f"DROP FUNCTION {name}")
    for name in ("scope_actor", "scope_is_vault", *_SAID):
        op.execute(f"DROP FUNCTION {name}()")
