"""What a rotation renews: every table that has an index, a wrapped key or an envelope of older keys.

A table is renewed in pages of key order, each in a transaction of its own that skips rows which somebody
else holds; so it is slow for nobody, and whoever was skipped is come back to. **A new table with envelopes or
blind indexes gets an entry in `storage.renewal_of_records.RENEWED`**, and nothing else has to know of it.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Table, and_, bindparam, func, or_, select, text, update

from storage.consents import consent_place, consents_with_keys
from storage.db import ReadConnection, WriteConnection
from storage.delegations import delegate_index_values, delegate_of, delegation_place, delegations_with_keys
from storage.envelope import KeyRing, open_json, seal_json, sealed_header, wrapped_header
from storage.envelope.sealing import FORMAT
from storage.holders import holder_index
from storage.people import subject_text
from storage.record_keys import holder_key
from storage.tables import (
    consents,
    delegations,
    desks,
    holders,
    people,
    upload_keys,
    webhook_secrets,
    webhooks,
)
from storage.webhooks import url_index_values
from vault.model.holders import HolderCode

# A page takes some tens of milliseconds; whoever waits for one of its rows waits no longer.
PAGE_ROWS = 200

Values = dict[str, object]

# What the envelope of a delegation says whose holder is erased.
_NOBODY: Mapping[str, Any] = {"delegate": None}


@dataclass(frozen=True, slots=True)
class Renewed:
    """A table with an `id` to go by. `query`: its rows with all that `renew` needs for their new values."""

    table: Table
    query: Callable[[], Select[Any]]
    outdated: Callable[[KeyRing], ColumnElement[bool]]
    renew: Callable[[WriteConnection, KeyRing, Sequence[Row[Any]]], list[Values]]


def enveloped(
    table: Table, indexes: Callable[[KeyRing, Row[Any], Mapping[str, Any]], Values] | None = None
) -> Renewed:
    """A table with `data_key` and `sealed`, bound to `table.column:id`.

    `indexes`: the columns of its blind indexes from a row and its envelope; it then has an `index_version`.
    """

    def outdated(keys: KeyRing) -> ColumnElement[bool]:
        old = [old_wrap(table.c.data_key, keys), old_envelope(table.c.sealed, keys)]
        if indexes is not None:
            old.append(and_(old_index(table, keys), table.c.data_key.is_not(None)))
        return or_(*old)

    def renew(_: WriteConnection, keys: KeyRing, rows: Sequence[Row[Any]]) -> list[Values]:
        return [
            {
                "id_": row.id,
                **resealed(keys, table, row, content := opened(keys, table, row)),
                **({} if indexes is None else indexes(keys, row, content)),
            }
            for row in rows
        ]

    return Renewed(table, lambda: select(table), outdated, renew)


def rewrapped(table: Table, place: Callable[[Row[Any]], str]) -> Renewed:
    """A table whose `data_key` alone changes: histories, where nothing else may, and keys of their own."""

    def renew(_: WriteConnection, keys: KeyRing, rows: Sequence[Row[Any]]) -> list[Values]:
        return [
            {
                "id_": row.id,
                "data_key": keys.rewrapped(keys.data_key(row.data_key, place(row)), place(row)).wrapped,
            }
            for row in rows
        ]

    return Renewed(table, lambda: select(table), lambda keys: old_wrap(table.c.data_key, keys), renew)


def under_holders(
    table: Table,
    query: Callable[[], Select[Any]],
    place: Callable[[UUID], str],
    indexes: Callable[[KeyRing, Mapping[str, Any]], Values] | None = None,
) -> Renewed:
    """A table with `sealed` under the key of the holder in `holder_id`, whose wrapped key `query` adds."""

    def outdated(keys: KeyRing) -> ColumnElement[bool]:
        old = old_envelope(table.c.sealed, keys)
        return old if indexes is None else or_(old, old_index(table, keys))

    def renew(_: WriteConnection, keys: KeyRing, rows: Sequence[Row[Any]]) -> list[Values]:
        renewed = []
        for row in rows:
            sealed, content = row.sealed, _NOBODY
            if sealed is not None:
                key = holder_key(keys, row.holder_id, row.holder_key)
                content = open_json(key, sealed, place(row.id))
                sealed = seal_json(key, content, place(row.id))
            found = {} if indexes is None else indexes(keys, content)
            renewed.append({"id_": row.id, "sealed": sealed, **found})
        return renewed

    return Renewed(table, query, outdated, renew)


def opened(keys: KeyRing, table: Table, row: Row[Any]) -> Any:  # noqa: ANN401 - JSON is what it is
    """What the envelope of such a row says."""
    data_key = keys.data_key(row.data_key, f"{table.name}.data_key:{row.id}")
    return open_json(data_key, row.sealed, f"{table.name}.sealed:{row.id}")


def resealed(keys: KeyRing, table: Table, row: Row[Any], content: object) -> Values:
    """The same data key wrapped by the active key, and the envelope in its suite."""
    place = f"{table.name}.data_key:{row.id}"
    data_key = keys.rewrapped(keys.data_key(row.data_key, place), place)
    return {
        "data_key": data_key.wrapped,
        "sealed": seal_json(data_key, content, f"{table.name}.sealed:{row.id}"),
    }


def old_wrap(column: ColumnElement[Any], keys: KeyRing) -> ColumnElement[bool]:
    """Wrapped by another than the active wrapping key; keys that a row's key wraps are no concern of it."""
    by_the_vault = or_(func.substr(column, 1, 1) != bytes([FORMAT]), func.substr(column, 3, 2) != bytes(2))
    header = wrapped_header(keys.suite, keys.wrapping_version)
    return and_(column.is_not(None), by_the_vault, func.substr(column, 1, len(header)) != header)


