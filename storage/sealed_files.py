"""All sealed files of certificates in one: as they were deposited, and as they were raised."""

from functools import cache

from sqlalchemy import SmallInteger, Subquery, literal, select, union_all

from storage.tables import documents, renditions

# The number of a file as it was deposited.
DEPOSITED = 0


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
