"""Whose identifier a strange file bears: found for public verification, which may not read certificates.

What is shown of one that is found by its identifier alone is what the public log says of it.
"""

from alembic import op
from sqlalchemy import text

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_BY_IDENTIFIER = """
CREATE FUNCTION certificate_by_identifier(claimed text[]) RETURNS uuid
LANGUAGE plpgsql STABLE STRICT PARALLEL UNSAFE
SECURITY DEFINER SET search_path = {schema}, pg_temp AS $$
DECLARE
    before text := coalesce(current_setting('certvault.vault', true), '');
    answer uuid;
BEGIN
    PERFORM set_config('certvault.vault', 'on', true);
    answer := (SELECT c.id FROM certificates c WHERE c.identifier = ANY (claimed) ORDER BY c.id DESC LIMIT 1);
    PERFORM set_config('certvault.vault', before, true);
    RETURN answer;
END
$$
"""


def upgrade() -> None:
    bind = op.get_bind()
    schema = bind.dialect.identifier_preparer.quote_identifier(
        bind.execute(text("SELECT current_schema()")).scalar_one()
    )
    op.execute(_BY_IDENTIFIER.format(schema=schema))


def downgrade() -> None:
    op.execute("DROP FUNCTION certificate_by_identifier")
