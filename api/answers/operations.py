"""What operators ask."""

from pydantic import BaseModel


class ReadyOut(BaseModel):
    """Whether the engines answer, each by itself."""

    ready: bool
    checks: dict[str, str]


class VersionOut(BaseModel):
    """What runs here."""

    name: str
    version: str
