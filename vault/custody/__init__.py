"""Seals under control: grants by four eyes, stops by one pair, keys brought in, and what is shown of it."""

from vault.custody.development import development_custodian, grant_what_is_missing
from vault.custody.granting import Decided, approve, end, propose
from vault.custody.importing import (
    BroughtKey,
    SealLook,
    from_pkcs8,
    from_pkcs12,
    from_token,
    import_seal,
)
from vault.custody.national import (
    NationalLook,
    from_sm2,
    import_closing_key,
    import_national_seal,
    make_and_import_national_seal,
    national_seal_of,
    open_maker,
)
from vault.custody.reading import read_terms
from vault.custody.showing import grant_json, grants_json, seal_json, seals, seals_for
from vault.custody.stopping import Resumption, Stopped, propose_resumption, resume, stop

__all__ = [
    "BroughtKey",
    "Decided",
    "NationalLook",
    "Resumption",
    "SealLook",
    "Stopped",
    "approve",
    "development_custodian",
    "end",
    "from_pkcs8",
    "from_pkcs12",
    "from_sm2",
    "from_token",
    "grant_json",
    "grant_what_is_missing",
    "grants_json",
    "import_closing_key",
    "import_national_seal",
    "import_seal",
    "make_and_import_national_seal",
    "national_seal_of",
    "open_maker",
    "propose",
    "propose_resumption",
    "read_terms",
    "resume",
    "seal_json",
    "seals",
    "seals_for",
    "stop",
]
