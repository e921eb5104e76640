"""What is read most, written close to the driver: public verification, and whose token this is.

One prepared statement each on the event loop (`storage.lanes`), so that no thread is needed. What is shown to
the public is a function of the tables' owner (revision 0015), as narrow as their policies. Measured in
`docs/performance.md`: through SQLAlchemy the same point read costs more than the rest of the request.

A miss costs what a hit costs (`certvault bench --only verify_timing`): where nothing is found, the function
reads some other certificate, and in place of its envelope, which is nobody's business, a decoy of the same
size is opened.
"""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, LiteralString
from uuid import UUID

from psycopg import OperationalError
from psycopg.errors import ObjectNotInPrerequisiteState

from storage.array_text import array, octets
from storage.certificates import CODE, NUMBER, TOKEN, content_place
from storage.clients import ENABLED_CLIENT, grant_of
from storage.db import DISTRIBUTION_S, OLD_RING
from storage.envelope import KeyRing, open_json, seal_json, wrap_key
from storage.exchange import Message, Parameters
from storage.lanes import Lanes
from storage.record_keys import CERTIFICATES, holder_key_place, opened_key
from vault.errors import Unavailable
from vault.model.actors import ClientGrant
from vault.model.legal_time import legal_day
from vault.model.lifecycle import OutOfForce

# Revision 0015 has the function. It fails where this process lacks an index key in use.
_ASKED: LiteralString = """
    SELECT * FROM public_certificate(%(token)s::bytea[], %(number)s::bytea[], %(code)s::bytea[], %(decoy)s,
        %(versions)s::smallint[])
"""
_TYPE = "SELECT definition FROM certificate_types WHERE code = %s AND version = %s"


# The largest UUID: its nearest below is the newest certificate.
_NEWEST = UUID(int=(1 << 128) - 1)
# UUIDs of version 7 (RFC 9562) begin with 48 bits of milliseconds.
_RANDOM_BITS = 80
_DECOY_STEP_BYTES = 256
# Whose certificate a decoy is.
_NOBODY = UUID(int=0)


@dataclass(frozen=True, slots=True)
class Found:
    """What a question came to. `row` is a decoy where `hit` is false, and None while the vault is empty."""

    row: "PublicRow | None"
    hit: bool


@dataclass(frozen=True, slots=True)
class _Decoy:
    """An envelope that holds nobody, its data key wrapped by a holder's, that one by the vault's."""

    opener_key: bytes = field(repr=False)
    wrapped: bytes = field(repr=False)
    sealed: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class PublicRow:
    """What public verification may see of a certificate, before masking.

    `content`: the opened envelope. `disputed_since`: when its authority accepted a dispute that is open.
    """

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
    disputed_since: datetime | None


class PublicReader:
    """Point reads for one process's event loop. Opened in its lifespan, closed at its end."""

    def __init__(self, url: str, keys: KeyRing, *, pool_size: int) -> None:
        self._keys = keys
        self._definitions: dict[tuple[str, int], Mapping[str, Any]] = {}
        self._decoys: dict[tuple[int, int], _Decoy] = {}
        self._oldest = self._newest = _NEWEST
        self._lanes = Lanes(url, count=pool_size)

    async def open(self) -> None:
        """Connects ahead of the first question; the server need not be there yet."""
        await self._lanes.open()

    async def close(self) -> None:
        """Closes every connection; what is under way is `Unavailable`."""
        self._lanes.close()

    async def by_token(self, token: str) -> Found:
        """The certificate whose QR holds this token.

        Raises:
            Unavailable: the database does not answer.
        """
        return await self._found(token=self._keys.indexes(TOKEN, token))

    async def by_number_and_code(self, number: str, code: str) -> Found:
        """The certificate with this number and this verification code, both normalised.

        Raises:
            Unavailable: the database does not answer.
        """
        keys = self._keys
        return await self._found(number=keys.indexes(NUMBER, number), code=keys.indexes(CODE, code))

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
        row = await self._one(ENABLED_CLIENT, {"client_id": client_id})
        return None if row is None else grant_of(row)

    async def _found(self, **asked: Iterable[bytes]) -> Found:
        parameters = {
            "token": None,
            "number": None,
            "code": None,
            "decoy": self._decoy_near(),
            "versions": array(map(str, self._keys.index_versions)),
            **{name: octets(indexes) for name, indexes in asked.items()},
        }
        row = await self._one(_ASKED, parameters)
        if row is None:
            return Found(None, hit=False)
        self._seen(row[0])
        content = self._content(row) if row[20] else None
        if content is None:  # nothing there, or its last holder was erased at this moment
            return Found(_row(row, self._decoy_content(len(row[12] or b""))), hit=False)
        return Found(_row(row, content), hit=True)

    def _content(self, row: tuple[Any, ...]) -> Mapping[str, Any] | None:
        data_key = opened_key(CERTIFICATES, self._keys, row[0], row[11], (row[16], row[17], row[18]))
        if data_key is None or row[12] is None:
            return None
        content: Mapping[str, Any] = open_json(data_key, row[12], content_place(row[0]))
        return content

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

    def _decoy_content(self, size_bytes: int) -> Mapping[str, Any]:
        """Opened as a certificate's envelope of about this size is opened, with the same three keys."""
        decoy = self._decoy(size_bytes)
        way = (_NOBODY, decoy.wrapped, decoy.opener_key)
        data_key = opened_key(CERTIFICATES, self._keys, _NOBODY, None, way)
        assert data_key is not None  # noqa: S101 - the way is given
        content: Mapping[str, Any] = open_json(data_key, decoy.sealed, content_place(_NOBODY))
        return content

    def _decoy(self, size_bytes: int) -> _Decoy:
        keys, steps = self._keys, size_bytes // _DECOY_STEP_BYTES
        known = self._decoys.get((steps, keys.wrapping_version))
        if known is None:
            holder, record = keys.new_data_key(holder_key_place(_NOBODY)), keys.new_record_key()
            content = {
                "number": "样例〔1900〕000000号",
                "holders": [{"code_type": "001", "code": "91350100M000100Y43", "name": "样例市样例有限公司"}],
                "fields": {f"field_{n}": "样例" * 8 for n in range(steps * _DECOY_STEP_BYTES // 63)},
            }
            known = _Decoy(
                holder.wrapped,
                wrap_key(holder, record, CERTIFICATES.wrap_place(_NOBODY, _NOBODY)),
                seal_json(record, content, content_place(_NOBODY)),
            )
            self._decoys[steps, keys.wrapping_version] = known
        return known

    async def _one(self, query: str, parameters: Parameters) -> Any:  # noqa: ANN401 - as the query's columns
        with _translated():
            rows = await self._lanes.ask(Message(query, parameters))
        return rows[0] if rows else None


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
        disputed_since=row[19],
    )


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except ObjectNotInPrerequisiteState as error:
        raise Unavailable(OLD_RING, retry_after_s=DISTRIBUTION_S) from error
    except (OperationalError, TimeoutError) as error:
        raise Unavailable("The database does not answer; try again shortly.") from error


def _out_of_force(
    status_since: datetime, effective_on: str | None, reason: str | None, successor: str | None
) -> OutOfForce:
    day = legal_day(status_since) if effective_on is None else date.fromisoformat(effective_on)
    return OutOfForce(day, reason, successor)
