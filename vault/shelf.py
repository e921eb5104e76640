"""The catalogue in force, as this process last read it from the database."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock
from typing import Any, Protocol, TypeVar

from storage.catalogue import DefinitionRow, catalogue_state, current_items, current_materials, current_types
from storage.db import Database
from vault.catalogue import InForce, item_from_json, material_from_json, type_from_json
from vault.errors import NotFound
from vault.model.catalogue import CertificateType
from vault.model.scope import NOBODY
from vault.model.service_item import MaterialType, ServiceItem

# A catalogue change reaches every process within this time; a deposit costs no query for it. Only whether
# anything was applied is asked then: the definitions are a quarter of a megabyte.
REFRESH_AFTER = timedelta(seconds=5)


class _Defined(Protocol):
    """What the shelf keeps: a definition that its digest tells from its other versions."""

    @property
    def digest(self) -> str: ...


_D = TypeVar("_D", bound=_Defined)


@dataclass(slots=True)
class CatalogueShelf:
    """Types, service items and materials by code. Thread-safe; what is unchanged is not parsed again."""

    database: Database
    _types: dict[str, CertificateType] = field(default_factory=dict)
    _items: dict[str, ServiceItem] = field(default_factory=dict)
    _materials: dict[str, MaterialType] = field(default_factory=dict)
    _state: tuple[object, ...] | None = None
    _read_at: datetime | None = None
    _lock: Lock = field(default_factory=Lock)

    def types(self, at: datetime) -> dict[str, CertificateType]:
        """Every type in force, by code.

        Raises:
            Unavailable: the database does not answer.
        """
        with self._lock:
            self._refresh(at)
            return self._types

    def type(self, code: str, at: datetime) -> CertificateType:
        """One type.

        Raises:
            NotFound: no such type in force.
        """
        found = self.types(at).get(code)
        if found is None:
            raise NotFound("There is no certificate type with this code; GET /v1/catalogue/types lists them.")
        return found

    def items(self, at: datetime) -> dict[str, ServiceItem]:
        """Every service item in force, by code.

        Raises:
            Unavailable: the database does not answer.
        """
        with self._lock:
            self._refresh(at)
            return self._items

    def item(self, code: str, at: datetime) -> ServiceItem:
        """One service item.

        Raises:
            NotFound: no such item in force.
        """
        found = self.items(at).get(code)
        if found is None:
            raise NotFound(
                "There is no service item with this code; GET /v1/catalogue/service-items lists them."
            )
        return found

    def in_force(self, at: datetime) -> InForce:
        """All of it, of one reading.

        Raises:
            Unavailable: the database does not answer.
        """
        with self._lock:
            self._refresh(at)
            return InForce(self._types, self._items, self._materials)

    def _refresh(self, at: datetime) -> None:
        if self._read_at is not None and at - self._read_at <= REFRESH_AFTER:
            return
        with self.database.reading(NOBODY) as db:
            # Before the definitions: what is applied between the two is read again the next time.
            state = catalogue_state(db)
            if state == self._state:
                self._read_at = at
                return
            types, items, materials = current_types(db), current_items(db), current_materials(db)
        self._types = _parsed(types, self._types, type_from_json)
        self._items = _parsed(items, self._items, item_from_json)
        self._materials = _parsed(materials, self._materials, material_from_json)
        self._state, self._read_at = state, at


def _parsed(
    rows: Mapping[str, DefinitionRow], known: Mapping[str, _D], parse: Callable[[Mapping[str, Any]], _D]
) -> dict[str, _D]:
    found = {}
    for code, row in rows.items():
        before = known.get(code)
        unchanged = before is not None and before.digest == row.digest
        found[code] = before if before is not None and unchanged else parse(row.definition)
    return found
