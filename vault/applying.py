"""Applying a catalogue: what is new or changed comes into force; an applied version never changes."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from storage.catalogue import (
    DefinitionRow,
    current_items,
    current_materials,
    current_types,
    insert_item,
    insert_material,
    insert_type,
)
from storage.db import Database
from vault.catalogue import InForce, definition_json, item_json, material_json
from vault.errors import Conflict, FieldProblem
from vault.model.scope import NOBODY


@dataclass(frozen=True, slots=True)
class Changes:
    """Codes of what came into force anew, in a new version, and what stayed as it was."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying a catalogue came to."""

    types: Changes
    items: Changes
    materials: Changes


def apply_catalogue(database: Database, catalogue: InForce, *, at: datetime) -> Applied:
    """Brings every type, service item and material into force, all of them or none.

    Raises:
        Conflict: one differs from what is in force and its version is not higher.
        Unavailable: the database does not answer.
    """
    problems: list[FieldProblem] = []
    with database.writing(NOBODY) as db:
        of_types = _apply(
            [(kind.name, _row(definition_json(kind))) for _, kind in sorted(catalogue.types.items())],
            current_types(db),
            lambda row: insert_type(db, row, at),
            problems,
        )
        of_items = _apply(
            [(item.name, _row(item_json(item))) for _, item in sorted(catalogue.items.items())],
            current_items(db),
            lambda row: insert_item(db, row, at),
            problems,
        )
        of_materials = _apply(
            [(each.name, _row(material_json(each))) for _, each in sorted(catalogue.materials.items())],
            current_materials(db),
            lambda row: insert_material(db, row, at),
            problems,
        )
        if problems:
            raise Conflict("The catalogue contradicts what is in force.", *problems)
    return Applied(of_types, of_items, of_materials)


def _row(definition: Mapping[str, Any]) -> DefinitionRow:
    return DefinitionRow(definition["code"], definition["version"], definition["digest"], definition)


def _apply(
    wanted: Iterable[tuple[str, DefinitionRow]],
    current: Mapping[str, DefinitionRow],
    insert: Callable[[DefinitionRow], None],
    problems: list[FieldProblem],
) -> Changes:
    added: list[str] = []
    changed: list[str] = []
    unchanged: list[str] = []
    for name, row in wanted:
        known = current.get(row.code)
        if known is not None and known.digest == row.digest:
            unchanged.append(row.code)
        elif known is not None and row.version <= known.version:
            detail = f"{name} changed: expected version {known.version + 1}, got {row.version}."
            problems.append(FieldProblem(f"/{row.code}/version", detail))
        else:
            insert(row)
            (added if known is None else changed).append(row.code)
    return Changes(tuple(added), tuple(changed), tuple(unchanged))
