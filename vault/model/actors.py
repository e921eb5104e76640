"""Who acts: approval systems, the clerks they act for, and people who sign in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, StrEnum
from typing import Any
from uuid import UUID

from vault.model.footing import BY_FUNCTION, Standing
from vault.model.holders import HolderCode


class Role(StrEnum):
    """What a person who signs in may be; one person may be several."""

    HOLDER = "holder"
    CLERK = "clerk"
    VERIFIER = "verifier"
    ISSUER = "issuer"
    SEAL_CUSTODIAN = "seal_custodian"
    AUDITOR = "auditor"
    OPERATOR = "operator"


PERSON_PREFIX = "person:"
# Clients of this name hand in what clerks archive at their desks; nobody registers one.
COUNTER_PREFIX = "counter."
STAFF = frozenset(Role) - {Role.HOLDER}
"""Roles that somebody has for an organisation, and not for themselves."""


class Assurance(IntEnum):
    """How sure the provider is that this is who they say (ISO/IEC 29115, clause 6)."""

    LOW = 1
    MEDIUM = 2
    HIGH = 3
    VERY_HIGH = 4


@dataclass(frozen=True, slots=True)
class Clerk:
    """The clerk for whom an approval system asks, as that system names them."""

    name: str = field(repr=False)
    staff_number: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class ClientGrant:
    """An approval system that may come in, and what it is bound to.

    `authorities`: USCCs of the bodies for which it deposits. `types`: certificate types that it deposits and
    changes for them; None for all. `acting_for`: the clerk whom this one request names. `standing`: on what
    footing it asks for what others hold.
    """

    client_id: str
    name: str
    authorities: frozenset[str]
    types: frozenset[str] | None = None
    acting_for: Clerk | None = field(default=None, repr=False)
    standing: Standing = BY_FUNCTION

    @property
    def actor(self) -> str:
        """As what it stands in records."""
        return self.client_id


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that a client signs with: a JSON Web Key without its private part, and until when it counts."""

    kid: str
    jwk: Mapping[str, Any]
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class ClientFile:
    """Everything that is kept about a client, for an operator. `secret_ends`: one for each live secret."""

    grant: ClientGrant
    created_at: datetime
    disabled_at: datetime | None
    secret_ends: tuple[datetime | None, ...]
    keys: tuple[PublicKey, ...]


@dataclass(frozen=True, slots=True)
class Introduced:
    """Somebody as a provider introduces them, its claims read: `issuer` and `subject` say who it is."""

    issuer: str
    subject: str = field(repr=False)
    name: str = field(repr=False)
    roles: frozenset[Role]
    organisation: str | None
    code: HolderCode | None = field(repr=False)
    assurance: Assurance


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed in, as the provider last introduced them.

    `issuer`: the provider's identifier. `organisation`: USCC of the body for which their staff roles hold.
    `code`: what they hold certificates under; None where the provider asserts none.
    """

    person_id: UUID
    issuer: str
    name: str = field(repr=False)
    roles: frozenset[Role]
    organisation: str | None
    code: HolderCode | None = field(repr=False)
    assurance: Assurance

    @property
    def actor(self) -> str:
        """As what they stand in records: never a name. No client's id has a colon."""
        return f"{PERSON_PREFIX}{self.person_id}"
