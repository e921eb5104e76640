"""From a request's JSON to a use that can be made: every problem at its JSON pointer."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from signing.typeset.fonts import missing
from vault.errors import FieldProblem, InputError
from vault.model.actors import ClientGrant
from vault.model.canonical import canonical_json
from vault.model.footing import Statutory
from vault.model.use import Subject, SubjectKind
from vault.shelf import CatalogueShelf

CASE_NUMBER_MAX_CHARS = 128  # as for a deposit's case number
PURPOSE_MAX_CHARS = 60  # it stands on every page again and again: a line or two of the watermark
ORGANISATION_MAX_CHARS = 60
CLERK_MAX_CHARS = 64  # a name or a staff number

_HIDDEN = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


@dataclass(frozen=True, slots=True)
class UseRequest:
    """What a client asks for. `organisation`: who uses it; `clerk`: in whose hands; `copy`: with a copy.

    `service_item` None: of clients that ask by consent only.
    """

    client_id: str
    subject: Subject
    service_item: str | None
    case_number: str = field(repr=False)
    purpose: str = field(repr=False)
    organisation: str = field(repr=False)
    clerk: str | None = field(repr=False)
    copy: bool

    def canonical(self) -> str:
        """What two requests must share to be the same one, as text."""
        return canonical_json(
            {
                "client": self.client_id,
                "subject": [self.subject.kind.value, str(self.subject.id)],
                "service_item": self.service_item,
                "case_number": self.case_number,
                "purpose": self.purpose,
                "organisation": self.organisation,
                "clerk": self.clerk,
                "copy": self.copy,
            }
        ).decode()


def read_use(
    shelf: CatalogueShelf, client: ClientGrant, request: Mapping[str, Any], *, at: datetime
) -> UseRequest:
    """Checks a request's JSON (its shape is the contract's already) against the catalogue in force.

    Raises:
        InputError: with one problem for each bad field.
        Unavailable: the database does not answer.
    """
    problems: list[FieldProblem] = []
    subject = _subject(problems, request)
    item = request.get("service_item")
    if item is None and isinstance(client.standing, Statutory):
        problems.append(FieldProblem("/service_item", "Expected this field, got none."))
    elif item is not None and item not in shelf.items(at):
        detail = (
            "There is no service item with this code in force; GET /v1/catalogue/service-items lists them."
        )
        problems.append(FieldProblem("/service_item", detail))
    texts = {
        "case_number": _text(problems, request, "case_number", CASE_NUMBER_MAX_CHARS),
        "purpose": _text(problems, request, "purpose", PURPOSE_MAX_CHARS),
        "organisation": client.name
        if request.get("organisation") is None
        else _text(problems, request, "organisation", ORGANISATION_MAX_CHARS),
    }
    clerk = None if request.get("clerk") is None else _text(problems, request, "clerk", CLERK_MAX_CHARS)
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
        client_id=client.client_id,
        subject=subject,
        service_item=item,
        clerk=clerk,
        copy=request["copy"],
        **texts,
    )


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
