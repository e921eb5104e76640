"""Who may do what to seals and grants. The three roles are kept apart: nobody may hold two of them.

| act | seal custodian | operator | auditor |
| --- | --- | --- | --- |
| make or approve a grant, end one | yes | | |
| propose or approve a resumption | yes | | |
| stop a seal | yes | yes | |
| see seals, grants and counts | yes | yes | yes |
"""

from collections.abc import Iterable
from datetime import datetime

from vault.errors import NotPermitted
from vault.model.actors import Person, Role
from vault.model.custody import Deed

KEPT_APART = frozenset({Role.SEAL_CUSTODIAN, Role.OPERATOR, Role.AUDITOR})


def check_custodian(person: Person) -> None:
    """Returns where this is a seal custodian and neither operator nor auditor.

    Raises:
        NotPermitted: it is not.
    """
    _check(person, {Role.SEAL_CUSTODIAN}, "This is for seal custodians.")


def check_may_stop(person: Person) -> None:
    """Returns where this person may stop a seal.

    Raises:
        NotPermitted: they may not.
    """
    _check(
        person, {Role.SEAL_CUSTODIAN, Role.OPERATOR}, "A seal is stopped by a seal custodian or an operator."
    )


def check_may_see(person: Person) -> None:
    """Returns where this person may see seals and grants.

    Raises:
        NotPermitted: they may not.
    """
    _check(person, KEPT_APART, "This is for seal custodians, operators and auditors.")


def check_another(person: Person, made: Deed, what: str) -> None:
    """Returns where somebody else made what this person is to approve: four eyes (四眼).

    Raises:
        NotPermitted: it was this person.
    """
    if made.actor == actor_of(person):
        raise NotPermitted(f"Who makes {what} does not approve it: another seal custodian has to.")


def actor_of(person: Person) -> str:
    """How a person stands in events and in the audit."""
    return f"person:{person.person_id}"


def deed_of(person: Person, via: str, at: datetime, reason: str | None = None) -> Deed:
    """What this person does now."""
    return Deed(actor_of(person), via, at, reason)


def _check(person: Person, wanted: Iterable[Role], refusal: str) -> None:
    if not person.roles & frozenset(wanted):
        raise NotPermitted(refusal)
    if len(person.roles & KEPT_APART) > 1:
        raise NotPermitted(
            "Seal custodian, operator and auditor are kept apart, and this person is more than one of them."
        )
