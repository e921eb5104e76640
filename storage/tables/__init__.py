"""The vault's tables. Personal data stands only in `sealed` columns (envelopes) and `_index` columns (HMAC).

`migrations/versions/` creates them; a test compares the two.
"""

from storage.tables.access import client_secrets, clients, people, web_sessions
from storage.tables.cases import cases, reservations
from storage.tables.catalogue import certificate_types, seals, service_items
from storage.tables.certificates import certificate_holders, certificates, documents, holders
from storage.tables.columns import metadata, moment
from storage.tables.history import audit_events, avoided_resubmissions, log_leaves, status_events
from storage.tables.keys import case_holders, hold_events, key_state, upload_keys
from storage.tables.materials import material_events, material_holders, materials

__all__ = [
    "audit_events",
    "avoided_resubmissions",
    "case_holders",
    "cases",
    "certificate_holders",
    "certificate_types",
    "certificates",
    "client_secrets",
    "clients",
    "documents",
    "hold_events",
    "holders",
    "key_state",
    "log_leaves",
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
    "upload_keys",
    "web_sessions",
]
