"""Answers to uploads and deposits, and whether a case may close."""

from typing import Any
from uuid import UUID

from pydantic import BaseModel, Field

from vault.model.catalogue import DocumentFormat
from vault.model.certificate import SealLevel, Status


class UploadOut(BaseModel):
    """A file that is now waiting for its deposit."""

    sha256: str
    size_bytes: int


class DocumentOut(BaseModel):
    """One sealed file of a certificate."""

    format: DocumentFormat
    sha256: str
    sm3: str | None = None
    size_bytes: int
    seal_level: SealLevel
    href: str


class LogOut(BaseModel):
    """The transparency log's promise; `index` once the leaf has its place."""

    promise: dict[str, Any]
    index: int | None = Field(description="Within the log of this `origin`, from 0.")
    origin: str | None = Field(default=None, description="A year's shard of the log.")
    proof: str | None = Field(default=None, description="Where its tlog-proof is, once it has an index.")


class ReceiptOut(BaseModel):
    """What a deposit answers for each result."""

    certificate_id: UUID
    identifier: str = Field(description="电子证照标识 (GB/T 36904).")
    version: int
    number: str
    type: str
    status: Status
    verification_code: str = Field(description="Printed on the certificate.")
    verify_url: str = Field(description="What the QR code holds.")
    documents: list[DocumentOut]
    log: LogOut


class DepositOut(BaseModel):
    """The case's receipts, the same on every repeat."""

    case_number: str
    receipts: list[ReceiptOut]


class MayCloseOut(BaseModel):
    """Whether a case may close: only when the vault has every certificate of it."""

    may_close: bool
    missing: list[str] = Field(description="What the vault still lacks, in words.", examples=[[]])
