"""Consents (授权): holders grant an organisation to see what is theirs, and take it back at once."""

from vault.consents.asking import Asked, Askers, askers_for
from vault.consents.granting import Granted, grant_consent
from vault.consents.listing import CONSENTS_MAX, Consents, consents_of
from vault.consents.reading import ConsentRequest, read_consent
from vault.consents.revoking import revoke_consent
from vault.consents.showing import consent_json, consents_json

__all__ = [
    "CONSENTS_MAX",
    "Asked",
    "Askers",
    "ConsentRequest",
    "Consents",
    "Granted",
    "askers_for",
    "consent_json",
    "consents_json",
    "consents_of",
    "grant_consent",
    "read_consent",
    "revoke_consent",
]
