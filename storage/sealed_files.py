"""All sealed files of certificates in one: as they were deposited, and as they were raised."""

from functools import cache

from sqlalchemy import SmallInteger, Subquery, literal, select, union_all

from storage.tables import documents, renditions
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import SealLevel, StoredDocument

# The number of a file as it was deposited.
DEPOSITED = 0


def stored_document(
    format_: str, sha256: str, sm3: str, size_bytes: int, level: str, seal_id: str | None
) -> StoredDocument:
    """A sealed file as its row says it. `sha256`, `sm3`: hex."""
    return StoredDocument(DocumentFormat(format_), sha256, sm3, size_bytes, SealLevel(level), seal_id)


@cache  # built once; queries take it as it is
def sealed_files() -> Subquery:
    """`certificate_id`, `format`, `number` (0: as deposited), digests, size, level, seal and object name."""
    columns = ("sha256", "sm3", "size_bytes", "level", "seal_id", "object_name")
    return union_all(
        select(
            documents.c.certificate_id,
            documents.c.format,
            literal(DEPOSITED, SmallInteger).label("number"),
            *(documents.c[name] for name in columns),
        ),
        select(
            renditions.c.certificate_id,
            renditions.c.format,
            renditions.c.number,
            *(renditions.c[name] for name in columns),
        ),
    ).subquery("sealed_files")
