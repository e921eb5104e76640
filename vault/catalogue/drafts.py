"""A draft of a type's page: its layout and its example, changed by somebody who wants to see what comes."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from vault.catalogue.explain import sentence, validator_for
from vault.catalogue.faces import check_face
from vault.catalogue.pages import page_data
from vault.errors import FieldProblem, InputError
from vault.model.catalogue import CertificateType
from vault.model.holders import Holder

_SCHEMA = Path(__file__).with_name("kind.schema.json")
PROBLEMS_MAX = 20
# What a page shows that is not deposited: of the right length, and nobody's.
IDENTIFIER = "1.2.156.3005.2.00000000000000000000.000000000000000000.DRAFT.001.0"
CODE = "DRAFT00000"


def draft_page(kind: CertificateType, layout: object, example: object) -> dict[str, Any]:
    """What a template gets for this draft: `layout` and `example` are held to what a catalogue file may say.

    Raises:
        InputError: they do not fit; each problem points to `/layout/…` or `/example/…`.
    """
    _check("layout", layout)
    _check("example", example)
    if not isinstance(layout, dict) or not isinstance(example, dict):  # which the schemas have just said
        raise InputError("The draft is no object.")
    changed = replace(kind, layout=layout, example=example)
    try:
        check_face(changed, example["fields"])
        holders = [Holder.parse(each["code_type"], each["code"], each["name"]) for each in example["holders"]]
    except InputError as error:
        moved = (FieldProblem(f"/example{each.pointer}", each.detail) for each in error.problems)
        raise InputError(error.detail, *moved) from None
    named = {authority.code: authority.name for authority in kind.authorities}
    return page_data(
        changed,
        number=example["number"],
        holders=holders,
        identifier=IDENTIFIER,
        verification_code=CODE,
        authority_name=named.get(example["issuing_authority"], kind.authorities[0].name),
        issued_on=date.fromisoformat(example["issued_on"]),
        valid_from=date.fromisoformat(example["valid_from"]),
        valid_to=None if example["valid_to"] is None else date.fromisoformat(example["valid_to"]),
        fields=example["fields"],
    )


def _check(part: str, value: object) -> None:
    problems = []
    for error in validator_for(_part(part)).iter_errors(value):
        place = f"/{part}" + "".join(f"/{step}" for step in error.absolute_path)
        problems.append(FieldProblem(place, sentence(error)))
        if len(problems) == PROBLEMS_MAX:
            break
    if problems:
        raise InputError(f"The {part} does not fit what a catalogue file may say.", *problems)


@cache
def _part(part: str) -> Mapping[str, Any]:
    schema = json.loads(_SCHEMA.read_text(encoding="utf-8"))
    return {**schema["properties"][part], "$defs": schema["$defs"]}
