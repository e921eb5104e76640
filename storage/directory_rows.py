"""What the directories of certificates say, read in bulk: pages by id, or certificates that changed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Row,
    ScalarSelect,
    Select,
    Uuid,
    any_,
    bindparam,
    cast,
    func,
    select,
    true,
)

from storage.catalogue import every_type
from storage.certificates import content_place
from storage.db import ReadConnection
from storage.envelope import KeyRing, open_json
from storage.holders import holders_from_json
from storage.record_keys import CERTIFICATES, record_key, way_in, way_in_columns
from storage.tables import cases, certificates, changes, status_events
from vault.errors import VaultError
from vault.model.certificate import Status
from vault.model.directory import DirectoryEntry
from vault.model.legal_time import legal_day
from vault.model.lifecycle import Action
from vault.model.origin import OriginKind

# Rows of one page with their envelopes: about a megabyte, and a tenth of a second.
PAGE_ROWS = 500


@dataclass(frozen=True, slots=True)
class TypeNames:
    """What a version of a certificate type is called, and its authorities, by their codes."""

    name: str
    authorities: Mapping[str, str]


Names = Mapping[tuple[str, int], TypeNames]


@dataclass(frozen=True, slots=True)
class DamagedRow:
    """A certificate whose row or envelope cannot be read: fsck tells more."""

    identifier: str


@dataclass(frozen=True, slots=True)
class DirectoryPage:
    """`last`: the id after which the next page begins."""

    found: tuple[DirectoryEntry | DamagedRow, ...]
    last: UUID


def type_names(db: ReadConnection) -> Names:
    """The names of every version of every type, by code and version."""
    return {
        (row.code, row.version): TypeNames(
            row.definition["name"], {each["code"]: each["name"] for each in row.definition["authorities"]}
        )
        for row in every_type(db)
    }


def page_after(db: ReadConnection, keys: KeyRing, names: Names, after: UUID | None) -> DirectoryPage | None:
    """The next certificates after this id, in the order of ids; None at the end."""
    wanted = select(certificates).order_by(certificates.c.id).limit(PAGE_ROWS)
    if after is not None:
        wanted = wanted.where(certificates.c.id > after)
    rows = db.execute(_entries(wanted)).all()
    if not rows:
        return None
    return DirectoryPage(_read(keys, names, rows), rows[-1].id)


def of_certificates(
    db: ReadConnection, keys: KeyRing, names: Names, certificate_ids: Sequence[UUID]
) -> tuple[DirectoryEntry | DamagedRow, ...]:
    """These certificates, in this order, but for those whose holders are all erased."""
    wanted = select(certificates).where(certificates.c.id == any_(bindparam("ids", type_=ARRAY(Uuid))))
    found = {row.id: row for row in db.execute(_entries(wanted), {"ids": list(certificate_ids)})}
    return _read(keys, names, [found[each] for each in certificate_ids if each in found])


def newest_places(db: ReadConnection, certificate_ids: Collection[UUID], through: int) -> Mapping[UUID, int]:
    """The place of each certificate's newest change among those up to a place of the feed."""
    each = func.unnest(cast(list(certificate_ids), ARRAY(Uuid))).table_valued("id").render_derived()
    newest = (
        select(func.max(changes.c.position))
        .join(status_events, status_events.c.id == changes.c.status_event_id)
        .where(status_events.c.certificate_id == each.c.id, changes.c.position <= through)
        .scalar_subquery()
    )
    return {row[0]: row[1] for row in db.execute(select(each.c.id, newest).select_from(each))}


def _entries(wanted: Select[Any]) -> Select[Any]:
    """These certificates with their case's item, neighbours' identifiers and status's event, by id.

    They are chosen first, and everything else is looked up for each of them: left to itself, the planner may
    join whole tables before it takes a page of them.
    """
    chosen = wanted.subquery("chosen")
    before, after = certificates.alias("before"), certificates.alias("after")
    event = (
        select(status_events.c.effective_on, status_events.c.at)
        .where(
            status_events.c.certificate_id == chosen.c.id,
            status_events.c.action != Action.INSPECT,
        )
        .order_by(status_events.c.id.desc())
        .limit(1)
        .lateral("event")
    )
    opener = way_in(CERTIFICATES, chosen.c.id)
    return (
        select(
            chosen,
            *way_in_columns(opener),
            _alone(cases.c.service_item, cases.c.id == chosen.c.case_id).label("service_item"),
            _alone(before.c.identifier, before.c.id == chosen.c.supersedes).label("predecessor"),
            _alone(after.c.identifier, after.c.id == chosen.c.superseded_by).label("successor"),
            event.c.effective_on,
            event.c.at,
        )
        .select_from(chosen)
        .outerjoin(event, true())
        .outerjoin(opener, true())
        .order_by(chosen.c.id)
    )


def _read(keys: KeyRing, names: Names, rows: Sequence[Row[Any]]) -> tuple[DirectoryEntry | DamagedRow, ...]:
    entries = (_entry(keys, names, row) for row in rows)
    return tuple(entry for entry in entries if entry is not None)


def _alone(column: ColumnElement[str], key: ColumnElement[bool]) -> ScalarSelect[str]:
    """One value by a primary key: a join could be turned round, a scalar query cannot."""
    return select(column).where(key).scalar_subquery()


def _entry(keys: KeyRing, names: Names, row: Row[Any]) -> DirectoryEntry | DamagedRow | None:
    """None of a certificate whose holders are all erased: it is in the directory of nobody."""
    try:
        kind = names[row.type_code, row.type_version]
        data_key = record_key(CERTIFICATES, keys, row)
        if data_key is None and row.sealed is None:
            return None
        if data_key is None:
            return DamagedRow(row.identifier)
        content = open_json(data_key, row.sealed, content_place(row.id))
        return DirectoryEntry(
            identifier=row.identifier,
            version=row.version,
            type_code=row.type_code,
            type_name=kind.name,
            authority=row.issuing_authority,
            authority_name=kind.authorities[row.issuing_authority],
            number=content["number"],
            holders=holders_from_json(content["holders"]),
            issued_on=row.issued_on,
            valid_from=row.valid_from,
            valid_to=row.valid_to,
            status=Status(row.status),
            status_on=row.effective_on or legal_day(row.at),
            status_since=row.status_since,
            predecessor=row.predecessor,
            successor=row.successor,
            service_item=row.service_item,
            committed_at=row.committed_at,
            origin=OriginKind(row.origin or OriginKind.BORN_SEALED),
        )
    except (VaultError, ValueError, LookupError, TypeError, AttributeError):
        return DamagedRow(row.identifier)
