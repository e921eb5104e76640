"""The vault's tables. Personal data stands only in `sealed` columns (envelopes) and `_index` columns (HMAC).

`migrations/versions/` creates them; a test compares the two.
"""

from storage.tables.access import client_secrets, clients, people, web_sessions
from storage.tables.cases import cases, reservations
from storage.tables.catalogue import certificate_types, seals, service_items
from storage.tables.certificates import certificate_holders, certificates, documents, holders
from storage.tables.columns import metadata, moment
from storage.tables.history import audit_events, avoided_resubmissions, log_leaves, status_events
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

__all__ = [
    "audit_chain",
    "audit_events",
    "audit_heads",
    "avoided_resubmissions",
    "cases",
    "certificate_holders",
    "certificate_types",
    "certificates",
    "client_secrets",
    "clients",
    "documents",
    "holders",
    "log_checkpoints",
    "log_cosignatures",
    "log_leaves",
    "log_publications",
    "log_shards",
    "log_tiles",
    "material_events",
    "material_holders",
    "materials",
    "metadata",
    "moment",
    "people",
    "reservations",
    "seals",
    "service_items",
    "status_events",
    "web_sessions",
]
