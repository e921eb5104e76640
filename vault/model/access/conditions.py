"""The conditions under which a rule holds, each with the words by which the page of rules names it."""

from collections.abc import Callable
from dataclasses import dataclass

from vault.model.access.facts import Actor, Context, Kind, Resource
from vault.model.actors import ClientGrant, Person, Role
from vault.model.footing import ByConsent, Consented, Statutory

KEPT_APART = frozenset({Role.SEAL_CUSTODIAN, Role.OPERATOR, Role.AUDITOR})
"""Nobody may hold two of these: who uses seals, who runs the vault and who watches both."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`words` go on after "where". Of an actor or without a resource of which it cannot speak it is false."""

    words: str
    holds: Callable[[Actor, Resource | None, Context], bool]


def _bound(actor: Actor, resource: Resource | None, _: Context) -> bool:
    if not isinstance(actor, ClientGrant) or resource is None:
        return False
    of_its_types = actor.types is None or resource.type_code in actor.types
    return resource.authority in actor.authorities and of_its_types


def _answers(actor: Actor, resource: Resource | None, _: Context) -> bool:
    if not isinstance(actor, ClientGrant) or resource is None:
        return False
    of_its_types = actor.types is None or resource.type_code is None or resource.type_code in actor.types
    return resource.authority in actor.authorities and of_its_types


def _brought_in(actor: Actor, resource: Resource | None, _: Context) -> bool:
    if not isinstance(actor, ClientGrant | Person) or resource is None:
        return False
    return resource.by == actor.actor


def _redeemed(actor: Actor, resource: Resource | None, _: Context) -> bool:
    if not isinstance(actor, ClientGrant | Person) or resource is None:
        return False
    return actor.actor in resource.redeemed_by


def _of_organisation(actor: Actor, resource: Resource | None, _: Context) -> bool:
    if not isinstance(actor, Person) or actor.organisation is None or resource is None:
        return False
    return resource.authority == actor.organisation


def _handles_item(actor: Actor, _: Resource | None, context: Context) -> bool:
    if not isinstance(actor, Person) or actor.organisation is None or context.service_item is None:
        return False
    return context.handled_by == actor.organisation


def _holds(actor: Actor, resource: Resource | None, _: Context) -> bool:
    if not isinstance(actor, Person) or actor.code is None or resource is None:
        return False
    return actor.code.identity in resource.holders


def _delegated(actor: Actor, resource: Resource | None, _: Context) -> bool:
    if not isinstance(actor, Person) or actor.code is None or resource is None:
        return False
    return actor.code.identity in resource.delegates


def _of_a_function(actor: Actor, _: Resource | None, __: Context) -> bool:
    return _by_consent(actor) is False


def _by_function(actor: Actor, _: Resource | None, context: Context) -> bool:
    return _by_consent(actor) is False and isinstance(context.footing, Statutory)


def _consented(actor: Actor, resource: Resource | None, context: Context) -> bool:
    if not _by_consent(actor) or (resource is not None and resource.kind is Kind.MATERIAL):
        return False
    return isinstance(context.footing, Consented) and bool(context.footing.consents)


def _by_consent(actor: Actor) -> bool | None:
    """Whether somebody asks by consent; False: by function; None: they have no standing."""
    match actor:
        case ClientGrant():
            return isinstance(actor.standing, ByConsent)
        case Person():
            return False
        case _:
            return None


def _kept_apart(actor: Actor, _: Resource | None, __: Context) -> bool:
    return isinstance(actor, Person) and len(actor.roles & KEPT_APART) == 1


BOUND = Condition("it is of the client's authorities and certificate types", _bound)
BROUGHT_IN = Condition("they brought it in themselves", _brought_in)
ANSWERS = Condition("the client's authorities answer for it, and it is of its types or of none", _answers)
LOOKED = Condition("it is about an access of their own", _brought_in)
REDEEMED = Condition("they redeemed a code of it", _redeemed)
OF_ORGANISATION = Condition("their organisation issued it", _of_organisation)
IN_ORGANISATION = Condition(
    "they act for an organisation",
    lambda actor, _r, _c: isinstance(actor, Person) and bool(actor.organisation),
)
HANDLES_ITEM = Condition("their organisation handles the service item named", _handles_item)
APART = Condition("they are not two of seal custodian, operator and auditor", _kept_apart)
HOLDS = Condition("it is their own", _holds)
PURPOSE = Condition("a purpose is named", lambda _a, _r, context: bool(context.purpose))
CASE = Condition("a case is named", lambda _a, _r, context: bool(context.case_number))
ITEM = Condition("a service item in force is named", lambda _a, _r, context: context.service_item is not None)
FUNCTION = Condition("they have a function by law (依职能)", _of_a_function)
BY_FUNCTION = Condition("it rests on their function by law (依职能)", _by_function)
CONSENTED = Condition("a holder consents to it (授权), and it is no material", _consented)
IDENTIFIED = Condition(
    "they came in with their identity or social credit code",
    lambda actor, _r, _c: isinstance(actor, Person) and actor.code is not None,
)
DELEGATED = Condition("it is delegated to them (委托)", _delegated)