def old_envelope(column: ColumnElement[Any], keys: KeyRing) -> ColumnElement[bool]:
    """Not sealed in the active suite."""
    header = sealed_header(keys.suite)
    return and_(column.is_not(None), func.substr(column, 1, len(header)) != header)


def old_index(table: Table, keys: KeyRing) -> ColumnElement[bool]:
    """Indexed under another than the active index key."""
    return func.coalesce(table.c.index_version, 1) != keys.index_version


def _code(keys: KeyRing, row: Row[Any], content: Mapping[str, Any]) -> Values:
    index = None
    if row.code_type is not None:
        index = holder_index(keys, HolderCode.parse(row.code_type, content["code"]))
    return {"code_index": index, "index_version": keys.index_version}


def _person(keys: KeyRing, row: Row[Any], content: Mapping[str, Any]) -> Values:
    subject = keys.index(*subject_text(row.issuer, content["subject"]))
    return {**_code(keys, row, content), "subject_index": subject}


def _webhook(keys: KeyRing, _: Row[Any], content: Mapping[str, Any]) -> Values:
    return url_index_values(keys, content["url"])


HOLDERS = enveloped(holders, _code)
PEOPLE = enveloped(people, _person)
WEBHOOKS = enveloped(webhooks, _webhook)
WEBHOOK_SECRETS = enveloped(webhook_secrets)
DESKS = enveloped(desks)
CONSENTS = under_holders(consents, consents_with_keys, consent_place)
DELEGATIONS = under_holders(
    delegations,
    delegations_with_keys,
    delegation_place,
    lambda keys, content: delegate_index_values(keys, delegate_of(content)),
)
UPLOAD_KEYS = rewrapped(upload_keys, lambda row: f"upload_keys.data_key:{row.id}")


def renew_page(
    db: WriteConnection, keys: KeyRing, what: Renewed, after: object | None
) -> tuple[object | None, int]:
    """Renews what is outdated in the next page; the page's last id (None at the end), and how many rows."""
    last, rows = _page(db, what.table, after)
    if rows == 0:
        return None, 0
    query = (
        _in_page(what, after, last)
        .where(what.outdated(keys))
        .with_for_update(of=what.table, skip_locked=True)
    )
    found = db.execute(query).all()
    if found:
        # Every other key names a column to be set.
        statement = update(what.table).where(what.table.c.id == bindparam("id_"))
        db.execute(statement, what.renew(db, keys, found))
    return last, rows


def outdated_in_page(
    db: ReadConnection, keys: KeyRing, what: Renewed, after: object | None
) -> tuple[object | None, int]:
    """The next page's last id (None at the end), and how many of its rows are of older keys."""
    last, rows = _page(db, what.table, after)
    if rows == 0:
        return None, 0
    query = select(func.count()).select_from(what.table).where(what.outdated(keys), what.table.c.id <= last)
    return last, db.execute(query if after is None else query.where(what.table.c.id > after)).scalar_one()


def may_renew(db: ReadConnection) -> bool:
    """Whether this role may write the wrapped keys in the histories; the service's own may not."""
    query = text(
        "SELECT bool_and(has_column_privilege(t, 'data_key', 'UPDATE'))"
        " AND has_column_privilege('disputes', 'request_index', 'UPDATE')"
        " FROM unnest(ARRAY['audit_events', 'material_events', 'deferral_orders']) t"
    )
    return bool(db.execute(query).scalar_one())


def rows_estimated(db: ReadConnection, tables: Sequence[Table]) -> int:
    """About how many rows these tables have: what the planner believes, which costs nothing."""
    query = text(
        "SELECT coalesce(sum(greatest(c.reltuples, 0)), 0) FROM unnest(CAST(:t AS regclass[])) AS t (id)"
        " CROSS JOIN LATERAL pg_partition_tree(t.id) AS p JOIN pg_class c ON c.oid = p.relid WHERE p.isleaf"
    )
    return int(db.execute(query, {"t": [table.name for table in tables]}).scalar_one())


def _page(db: ReadConnection, table: Table, after: object | None) -> tuple[Any, int]:
    query = select(table.c.id).order_by(table.c.id).limit(PAGE_ROWS)
    ids = db.execute(query if after is None else query.where(table.c.id > after)).scalars().all()
    return (ids[-1] if ids else None), len(ids)


def _in_page(what: Renewed, after: object | None, last: object) -> Select[Any]:
    query = what.query().where(what.table.c.id <= last)
    return query if after is None else query.where(what.table.c.id > after)
