"""What is read most, written close to the driver: public verification, and whose token this is.

One prepared statement each on an async pool, so that no thread is needed. Measured in `docs/performance.md`:
through SQLAlchemy the same point read costs more than the rest of the request together.

A miss costs what a hit costs (`certvault bench --only verify_timing`): where nothing is found, the same
statement reads some other certificate, and in place of its envelope, which is nobody's business, a decoy of
the same size is opened.
"""

import secrets
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
from storage.envelope import KeyRing, open_json, seal_json
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
           {asked_c}
    FROM certificates c
    WHERE c.id = COALESCE(
        (SELECT h.id FROM certificates h WHERE {asked_h} LIMIT 1),
        (SELECT d.id FROM certificates d WHERE d.id <= %(decoy)s ORDER BY d.id DESC LIMIT 1))
"""


def _asking(condition: str) -> str:
    """The statement for a condition on a certificate; its last column says whether the condition holds."""
    return _COLUMNS.format(asked_c=condition.format("c"), asked_h=condition.format("h"))


_BY_TOKEN = _asking("{0}.token_index = %(token)s")
_BY_NUMBER_AND_CODE = _asking("{0}.number_index = %(number)s AND {0}.code_index = %(code)s")
_TYPE = "SELECT definition FROM certificate_types WHERE code = %s AND version = %s"


# The largest UUID: its nearest below is the newest certificate.
_NEWEST = UUID(int=(1 << 128) - 1)
# UUIDs of version 7 (RFC 9562) begin with 48 bits of milliseconds.
_RANDOM_BITS = 80
_DECOY_STEP_BYTES = 256
_DECOY_PLACE = ("decoys.data_key:0", "decoys.sealed:0")


@dataclass(frozen=True, slots=True)
class Found:
    """What a question came to. `row` is a decoy where `hit` is false, and None while the vault is empty."""

    row: "PublicRow | None"
    hit: bool


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
        self._decoys: dict[int, tuple[bytes, bytes]] = {}
        self._oldest = self._newest = _NEWEST
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

    async def by_token(self, token: str) -> Found:
        """The certificate whose QR holds this token.

        Raises:
            Unavailable: the database does not answer.
        """
        return await self._found(_BY_TOKEN, {"token": self._keys.index(TOKEN, token)})

    async def by_number_and_code(self, number: str, code: str) -> Found:
        """The certificate with this number and this verification code, both normalised.

        Raises:
            Unavailable: the database does not answer.
        """
        indexes = {"number": self._keys.index(NUMBER, number), "code": self._keys.index(CODE, code)}
        return await self._found(_BY_NUMBER_AND_CODE, indexes)

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

    async def _found(self, query: str, asked: Mapping[str, object]) -> Found:
        row = await self._one(query, {**asked, "decoy": self._decoy_near()})
        if row is None:
            return Found(None, hit=False)
        self._seen(row[0])
        hit = bool(row[16])
        wrapped, sealed = row[11], row[12]
        place = (key_place(row[0]), content_place(row[0]))
        if not hit:
            wrapped, sealed = self._decoy(len(sealed))
            place = _DECOY_PLACE
        return Found(_row(row, open_json(self._keys.data_key(wrapped, place[0]), sealed, place[1])), hit)

    def _decoy_near(self) -> UUID:
        """Somewhere among the certificates that were seen: a miss reads old and new pages as hits do."""
        oldest, newest = (seen.int >> _RANDOM_BITS for seen in (self._oldest, self._newest))
        moment_ms = oldest + secrets.randbelow(newest - oldest + 1)
        return UUID(int=(moment_ms << _RANDOM_BITS) | ((1 << _RANDOM_BITS) - 1))

    def _seen(self, certificate_id: UUID) -> None:
        if self._newest is _NEWEST:
            self._oldest = self._newest = certificate_id
        self._oldest = min(self._oldest, certificate_id)
        self._newest = max(self._newest, certificate_id)

    def _decoy(self, size_bytes: int) -> tuple[bytes, bytes]:
        """A wrapped data key and an envelope of about this size that holds nobody."""
        steps = size_bytes // _DECOY_STEP_BYTES
        known = self._decoys.get(steps)
        if known is None:
            data_key = self._keys.new_data_key(_DECOY_PLACE[0])
            content = {
                "number": "样例〔1900〕000000号",
                "holders": [{"code_type": "001", "code": "91350100M000100Y43", "name": "样例市样例有限公司"}],
                "fields": {f"field_{n}": "样例" * 8 for n in range(steps * _DECOY_STEP_BYTES // 63)},
            }
            known = (data_key.wrapped, seal_json(data_key, content, _DECOY_PLACE[1]))
            self._decoys[steps] = known
        return known

    async def _one(
        self, query: str, parameters: tuple[object, ...] | Mapping[str, object]
    ) -> tuple[Any, ...] | None:
        with _translated():
            async with self._pool.connection() as connection:
                cursor = await connection.execute(query, parameters, binary=True)
                return await cursor.fetchone()


def _row(row: tuple[Any, ...], content: Mapping[str, Any]) -> PublicRow:
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
