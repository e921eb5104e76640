"""From a request's JSON to a grant's terms."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from vault.errors import FieldProblem, InputError
from vault.model.custody import GrantTerms

# RFC 3339, 5.6: date-time with its offset.
_MOMENT = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,6})?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


def read_terms(request: Mapping[str, Any]) -> GrantTerms:
    """A grant's terms; whether they can be granted is told by `propose`.

    Raises:
        InputError: a time cannot be read; with its pointer.
    """
    problems: list[FieldProblem] = []
    window = {name: _moment(problems, name, request[name]) for name in ("valid_from", "valid_to")}
    if problems:
        raise InputError("The grant's window cannot be read.", *problems)
    return GrantTerms(
        seal_id=request["seal_id"],
        type_code=request["type"],
        type_version=request["type_version"],
        client_id=request["client_id"],
        daily_cap=request["daily_cap"],
        **window,
    )


def _moment(problems: list[FieldProblem], name: str, text: str) -> datetime:
    try:
        if _MOMENT.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    problems.append(FieldProblem(f"/{name}", "Expected a time such as 2026-11-23T00:00:00+08:00."))
    return datetime.max.replace(tzinfo=UTC)
