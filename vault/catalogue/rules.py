"""What a kind of certificate asks of its holders and dates."""

import calendar
from collections.abc import Sequence
from datetime import date

from vault.errors import FieldProblem, InputError
from vault.model.catalogue import CertificateType
from vault.model.holders import Holder


def check_holders(kind: CertificateType, holders: Sequence[Holder]) -> None:
    """Check how many holders there are, that each is of an admitted kind and stands there once.

    Raises:
        InputError: at `/holders` and `/holders/<index>/code_type` or `/holders/<index>/code`.
    """
    rule = kind.holders
    problems: list[FieldProblem] = []
    if not rule.count_min <= len(holders) <= rule.count_max:
        detail = f"expected {rule.count_min} to {rule.count_max} holders, got {len(holders)}"
        problems.append(FieldProblem("/holders", detail))
    seen: set[tuple[str, str]] = set()
    for index, holder in enumerate(holders[: rule.count_max]):
        if holder.code.kind not in rule.kinds:
            admitted = " or ".join(sorted(rule.kinds))
            detail = f"expected a code type of a holder who is: {admitted}; got one of: {holder.code.kind}"
            problems.append(FieldProblem(f"/holders/{index}/code_type", detail))
        if holder.code.identity in seen:
            detail = "expected each holder once, got this one twice"
            problems.append(FieldProblem(f"/holders/{index}/code", detail))
        seen.add(holder.code.identity)
    if problems:
        raise InputError(f"The holders do not fit {kind.name} ({kind.code}).", *problems)


def check_validity(
    kind: CertificateType, *, issued_on: date, valid_from: date, valid_to: date | None
) -> None:
    """Check a result's dates: the end is given where it must be, is not before the start, and not too late.

    Raises:
        InputError: at `/valid_to`.
    """
    rule = kind.validity
    if valid_to is None:
        if rule.required:
            raise InputError.at("/valid_to", f"expected a date: {kind.name} is always limited; got null")
        return
    if valid_to < valid_from:
        raise InputError.at("/valid_to", f"expected {valid_from} (valid_from) or later, got {valid_to}")
    if valid_to < issued_on:
        raise InputError.at("/valid_to", f"expected {issued_on} (issued_on) or later, got {valid_to}")
    if rule.years_max is not None:
        latest = _years_later(valid_from, rule.years_max)
        if valid_to > latest:
            raise InputError.at(
                "/valid_to",
                f"expected {latest} or earlier ({rule.years_max} years at most), got {valid_to}",
            )


def _years_later(day: date, years: int) -> date:
    """The same day some years later; 1 March for 29 February in a common year; at most the calendar's end."""
    year = day.year + years
    if year > date.max.year:
        return date.max
    if (day.month, day.day) == (2, 29) and not calendar.isleap(year):
        return date(year, 3, 1)
    return day.replace(year=year)
