"""What is read most, written close to the driver: public verification, and whose token this is.

One prepared statement each on an async pool, so that no thread is needed. Measured in `docs/performance.md`:
through SQLAlchemy the same point read costs more than the rest of the request together.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from psycopg import AsyncConnection, OperationalError
from psycopg.errors import ObjectNotInPrerequisiteState
from psycopg.rows import namedtuple_row
from psycopg.types.numeric import Int2
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from storage.certificates import CODE, NUMBER, TOKEN, content_place
from storage.clients import ENABLED_CLIENT, grant_of
from storage.db import DISTRIBUTION_S, OLD_RING
from storage.envelope import KeyRing, open_json
from storage.record_keys import CERTIFICATES, opened_key
from vault.errors import Unavailable
from vault.model.actors import ClientGrant
from vault.model.legal_time import legal_day
from vault.model.lifecycle import OutOfForce

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
               SELECT ARRAY[e.effective_on::text, e.reason, (SELECT s.identifier FROM certificates s
                                                             WHERE s.id = c.superseded_by)]
               FROM status_events e WHERE e.certificate_id = c.id AND e.action <> 'inspect'
               ORDER BY e.id DESC LIMIT 1)
           END,
           k.holder_id, k.wrapped, k.opener_key
    FROM certificates c
    LEFT JOIN LATERAL (
        SELECT h.id AS holder_id, ch.data_key AS wrapped, h.data_key AS opener_key
        FROM certificate_holders ch JOIN holders h ON h.id = ch.holder_id
        WHERE ch.certificate_id = c.id AND ch.data_key IS NOT NULL AND h.data_key IS NOT NULL
        ORDER BY ch.position LIMIT 1) k ON true
"""
# Under every index key of this process; the statement fails where it lacks one in use.
_BY_TOKEN = _COLUMNS + "WHERE c.token_index = ANY (%s) AND key_ring_has(%s)"
_BY_NUMBER_AND_CODE = (
    _COLUMNS + "WHERE c.number_index = ANY (%s) AND c.code_index = ANY (%s) AND key_ring_has(%s)"
)
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
        keys = self._keys
        values = (list(keys.indexes(TOKEN, token)), _small(keys.index_versions))
        return self._row(await self._one(_BY_TOKEN, values))

    async def by_number_and_code(self, number: str, code: str) -> PublicRow | None:
        """The certificate with this number and this verification code, both normalised.

        Raises:
            Unavailable: the database does not answer.
        """
        keys = self._keys
        values = (
            list(keys.indexes(NUMBER, number)),
            list(keys.indexes(CODE, code)),
            _small(keys.index_versions),
        )
        return self._row(await self._one(_BY_NUMBER_AND_CODE, values))

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

    async def _one(self, query: str, parameters: tuple[object, ...]) -> tuple[Any, ...] | None:
        with _translated():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query, parameters, binary=True)
                return await cursor.fetchone()

    def _row(self, row: tuple[Any, ...] | None) -> PublicRow | None:
        if row is None:
            return None
        data_key = opened_key(CERTIFICATES, self._keys, row[0], row[11], (row[16], row[17], row[18]))
        if data_key is None or row[12] is None:  # its last holder was erased at this moment
            return None
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


def _small(versions: Sequence[int]) -> list[Int2]:
    return [Int2(version) for version in versions]


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ObjectNotInPrerequisiteState as error:
        raise Unavailable(OLD_RING, retry_after_s=DISTRIBUTION_S) from error
    except (OperationalError, PoolTimeout) as error:
        raise Unavailable("The database does not answer; try again shortly.") from error


def _out_of_force(
    status_since: datetime, effective_on: str | None, reason: str | None, successor: str | None
) -> OutOfForce:
    day = legal_day(status_since) if effective_on is None else date.fromisoformat(effective_on)
    return OutOfForce(day, reason, successor)
