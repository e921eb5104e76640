"""What is wrong with a folder of catalogue files: everything in every file, not the first thing only."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from jsonschema import Draft202012Validator

from vault.catalogue.definition_checks import credit_code_problems, definition_problems
from vault.catalogue.definitions import City, city_from_yaml, type_from_yaml
from vault.catalogue.example_checks import example_problems
from vault.catalogue.explain import sentence, validator_for
from vault.catalogue.files import CatalogueProblem, SourceFile, UnreadableFileError, read_yaml
from vault.model.catalogue import CertificateType, SealPlace

CITY_FILE = "city.yaml"
TYPES_FOLDER = "types"


@dataclass(frozen=True, slots=True)
class Examination:
    """What a folder holds: the city (None where its file is broken), the sound kinds, and every problem."""

    city: City | None
    types: tuple[CertificateType, ...]
    problems: tuple[CatalogueProblem, ...]


def check_catalogue(folder: Path, seal_places: Mapping[str, SealPlace]) -> tuple[CatalogueProblem, ...]:
    """Every problem of `folder/city.yaml` and `folder/types/*.yaml`, by file and line; empty if all is well.

    `seal_places` names the templates that there are, and where each wants the seal.
    """
    return examine(folder, seal_places).problems


def examine(folder: Path, seal_places: Mapping[str, SealPlace]) -> Examination:
    """Read and judge a catalogue.

    1. the city; 2. each kind's file, by itself; 3. each kind against its own rules, through its example;
    4. kinds against each other.
    """
    problems: list[CatalogueProblem] = []
    city = _examine_city(folder, problems)  # 1
    types: list[CertificateType] = []
    codes: dict[str, str] = {}
    names = sorted(path.name for path in (folder / TYPES_FOLDER).glob("*") if not path.name.startswith("."))
    if not names:
        problems.append(CatalogueProblem(TYPES_FOLDER, 1, "", "expected at least one kind's file, got none"))
    for name in names:
        source = _read(folder, f"{TYPES_FOLDER}/{name}", "kind.schema.json", problems)
        if source is None:
            continue
        found = list(definition_problems(source, city, seal_places))  # 2
        if city is not None and not found:
            kind = type_from_yaml(source.data, city, seal_places)
            found = list(example_problems(source, kind))  # 3
            types.extend([kind] if not found else [])
        code = source.data["code"]
        if code in codes:  # 4
            found.append(source.problem(("code",), f"expected a code of its own, got that of {codes[code]}"))
        codes.setdefault(code, source.name)
        problems.extend(found)
    return Examination(city, tuple(types), tuple(problems))


def _examine_city(folder: Path, problems: list[CatalogueProblem]) -> City | None:
    source = _read(folder, CITY_FILE, "city.schema.json", problems)
    if source is None:
        return None
    found: list[CatalogueProblem] = []
    for key in ("id", "code"):
        seen: set[str] = set()
        for index, authority in enumerate(source.data["authorities"]):
            if authority[key] in seen:
                detail = f"expected each {key} once, got {authority[key]} twice"
                found.append(source.problem(("authorities", index, key), detail))
            seen.add(authority[key])
    for index, authority in enumerate(source.data["authorities"]):
        found.extend(credit_code_problems(source, ("authorities", index, "code"), authority["code"]))
    problems.extend(found)
    return None if found else city_from_yaml(source.data)


def _read(folder: Path, name: str, schema: str, problems: list[CatalogueProblem]) -> SourceFile | None:
    """The file, if it is YAML of the right shape; what is wrong with it goes to `problems`."""
    if not name.endswith(".yaml"):
        problems.append(CatalogueProblem(name, 1, "", "expected a file called *.yaml, got another"))
        return None
    try:
        source = read_yaml(folder, name)
    except UnreadableFileError as error:
        problems.append(error.problem)
        return None
    found = [
        source.problem(tuple(error.absolute_path), sentence(error, quoting=True))
        for error in _shape(schema).iter_errors(source.data)
    ]
    problems.extend(sorted(found, key=lambda problem: problem.line))
    return None if found else source


@cache
def _shape(name: str) -> Draft202012Validator:
    return validator_for(json.loads(Path(__file__).with_name(name).read_bytes()))
