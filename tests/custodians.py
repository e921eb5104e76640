"""Invented people who look after seals."""

from datetime import UTC, datetime

from vault.model.actors import Person, Role
from vault.model.ids import uuid7


def staff(login: str, *roles: Role) -> Person:
    """Somebody of the staff, as a session would name them; every call makes another person."""
    return Person(uuid7(datetime.now(UTC)), login, "印样", frozenset(roles), "样例市行政审批局", None)


def two_custodians() -> tuple[Person, Person]:
    """One who makes and one who approves."""
    return staff("custodian-1", Role.SEAL_CUSTODIAN), staff("custodian-2", Role.SEAL_CUSTODIAN)
