"""What is read most, written close to the driver: public verification, and whose token this is.

One prepared statement each on an async pool, so that no thread is needed. What somebody shows goes before it
in the same round trip, as the statement's scope (`storage.db`): both are one transaction.

Measured in `docs/performance.md`: through SQLAlchemy the same point read costs more than the rest of the
request together.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, OperationalError
from psycopg.rows import namedtuple_row
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from storage.certificates import CODE, NUMBER, TOKEN, content_place, key_place
from storage.clients import ENABLED_CLIENT, grant_of
from storage.db import SAY_SCOPE, said
from storage.envelope import KeyRing, open_json
from vault.errors import Unavailable
from vault.model.actors import ClientGrant
from vault.model.legal_time import legal_day
from vault.model.lifecycle import OutOfForce
from vault.model.scope import of_shown

# Waiting longer for a connection than this helps nobody who stands at a window.
POOL_TIMEOUT_S = 5.0

_COLUMNS = """
    SELECT c.id, c.identifier, c.version, c.type_code, c.type_version, c.issuing_authority,
           c.issued_on, c.valid_from, c.valid_to, c.status, c.status_since, c.data_key, c.sealed,
           ARRAY(SELECT d.format || ' ' || d.level || ' ' || d.seal_id || ' ' || encode(d.sha256, 'hex')
                 FROM documents d WHERE d.certificate_id = c.id ORDER BY d.format DESC),
           (SELECT ARRAY[(l.log_index - s.first_index)::text, s.origin] FROM log_leaves l
            JOIN log_shards s ON s.first_index <= l.log_index
            WHERE l.certificate_id = c.id ORDER BY l.id, s.first_index DESC LIMIT 1),
           CASE WHEN c.status <> 'valid' THEN (
               SELECT ARRAY[e.effective_on::text, e.reason, identifier_of_version(c.superseded_by)]
               FROM status_events e WHERE e.certificate_id = c.id AND e.action <> 'inspect'
               ORDER BY e.id DESC LIMIT 1)
           END
    FROM certificates c
"""
_BY_TOKEN = _COLUMNS + "WHERE c.token_index = %s"
_BY_NUMBER_AND_CODE = _COLUMNS + "WHERE c.number_index = %s AND c.code_index = %s"
_TYPE = "SELECT definition FROM certificate_types WHERE code = %s AND version = %s"


@dataclass(frozen=True, slots=True)
class PublicRow:
    """What public verification may see of a certificate, before masking. `content`: the opened envelope."""

    certificate_id: UUID
    identifier: str
    version: int
    type_code: str
    type_version: int
    issuing_authority: str
    issued_on: date
    valid_from: date
    valid_to: date | None
    status: str
    status_since: datetime
    content: Mapping[str, Any] = field(repr=False)
    documents: tuple[str, ...]
    log_index: int | None
    log_origin: str | None
    out_of_force: OutOfForce | None


class PublicReader:
    """Point reads for one process's event loop. Opened in its lifespan, closed at its end."""

    def __init__(self, url: str, keys: KeyRing, *, pool_size: int) -> None:
        self._keys = keys
        self._definitions: dict[tuple[str, int], Mapping[str, Any]] = {}
        self._pool: AsyncConnectionPool[AsyncConnection[Any]] = AsyncConnectionPool(
            url,
            min_size=1,
            max_size=pool_size,
            open=False,
            timeout=POOL_TIMEOUT_S,
            kwargs={"autocommit": True, "prepare_threshold": 0},
        )

    async def open(self) -> None:
        """Starts the pool; the server need not be there yet."""
        await self._pool.open()

    async def close(self) -> None:
        """Closes every connection."""
        await self._pool.close()

    async def by_token(self, token: str) -> PublicRow | None:
        """The certificate whose QR holds this token.

        Raises:
            Unavailable: the database does not answer.
        """
        return self._row(await self._shown(_BY_TOKEN, (self._keys.index(TOKEN, token),)))

    async def by_number_and_code(self, number: str, code: str) -> PublicRow | None:
        """The certificate with this number and this verification code, both normalised.

        Raises:
            Unavailable: the database does not answer.
        """
        indexes = (self._keys.index(NUMBER, number), self._keys.index(CODE, code))
        return self._row(await self._shown(_BY_NUMBER_AND_CODE, indexes))

    async def definition(self, code: str, version: int) -> Mapping[str, Any]:
        """A type's definition as it was when the certificate was issued. An applied version never changes."""
        known = self._definitions.get((code, version))
        if known is None:
            row = await self._one(_TYPE, (code, version))
            known = self._definitions[(code, version)] = row[0] if row is not None else {}
        return known

    async def client(self, client_id: str) -> ClientGrant | None:
        """An approval system that is not disabled at this moment.

        Raises:
            Unavailable: the database does not answer.
        """
        with _translated():
            async with (
                self._pool.connection() as connection,
                connection.cursor(binary=True, row_factory=namedtuple_row) as cursor,
            ):
                await cursor.execute(ENABLED_CLIENT, {"client_id": client_id})
                row: Any = await cursor.fetchone()
        return None if row is None else grant_of(row)

    async def _shown(self, query: str, indexes: tuple[bytes, ...]) -> tuple[Any, ...] | None:
        with _translated():
            async with self._pool.connection() as connection:
                async with connection.pipeline():
                    await connection.execute(SAY_SCOPE, said(of_shown(*indexes)))
                    cursor = await connection.execute(query, indexes, binary=True)
                return await cursor.fetchone()

    async def _one(self, query: str, parameters: tuple[object, ...]) -> tuple[Any, ...] | None:
        with _translated():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query, parameters, binary=True)
                return await cursor.fetchone()

    def _row(self, row: tuple[Any, ...] | None) -> PublicRow | None:
        if row is None:
            return None
        data_key = self._keys.data_key(row[11], key_place(row[0]))
        content = open_json(data_key, row[12], content_place(row[0]))
        return PublicRow(
            certificate_id=row[0],
            identifier=row[1],
            version=row[2],
            type_code=row[3],
            type_version=row[4],
            issuing_authority=row[5],
            issued_on=row[6],
            valid_from=row[7],
            valid_to=row[8],
            status=row[9],
            status_since=row[10],
            content=content,
            documents=tuple(row[13]),
            log_index=None if row[14] is None else int(row[14][0]),
            log_origin=None if row[14] is None else row[14][1],
            out_of_force=None if row[15] is None else _out_of_force(row[10], *row[15]),
        )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable("The database does not answer; try again shortly.") from error


def _out_of_force(
    status_since: datetime, effective_on: str | None, reason: str | None, successor: str | None
) -> OutOfForce:
    day = legal_day(status_since) if effective_on is None else date.fromisoformat(effective_on)
    return OutOfForce(day, reason, successor)
