"""A type's page, set from an edited copy of its template, layout and example: to be looked at, never kept.

1. it is theirs to try; 2. what was typed is read and held to what a catalogue file may say; 3. a child
process with limits sets the page (`signing.trial`); 4. pictures, or what is wrong and where. Nothing is
written down.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from signing.trial import DATA_MAX_BYTES, SOURCE_MAX_CHARS, Fault, Pictures, try_template
from signing.typeset import template_source
from vault.catalogue import draft_page
from vault.errors import FieldProblem, InputError
from vault.model.access import Action, authorize
from vault.model.actors import Person
from vault.model.strict_json import NotStrictJson, strict_json
from vault.workshop import Workshop

LAYOUT_MAX_CHARS = 40_000
# An example may have a photo in it, in base64.
EXAMPLE_MAX_CHARS = DATA_MAX_BYTES // 4


@dataclass(frozen=True, slots=True)
class PreviewKind:
    """A type in force, for the list to choose from."""

    code: str
    name: str
    name_en: str
    version: int
    template: str
    formats: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Draft:
    """What somebody typed: the template's source, and layout and example as JSON."""

    source: str = field(repr=False)
    layout: str = field(repr=False)
    example: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Preview:
    """What came of a draft: pictures, a fault in the template, or problems that were found before."""

    pictures: Pictures | None
    fault: Fault | None = None
    problems: Sequence[FieldProblem] = ()


def preview_kinds(workshop: Workshop, person: Person, *, at: datetime) -> tuple[PreviewKind, ...]:
    """The types in force by name.

    Raises:
        NotPermitted: it is not theirs to see.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.SEE_OPERATIONS)
    kinds = workshop.shelf.types(at).values()
    return tuple(
        PreviewKind(
            kind.code,
            kind.name,
            kind.name_en,
            kind.version,
            kind.template,
            tuple(each.value for each in kind.formats),
        )
        for kind in sorted(kinds, key=lambda kind: (kind.template, kind.code))
    )


def shipped_draft(workshop: Workshop, person: Person, code: str, *, at: datetime) -> Draft:
    """The draft to begin with: everything of this type as it is in force.

    Raises:
        NotFound: there is no such type in force.
        NotPermitted: it is not theirs to try.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.TRY_TEMPLATE)
    kind = workshop.shelf.type(code, at)
    return Draft(template_source(kind.template), _written(dict(kind.layout)), _written(dict(kind.example)))


def preview(workshop: Workshop, person: Person, code: str, draft: Draft, *, at: datetime) -> Preview:
    """Sets the page of this draft.

    Raises:
        NotFound: there is no such type in force.
        NotPermitted: it is not theirs to try.
        Unavailable: the database does not answer, or no process can be started.
    """
    authorize(person, Action.TRY_TEMPLATE)  # 1
    kind = workshop.shelf.type(code, at)
    problems = [
        FieldProblem(f"/{name}", f"Expected at most {most} characters, got {len(text)}.")
        for name, text, most in (
            ("source", draft.source, SOURCE_MAX_CHARS),
            ("layout", draft.layout, LAYOUT_MAX_CHARS),
            ("example", draft.example, EXAMPLE_MAX_CHARS),
        )
        if len(text) > most
    ]
    if problems:
        return Preview(None, problems=problems)
    try:
        data = draft_page(kind, _read("layout", draft.layout), _read("example", draft.example))  # 2
    except InputError as error:
        return Preview(None, problems=error.problems or (FieldProblem("/example", error.detail),))
    match try_template(kind.template, draft.source, data):  # 3
        case Pictures() as pictures:
            return Preview(pictures)  # 4
        case Fault() as fault:
            return Preview(None, fault)


def _read(name: str, text: str) -> Any:  # noqa: ANN401 - JSON is any value; what it is, is checked next
    try:
        return strict_json(text)
    except NotStrictJson as error:
        sentence = f"The text {error}"
        raise InputError(sentence, FieldProblem(f"/{name}", sentence)) from None


def _written(value: dict[str, Any]) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2)
