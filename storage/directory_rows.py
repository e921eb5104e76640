"""What the directories of certificates say, read in bulk: pages by id, or certificates that changed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, Row, Select, Uuid, any_, bindparam, func, select, true

from storage.catalogue import every_type
from storage.certificates import content_place, key_place
from storage.db import ReadConnection
from storage.envelope import KeyRing, open_json
from storage.holders import holders_from_json
from storage.tables import cases, certificates, changes, status_events
from vault.errors import VaultError
from vault.model.certificate import Status
from vault.model.directory import DirectoryEntry
from vault.model.legal_time import legal_day
from vault.model.lifecycle import Action

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
    query = _ENTRIES.order_by(certificates.c.id).limit(PAGE_ROWS)
    rows = db.execute(query if after is None else query.where(certificates.c.id > after)).all()
    if not rows:
        return None
    return DirectoryPage(tuple(_entry(keys, names, row) for row in rows), rows[-1].id)


def of_certificates(
    db: ReadConnection, keys: KeyRing, names: Names, certificate_ids: Sequence[UUID]
) -> tuple[DirectoryEntry | DamagedRow, ...]:
    """These certificates, in this order."""
    wanted = certificates.c.id == any_(bindparam("ids", type_=ARRAY(Uuid)))
    found = {row.id: row for row in db.execute(_ENTRIES.where(wanted), {"ids": list(certificate_ids)})}
    return tuple(_entry(keys, names, found[each]) for each in certificate_ids if each in found)


def newest_places(db: ReadConnection, certificate_ids: Collection[UUID], through: int) -> Mapping[UUID, int]:
    """The place of each certificate's newest change among those up to a place of the feed."""
    query = (
        select(status_events.c.certificate_id, func.max(changes.c.position))
        .join(changes, changes.c.status_event_id == status_events.c.id)
        .where(
            status_events.c.certificate_id == any_(bindparam("ids", type_=ARRAY(Uuid))),
            changes.c.position <= through,
        )
        .group_by(status_events.c.certificate_id)
    )
    return {row[0]: row[1] for row in db.execute(query, {"ids": list(certificate_ids)})}


def _query() -> Select[Any]:
    """One row a certificate, with its case's item, its neighbours' identifiers and its status's event."""
    before, after = certificates.alias("before"), certificates.alias("after")
    event = (
        select(status_events.c.effective_on, status_events.c.at)
        .where(
            status_events.c.certificate_id == certificates.c.id,
            status_events.c.action != Action.INSPECT,
        )
        .order_by(status_events.c.id.desc())
        .limit(1)
        .lateral("event")
    )
    return (
        select(
            certificates,
            cases.c.service_item,
            before.c.identifier.label("predecessor"),
            after.c.identifier.label("successor"),
            event.c.effective_on,
            event.c.at,
        )
        .join(cases, cases.c.id == certificates.c.case_id)
        .outerjoin(before, before.c.id == certificates.c.supersedes)
        .outerjoin(after, after.c.id == certificates.c.superseded_by)
        .outerjoin(event, true())
    )


_ENTRIES = _query()


def _entry(keys: KeyRing, names: Names, row: Row[Any]) -> DirectoryEntry | DamagedRow:
    try:
        kind = names[row.type_code, row.type_version]
        data_key = keys.data_key(row.data_key, key_place(row.id))
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
        )
    except (VaultError, ValueError, LookupError, TypeError, AttributeError):
        return DamagedRow(row.identifier)
