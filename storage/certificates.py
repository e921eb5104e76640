"""Certificates as records: a holder's, a case's or a number's in one query each."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    Boolean,
    Label,
    LargeBinary,
    Row,
    Select,
    SmallInteger,
    Text,
    Uuid,
    any_,
    bindparam,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from storage.db import ReadConnection
from storage.envelope import KeyRing, open_json
from storage.holders import holders_from_json
from storage.key_state import found_by, ring_has
from storage.log_place import place_in_log
from storage.record_keys import CERTIFICATES, HolderKeys, record_key, way_in, way_in_columns
from storage.sealed_files import sealed_files, stored_document
from storage.spans import Span, within
from storage.tables import (
    cases,
    certificate_holders,
    certificates,
    disputes,
    documents,
    holders,
    log_leaves,
    renditions,
)
from vault.errors import IntegrityError
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import (
    CertificateRecord,
    ErasedCertificate,
    Rendition,
    Status,
    StoredDocument,
)
from vault.model.dispute import DisputeState
from vault.model.origin import BORN_SEALED, Origin, OriginKind, origin_from_json
from vault.model.written import number_form

# Purposes of blind indexes: equal texts in two columns must not have equal indexes.
NUMBER = "certificate-number"
CODE = "verification-code"
TOKEN = "qr-token"  # noqa: S105 - the purpose's name, not a token


MEDIA_TYPES = {DocumentFormat.PDF: "application/pdf", DocumentFormat.OFD: "application/ofd"}


def records_of_case(db: ReadConnection, keys: KeyRing, case_id: UUID) -> tuple[CertificateRecord, ...]:
    """Every certificate of a case whose holders are not all erased, in the order of its results."""
    query = _records().where(certificates.c.case_id == case_id).order_by(certificates.c.position)
    return readable(keys, db.execute(query).all())


def records_of_holder(db: ReadConnection, keys: KeyRing, holder_id: UUID) -> tuple[CertificateRecord, ...]:
    """Every certificate of a holder, newest first."""
    query = (
        _records()
        .join(certificate_holders, certificate_holders.c.certificate_id == certificates.c.id)
        .where(certificate_holders.c.holder_id == holder_id)
        .order_by(certificates.c.id.desc())
    )
    return readable(keys, db.execute(query).all())


@cache
def records_of_code() -> Select[Any]:
    """Every certificate of the holders with these `indexes` of a code, newest first; for `readable`.

    Each with the key by which this holder opens it, not the first of its holders: they are read anyhow.
    """
    asked = any_(bindparam("indexes", type_=ARRAY(LargeBinary)))
    opener = (
        certificate_holders.c.holder_id.label("opener"),
        certificate_holders.c.data_key.label("wrapped"),
        holders.c.data_key.label("opener_key"),
    )
    return (
        _sealed_records()
        .add_columns(*opener)
        .join(certificate_holders, certificate_holders.c.certificate_id == certificates.c.id)
        .join(holders, holders.c.id == certificate_holders.c.holder_id)
        .where(holders.c.code_index == asked)
        .order_by(certificates.c.id.desc())
    )


def records_by_number(db: ReadConnection, keys: KeyRing, number: str) -> tuple[CertificateRecord, ...]:
    """Every certificate with this number, newest first: numbers are unique only to their issuer."""
    query = (
        _records()
        .where(found_by(certificates.c.number_index, keys, (NUMBER, number_form(number))))
        .order_by(certificates.c.id.desc())
    )
    return readable(keys, db.execute(query).all())


def record(db: ReadConnection, keys: KeyRing, certificate_id: UUID) -> CertificateRecord | None:
    """One certificate by its id; None, too, where all its holders are erased."""
    rows = db.execute(_records().where(certificates.c.id == certificate_id)).all()
    return next(iter(readable(keys, rows)), None)


def records_named(
    db: ReadConnection, keys: KeyRing, certificate_ids: Collection[UUID]
) -> dict[UUID, CertificateRecord]:
    """These certificates, in one statement; none whose holders are all erased."""
    rows = db.execute(_records().where(certificates.c.id.in_(certificate_ids))).all()
    return {found.certificate_id: found for found in readable(keys, rows)}


def certificate_or_rest(
    db: ReadConnection, keys: KeyRing, certificate_id: UUID
) -> CertificateRecord | ErasedCertificate | None:
    """One certificate by its id, or what is left of it."""
    row = db.execute(_records().where(certificates.c.id == certificate_id)).one_or_none()
    return None if row is None else record_or_rest(keys, row)


def id_by_document(db: ReadConnection, sha256: str) -> UUID | None:
    """The certificate one of whose sealed files, as deposited or raised, has this digest."""
    files = sealed_files()
    query = select(files.c.certificate_id).where(files.c.sha256 == bytes.fromhex(sha256)).limit(1)
    return db.execute(query).scalar_one_or_none()


def id_by_token(db: ReadConnection, keys: KeyRing, tokens: Sequence[str]) -> UUID | None:
    """The certificate whose QR holds one of these tokens, whoever may see it."""
    indexes = [index for token in tokens for index in keys.indexes(TOKEN, token)]
    nothing_near = UUID(int=0)
    found = func.certificate_by_token(literal(indexes, ARRAY(LargeBinary)), nothing_near, type_=Uuid)
    query = select(found).where(ring_has(literal(keys.index_versions, ARRAY(SmallInteger))))
    return db.execute(query).scalar_one_or_none()


def id_by_identifier(db: ReadConnection, identifiers: Sequence[str]) -> UUID | None:
    """The newest certificate with one of these identifiers, whoever may see it."""
    claimed = literal(list(identifiers), ARRAY(Text))
    query = select(func.certificate_by_identifier(claimed, type_=Uuid))
    return db.execute(query).scalar_one_or_none()


def stands(db: ReadConnection, certificate_id: UUID) -> bool:
    """Whether there is such a certificate, not all its holders erased, whoever may see it.

    For refusals, which are recorded, too.
    """
    query = select(func.certificate_stands(certificate_id, type_=Boolean))
    return db.execute(query).scalar_one() is True


def readable(keys: KeyRing, rows: Sequence[Row[Any]]) -> tuple[CertificateRecord, ...]:
    """The records in rows of these queries; none of certificates whose holders are all erased.

    Raises:
        IntegrityError: as `record_or_rest`.
    """
    holder_keys: HolderKeys = {}
    found = [record_or_rest(keys, row, holder_keys) for row in rows]
    return tuple(item for item in found if isinstance(item, CertificateRecord))


def row_page(db: ReadConnection, span: Span, rows: int) -> Sequence[Row[Any]]:
    """The first `rows` certificates of this span, in id order, as rows for `record_or_rest`."""
    query = within(_records(), certificates.c.id, span).order_by(certificates.c.id)
    return db.execute(query.limit(rows)).all()


def disputed_since() -> Label[datetime | None]:
    """When the authority accepted a dispute of the certificate that is open; null where there is none.

    A column of any query over `certificates`: one look into an index of what is under dispute now.
    """
    standing = (
        select(func.min(disputes.c.accepted_at))
        .where(
            disputes.c.certificate_id == certificates.c.id,
            disputes.c.certificate_id.is_not(None),
            disputes.c.state == literal_column(f"'{DisputeState.ACCEPTED.value}'"),
        )
        .scalar_subquery()
    )
    return standing.label("disputed_since")


def content_place(certificate_id: UUID) -> str:
    """What a certificate's envelope is bound to."""
    return CERTIFICATES.content_place(certificate_id)


