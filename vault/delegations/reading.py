"""From a request's JSON to a delegation that can be granted: every problem at its JSON pointer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from vault.errors import FieldProblem, InputError
from vault.model.catalogue import HolderKind
from vault.model.delegation import DAYS_MAX, DelegatedAction, Delegation
from vault.model.granted import Period, read_period, read_types
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day
from vault.shelf import CatalogueShelf


@dataclass(frozen=True, slots=True)
class DelegationRequest:
    """What is delegated, and to whom."""

    delegate: HolderCode = field(repr=False)
    types: frozenset[str]
    actions: frozenset[DelegatedAction]
    period: Period

    def is_the_same(self, delegation: Delegation) -> bool:
        """Whether this was granted by that delegation, of the same holder."""
        mine = (self.types, self.actions, self.period.first, self.period.last)
        theirs = (delegation.types, delegation.actions, delegation.valid_from, delegation.valid_to)
        named = delegation.delegate
        return mine == theirs and named is not None and self.delegate.identity == named.identity


def read_delegation(
    shelf: CatalogueShelf, mine: HolderCode | None, request: Mapping[str, Any], *, at: datetime
) -> DelegationRequest:
    """Checks a request's JSON (its shape is the contract's already); `mine`: the code of who delegates.

    Raises:
        InputError: with one problem for each bad field.
        Unavailable: the database does not answer.
    """
    problems: list[FieldProblem] = []
    on = legal_day(at)
    delegate = _delegate(problems, mine, request["delegate"], on)
    kinds = read_types(problems, request["types"], shelf.types(at))
    actions = request["actions"]
    if not actions:
        problems.append(FieldProblem("/actions", f"Expected one or more of: {', '.join(DelegatedAction)}."))
    problems.extend(
        FieldProblem(f"/actions/{n}", f"Expected one of: {', '.join(DelegatedAction)}.")
        for n, action in enumerate(actions)
        if action not in list(DelegatedAction)
    )
    period = read_period(problems, request, days_max=DAYS_MAX, on=on)
    if problems or delegate is None or period is None:
        count = len(problems)
        raise InputError(f"{count} field{' is' if count == 1 else 's are'} wrong.", *problems)
    return DelegationRequest(
        delegate=delegate,
        types=frozenset(kind.code for kind in kinds),
        actions=frozenset(DelegatedAction(action) for action in actions),
        period=period,
    )


def _delegate(
    problems: list[FieldProblem], mine: HolderCode | None, given: Mapping[str, str], on: date
) -> HolderCode | None:
    try:
        code = HolderCode.parse(given["code_type"], given["code"], today=on)
    except InputError as error:
        problems.extend(error.under("/delegate").problems)
        return None
    if code.kind is not HolderKind.PERSON:
        problems.append(
            FieldProblem("/delegate/code_type", "A delegate is a person: this is an organisation.")
        )
    elif mine is not None and code.identity == mine.identity:
        problems.append(FieldProblem("/delegate/code", "This is your own code: a delegate is somebody else."))
    return code
