"""From a request's JSON to a presentation that can be made: every problem at its JSON pointer."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from vault.errors import FieldProblem, InputError


@dataclass(frozen=True, slots=True)
class PresentationRequest:
    """What is to be shown. `fields` None: the whole face. `on_behalf_of`: a delegation."""

    certificate_id: UUID
    fields: tuple[str, ...] | None
    on_behalf_of: UUID | None


def read_presentation(request: Mapping[str, Any]) -> PresentationRequest:
    """Checks a request's JSON (its shape is the contract's already); fields are checked with the type.

    Raises:
        InputError: with one problem for each bad field.
    """
    problems: list[FieldProblem] = []
    certificate_id = _uuid(problems, request, "certificate_id")
    on_behalf_of = None
    if request.get("on_behalf_of") is not None:
        on_behalf_of = _uuid(problems, request, "on_behalf_of")
    if problems or certificate_id is None:
        count = len(problems)
        raise InputError(f"{count} field{' is' if count == 1 else 's are'} wrong.", *problems)
    fields = request.get("fields")
    return PresentationRequest(certificate_id, None if fields is None else tuple(fields), on_behalf_of)


def _uuid(problems: list[FieldProblem], request: Mapping[str, Any], name: str) -> UUID | None:
    try:
        return UUID(request[name])
    except ValueError:
        problems.append(FieldProblem(f"/{name}", "Expected a UUID, got another text."))
        return None