def index_values(keys: KeyRing, number: str, code: str, token: str) -> dict[str, object]:
    """The columns by which a certificate is found, under the active index key."""
    return {
        "number_index": keys.index(NUMBER, number_form(number)),
        "code_index": keys.index(CODE, code),
        "token_index": keys.index(TOKEN, token),
        "index_version": keys.index_version,
    }


@cache  # what SQLAlchemy takes half a millisecond to build is never changed: `where` makes a copy
def _records() -> Select[Any]:
    """`_sealed_records`, each with a way into its envelope."""
    opener = way_in(CERTIFICATES)
    return _sealed_records().add_columns(*way_in_columns(opener)).outerjoin(opener, true())


@cache
def _sealed_records() -> Select[Any]:
    """One row a certificate, its documents as a JSON array and its newest leaf beside it: no N+1.

    Outer joins: a certificate whose files or leaf are gone must be seen, not vanish.
    """
    files = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_array(
                        documents.c.format,
                        func.encode(documents.c.sha256, "hex"),
                        func.encode(documents.c.sm3, "hex"),
                        documents.c.size_bytes,
                        documents.c.level,
                        documents.c.seal_id,
                    ),
                    documents.c.format.desc(),
                ),
                type_=JSONB,
            )
        )
        .where(documents.c.certificate_id == certificates.c.id)
        .scalar_subquery()
    )
    raised = (
        select(
            func.jsonb_agg(
                aggregate_order_by(
                    func.jsonb_build_array(
                        renditions.c.number,
                        renditions.c.format,
                        func.encode(renditions.c.sha256, "hex"),
                        func.encode(renditions.c.sm3, "hex"),
                        renditions.c.size_bytes,
                        renditions.c.level,
                        renditions.c.seal_id,
                        renditions.c.made_at,
                    ),
                    renditions.c.number,
                ),
                type_=JSONB,
            )
        )
        .where(renditions.c.certificate_id == certificates.c.id)
        .scalar_subquery()
    )
    # The first leaf of a certificate is its issue; later ones are changes of status, and renditions.
    leaf = (
        select(log_leaves.c.promise, *place_in_log())
        .where(log_leaves.c.certificate_id == certificates.c.id)
        .order_by(log_leaves.c.id)
        .limit(1)
        .lateral("issue_leaf")
    )
    return (
        select(
            certificates,
            cases.c.client_id,
            cases.c.number.label("case_number"),
            files.label("files"),
            raised.label("raised"),
            leaf.c.promise,
            leaf.c.log_index,
            leaf.c.log_origin,
            disputed_since(),
        )
        .join(cases, cases.c.id == certificates.c.case_id)
        .outerjoin(leaf, true())
    )


