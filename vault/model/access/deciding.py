"""The decision itself: pure, deny by default, the same answer for the same facts."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from vault.errors import NotAuthenticated, NotFound, NotPermitted, VaultError
from vault.model.access.facts import Action, Actor, Anyone, Context, Kind, Machine, Resource
from vault.model.access.rules import RULES, Line, Refusal, Rule, Who
from vault.model.actors import ClientGrant, Person, Role

T = TypeVar("T")

_NO_CONTEXT = Context()
_SIGN_IN = "This is not open to you as you came in. It is for {whom}."


def authorize(
    actor: Actor, action: Action, resource: Resource | None = None, context: Context = _NO_CONTEXT
) -> None:
    """Lets somebody do something, or raises why not.

    Called by each flow once, where the resource is known: its row was read, and nothing of it was told or
    written yet. `resource` None: the action has none, or none that exists.

    Raises:
        NotAuthenticated: the action is not for anybody who came in in this way, whatever their roles.
        NotFound: what they may not know of, in the words of `not_there`.
        NotPermitted: what they may know of and not do.
    """
    refused = refusal(actor, action, resource, context)
    if refused is not None:
        raise refused


def refusal(
    actor: Actor, action: Action, resource: Resource | None = None, context: Context = _NO_CONTEXT
) -> VaultError | None:
    """What `authorize` would raise, for those who first record the refusal; None where it is permitted.

    Who came in in a way that no line of the rule knows hears so before the resource has any say, so that
    this tells nothing about it.
    """
    rule = RULES.get(action)
    if rule is None:
        return NotPermitted("Nobody may do this.")
    if any(_applies(line, actor, resource, context) for line in rule.lines):
        return None
    if not any(_knows(line, actor) for line in rule.lines):
        return NotAuthenticated(_SIGN_IN.format(whom=whom(rule)))
    if rule.refusal is Refusal.HIDES and resource is not None:
        return not_there(resource.kind)
    return NotPermitted(_words(rule, actor))


def permitted(
    actor: Actor, action: Action, found: Iterable[T], resource_of: Callable[[T], Resource]
) -> tuple[T, ...]:
    """Those of a list that somebody may do this with."""
    return tuple(each for each in found if refusal(actor, action, resource_of(each)) is None)


def authorities_of(actor: ClientGrant | Machine) -> frozenset[str] | None:
    """USCCs to whose certificates a list may be narrowed before each entry is decided; None: to nobody's."""
    return actor.authorities if isinstance(actor, ClientGrant) else None


def not_there(kind: Kind) -> NotFound:
    """The one answer for what does not exist and for what one may not know of."""
    return NotFound(f"There is no such {kind}.")


def whom(rule: Rule) -> str:
    """For whom an action is, in words."""
    names = list(
        dict.fromkeys(f"{line.who.value.replace('_', ' ')}s" for line in rule.lines if _is_called(line))
    )
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1]))) if names else "the machine"


def _words(rule: Rule, actor: Actor) -> str:
    own = [line for line in rule.lines if _is(line.who, actor)]
    if not own:
        return f"This is for {whom(rule)}."
    ways = "; or ".join(", ".join(each.words for each in line.where) for line in own)
    return f"This is permitted only where {ways}."


def _is_called(line: Line) -> bool:
    return line.who not in {Who.ANYONE, Who.MACHINE}


def _applies(line: Line, actor: Actor, resource: Resource | None, context: Context) -> bool:
    return _is(line.who, actor) and all(each.holds(actor, resource, context) for each in line.where)


def _is(who: Who | Role, actor: Actor) -> bool:
    match who:
        case Who.ANYONE:
            return True
        case Who.CLIENT:
            return isinstance(actor, ClientGrant)
        case Who.MACHINE:
            return isinstance(actor, Machine)
        case _:
            return isinstance(actor, Person) and who in actor.roles


def _knows(line: Line, actor: Actor) -> bool:
    """Whether the line is for somebody who came in in this way: as a system, by a session, at the machine."""
    match actor:
        case Anyone():
            return line.who is Who.ANYONE
        case Person():
            return isinstance(line.who, Role)
        case _:
            return _is(line.who, actor)
