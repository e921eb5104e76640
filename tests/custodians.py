"""Invented people who look after seals."""

from datetime import UTC, datetime

from vault.model.actors import Assurance, Person, Role
from vault.model.ids import uuid7


def staff(*roles: Role) -> Person:
    """Somebody of the staff, as a session would name them; every call makes another person."""
    return Person(
        person_id=uuid7(datetime.now(UTC)),
        issuer="https://id.example",
        name="印样",
        roles=frozenset(roles),
        organisation="91350100M000100Y43",
        code=None,
        assurance=Assurance.HIGH,
    )


def two_custodians() -> tuple[Person, Person]:
    """One who makes and one who approves."""
    return staff(Role.SEAL_CUSTODIAN), staff(Role.SEAL_CUSTODIAN)
