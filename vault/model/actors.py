"""Who acts: approval systems, the clerks they act for, and people who sign in."""

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from uuid import UUID

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
    changes for them; None for all. `acting_for`: the clerk whom this one request names.
    """

    client_id: str
    name: str
    authorities: frozenset[str]
    types: frozenset[str] | None = None
    acting_for: Clerk | None = field(default=None, repr=False)

    def covers_type(self, type_code: str) -> bool:
        """Whether the grant holds this certificate type."""
        return self.types is None or type_code in self.types

    def covers(self, authority: str, type_code: str) -> bool:
        """Whether the grant holds certificates of this type from this authority."""
        return authority in self.authorities and self.covers_type(type_code)


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
