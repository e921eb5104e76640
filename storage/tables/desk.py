"""What lies on a clerk's desk today."""

from sqlalchemy import Column, ForeignKey, Index, LargeBinary, Table, Uuid

from storage.tables.columns import metadata, moment

# One sheet a clerk: their own, and gone when the day in China is over.
desks = Table(
    "desks",
    metadata,
    # The clerk.
    Column("id", Uuid, ForeignKey("people.id"), primary_key=True),
    Column("data_key", LargeBinary, nullable=False),
    # JSON: the sheet (`vault.model.desk`), with case numbers and holders' codes.
    Column("sealed", LargeBinary, nullable=False),
    moment("ends_at"),
    Index("ix_desks_ends_at", "ends_at"),
)
