"""What holders grant, as a request gives it: certificate types, and the days for which it holds."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from vault.errors import FieldProblem
from vault.model.catalogue import CertificateType

# Nobody reads a longer list before agreeing to it.
TYPES_MAX = 50

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_EXPECTED = "Expected a day as YYYY-MM-DD, got another text."


@dataclass(frozen=True, slots=True)
class Period:
    """First and last day, in China."""

    first: date
    last: date


def read_period(
    problems: list[FieldProblem], request: Mapping[str, Any], *, days_max: int, on: date
) -> Period | None:
    """The period from `valid_from` (today if left out) to `valid_to`; what is wrong goes into `problems`."""
    given = request.get("valid_from")
    first = on if given is None else _day(given)
    last = _day(request["valid_to"])
    if first is None:
        problems.append(FieldProblem("/valid_from", _EXPECTED))
    elif first < on:
        problems.append(FieldProblem("/valid_from", f"Expected {on} or later: nothing is granted backwards."))
    if last is None:
        problems.append(FieldProblem("/valid_to", _EXPECTED))
    if first is None or last is None or first < on:
        return None
    if not 0 <= (last - first).days < days_max:
        detail = f"Expected a day from {first} on, and {days_max} days at most in all."
        problems.append(FieldProblem("/valid_to", detail))
        return None
    return Period(first, last)


def read_types(
    problems: list[FieldProblem], codes: Sequence[str], types: Mapping[str, CertificateType]
) -> tuple[CertificateType, ...]:
    """The types with these codes; what is wrong goes into `problems`, below `/types`."""
    if not 1 <= len(codes) <= TYPES_MAX:
        problems.append(FieldProblem("/types", f"Expected 1 to {TYPES_MAX} types, got {len(codes)}."))
    detail = "There is no certificate type with this code in force; GET /v1/catalogue/types lists them."
    problems.extend(FieldProblem(f"/types/{n}", detail) for n, code in enumerate(codes) if code not in types)
    return tuple(types[code] for code in codes if code in types)


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        return None
