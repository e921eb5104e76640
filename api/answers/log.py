"""Answers of the transparency log that are JSON."""

from pydantic import BaseModel, Field


class ShardOut(BaseModel):
    """One year of the log."""

    year: int
    origin: str = Field(description="The first line of its checkpoints, and its key's name.")
    prefix: str = Field(description="Where its checkpoint and tiles are.")
    verifier_key: str = Field(description="As C2SP signed-note writes keys.")
    size: int = Field(description="Leaves in its published checkpoint.")
    closed: bool


class ShardsOut(BaseModel):
    """Every shard, oldest first."""

    shards: list[ShardOut]


class CosignaturesOut(BaseModel):
    """Whose cosignatures the checkpoint of this size has now."""

    origin: str
    size: int
    witnesses: list[str]
