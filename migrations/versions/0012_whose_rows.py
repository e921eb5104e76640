"""Whose rows a transaction may see: what it has said, as functions for the tables' policies.

New functions only: nothing that is in use is locked. The policies themselves, and the service's rights, are
brought to what `storage.tables` declares after every upgrade (`migrations.protection`).

Going back takes the policies away with the functions: the release before says nothing, and would see nothing.
"""

from alembic import op
from sqlalchemy import text

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

# What was never said is null, and after a transaction that said it, empty: neither equals anything.
_SAID = {
    "scope_client": ("text", "client"),
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
    "client_of_use": ("uuid", "text", "SELECT client_id FROM uses WHERE id = sought"),
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
    "identifier_of_version": ("uuid", "text", "SELECT identifier FROM certificates WHERE id = sought"),
    "ids_of_holders": (
        "bytea[]",
        "uuid[]",
        "SELECT array_agg(id) FROM holders WHERE code_index = ANY (sought)",
    ),
}


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
    bind = op.get_bind()
    schema = bind.dialect.identifier_preparer.quote_identifier(
        bind.execute(text("SELECT current_schema()")).scalar_one()
    )
    for name, (by, kind, query) in _ASKED.items():
        op.execute(ASK.format(name=name, by=by, kind=kind, query=query, schema=schema))


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
    for name, (by, _, _) in _ASKED.items():
        op.execute(f"DROP FUNCTION {name}({by})")
    for name in ("scope_is_vault", *_SAID):
        op.execute(f"DROP FUNCTION {name}()")
