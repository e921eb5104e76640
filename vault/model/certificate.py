"""A certificate's states are types: what is not known yet has no field to be missing from.

    ApprovalResult ──reserve──▶ Reservation ──typeset, seal──▶ SealedDocument ──commit──▶ CertificateRecord

No field is ever "set later".
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from vault.model.actors import Clerk
from vault.model.catalogue import DocumentFormat
from vault.model.holders import Holder
from vault.model.origin import BORN_SEALED, Origin


class Status(StrEnum):
    """Where a certificate stands. Expiry is no status: it follows from `valid_to` and today's date."""

    VALID = "valid"
    SUSPENDED = "suspended"  # 暂扣
    SUPERSEDED = "superseded"  # 变更、延续、补发
    CANCELLED = "cancelled"  # 注销
    WITHDRAWN = "withdrawn"  # 撤销
    REVOKED = "revoked"  # 吊销
    ABOLISHED = "abolished"  # 签发错误


class SealLevel(StrEnum):
    """Of a PDF its PAdES baseline level (ETSI EN 319 142-1, clause 6); an OFD has one level alone."""

    B_B = "B-B"
    B_T = "B-T"  # with a trusted time
    B_LT = "B-LT"  # and with all that is needed to check it when nobody answers any more
    B_LTA = "B-LTA"  # and with a time-stamp over that, to be renewed
    SES_V4 = "SES-V4"  # a national seal (GB/T 38540-2020), closed by the platform; nothing raises it


class TrustLevel(StrEnum):
    """Trust level of a material (国办函〔2016〕108号)."""

    A = "A"  # made by the authority itself
    B = "B"  # checked at a window against the original
    C = "C"  # uploaded by the applicant, not yet checked
    D = "D"  # the applicant's own paper, with a promise


@dataclass(frozen=True, slots=True)
class HandedIn:
    """A file that the approval system uploaded before: named by its SHA-256, hex."""

    sha256: str


@dataclass(frozen=True, slots=True)
class ApprovalResult:
    """One result of a completed case, as checked against its certificate type; no identifier, no seal yet.

    `document` None: typeset from the type's template. `supersedes`: the certificate that this one replaces.
    """

    type_code: str
    issuing_authority: str
    number: str = field(repr=False)
    holders: tuple[Holder, ...] = field(repr=False)
    issued_on: date
    valid_from: date
    valid_to: date | None
    fields: Mapping[str, Any] = field(repr=False)
    document: HandedIn | None
    formats: tuple[DocumentFormat, ...]
    supersedes: UUID | None


@dataclass(frozen=True, slots=True)
class HandedInMaterial:
    """A material (材料) handed in with the case and kept, so that nobody asks for it again."""

    type_code: str
    name: str = field(repr=False)
    sha256: str
    trust: TrustLevel
    holders: tuple[Holder, ...] = field(repr=False)
    issued_on: date | None
    valid_to: date | None


@dataclass(frozen=True, slots=True)
class CompletedCase:
    """A completed approval case: what one deposit hands in. `client_id` and `number` make it unique.

    `acting_for`: the clerk whom the client named. A repeat may name another: it is the same case.
    """

    client_id: str
    number: str
    service_item: str
    completed_at: datetime
    applicant: Holder = field(repr=False)
    results: tuple[ApprovalResult, ...]
    materials: tuple[HandedInMaterial, ...]
    acting_for: Clerk | None = field(default=None, repr=False, compare=False)


@dataclass(frozen=True, slots=True)
class Reservation:
    """The committed intent to seal one result: everything that must stay the same on every retry.

    `identifier`: 电子证照标识 (GB/T 36904) in full. `verification_code`: ten characters, printed.
    `token`: 128 random bits, base64url, in the QR's fragment. `key`: what seals its files and its envelope.
    """

    certificate_id: UUID
    position: int
    identifier: str
    version: int
    verification_code: str = field(repr=False)
    token: str = field(repr=False)
    key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class SealedDocument:
    """A sealed file, judged by an independent reader: its bytes, digests and level. Never rewritten.

    `signers_sha256`: of the certificates of the signatures that it was given here, hex, in their order.
    """

    format: DocumentFormat
    content: bytes = field(repr=False)
    sha256: str
    sm3: str
    level: SealLevel
    seal_id: str
    signers_sha256: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """A sealed file as the vault's tables name it; the digests are those of the plain bytes.

    `seal_id` None: it came with the seal that it bears, which is not one of the vault's.
    """

    format: DocumentFormat
    sha256: str
    sm3: str
    size_bytes: int
    level: SealLevel
    seal_id: str | None


@dataclass(frozen=True, slots=True)
class Rendition:
    """A sealed file raised to another level: the one before it, and behind that what keeps it checkable.

    `number`: from 1; 0 would be the file as it was deposited. `made_at`: when it was committed.
    """

    number: int
    document: StoredDocument
    made_at: datetime


@dataclass(frozen=True, slots=True)
class ErasedCertificate:
    """What is left of a certificate when its last holder was erased: nothing about anybody."""

    certificate_id: UUID
    identifier: str
    version: int
    type_code: str
    issuing_authority: str
    issued_on: date
    valid_from: date
    valid_to: date | None
    status: Status
    status_since: datetime
    documents: tuple[StoredDocument, ...]
    superseded_by: UUID | None
    committed_at: datetime
    log_index: int | None
    log_origin: str | None
    renditions: tuple[Rendition, ...] = ()
    origin: Origin = BORN_SEALED


@dataclass(frozen=True, slots=True)
class CertificateRecord:
    """A certificate that the vault holds: every field present.

    `documents`: its files as they were deposited; `renditions`: what they were raised to, oldest first.

    `log_index`: where the leaf of its issue stands in the log of this `log_origin`, once the sequencer has
    given it a place. `disputed_since`: when its authority accepted a dispute (异议) that is open.
    """

    certificate_id: UUID
    identifier: str
    version: int
    type_code: str
    type_version: int
    issuing_authority: str
    client_id: str
    case_number: str
    number: str = field(repr=False)
    holders: tuple[Holder, ...] = field(repr=False)
    fields: Mapping[str, Any] = field(repr=False)
    issued_on: date
    valid_from: date
    valid_to: date | None
    status: Status
    status_since: datetime
    verification_code: str = field(repr=False)
    token: str = field(repr=False)
    documents: tuple[StoredDocument, ...]
    supersedes: UUID | None
    superseded_by: UUID | None
    committed_at: datetime
    promise: str
    log_index: int | None
    log_origin: str | None = None
    disputed_since: datetime | None = None
    renditions: tuple[Rendition, ...] = ()
    origin: Origin = BORN_SEALED


def files_of(record: CertificateRecord | ErasedCertificate) -> tuple[StoredDocument, ...]:
    """All sealed files of a certificate: by format, each as it was raised last first, as deposited last."""
    return tuple(
        each
        for deposited in record.documents
        for each in (
            *(r.document for r in reversed(record.renditions) if r.document.format is deposited.format),
            deposited,
        )
    )


def newest_file(
    record: CertificateRecord | ErasedCertificate, wanted: DocumentFormat
) -> StoredDocument | None:
    """The newest rendition of a certificate in this format, if it was made in it."""
    return next((each for each in files_of(record) if each.format is wanted), None)
