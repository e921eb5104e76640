"""What is issued, and by which seal."""

from sqlalchemy import Column, ForeignKey, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from storage.tables.columns import metadata, moment


def _versioned(name: str) -> Table:
    """Definitions, every version that was ever applied; the digest tells whether another one is new."""
    return Table(
        name,
        metadata,
        Column("code", Text, primary_key=True),
        Column("version", Integer, primary_key=True),
        Column("definition", JSONB, nullable=False),
        Column("digest", Text, nullable=False),
        moment("applied_at"),
    )


certificate_types = _versioned("certificate_types")
service_items = _versioned("service_items")
material_types = _versioned("material_types")

seals = Table(
    "seals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("authority", Text, nullable=False, index=True),
    Column("authority_name", Text, nullable=False),
    Column("algorithm", Text, nullable=False),
    # Name of the key in the key folder; the key itself never enters the database.
    Column("key_name", Text, nullable=False),
    Column("certificate_pem", Text, nullable=False),
    Column("picture", LargeBinary, nullable=False),
    moment("not_after"),
    moment("created_at"),
    moment("stopped_at", nullable=True),
    # Null: for the authority's own PDFs. `usage-copy`: the platform's seal (平台章). `national`: for the
    # authority's OFDs. `national-closing`: the platform's key that closes them. `attestation`: for
    # digital copies that the authority made.
    Column("purpose", Text),
)


# Insert-only. A seal of purpose `national`, byte for byte as its maker signed it: SESeal (GB/T 38540).
national_seals = Table(
    "national_seals",
    metadata,
    Column("id", Text, ForeignKey("seals.id"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)
