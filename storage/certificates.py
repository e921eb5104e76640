"""Certificates as records: a holder's, a case's or a number's in one query each."""

from collections.abc import Sequence
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import Row, Select, Text, func, select, true
from sqlalchemy.dialects.postgresql import JSONB, aggregate_order_by

from storage.db import ReadConnection
from storage.envelope import KeyRing, open_json
from storage.holders import holders_from_json
from storage.log_place import place_in_log
from storage.tables import cases, certificate_holders, certificates, documents, log_leaves
from vault.errors import IntegrityError
from vault.model.catalogue import DocumentFormat
from vault.model.certificate import CertificateRecord, SealLevel, Status, StoredDocument
from vault.model.written import number_form

# Purposes of blind indexes: equal texts in two columns must not have equal indexes.
NUMBER = "certificate-number"
CODE = "verification-code"
TOKEN = "qr-token"  # noqa: S105 - the purpose's name, not a token


MEDIA_TYPES = {DocumentFormat.PDF: "application/pdf", DocumentFormat.OFD: "application/ofd"}


def records_of_case(db: ReadConnection, keys: KeyRing, case_id: UUID) -> tuple[CertificateRecord, ...]:
    """Every certificate of a case, in the order of its results."""
    query = _records().where(certificates.c.case_id == case_id).order_by(certificates.c.position)
    return tuple(record_of(keys, row) for row in db.execute(query))


def records_of_holder(
    db: ReadConnection, keys: KeyRing, holder_id: UUID, *, authorities: Sequence[str] | None = None
) -> tuple[CertificateRecord, ...]:
    """Every certificate of a holder, newest first; `authorities` keeps those issued by them only."""
    query = (
        _records()
        .join(certificate_holders, certificate_holders.c.certificate_id == certificates.c.id)
        .where(certificate_holders.c.holder_id == holder_id)
        .order_by(certificates.c.id.desc())
    )
    if authorities is not None:
        query = query.where(certificates.c.issuing_authority.in_(authorities))
    return tuple(record_of(keys, row) for row in db.execute(query))


def records_by_number(db: ReadConnection, keys: KeyRing, number: str) -> tuple[CertificateRecord, ...]:
    """Every certificate with this number, newest first: numbers are unique only to their issuer."""
    query = (
        _records()
        .where(certificates.c.number_index == keys.index(NUMBER, number_form(number)))
        .order_by(certificates.c.id.desc())
    )
    return tuple(record_of(keys, row) for row in db.execute(query))


def record(db: ReadConnection, keys: KeyRing, certificate_id: UUID) -> CertificateRecord | None:
    """One certificate by its id."""
    row = db.execute(_records().where(certificates.c.id == certificate_id)).one_or_none()
    return None if row is None else record_of(keys, row)


def id_by_document(db: ReadConnection, sha256: str) -> UUID | None:
    """The certificate one of whose sealed files has this digest."""
    query = select(documents.c.certificate_id).where(documents.c.sha256 == bytes.fromhex(sha256)).limit(1)
    return db.execute(query).scalar_one_or_none()


def is_certificate(db: ReadConnection, certificate_id: UUID) -> bool:
    """Whether there is such a certificate, whoever may see it: a refusal is recorded, too."""
    query = select(func.identifier_of_version(certificate_id, type_=Text))
    return db.execute(query).scalar_one() is not None


def record_by_identifier(db: ReadConnection, keys: KeyRing, identifier: str) -> CertificateRecord | None:
    """The certificate with this identifier (电子证照标识, in full)."""
    row = db.execute(_records().where(certificates.c.identifier == identifier)).one_or_none()
    return None if row is None else record_of(keys, row)


def row_page(db: ReadConnection, after: UUID | None, rows: int) -> Sequence[Row[Any]]:
    """The next `rows` certificates after this id, in id order, as rows for `record_of`."""
    query = _records().order_by(certificates.c.id).limit(rows)
    if after is not None:
        query = query.where(certificates.c.id > after)
    return db.execute(query).all()


def content_place(certificate_id: UUID) -> str:
    """What a certificate's envelope is bound to."""
    return f"certificates.sealed:{certificate_id}"


def key_place(certificate_id: UUID) -> str:
    """What a certificate's wrapped data key is bound to."""
    return f"certificates.data_key:{certificate_id}"


@cache  # what SQLAlchemy takes half a millisecond to build is never changed: `where` makes a copy
def _records() -> Select[Any]:
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
    # The first leaf of a certificate is its issue; later ones are changes of status.
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
            leaf.c.promise,
            leaf.c.log_index,
            leaf.c.log_origin,
        )
        .join(cases, cases.c.id == certificates.c.case_id)
        .outerjoin(leaf, true())
    )


def record_of(keys: KeyRing, row: Row[Any]) -> CertificateRecord:
    """The record in a row of these queries.

    Raises:
        IntegrityError: the envelope does not open, or the row's sealed files or its log leaf are gone.
    """
    if not row.files or row.promise is None:
        missing = "sealed files" if not row.files else "log leaf"
        raise IntegrityError(f"Certificate {row.identifier} has lost its {missing}.")
    data_key = keys.data_key(row.data_key, key_place(row.id))
    content = open_json(data_key, row.sealed, content_place(row.id))
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
        documents=tuple(
            StoredDocument(DocumentFormat(f[0]), f[1], f[2], f[3], SealLevel(f[4]), f[5]) for f in row.files
        ),
        supersedes=row.supersedes,
        superseded_by=row.superseded_by,
        committed_at=row.committed_at,
        promise=row.promise,
        log_index=row.log_index,
        log_origin=row.log_origin,
    )
