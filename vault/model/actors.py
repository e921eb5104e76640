"""Who acts: approval systems, and people who sign in."""

from dataclasses import dataclass, field
from enum import StrEnum
from uuid import UUID

from vault.model.holders import HolderCode


class Role(StrEnum):
    """What a person who signs in may be; one person may be several."""

    HOLDER = "holder"
    CLERK = "clerk"
    OPERATOR = "operator"
    AUDITOR = "auditor"
    SEAL_CUSTODIAN = "seal_custodian"


@dataclass(frozen=True, slots=True)
class ClientGrant:
    """An approval system that may come in. `authorities`: USCCs of the bodies for which it deposits."""

    client_id: str
    name: str
    authorities: frozenset[str]


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who signed in. `code` is what they hold certificates under; None for staff without one."""

    person_id: UUID
    login: str
    name: str = field(repr=False)
    roles: frozenset[Role]
    organisation: str | None
    code: HolderCode | None = field(repr=False)
