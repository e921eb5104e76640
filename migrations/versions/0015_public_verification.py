"""Public verification in one function: what is found, or a decoy, read past the policies of seven tables.

Asked row by row, the policies cost as much as the reading. The function is as narrow as they are: whoever
does not know a token, or a number and its code, is told nothing of whose the answer is (`hit`).

A function only: nothing that is in use is locked. `certificate_by_token` stays: it is asked what a strange
file claims to be (`storage.certificates.id_by_token`). `certificate_by_code` stays until no process of the
release before is left, which goes on asking it.
"""

from alembic import op
from sqlalchemy import text

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# `chosen` is the id of what is shown. Columns in the order of `COLUMNS`.
SHOWN = """
SELECT c.id, c.identifier, c.version, c.type_code, c.type_version, c.issuing_authority, c.issued_on,
    c.valid_from, c.valid_to, c.status, c.status_since, c.data_key, c.sealed,
    ARRAY(SELECT d.format || ' ' || d.level || ' ' || d.seal_id || ' ' || encode(d.sha256, 'hex')
        FROM documents d WHERE d.certificate_id = c.id ORDER BY d.format DESC),
    (SELECT ARRAY[(l.log_index - s.first_index)::text, s.origin] FROM log_leaves l
        JOIN log_shards s ON s.first_index <= l.log_index
        WHERE l.certificate_id = c.id ORDER BY l.id, s.first_index DESC LIMIT 1),
    CASE WHEN c.status <> 'valid' THEN (
        SELECT ARRAY[e.effective_on::text, e.reason,
            (SELECT n.identifier FROM certificates n WHERE n.id = c.superseded_by)]
        FROM status_events e WHERE e.certificate_id = c.id AND e.action <> 'inspect'
        ORDER BY e.id DESC LIMIT 1) END,
    k.holder_id, k.wrapped, k.opener_key,
    (SELECT min(d.accepted_at) FROM disputes d
        WHERE d.certificate_id = c.id AND d.state = 'accepted' AND d.certificate_id IS NOT NULL),
    answer IS NOT NULL
FROM certificates c
LEFT JOIN LATERAL (
    SELECT h.id AS holder_id, ch.data_key AS wrapped, h.data_key AS opener_key
    FROM certificate_holders ch JOIN holders h ON h.id = ch.holder_id
    WHERE ch.certificate_id = c.id AND ch.data_key IS NOT NULL AND h.data_key IS NOT NULL
    ORDER BY ch.position LIMIT 1) k ON true
WHERE c.id = chosen
"""
COLUMNS = """
    id uuid, identifier text, version smallint, type_code text, type_version integer, issuing_authority text,
    issued_on date, valid_from date, valid_to date, status text, status_since timestamptz, data_key bytea,
    sealed bytea, documents text[], log_place text[], out_of_force text[], holder_id uuid, wrapped bytea,
    opener_key bytea, disputed_since timestamptz, hit boolean
"""
# A decoy is looked for with a hit, too: both take as long. As the owner, who need not pass the policies where
# it may bypass them; where it may not, it says `vault` and takes it back. Plans are made once: making one
# costs more than running it.
PUBLIC_CERTIFICATE = """
CREATE FUNCTION public_certificate(tokens bytea[], numbers bytea[], codes bytea[], near uuid, ring smallint[])
RETURNS TABLE ({columns}) LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SECURITY DEFINER SET search_path = {schema}, pg_temp SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE
    before text := coalesce(current_setting('certvault.vault', true), '');
    answer uuid;
    chosen uuid;
BEGIN
    PERFORM key_ring_has(ring);
    PERFORM set_config('certvault.vault', 'on', true);
    IF tokens IS NOT NULL THEN
        answer := (SELECT c.id FROM certificates c WHERE c.token_index = ANY (tokens) LIMIT 1);
    ELSE
        answer := (SELECT c.id FROM certificates c
            WHERE c.number_index = ANY (numbers) AND c.code_index = ANY (codes) LIMIT 1);
    END IF;
    chosen := (SELECT c.id FROM certificates c WHERE c.id <= near ORDER BY c.id DESC LIMIT 1);
    chosen := coalesce(answer, chosen);
    RETURN QUERY {shown};
    PERFORM set_config('certvault.vault', before, true);
END
$$
"""


def upgrade() -> None:
    bind = op.get_bind()
    schema = bind.dialect.identifier_preparer.quote_identifier(
        bind.execute(text("SELECT current_schema()")).scalar_one()
    )
    op.execute(PUBLIC_CERTIFICATE.format(columns=COLUMNS, shown=SHOWN, schema=schema))


def downgrade() -> None:
    op.execute("DROP FUNCTION public_certificate")
