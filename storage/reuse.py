"""What a reuse check asks of the database: a few statements for any number of requirements and holders.

Only columns in clear are looked at for the decision: an envelope costs three decryptions, and a holder may
have hundreds of certificates. Their envelopes come along, still sealed, with the key by which the holder
asked about opens them: a kilobyte each costs less than another round trip.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ARRAY, LargeBinary, Row, Text, any_, bindparam, select

from storage.array_text import array, octets, texts
from storage.certificates import content_place, disputed_since
from storage.db import ReadConnection
from storage.envelope import KeyRing, open_json
from storage.exchange import Rows
from storage.key_state import VERSIONS, ring_has
from storage.record_keys import CERTIFICATES, HolderKeys, opened_key
from storage.round_trip import Statement
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
from vault.errors import IntegrityError
from vault.model.certificate import Status, TrustLevel
from vault.model.origin import BORN_SEALED, Origin, OriginKind, origin_from_json

# More reserved results than this for one holder say nothing more: the oldest come first.
PENDING_MAX = 200


@dataclass(frozen=True, slots=True)
class Envelope:
    """A certificate's envelope, sealed.

    `own`: the key in its own row; `way`: a holder's id, the key that theirs has wrapped, and theirs as the
    vault's has wrapped it.
    """

    own: bytes | None
    way: tuple[UUID, bytes | None, bytes | None]
    sealed: bytes | None


@dataclass(frozen=True, slots=True)
class CertificateFacts:
    """A certificate's columns in clear, and its envelope. `holder_ids`: those of the holders asked about."""

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
    origin: OriginKind
    holder_ids: frozenset[UUID]
    envelope: Envelope = field(repr=False)


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
    """What the vault has of the holders asked about, in clear columns; envelopes are sealed still.

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
    origin: Origin = BORN_SEALED


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
        certificates.c.origin,
        certificate_holders.c.holder_id,
        certificates.c.data_key,
        certificates.c.sealed,
        certificate_holders.c.data_key.label("wrapped"),
        holders.c.data_key.label("opener_key"),
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


def questions_about(
    keys: KeyRing,
    indexes: Collection[bytes],
    certificate_types: Collection[str],
    material_types: Collection[str],
) -> tuple[Statement, ...]:
    """What to ask of these holders, for `in_clear`. `indexes`: of their codes, under every index key."""
    asked = {"indexes": octets(indexes)}
    ring = {"versions": array(map(str, keys.index_versions))}
    return (
        (_HOLDERS, asked | ring),
        (_CERTIFICATES, asked | {"type_codes": texts(certificate_types)}),
        (_MATERIALS, asked | {"type_codes": texts(material_types)}),
        (_PENDING, asked | ring),
    )


def in_clear(answers: Sequence[Rows]) -> InClear:
    """What the vault has of these holders, by the answers to `questions_about` them."""
    known, held, handed_in, pending = answers
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
        OriginKind(row.origin or OriginKind.BORN_SEALED),
        among,
        Envelope(row.data_key, (row.holder_id, row.wrapped, row.opener_key), row.sealed),
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


def opened(keys: KeyRing, facts: Iterable[CertificateFacts]) -> dict[UUID, Opened]:
    """Number and fields of these certificates, from their envelopes; not of one that was erased.

    Raises:
        IntegrityError: an envelope does not open, or names another origin than its row.
    """
    found: dict[UUID, Opened] = {}
    holder_keys: HolderKeys = {}
    for each in facts:
        envelope = each.envelope
        data_key = opened_key(
            CERTIFICATES, keys, each.certificate_id, envelope.own, envelope.way, holder_keys
        )
        if data_key is None or envelope.sealed is None:
            continue
        content = open_json(data_key, envelope.sealed, content_place(each.certificate_id))
        origin = origin_from_json(content.get("origin"))
        if origin.kind is not each.origin:
            raise IntegrityError(f"The origin of {each.identifier} is another in its envelope.")
        found[each.certificate_id] = Opened(content["number"], content["fields"], origin)
    return found
