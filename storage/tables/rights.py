"""What the service's role may do with each table: everything that it does, and no more.

The tables' owner (who migrates) and the role that serves are two. Triggers refuse to rewrite history whoever
asks; without the right to, the service cannot even try, nor switch a trigger off. `migrations.protection`
brings the database to what stands here after every upgrade; a new table must be named here.
"""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rights:
    """`privileges` on the whole table; beyond them the single `columns` that may be updated."""

    privileges: frozenset[str]
    columns: frozenset[str] = frozenset()


def _rights(privileges: str, columns: str = "") -> Rights:
    return Rights(frozenset(privileges.split()), frozenset(columns.split()))


READ = _rights("SELECT")
WRITTEN_ONCE = _rights("SELECT INSERT")
COME_AND_GO = _rights("SELECT INSERT DELETE")

RIGHTS: Mapping[str, Rights] = {
    "audit_chain": WRITTEN_ONCE,
    "audit_events": WRITTEN_ONCE,
    "audit_heads": WRITTEN_ONCE,
    "audit_subjects": WRITTEN_ONCE,
    # The worker adds up.
    "avoided_months": _rights("SELECT INSERT", "count"),
    "avoided_progress": _rights("SELECT", "counted_through"),
    "avoided_resubmissions": WRITTEN_ONCE,
    # A case that is refused before it stored anything leaves nothing; a new attempt has other contents.
    "case_holders": WRITTEN_ONCE,
    "cases": _rights(
        "SELECT INSERT DELETE",
        "service_item completed_at applicant_index index_version request_digest attempt data_key sealed"
        " reserved_at committed_at",
    ),
    # An erasure destroys keys, envelopes and indexes, here and of materials, uses and holders.
    "certificate_holders": _rights("SELECT INSERT", "data_key"),
    "certificate_types": WRITTEN_ONCE,
    "certificates": _rights(
        "SELECT INSERT",
        "status status_since superseded_by data_key sealed number_index code_index token_index",
    ),
    "change_backfills": _rights("SELECT", "copied_through copied done"),
    # The feed's sequencer gives each its place.
    "changes": _rights("SELECT INSERT", "position"),
    "client_keys": _rights("SELECT INSERT", "jwk created_at expires_at"),
    "client_secrets": _rights("SELECT INSERT", "expires_at"),
    "client_sightings": _rights("SELECT INSERT", "seen_at"),
    "clients": _rights("SELECT INSERT", "disabled_at"),
    "consent_events": WRITTEN_ONCE,
    "consents": _rights("SELECT INSERT", "uses_left revoked_at sealed"),
    "deferral_orders": WRITTEN_ONCE,
    "delegation_events": WRITTEN_ONCE,
    # An erasure takes the names out of what was delegated.
    "delegations": _rights("SELECT INSERT", "accepted_at revoked_at delegate_index index_version sealed"),
    # A sheet is written anew at every turn.
    "desks": _rights("SELECT INSERT DELETE", "data_key sealed ends_at"),
    # Counted on while it is new, gone when it is old.
    "deposit_tallies": _rights("SELECT INSERT DELETE", "count"),
    "dispute_events": WRITTEN_ONCE,
    "disputes": _rights("SELECT INSERT", "state accepted_at closed_at"),
    "documents": WRITTEN_ONCE,
    "hold_events": WRITTEN_ONCE,
    "holders": _rights("SELECT INSERT", "code_index data_key sealed erased_at"),
    # Other keys are brought in by a rotation, which runs as the owner.
    # A chunk of rows is tried again: what was rejected may be mended.
    "import_chunks": _rights(
        "SELECT INSERT", "rows states certificates reasons imported already_there rejected done_at"
    ),
    "import_runs": _rights("SELECT INSERT", "total seen_at finished_at failure source name"),
    "key_state": READ,
    "log_checkpoints": WRITTEN_ONCE,
    "log_cosignatures": WRITTEN_ONCE,
    # The log's sequencer gives each its index.
    "log_leaves": _rights("SELECT INSERT", "log_index"),
    "log_publications": WRITTEN_ONCE,
    "log_shards": WRITTEN_ONCE,
    # The last tile of each level grows.
    "log_tiles": _rights("SELECT INSERT", "hashes"),
    "material_events": WRITTEN_ONCE,
    "material_holders": _rights("SELECT INSERT", "data_key"),
    "material_types": WRITTEN_ONCE,
    "materials": _rights("SELECT INSERT", "trust verified_by verified_at data_key sealed"),
    "national_seals": WRITTEN_ONCE,
    # A run says how far it is, and how it ended.
    "operation_runs": _rights("SELECT INSERT", "seen_at finished_at outcome done problems notes size_bytes"),
    "people": _rights(
        "SELECT INSERT",
        "subject_index index_version roles organisation assurance code_type code_index data_key sealed"
        " signed_in_at",
    ),
    "presentation_events": WRITTEN_ONCE,
    "presentations": _rights("SELECT INSERT", "redeemed_at"),
    # Nothing in it survives a crash of the server.
    "rate_buckets": _rights("SELECT INSERT DELETE", "empty_at"),
    "renditions": WRITTEN_ONCE,
    "reservations": _rights("SELECT INSERT DELETE", "abandoned_at grant_id counted_on national_grant_id"),
    "reserved_holders": COME_AND_GO,
    "seal_events": WRITTEN_ONCE,
    "seal_grant_events": WRITTEN_ONCE,
    "seal_grants": WRITTEN_ONCE,
    "seal_term_walk": _rights("SELECT", "walked_through done plan grace"),
    # Rows come by a trigger, and by the worker for what was there before.
    "seal_terms": _rights(
        "SELECT INSERT",
        "level number state due_at lasts_until algorithms tries failed_tries failure untimed_since",
    ),
    "seal_uses": _rights("SELECT INSERT", "used"),
    "seals": _rights("SELECT INSERT", "stopped_at"),
    "service_items": WRITTEN_ONCE,
    "sign_in_attempts": COME_AND_GO,
    "status_events": WRITTEN_ONCE,
    "upload_keys": WRITTEN_ONCE,
    "use_codes": _rights("SELECT INSERT", "redeemed_by redeemed_at"),
    "use_copies": WRITTEN_ONCE,
    "use_events": WRITTEN_ONCE,
    "use_footings": WRITTEN_ONCE,
    "use_holders": _rights("SELECT INSERT", "data_key"),
    "used_assertions": COME_AND_GO,
    "uses": _rights("SELECT INSERT", "revoked_at data_key sealed request_index"),
    "verification_batches": COME_AND_GO,
    "verification_days": _rights("SELECT INSERT", "count"),
    "web_sessions": _rights("SELECT INSERT DELETE", "seen_at"),
    "webhook_deliveries": _rights("SELECT INSERT DELETE", "state tries failure next_try_at settled_at"),
    "webhook_secrets": _rights("SELECT INSERT DELETE", "expires_at"),
    "webhooks": _rights("SELECT INSERT DELETE", "cut_through"),
}

# The doctor compares the schema's revision.
REVISION_TABLE = "alembic_version"
# Procrastinate's own tables, with their sequences: jobs come and go.
QUEUE_PREFIX = "procrastinate_"
QUEUE = _rights("SELECT INSERT UPDATE DELETE")
