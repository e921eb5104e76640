"""Invented people who look after seals."""

from datetime import UTC, datetime

from vault.model.actors import Assurance, Person, Role
from vault.model.ids import uuid7

OFFICE = "91350100M000100Y43"


def staff(*roles: Role, organisation: str | None = OFFICE) -> Person:
    """Somebody of the staff, as a session would name them; every call makes another person."""
    return Person(
        person_id=uuid7(datetime.now(UTC)),
        issuer="https://id.example",
        name="印样",
        roles=frozenset(roles),
        organisation=organisation,
        code=None,
        assurance=Assurance.HIGH,
    )


def two_custodians(authority: str) -> tuple[Person, Person]:
    """One who makes and one who approves, for this authority's seals."""
    return staff(Role.SEAL_CUSTODIAN, organisation=authority), staff(
        Role.SEAL_CUSTODIAN, organisation=authority
    )
