"""What one person makes another approves (四眼), and each act says whose it is."""

from collections.abc import Collection
from datetime import datetime
from uuid import UUID

from storage.db import ReadConnection
from storage.envelope import KeyRing
from storage.people import share_a_code
from vault.errors import NotPermitted
from vault.model.access import Action, Kind, Resource, refusal
from vault.model.actors import PERSON_PREFIX, Person
from vault.model.custody import Deed


def keeps(person: Person, authority: str | None) -> bool:
    """Whether the seals of this authority are among those that a custodian keeps; None is nobody's."""
    return refusal(person, Action.KEEP_SEAL, Resource(Kind.SEAL, authority)) is None


def check_another(
    db: ReadConnection, keys: KeyRing, person: Person, made: Collection[Deed], what: str
) -> None:
    """Returns where somebody else made what this person is to approve.

    Somebody with two accounts, or at two providers, is two people here, unless both name one ID number.

    Raises:
        NotPermitted: it was this person.
    """
    makers = {deed.actor for deed in made}
    known = {UUID(actor.removeprefix(PERSON_PREFIX)) for actor in makers if actor.startswith(PERSON_PREFIX)}
    if person.actor in makers or share_a_code(db, keys, person.person_id, known):
        raise NotPermitted(f"Who makes {what} does not approve it: another seal custodian has to.")


def deed_of(person: Person, via: str, at: datetime, reason: str | None = None) -> Deed:
    """What this person does now."""
    return Deed(person.actor, via, at, reason)
