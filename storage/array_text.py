"""Arrays as PostgreSQL writes them (its manual, 8.15.2): psycopg takes longer than the server for it."""

from collections.abc import Iterable


def array(elements: Iterable[str]) -> str:
    """Elements that need no quotation marks, such as UUIDs and numbers, or have them already."""
    return "{" + ",".join(elements) + "}"


def octets(values: Iterable[bytes]) -> str:
    """A `bytea[]`."""
    return array('"\\\\x' + value.hex() + '"' for value in values)


def texts(values: Iterable[str]) -> str:
    """A `text[]`."""
    return array('"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"' for value in values)
