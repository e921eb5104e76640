"""Several prepared statements in one round trip, by libpq's own pipeline.

psycopg's pipeline makes a cursor for each statement and looks at the socket between any two: for the short
statements of a look-up that costs more than PostgreSQL takes to answer them. Here all are written at once,
and then all answers are read.

A statement is kept prepared as long as its connection lives, so its text must be one of a fixed number.
"""

import re
from collections import namedtuple
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from functools import lru_cache
from typing import Any, TypeAlias
from uuid import UUID

import psycopg
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq import ConnStatus, ExecStatus, Format
from psycopg.pq.abc import PGconn, PGresult
from psycopg.waiting import Ready, Wait

Rows: TypeAlias = Sequence[Any]
"""Named tuples: they show their columns as attributes, as SQLAlchemy's rows do."""
Parameters: TypeAlias = Mapping[str, Any] | Sequence[Any]

Sent: TypeAlias = tuple[bytes, bytes | None]
"""The text of a statement, and the name under which it is prepared just now, if it is."""
# Texts of statements that are kept: all of ours, and room.
STATEMENTS_MAX = 200
# The table was altered since, or the server forgot: what is prepared is of no use any more.
_OUT_OF_DATE = frozenset({"0A000", "26000"})
_PLACE = re.compile(r"%(?:\((\w+)\))?s|%%")


@dataclass(frozen=True, slots=True)
class Message:
    """A statement and its parameters, `%s` or `%(name)s` in its text; arrays as `array_text` writes them."""

    text: str
    parameters: Parameters = field(default=(), repr=False)


class Prepared:
    """What one connection has prepared, and how its rows are read."""

    def __init__(self, connection: "psycopg.Connection[Any] | psycopg.AsyncConnection[Any]") -> None:
        self._pgconn = connection.pgconn
        self._read = Transformer(connection)
        self._names: dict[bytes, bytes] = {}
        self._makers: dict[bytes, Callable[[Sequence[Any]], Any]] = {}
        self._count = 0

    def forget(self) -> None:
        """Nothing is prepared any more: the server was told to deallocate everything."""
        self._names.clear()

    def exchanged(self, messages: Sequence[Message]) -> Generator[Wait, Ready | int, tuple[Rows, ...]]:
        """The rows that each message answers, for `psycopg.Connection.wait`.

        Raises:
            psycopg.Error: one failed; PostgreSQL has skipped what came after it.
        """
        ready = [_ready(message) for message in messages]
        self._pgconn.enter_pipeline_mode()
        try:
            sent = [self._send(*each) for each in ready]
            self._pgconn.pipeline_sync()
            results = yield from _results(self._pgconn)
        except BaseException:
            self._pgconn.finish()  # nobody knows which answers are still to come
            raise
        self._pgconn.exit_pipeline_mode()
        return self.heard(sent, results)

    def send(self, message: Message) -> Sent:
        """Sends one into a pipeline that is open; what answers it goes to `heard`.

        Raises:
            psycopg.Error: a value cannot be sent (nothing is, then), or the connection is lost.
        """
        return self._send(*_ready(message))

    def _send(self, text: bytes, values: Sequence[bytes | None], formats: Sequence[Format]) -> Sent:
        known, fresh = self._names.get(text), None
        if known is None:
            self._count += 1
            # With its verb, so that whoever reads along (logs, a proxy) sees a COMMIT for what it is.
            known = fresh = b"own_%d_%s" % (self._count, text.split(None, 1)[0])
            self._pgconn.send_prepare(fresh, text)
        self._pgconn.send_query_prepared(known, values, formats, result_format=Format.BINARY)
        return text, fresh

    def heard(self, sent: Sequence[Sent], results: Sequence[PGresult]) -> tuple[Rows, ...]:
        """The rows that these results answer to what was sent, up to its sync.

        Raises:
            psycopg.Error: one failed.
        """
        # Also one beyond the last statement's: of the commit that ends a message outside a transaction.
        failure = next((each for each in results if each.status == ExecStatus.FATAL_ERROR), None)
        heard, rows = iter(results), []
        for text, fresh in sent:
            if fresh is not None and next(heard).status == ExecStatus.COMMAND_OK:
                self._names[text] = fresh
            result = next(heard)
            if failure is None:
                rows.append(self._rows(text, result))
        if failure is None:
            return tuple(rows)
        error = error_from_result(failure)
        if error.sqlstate in _OUT_OF_DATE:
            self._names.clear()
        raise error

    def _rows(self, text: bytes, result: PGresult) -> Rows:
        if result.status != ExecStatus.TUPLES_OK or not result.ntuples:
            return []
        make = self._makers.get(text)
        if make is None:
            columns = [(result.fname(n) or b"").decode() for n in range(result.nfields)]
            row: Any = namedtuple("Row", columns, rename=True)  # type: ignore[misc]  # noqa: PYI024 - known only here
            make = self._makers[text] = row._make
        self._read.set_pgresult(result)
        return self._read.load_rows(0, result.ntuples, make)


def _results(pgconn: PGconn) -> Generator[Wait, Ready | int, list[PGresult]]:
    """Every result until the one of the sync; what is not sent yet goes out meanwhile."""
    while pgconn.flush():
        if (yield Wait.RW) & Ready.R:
            pgconn.consume_input()
    found: list[PGresult] = []
    while True:
        while pgconn.is_busy():
            if (yield Wait.R):
                pgconn.consume_input()
        result = pgconn.get_result()
        if result is None:  # the end of one statement's
            if pgconn.status == ConnStatus.BAD:
                raise psycopg.OperationalError("The connection was lost.")
            continue
        if result.status == ExecStatus.PIPELINE_SYNC:
            return found
        found.append(result)


def _ready(message: Message) -> tuple[bytes, Sequence[bytes | None], Sequence[Format]]:
    """Text, parameters and their formats, as libpq takes them."""
    text, names = _numbered(message.text)
    given = message.parameters
    values = [given[name] for name in names] if isinstance(given, Mapping) else given
    formats = [Format.BINARY if isinstance(value, bytes) else Format.TEXT for value in values]
    return text, [_written(value) for value in values], formats


@lru_cache(maxsize=STATEMENTS_MAX)
def _numbered(text: str) -> tuple[bytes, tuple[str, ...]]:
    """The text as the server takes it, its parameters numbered, and their names in that order."""
    names: list[str] = []

    def place(found: re.Match[str]) -> str:
        if found[0] == "%%":
            return "%"
        if found[1] is None or found[1] not in names:
            names.append(found[1])
            return f"${len(names)}"
        return f"${names.index(found[1]) + 1}"

    return _PLACE.sub(place, text).encode(), tuple(names)


def _written(value: object) -> bytes | None:
    """As PostgreSQL reads it; octets go as they are."""
    match value:
        case None | bytes():
            return value
        case str():
            if "\x00" in value:  # libpq would take what stands before it
                raise psycopg.DataError("PostgreSQL takes no U+0000 in a text.")
            return value.encode()
        case bool():
            return b"t" if value else b"f"
        case int() | UUID():
            return str(value).encode()
        case date():  # and datetime
            return value.isoformat().encode()
        case _:
            raise TypeError(f"A parameter of type {type(value).__name__} is not sent this way.")
