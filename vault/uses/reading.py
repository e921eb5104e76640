"""From a request's JSON to a use that can be made: every problem at its JSON pointer."""

import unicodedata
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

from signing.typeset.fonts import missing
from vault.errors import FieldProblem, InputError
from vault.model.access import Caller
from vault.model.actors import ClientGrant, Person
from vault.model.footing import ByConsent
from vault.model.service_item import ServiceItem
from vault.model.use import Subject, SubjectKind, UseRequest
from vault.shelf import CatalogueShelf

CASE_NUMBER_MAX_CHARS = 128  # as for a deposit's case number
PURPOSE_MAX_CHARS = 60  # it stands on every page again and again: a line or two of the watermark
ORGANISATION_MAX_CHARS = 60
CLERK_MAX_CHARS = 64  # a name or a staff number

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def read_use(
    shelf: CatalogueShelf, caller: Caller, request: Mapping[str, Any], *, at: datetime
) -> UseRequest:
    """Checks a request's JSON (its shape is the contract's already) against the catalogue in force.

    A clerk who signed in uses it for the authority that handles the item, in their own hands.

    Raises:
        InputError: with one problem for each bad field.
        Unavailable: the database does not answer.
    """
    problems: list[FieldProblem] = []
    subject = _subject(problems, request)
    given = request.get("service_item")
    item = None if given is None else shelf.items(at).get(given)
    if given is None and not _needs_no_item(caller):
        problems.append(FieldProblem("/service_item", "Expected this field, got none."))
    elif given is not None and item is None:
        detail = (
            "There is no service item with this code in force; GET /v1/catalogue/service-items lists them."
        )
        problems.append(FieldProblem("/service_item", detail))
    texts = {
        "case_number": _text(problems, request, "case_number", CASE_NUMBER_MAX_CHARS),
        "purpose": _text(problems, request, "purpose", PURPOSE_MAX_CHARS),
        "organisation": _who(caller, item)
        if request.get("organisation") is None
        else _text(problems, request, "organisation", ORGANISATION_MAX_CHARS),
    }
    clerk = None if request.get("clerk") is None else _text(problems, request, "clerk", CLERK_MAX_CHARS)
    if isinstance(caller, Person):
        for name in ("organisation", "clerk"):
            if request.get(name) is not None:
                detail = "You signed in: leave this out, it is known."
                problems.append(FieldProblem(f"/{name}", detail))
        clerk = unicodedata.normalize("NFC", caller.name)
    if request["copy"]:  # what nobody can print cannot stand on a copy
        for name, text in texts.items():
            count = missing([text])
            if count:
                detail = (
                    f"{count} different character(s) here cannot be printed: no font has a glyph for them."
                )
                problems.append(FieldProblem(f"/{name}", detail))
    if problems or subject is None:
        count = len(problems)
        raise InputError(f"{count} field{' is' if count == 1 else 's are'} wrong.", *problems)
    return UseRequest(
        made_by=caller.actor,
        subject=subject,
        service_item=None if item is None else item.code,
        handled_by=None if item is None else item.authority.code,
        clerk=clerk,
        copy=request["copy"],
        **texts,
    )


def _needs_no_item(caller: Caller) -> bool:
    """An organisation that asks by consent may handle no service items."""
    return isinstance(caller, ClientGrant) and isinstance(caller.standing, ByConsent)


def _who(caller: Caller, item: ServiceItem | None) -> str:
    """Who uses it, where the request does not say."""
    if isinstance(caller, ClientGrant):
        return caller.name
    return "" if item is None else item.authority.name


def _subject(problems: list[FieldProblem], request: Mapping[str, Any]) -> Subject | None:
    named = {kind: request.get(f"{kind}_id") for kind in SubjectKind}
    given = [(kind, value) for kind, value in named.items() if value is not None]
    if len(given) != 1:
        got = "both" if given else "none"
        problems.append(FieldProblem("", f"Expected one of certificate_id and material_id, got {got}."))
        return None
    ((kind, value),) = given
    try:
        return Subject(kind, UUID(value))
    except ValueError:
        problems.append(FieldProblem(f"/{kind}_id", "Expected a UUID, got another text."))
        return None


def _text(problems: list[FieldProblem], request: Mapping[str, Any], name: str, max_chars: int) -> str:
    text = unicodedata.normalize("NFC", request[name]).strip()
    if not 1 <= len(text) <= max_chars:
        problems.append(FieldProblem(f"/{name}", f"Expected 1 to {max_chars} characters, got {len(text)}."))
        return ""
    if any(unicodedata.category(c) in _HIDDEN for c in text):
        detail = "Expected printable characters, got a control or invisible one."
        problems.append(FieldProblem(f"/{name}", detail))
        return ""
    return text
