"""Applying a catalogue: new and changed types come into force; an applied version never changes."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from storage.catalogue import TypeRow, current_types, insert_type
from storage.db import Database
from vault.catalogue import definition_json
from vault.errors import Conflict, FieldProblem
from vault.model.catalogue import CertificateType


@dataclass(frozen=True, slots=True)
class Applied:
    """Codes of the types that came into force anew, in a new version, and that stayed as they were."""

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]


def apply_catalogue(database: Database, types: Iterable[CertificateType], *, at: datetime) -> Applied:
    """Brings every type into force, all of them or none.

    Raises:
        Conflict: a type differs from the one in force and its version is not higher.
        Unavailable: the database does not answer.
    """
    added: list[str] = []
    changed: list[str] = []
    unchanged: list[str] = []
    problems = []
    with database.writing() as db:
        current = current_types(db)
        for kind in sorted(types, key=lambda kind: kind.code):
            known = current.get(kind.code)
            if known is not None and known.digest == kind.digest:
                unchanged.append(kind.code)
                continue
            if known is not None and kind.version <= known.version:
                detail = f"{kind.name} changed: expected version {known.version + 1}, got {kind.version}."
                problems.append(FieldProblem(f"/{kind.code}/version", detail))
                continue
            insert_type(db, TypeRow(kind.code, kind.version, kind.digest, definition_json(kind)), at)
            (added if known is None else changed).append(kind.code)
        if problems:
            raise Conflict("The catalogue contradicts what is in force.", *problems)
    return Applied(tuple(added), tuple(changed), tuple(unchanged))
