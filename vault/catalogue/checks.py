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
from vault.catalogue.item_checks import Known, item_problems, material_problems
from vault.catalogue.items import item_from_yaml, materials_from_yaml
from vault.model.catalogue import CertificateType, SealPlace
from vault.model.service_item import MaterialType, ServiceItem

CITY_FILE = "city.yaml"
MATERIALS_FILE = "materials.yaml"
TYPES_FOLDER = "types"
ITEMS_FOLDER = "items"


@dataclass(frozen=True, slots=True)
class Examination:
    """What a folder holds: the city (None where its file is broken), what is sound, and every problem."""

    city: City | None
    types: tuple[CertificateType, ...]
    materials: Mapping[str, MaterialType]
    items: tuple[ServiceItem, ...]
    problems: tuple[CatalogueProblem, ...]


def check_catalogue(folder: Path, seal_places: Mapping[str, SealPlace]) -> tuple[CatalogueProblem, ...]:
    """Every problem of `folder`'s files, by file and line; empty if all is well.

    `city.yaml` and `types/*.yaml` have to be there, `materials.yaml` and `items/*.yaml` may.

    `seal_places` names the templates that there are, and where each wants the seal.
    """
    return examine(folder, seal_places).problems


def examine(folder: Path, seal_places: Mapping[str, SealPlace]) -> Examination:
    """Read and judge a catalogue.

    1. the city; 2. each kind's file, by itself; 3. each kind against its own rules, through its example;
    4. kinds against each other; 5. the materials; 6. each service item against all of these.
    """
    problems: list[CatalogueProblem] = []
    city = _examine_city(folder, problems)  # 1
    types: list[CertificateType] = []
    codes: dict[str, str] = {}
    names = _files(folder / TYPES_FOLDER)
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
        found.extend(_taken(source, codes, "a code"))  # 4
        problems.extend(found)
    materials = _examine_materials(folder, problems)  # 5
    items: tuple[ServiceItem, ...] = ()
    if city is not None:
        sound = {kind.code: kind for kind in types}
        known = Known(city, {code: sound.get(code) for code in codes}, materials)
        items = _examine_items(folder, known, problems)  # 6
    return Examination(city, tuple(types), materials, items, tuple(problems))


def _files(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("*") if not path.name.startswith("."))


def _taken(source: SourceFile, codes: dict[str, str], what: str) -> list[CatalogueProblem]:
    """A code that another file has already; `codes` remembers whose each one is."""
    code = source.data["code"]
    first = codes.setdefault(code, source.name)
    if first == source.name:
        return []
    return [source.problem(("code",), f"expected {what} of its own, got that of {first}")]


def _examine_materials(folder: Path, problems: list[CatalogueProblem]) -> Mapping[str, MaterialType]:
    if not (folder / MATERIALS_FILE).exists():
        return {}
    source = _read(folder, MATERIALS_FILE, "materials.schema.json", problems)
    if source is None:
        return {}
    problems.extend(material_problems(source))
    return materials_from_yaml(source.data)


def _examine_items(folder: Path, known: Known, problems: list[CatalogueProblem]) -> tuple[ServiceItem, ...]:
    items = []
    codes: dict[str, str] = {}
    sound = {code: kind for code, kind in known.types.items() if kind is not None}
    for name in _files(folder / ITEMS_FOLDER):
        source = _read(folder, f"{ITEMS_FOLDER}/{name}", "item.schema.json", problems)
        if source is None:
            continue
        found = [*item_problems(source, known), *_taken(source, codes, "a code")]
        problems.extend(found)
        # Of a broken kind nothing is known; its own problems are told already.
        if not found and len(sound) == len(known.types):
            items.append(item_from_yaml(source.data, known.city, sound, known.materials))
    return tuple(items)


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
    found.extend(credit_code_problems(source, ("operator", "code"), source.data["operator"]["code"]))
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
