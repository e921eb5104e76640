"""Who may do what: the facts, the table of rules, and the one function that decides by them."""

from vault.model.access.deciding import authorities_of, authorize, not_there, permitted, refusal
from vault.model.access.facts import (
    ANYONE,
    MACHINE,
    Action,
    Actor,
    Anyone,
    Caller,
    Context,
    Kind,
    Machine,
    Resource,
    certificate,
)

__all__ = [
    "ANYONE",
    "MACHINE",
    "Action",
    "Actor",
    "Anyone",
    "Caller",
    "Context",
    "Kind",
    "Machine",
    "Resource",
    "authorities_of",
    "authorize",
    "certificate",
    "not_there",
    "permitted",
    "refusal",
]