def record_or_rest(
    keys: KeyRing, row: Row[Any], opened: HolderKeys | None = None
) -> CertificateRecord | ErasedCertificate:
    """The record in a row of these queries, or what is left of it.

    Raises:
        IntegrityError: the envelope does not open, or the row's sealed files or its log leaf are gone.
    """
    if not row.files or row.promise is None:
        missing = "sealed files" if not row.files else "log leaf"
        raise IntegrityError(f"Certificate {row.identifier} has lost its {missing}.")
    stored = tuple(stored_document(*f) for f in row.files)
    raised = tuple(
        Rendition(r[0], stored_document(*r[1:7]), datetime.fromisoformat(r[7])) for r in row.raised or ()
    )
    data_key = record_key(CERTIFICATES, keys, row, opened)
    if row.sealed is None and data_key is None:
        return _rest(row, stored, raised)
    if row.sealed is None or data_key is None:
        raise IntegrityError(f"Certificate {row.identifier} has lost its envelope or its data key.")
    content = open_json(data_key, row.sealed, content_place(row.id))
    origin = origin_from_json(content.get("origin"))
    if origin.kind != (row.origin or OriginKind.BORN_SEALED):
        raise IntegrityError(f"Certificate {row.identifier} says two things of where it comes from.")
    return CertificateRecord(
        certificate_id=row.id,
        identifier=row.identifier,
        version=row.version,
        type_code=row.type_code,
        type_version=row.type_version,
        issuing_authority=row.issuing_authority,
        client_id=row.client_id,
        case_number=row.case_number,
        number=content["number"],
        holders=holders_from_json(content["holders"]),
        fields=content["fields"],
        issued_on=row.issued_on,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        status=Status(row.status),
        status_since=row.status_since,
        verification_code=content["code"],
        token=content["token"],
        documents=stored,
        supersedes=row.supersedes,
        superseded_by=row.superseded_by,
        committed_at=row.committed_at,
        promise=row.promise,
        log_index=row.log_index,
        log_origin=row.log_origin,
        disputed_since=row.disputed_since,
        renditions=raised,
        origin=origin,
    )


def _rest(
    row: Row[Any], stored: tuple[StoredDocument, ...], raised: tuple[Rendition, ...]
) -> ErasedCertificate:
    return ErasedCertificate(
        certificate_id=row.id,
        identifier=row.identifier,
        version=row.version,
        type_code=row.type_code,
        issuing_authority=row.issuing_authority,
        issued_on=row.issued_on,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        status=Status(row.status),
        status_since=row.status_since,
        documents=stored,
        superseded_by=row.superseded_by,
        committed_at=row.committed_at,
        log_index=row.log_index,
        log_origin=row.log_origin,
        renditions=raised,
        origin=BORN_SEALED if row.origin is None else Origin(OriginKind(row.origin)),
    )
