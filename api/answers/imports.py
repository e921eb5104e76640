"""How imports stand."""

from datetime import datetime
from uuid import UUID

from pydantic import BaseModel, Field

from vault.model.imports import ImportMode, RunState


class ImportOut(BaseModel):
    """An import: `done` is `imported`, `already_there` and `rejected` together."""

    import_id: UUID
    mode: ImportMode = Field(description="`check`: nothing is stored, and `imported` means that it would be.")
    name: str
    state: RunState
    started_at: datetime
    finished_at: datetime | None
    total: int | None = Field(description="Rows of the manifest, once they are counted.")
    done: int
    imported: int
    already_there: int
    rejected: int
    rate: float = Field(description="Rows a second, over the last minute.")
    eta_s: int | None = Field(description="Seconds left at that rate.")
    failure: str | None = Field(description="Why it could not go on; sent again, it does.")


class ImportsOut(BaseModel):
    """Imports, newest first."""

    imports: list[ImportOut]
