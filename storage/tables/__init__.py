"""The vault's tables. Personal data stands only in `sealed` columns (envelopes) and `_index` columns (HMAC).

`migrations/versions/` creates them; a test compares the two.
"""

from storage.tables.access import (
    client_keys,
    client_secrets,
    clients,
    people,
    sign_in_attempts,
    used_assertions,
    web_sessions,
)
from storage.tables.accesses import (
    audit_subjects,
    deferral_orders,
    verification_batches,
    verification_days,
)
from storage.tables.cases import cases, reservations, reserved_holders
from storage.tables.catalogue import (
    certificate_types,
    material_types,
    national_seals,
    seals,
    service_items,
)
from storage.tables.certificates import certificate_holders, certificates, documents, holders
from storage.tables.changes import change_backfills, changes
from storage.tables.columns import metadata, moment
from storage.tables.consents import (
    consent_events,
    consents,
    delegation_events,
    delegations,
    presentation_events,
    presentations,
)
from storage.tables.custody import seal_events, seal_grant_events, seal_grants, seal_uses
from storage.tables.desk import desks
from storage.tables.disputes import dispute_events, disputes
from storage.tables.history import (
    audit_events,
    avoided_months,
    avoided_progress,
    avoided_resubmissions,
    log_leaves,
    status_events,
)
from storage.tables.imports import import_chunks, import_runs
from storage.tables.keys import case_holders, hold_events, key_state, upload_keys
from storage.tables.limits import rate_buckets
from storage.tables.log import (
    audit_chain,
    audit_heads,
    log_checkpoints,
    log_cosignatures,
    log_publications,
    log_shards,
    log_tiles,
)
from storage.tables.materials import material_events, material_holders, materials
from storage.tables.operations import client_sightings, deposit_tallies, operation_runs
from storage.tables.renditions import renditions, seal_term_walk, seal_terms
from storage.tables.uses import use_codes, use_copies, use_events, use_footings, use_holders, uses
from storage.tables.webhooks import webhook_deliveries, webhook_secrets, webhooks

__all__ = [
    "audit_chain",
    "audit_events",
    "audit_heads",
    "audit_subjects",
    "avoided_months",
    "avoided_progress",
    "avoided_resubmissions",
    "case_holders",
    "cases",
    "certificate_holders",
    "certificate_types",
    "certificates",
    "change_backfills",
    "changes",
    "client_keys",
    "client_secrets",
    "client_sightings",
    "clients",
    "consent_events",
    "consents",
    "deferral_orders",
    "delegation_events",
    "delegations",
    "deposit_tallies",
    "desks",
    "dispute_events",
    "disputes",
    "documents",
    "hold_events",
    "holders",
    "import_chunks",
    "import_runs",
    "key_state",
    "log_checkpoints",
    "log_cosignatures",
    "log_leaves",
    "log_publications",
    "log_shards",
    "log_tiles",
    "material_events",
    "material_holders",
    "material_types",
    "materials",
    "metadata",
    "moment",
    "national_seals",
    "operation_runs",
    "people",
    "presentation_events",
    "presentations",
    "rate_buckets",
    "renditions",
    "reservations",
    "reserved_holders",
    "seal_events",
    "seal_grant_events",
    "seal_grants",
    "seal_term_walk",
    "seal_terms",
    "seal_uses",
    "seals",
    "service_items",
    "sign_in_attempts",
    "status_events",
    "upload_keys",
    "use_codes",
    "use_copies",
    "use_events",
    "use_footings",
    "use_holders",
    "used_assertions",
    "uses",
    "verification_batches",
    "verification_days",
    "web_sessions",
    "webhook_deliveries",
    "webhook_secrets",
    "webhooks",
]
