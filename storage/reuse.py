"""What a reuse check asks of the database: a few statements for any number of requirements and holders.

Only columns in clear are read for the decision: an envelope costs two decryptions, and a holder may have
hundreds of certificates.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Row, Text, Uuid, any_, bindparam, select, true

from storage.certificates import content_place, disputed_since
from storage.db import ReadConnection
from storage.envelope import KeyRing, open_json
from storage.key_state import VERSIONS, ring_has
from storage.record_keys import CERTIFICATES, record_key, way_in, way_in_columns
from storage.round_trip import Rows, ask_together
from storage.tables import (
    cases,
    certificate_holders,
    certificates,
    holders,
    material_holders,
    materials,
    reservations,
    reserved_holders,
)
from vault.model.certificate import Status, TrustLevel

# More reserved results than this for one holder say nothing more: the oldest come first.
PENDING_MAX = 200


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate's columns in clear. `holder_ids`: those of the holders asked about."""

    certificate_id: UUID
    identifier: str
    type_code: str
    issued_on: date
    valid_from: date
    valid_to: date | None
    status: Status
    status_since: datetime
    superseded_by: UUID | None
    disputed_since: datetime | None
    holder_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class MaterialFacts:
    """A material's columns in clear. `holder_ids`: those of the holders asked about."""

    material_id: UUID
    type_code: str
    trust: TrustLevel
    issued_on: date | None
    valid_to: date | None
    sha256: str
    case_number: str
    committed_at: datetime
    holder_ids: frozenset[UUID]


@dataclass(frozen=True, slots=True)
class PendingFacts:
    """A result that is reserved and not committed, for one of those who will hold it.

    Its type stands in its identifier. `holder_index`: the holder's, or the applicant's where a release from
    before revision 0006 reserved it.
    """

    identifier: str
    client_id: str
    case_number: str
    reserved_at: datetime
    holder_index: bytes


@dataclass(frozen=True, slots=True)
class InClear:
    """What the vault has of the holders asked about, in clear columns only.

    `holder_ids`: by blind index, of those whom the vault knows. `certificates` and `materials`: every one of
    the types asked for, whatever its status. `pending`: what cases reserved for them and have not committed,
    the oldest first.
    """

    holder_ids: Mapping[bytes, UUID]
    certificates: tuple[CertificateFacts, ...]
    materials: tuple[MaterialFacts, ...]
    pending: tuple[PendingFacts, ...]


@dataclass(frozen=True, slots=True)
class Opened:
    """What a certificate's envelope shows. `number` None: not to whoever asks."""

    number: str | None = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)


# Built once, and every list one array parameter: the same text each time, so that PostgreSQL keeps its plan.
_ASKED = any_(bindparam("indexes", type_=ARRAY(LargeBinary)))
_HOLDERS = select(holders.c.code_index, holders.c.id).where(
    holders.c.code_index == _ASKED, ring_has(VERSIONS)
)
# The holders are found again in each query: none has to wait for another's answer.
_CERTIFICATES = (
    select(
        certificates.c.id,
        certificates.c.identifier,
        certificates.c.type_code,
        certificates.c.issued_on,
        certificates.c.valid_from,
        certificates.c.valid_to,
        certificates.c.status,
        certificates.c.status_since,
        certificates.c.superseded_by,
        disputed_since(),
        certificate_holders.c.holder_id,
    )
    .join(certificate_holders, certificate_holders.c.certificate_id == certificates.c.id)
    .join(holders, holders.c.id == certificate_holders.c.holder_id)
    .where(
        holders.c.code_index == _ASKED,
        certificates.c.type_code == any_(bindparam("type_codes", type_=ARRAY(Text))),
    )
)
_MATERIALS = (
    select(
        materials.c.id,
        materials.c.type_code,
        materials.c.trust,
        materials.c.issued_on,
        materials.c.valid_to,
        materials.c.sha256,
        cases.c.number,
        cases.c.committed_at,
        material_holders.c.holder_id,
    )
    .join(material_holders, material_holders.c.material_id == materials.c.id)
    .join(holders, holders.c.id == material_holders.c.holder_id)
    .join(cases, cases.c.id == materials.c.case_id)
    .where(
        holders.c.code_index == _ASKED,
        materials.c.type_code == any_(bindparam("type_codes", type_=ARRAY(Text))),
    )
)
_RESERVED = (
    reservations.c.identifier,
    cases.c.client_id,
    cases.c.number,
    cases.c.reserved_at,
)
_STILL_OPEN = (cases.c.committed_at.is_(None), reservations.c.abandoned_at.is_(None))
_PENDING = (
    select(*_RESERVED, reserved_holders.c.code_index)
    .join(reserved_holders, reserved_holders.c.certificate_id == reservations.c.certificate_id)
    .join(cases, cases.c.id == reservations.c.case_id)
    .where(reserved_holders.c.code_index == _ASKED, ring_has(VERSIONS), *_STILL_OPEN)
    .union_all(
        select(*_RESERVED, cases.c.applicant_index)
        .join(cases, cases.c.id == reservations.c.case_id)
        .where(
            cases.c.applicant_index == _ASKED,
            ring_has(VERSIONS),
            *_STILL_OPEN,
            ~select(reserved_holders.c.certificate_id)
            .where(reserved_holders.c.certificate_id == reservations.c.certificate_id)
            .exists(),
        )
    )
    .order_by("reserved_at", "identifier")
    .limit(PENDING_MAX)
)
_OPENER = way_in(CERTIFICATES)
_ENVELOPES = (
    select(certificates.c.id, certificates.c.data_key, certificates.c.sealed, *way_in_columns(_OPENER))
    .outerjoin(_OPENER, true())
    .where(certificates.c.id == any_(bindparam("certificate_ids", type_=ARRAY(Uuid))))
)


