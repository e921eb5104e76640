"""Founding a development vault: its keys, its own certificate authorities, and seals for every authority.

Nothing here is for production: there, keys come from their ceremony and seals from a licensed authority.
"""

from vault.founding.national import (
    make_development_closing_key,
    make_development_national_seal,
    make_development_national_seals,
)
from vault.founding.seals import (
    ATTESTATION_SEAL_LINE,
    make_development_attestation_seal,
    make_development_platform_seal,
    make_development_seal,
    make_development_seals,
)
from vault.founding.secrets import SecretsFolder, found_development_secrets

__all__ = [
    "ATTESTATION_SEAL_LINE",
    "SecretsFolder",
    "found_development_secrets",
    "make_development_attestation_seal",
    "make_development_closing_key",
    "make_development_national_seal",
    "make_development_national_seals",
    "make_development_platform_seal",
    "make_development_seal",
    "make_development_seals",
]
