"""A provider as the operator configured it: who it is, who we are there, and what its claims mean."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from vault.model.actors import Assurance, Role

# Stands in addresses and cookies' rows.
PROVIDER_KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?")


@dataclass(frozen=True, slots=True)
class ClaimNames:
    """Which claim says what; None where this provider says nothing of it."""

    name: str
    id_number: str | None
    code_type: str | None
    organisation: str | None
    roles: str | None
    assurance: str | None


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider. `key` names it in addresses; `names` are what people call it, by language.

    `may_assert_id_numbers`: only then is its word taken for whose certificates somebody may see. `code_type`:
    what its ID numbers are (GB/T 36903, annex A), unless a claim says so. `roles` and `assurances` translate
    its values; what they do not list means nothing. `from_userinfo`: its claims come from the UserInfo
    endpoint.
    """

    key: str
    names: Mapping[str, str]
    issuer: str
    client_id: str
    client_secret: str = field(repr=False)
    scopes: tuple[str, ...]
    algorithms: tuple[str, ...]
    claims: ClaimNames
    roles: Mapping[str, Role]
    default_roles: frozenset[Role]
    assurances: Mapping[str, Assurance]
    may_assert_id_numbers: bool
    code_type: str
    from_userinfo: bool
