"""Uploads: a file waits here, under its client's key, until a deposit of the same client names it."""

import hashlib
from dataclasses import dataclass, field
from enum import Enum, auto

from signing.intake import check_pdf
from signing.ofd_judge import check_ofd
from storage.envelope import DataKey
from storage.upload_keys import find_upload_key, make_upload_key, put_upload, read_upload
from vault.errors import DocumentRefused, InputError, IntegrityError, NotFound
from vault.model.access import Action, authorize
from vault.model.actors import ClientGrant
from vault.model.scope import Scope
from vault.workshop import Workshop

# A scanned approval document of a hundred pages stays under this; more would cost a deposit too much memory.
UPLOAD_MAX_BYTES = 32 * 1024 * 1024

# First bytes of what the vault takes: PDF (ISO 32000-1, 7.5.2) and OFD, which is a zip (GB/T 33190).
_PDF = "application/pdf"
OFD = "application/ofd"
# What an import is sent as: a register, and a zip of its files. No deposit takes them.
JSON_LINES = "application/x-ndjson"
STOCK_TYPES = frozenset(
    {
        "text/csv",
        JSON_LINES,
        "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
        "application/zip",
    }
)
_MAGIC = {b"%PDF-": _PDF, b"PK\x03\x04": OFD}


class Kept(Enum):
    """What keeping an upload came to."""

    NEW = auto()
    ALREADY_THERE = auto()


@dataclass(frozen=True, slots=True)
class Uploads:
    """What one client handed in. `key` None: nothing ever."""

    workshop: Workshop
    client_id: str
    key: DataKey | None = field(repr=False)

    def read(self, sha256: str) -> bytes:
        """A file, checked against its digest.

        Raises:
            NotFound: this client handed in no such file.
            IntegrityError: it lies there damaged.
            Unavailable: the object store does not answer.
        """
        if self.key is None:
            raise NotFound(f"No upload {sha256}: send it first with PUT /v1/uploads/{{sha256}}.")
        return read_upload(self.workshop.blobs, self.key, self.client_id, sha256)


def uploads_of(workshop: Workshop, client_id: str) -> Uploads:
    """What this client handed in.

    Raises:
        Unavailable: the database does not answer.
    """
    with workshop.database.reading(Scope(client_id=client_id)) as db:
        return Uploads(workshop, client_id, find_upload_key(db, workshop.keys, client_id))


def keep_upload(
    workshop: Workshop, client: ClientGrant, sha256: str, content: bytes, media_type: str = _PDF
) -> Kept:
    """Keeps a file under the digest that the client named.

    `media_type`: as what it was sent; one of `STOCK_TYPES` is read by the import that names it, and by nobody
    else.

    It is written in any case: one that lies there damaged is replaced, and the time after which an upload
    that no case needs is removed starts anew.

    Raises:
        InputError: the digest is not that of the bytes.
        DocumentRefused: the bytes are neither PDF nor OFD, or break a rule of structure.
        Unavailable: an engine does not answer.
    """
    authorize(client, Action.UPLOAD)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        sentence = f"The digest does not match: expected {sha256.lower()}, the bytes received have {found}."
        raise InputError.at("/sha256", sentence)
    if media_type not in STOCK_TYPES:
        check_document(content)
    key = _upload_key(workshop, client.client_id)
    try:
        read_upload(workshop.blobs, key, client.client_id, found)
        kept = Kept.ALREADY_THERE
    except (NotFound, IntegrityError):
        kept = Kept.NEW
    put_upload(workshop.blobs, key, client.client_id, found, content)
    return kept


def _upload_key(workshop: Workshop, client_id: str) -> DataKey:
    key = uploads_of(workshop, client_id).key
    if key is None:
        with workshop.database.writing(Scope(client_id=client_id)) as db:
            make_upload_key(db, workshop.keys, client_id)
        key = uploads_of(workshop, client_id).key
    if key is None:
        raise IntegrityError("A client's upload key vanished when it had just been made.")
    return key


def check_document(content: bytes) -> str:
    """The gate for whatever enters, to be sealed or not: media type, and the rules of structure.

    Raises:
        DocumentRefused: with a sentence that tells the sender what is wrong.
    """
    media_type = media_type_of(content)
    if media_type == _PDF:
        check_pdf(content)
    else:
        check_ofd(content)
    return media_type


def media_type_of(content: bytes) -> str:
    """Media type by the first bytes.

    Raises:
        DocumentRefused: neither PDF nor OFD.
    """
    for magic, media_type in _MAGIC.items():
        if content.startswith(magic):
            return media_type
    raise DocumentRefused("The file is neither a PDF nor an OFD: its first bytes say so.")
