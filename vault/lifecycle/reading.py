"""From a request's JSON to a checked decision or inspection: every problem at once, each at its pointer."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from vault.errors import FieldProblem, InputError
from vault.model.legal_time import legal_day
from vault.model.lifecycle import DECISIONS, Action, InspectionResult
from vault.model.written import ID_DIGITS_MIN, hides_something, holds_id_digits, text_form

# A sentence or two and the number of the decision; the decision itself is a document.
REASON_MAX_CHARS = 500

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


@dataclass(frozen=True, slots=True)
class StatusChange:
    """A decision of the issuing authority. `reason` is public."""

    action: Action
    reason: str
    effective_on: date


@dataclass(frozen=True, slots=True)
class Inspection:
    """An annual inspection (年检) and what it came to. `remark` is public."""

    result: InspectionResult
    inspected_on: date
    remark: str | None


def read_change(request: Mapping[str, Any], *, at: datetime) -> StatusChange:
    """Checks a change's JSON (its shape is the contract's already).

    Raises:
        InputError: with one problem for each bad field.
    """
    problems: list[FieldProblem] = []
    action = Action(request["action"]) if request["action"] in DECISIONS else None
    if action is None:
        expected = ", ".join(DECISIONS)
        problems.append(FieldProblem("/action", f"Expected one of {expected}."))
    reason = _public_text(problems, "/reason", request["reason"])
    effective_on = _day(problems, "/effective_on", request["effective_on"], at)
    if action is None or effective_on is None or problems:
        raise InputError("The change was refused.", *problems)
    return StatusChange(action, reason, effective_on)


def read_inspection(request: Mapping[str, Any], *, at: datetime) -> Inspection:
    """Checks an inspection's JSON (its shape is the contract's already).

    Raises:
        InputError: with one problem for each bad field.
    """
    problems: list[FieldProblem] = []
    result = InspectionResult(request["result"]) if request["result"] in list(InspectionResult) else None
    if result is None:
        expected = ", ".join(InspectionResult)
        problems.append(FieldProblem("/result", f"Expected one of {expected}."))
    inspected_on = _day(problems, "/inspected_on", request["inspected_on"], at)
    remark = request.get("remark")
    remark = None if remark is None else _public_text(problems, "/remark", remark)
    if result is None or inspected_on is None or problems:
        raise InputError("The inspection was refused.", *problems)
    return Inspection(result, inspected_on, remark)


def _public_text(problems: list[FieldProblem], pointer: str, value: str) -> str:
    text = text_form(value)
    if not 1 <= len(text) <= REASON_MAX_CHARS:
        sentence = f"Expected 1 to {REASON_MAX_CHARS} characters, got {len(text)}."
        problems.append(FieldProblem(pointer, sentence))
    elif hides_something(text):
        sentence = "Expected printable characters, got a control or invisible one."
        problems.append(FieldProblem(pointer, sentence))
    elif holds_id_digits(text):
        sentence = (
            f"This text is public: {ID_DIGITS_MIN} digits in a row may be an ID number; leave them out."
        )
        problems.append(FieldProblem(pointer, sentence))
    return text


def _day(problems: list[FieldProblem], pointer: str, value: str, at: datetime) -> date | None:
    try:
        day = date.fromisoformat(value) if _DATE.fullmatch(value) else None
    except ValueError:
        day = None
    if day is None:
        problems.append(FieldProblem(pointer, "Expected a date as YYYY-MM-DD."))
    elif day > legal_day(at):
        sentence = f"Expected {legal_day(at)} or earlier: nothing is recorded ahead; send it on its day."
        problems.append(FieldProblem(pointer, sentence))
    return day
