"""The catalogue in force, as this process last read it from the database."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from threading import Lock

from storage.catalogue import TypeRow, current_types
from storage.db import Database
from vault.catalogue import type_from_json
from vault.errors import NotFound
from vault.model.catalogue import CertificateType

# A catalogue change reaches every process within this time; a deposit costs no query for it.
REFRESH_AFTER = timedelta(seconds=5)


@dataclass(slots=True)
class CatalogueShelf:
    """Certificate types by code. Thread-safe; unchanged definitions are not parsed again."""

    database: Database
    _types: dict[str, CertificateType] = field(default_factory=dict)
    _read_at: datetime | None = None
    _lock: Lock = field(default_factory=Lock)

    def types(self, at: datetime) -> dict[str, CertificateType]:
        """Every type in force, by code.

        Raises:
            Unavailable: the database does not answer.
        """
        with self._lock:
            if self._read_at is None or at - self._read_at > REFRESH_AFTER:
                with self.database.reading() as db:
                    rows = current_types(db)
                self._types = {code: self._parsed(row) for code, row in rows.items()}
                self._read_at = at
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

    def _parsed(self, row: TypeRow) -> CertificateType:
        known = self._types.get(row.code)
        if known is not None and known.digest == row.digest:
            return known
        return type_from_json(row.definition)
