"""From a request's JSON to a question that can be answered: every problem at its JSON pointer."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from vault.errors import FieldProblem, InputError
from vault.model.catalogue import HolderKind
from vault.model.holders import HolderCode
from vault.model.legal_time import legal_day
from vault.model.service_item import HolderRole, ServiceItem
from vault.model.written import case_number_form

# An estate with more co-owners is settled in several cases; each holder costs an index read.
HOLDERS_MAX = 50
# As for a deposit's case number.
CASE_NUMBER_MAX_CHARS = 128

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


@dataclass(frozen=True, slots=True)
class AskedHolder:
    """Somebody of the case, and what they are in it."""

    role: HolderRole
    code: HolderCode = field(repr=False)


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: one service item, the people of the case, by when it will be decided.

    `case_number` None: asked before there is a case. `on`: today; `needed_until`: the expected day of
    decision, today where none was given.
    """

    item: ServiceItem
    holders: tuple[AskedHolder, ...] = field(repr=False)
    case_number: str | None
    on: date
    needed_until: date


def read_question(items: Mapping[str, ServiceItem], request: Mapping[str, Any], *, at: datetime) -> Question:
    """Checks a request's JSON (its shape is the contract's already) against the catalogue in force.

    Raises:
        InputError: with one problem for each bad field.
    """
    problems: list[FieldProblem] = []
    on = legal_day(at)
    item = items.get(request["service_item"])
    if item is None:
        detail = (
            "There is no service item with this code in force; GET /v1/catalogue/service-items lists them."
        )
        problems.append(FieldProblem("/service_item", detail))
    holders = _holders(request["holders"], on, problems)
    if item is not None:
        problems.extend(_applicant_problems(item, holders))
    case_number = request.get("case_number")
    if case_number is not None:  # as deposits keep it, so that both mean the same case
        case_number = case_number_form(case_number)
    if case_number is not None and not 1 <= len(case_number) <= CASE_NUMBER_MAX_CHARS:
        detail = f"Expected 1 to {CASE_NUMBER_MAX_CHARS} characters, got {len(case_number)}."
        problems.append(FieldProblem("/case_number", detail))
    needed_until = on if request.get("needed_until") is None else _date(request["needed_until"])
    if needed_until is None or needed_until < on:
        problems.append(FieldProblem("/needed_until", "Expected today or a later date, as YYYY-MM-DD."))
    if problems or item is None or needed_until is None:
        count = len(problems)
        raise InputError(f"{count} field{' is' if count == 1 else 's are'} wrong.", *problems)
    return Question(item, tuple(holder for _, holder in holders), case_number, on, needed_until)


def _holders(
    values: Sequence[Mapping[str, str]], on: date, problems: list[FieldProblem]
) -> list[tuple[int, AskedHolder]]:
    """Those that can be read, with their place in the request."""
    if not 1 <= len(values) <= HOLDERS_MAX:
        detail = f"Expected 1 to {HOLDERS_MAX} holders, got {len(values)}."
        problems.append(FieldProblem("/holders", detail))
        return []
    found = []
    for n, value in enumerate(values):
        role = value.get("role") or HolderRole.APPLICANT
        if role not in list(HolderRole):
            detail = f"Expected one of: {', '.join(HolderRole)}."
            problems.append(FieldProblem(f"/holders/{n}/role", detail))
            continue
        try:
            code = HolderCode.parse(value["code_type"], value["code"], today=on)
        except InputError as error:
            problems.extend(error.under(f"/holders/{n}").problems)
            continue
        found.append((n, AskedHolder(HolderRole(role), code)))
    if len(found) == len(values) and all(h.role is not HolderRole.APPLICANT for _, h in found):
        problems.append(FieldProblem("/holders", "Expected an applicant among the holders, got none."))
    return found


def _applicant_problems(item: ServiceItem, holders: Sequence[tuple[int, AskedHolder]]) -> list[FieldProblem]:
    may_apply = " or ".join(f"{kind.value}s" for kind in sorted(item.applicants))
    return [
        FieldProblem(f"/holders/{n}", f"{item.name} is for {may_apply}: this applicant is none.")
        for n, holder in holders
        if holder.role is HolderRole.APPLICANT and holder.code.kind not in item.applicants
    ] + [
        FieldProblem(f"/holders/{n}", "A legal representative is a person: this is an organisation.")
        for n, holder in holders
        if holder.role is HolderRole.LEGAL_REPRESENTATIVE and holder.code.kind is not HolderKind.PERSON
    ]


def _date(value: str) -> date | None:
    try:
        return date.fromisoformat(value) if _DATE.fullmatch(value) else None
    except ValueError:
        return None
