"""What applicants handed in once, and who vouched for it."""

from sqlalchemy import (
    BigInteger,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
)

from storage.tables.columns import metadata, moment

materials = Table(
    "materials",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("case_id", Uuid, ForeignKey("cases.id"), nullable=False, index=True),
    Column("position", SmallInteger, nullable=False),
    Column("type_code", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("size_bytes", Integer, nullable=False),
    Column("content_type", Text, nullable=False),
    # The level that counts now; material_events tell how it came to it.
    Column("trust", Text, nullable=False),
    Column("issued_on", Date),
    Column("valid_to", Date),
    # As in certificates: null, the keys stand in material_holders.
    Column("data_key", LargeBinary),
    # JSON: name.
    Column("sealed", LargeBinary),
    # The client at whose window it was compared with the original; the clerk stands in the event's envelope.
    Column("verified_by", Text),
    moment("verified_at", nullable=True),
    Column("object_name", Text),
)


material_holders = Table(
    "material_holders",
    metadata,
    Column("holder_id", Uuid, ForeignKey("holders.id"), primary_key=True),
    Column("material_id", Uuid, ForeignKey("materials.id"), primary_key=True),
    Column("position", SmallInteger, nullable=False),
    Column("data_key", LargeBinary),
    Index("ix_material_holders_material_id", "material_id"),
)


material_events = Table(
    "material_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("material_id", Uuid, ForeignKey("materials.id"), nullable=False, index=True),
    Column("action", Text, nullable=False),
    Column("trust", Text, nullable=False),
    Column("actor", Text, nullable=False),
    moment("at"),
    # Null: the material's own.
    Column("data_key", LargeBinary),
    # JSON: clerk, note.
    Column("sealed", LargeBinary, nullable=False),
)
