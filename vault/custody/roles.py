"""Who may do what to seals and grants. The three roles are kept apart: nobody may hold two of them.

| act | seal custodian | operator | auditor |
| --- | --- | --- | --- |
| make or approve a grant, end one | yes | | |
| propose or approve a resumption | yes | | |
| stop a seal | yes | yes | |
| see seals, grants and counts | yes | yes | yes |

A custodian keeps the seals of the organisation for which they signed in; of others there are none for them.
Operators and auditors are the vault's, and theirs are all.
"""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID

from storage.db import ReadConnection
from storage.envelope import KeyRing
from storage.people import share_a_code
from vault.errors import NotPermitted
from vault.model.actors import Person, Role
from vault.model.custody import Deed

KEPT_APART = frozenset({Role.SEAL_CUSTODIAN, Role.OPERATOR, Role.AUDITOR})
_PERSON = "person:"


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
    """Returns where this person may see seals and grants: a custodian those that they keep.

    Raises:
        NotPermitted: they may not.
    """
    _check(person, KEPT_APART, "This is for seal custodians, operators and auditors.")


def sees(person: Person, authority: str) -> bool:
    """Whether somebody who may see seals may see those of this authority."""
    return Role.SEAL_CUSTODIAN not in person.roles or keeps(person, authority)


def keeps(person: Person, authority: str | None) -> bool:
    """Whether the seals of this authority are among those that a custodian keeps; None is nobody's."""
    return authority is not None and person.organisation == authority


def check_another(
    db: ReadConnection, keys: KeyRing, person: Person, made: Collection[Deed], what: str
) -> None:
    """Returns where somebody else made what this person is to approve: four eyes (四眼).

    Somebody with two accounts, or at two providers, is two people here, unless both name one ID number.

    Raises:
        NotPermitted: it was this person.
    """
    makers = {deed.actor for deed in made}
    known = {UUID(actor.removeprefix(_PERSON)) for actor in makers if actor.startswith(_PERSON)}
    if actor_of(person) in makers or share_a_code(db, keys, person.person_id, known):
        raise NotPermitted(f"Who makes {what} does not approve it: another seal custodian has to.")


def actor_of(person: Person) -> str:
    """How a person stands in events and in the audit."""
    return f"{_PERSON}{person.person_id}"


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