def in_clear(
    db: ReadConnection,
    keys: KeyRing,
    indexes: Collection[bytes],
    certificate_types: Collection[str],
    material_types: Collection[str],
) -> InClear:
    """What the vault has of these holders, in one round trip.

    `indexes`: of their codes, under every index key.
    """
    asked: dict[str, Any] = {"indexes": list(indexes)}
    ring = {"versions": keys.index_versions}
    known, held, handed_in, pending = ask_together(
        db,
        (_HOLDERS, asked | ring),
        (_CERTIFICATES, asked | {"type_codes": list(certificate_types)}),
        (_MATERIALS, asked | {"type_codes": list(material_types)}),
        (_PENDING, asked | ring),
    )
    return InClear(
        {row.code_index: row.id for row in known},
        tuple(_certificate(row, among) for row, among in _gathered(held)),
        tuple(_material(row, among) for row, among in _gathered(handed_in)),
        tuple(PendingFacts(*row) for row in pending),
    )


def pending_results(
    db: ReadConnection, keys: KeyRing, indexes: Collection[bytes]
) -> tuple[PendingFacts, ...]:
    """What cases reserved for holders with these indexes and have not committed, the oldest first."""
    values = {"indexes": list(indexes), "versions": keys.index_versions}
    return tuple(PendingFacts(*row) for row in db.execute(_PENDING, values))


def _certificate(row: Row[Any], among: frozenset[UUID]) -> CertificateFacts:
    return CertificateFacts(
        row.id,
        row.identifier,
        row.type_code,
        row.issued_on,
        row.valid_from,
        row.valid_to,
        Status(row.status),
        row.status_since,
        row.superseded_by,
        row.disputed_since,
        among,
    )


def _material(row: Row[Any], among: frozenset[UUID]) -> MaterialFacts:
    return MaterialFacts(
        row.id,
        row.type_code,
        TrustLevel(row.trust),
        row.issued_on,
        row.valid_to,
        row.sha256.hex(),
        row.number,
        row.committed_at,
        among,
    )


def _gathered(rows: Rows) -> list[tuple[Row[Any], frozenset[UUID]]]:
    """One entry for each id, with every holder in whose name the row came."""
    first: dict[UUID, Row[Any]] = {}
    among: dict[UUID, set[UUID]] = {}
    for row in rows:
        first.setdefault(row.id, row)
        among.setdefault(row.id, set()).add(row.holder_id)
    return [(row, frozenset(among[key])) for key, row in first.items()]


def open_certificates(
    db: ReadConnection, keys: KeyRing, certificate_ids: Collection[UUID]
) -> dict[UUID, Opened]:
    """Number and fields of these certificates, from their envelopes; not of one whose holders are erased."""
    found = {}
    for row in db.execute(_ENVELOPES, {"certificate_ids": list(certificate_ids)}):
        data_key = record_key(CERTIFICATES, keys, row)
        if data_key is None:
            continue
        content = open_json(data_key, row.sealed, content_place(row.id))
        found[row.id] = Opened(content["number"], content["fields"])
    return found
