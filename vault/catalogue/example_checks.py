"""A kind's example, judged as a deposit's result would be, and its page made."""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from functools import partial

from vault.catalogue.faces import check_face
from vault.catalogue.files import CatalogueProblem, PathKey, SourceFile
from vault.catalogue.rules import check_holders, check_validity
from vault.errors import InputError
from vault.model.catalogue import CertificateType
from vault.model.holders import Holder


def example_problems(source: SourceFile, kind: CertificateType) -> Iterator[CatalogueProblem]:
    """What a deposit of the example would be refused for, and where it does not fit its own definition."""
    example = kind.example
    if example["type"] != kind.code:
        yield source.problem(("example", "type"), f"expected {kind.code}, got {example['type']}")
    if not re.fullmatch(kind.number_pattern, example["number"]):
        detail = f"expected text like {kind.number_pattern}, got {example['number']}"
        yield source.problem(("example", "number"), detail)
    if not set(example["formats"]) <= set(kind.formats):
        detail = f"expected some of: {', '.join(kind.formats)}; got {', '.join(example['formats'])}"
        yield source.problem(("example", "formats"), detail)
    if kind.authority(example["issuing_authority"]) is None:
        expected = ", ".join(a.code for a in kind.authorities)
        detail = f"expected one of: {expected}; got {example['issuing_authority']}"
        yield source.problem(("example", "issuing_authority"), detail)
    yield from _judged(source, lambda: check_face(kind, example["fields"]))
    holders: list[Holder] = []
    for index, holder in enumerate(example["holders"]):
        yield from _judged(source, partial(_read_holder, holder, holders), ("holders", index))
    if len(holders) == len(example["holders"]):
        yield from _judged(source, lambda: check_holders(kind, holders))
    yield from _judged(source, lambda: _check_dates(kind))


def _read_holder(holder: Mapping[str, str], holders: list[Holder]) -> None:
    holders.append(Holder.parse(holder["code_type"], holder["code"], holder["name"]))


def _check_dates(kind: CertificateType) -> None:
    example = kind.example
    check_validity(
        kind,
        issued_on=date.fromisoformat(example["issued_on"]),
        valid_from=date.fromisoformat(example["valid_from"]),
        valid_to=None if example["valid_to"] is None else date.fromisoformat(example["valid_to"]),
    )


def _judged(source: SourceFile, judge: Callable[[], None], under: PathKey = ()) -> Iterator[CatalogueProblem]:
    """The problems that `judge` raises, at their places in the example."""
    try:
        judge()
    except InputError as error:
        for problem in error.problems:
            yield source.problem(("example", *under, *_steps(problem.pointer)), problem.detail)


def _steps(pointer: str) -> PathKey:
    """A JSON pointer (RFC 6901) as a path; digits are list indexes, since no field is called by a number."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    return tuple(int(step) if step.isdecimal() else step for step in steps)
