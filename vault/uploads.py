"""Uploads: a file waits here, under its digest, until a deposit names it."""

import hashlib
from enum import Enum, auto

from vault.errors import DocumentRefused, InputError, IntegrityError, NotFound
from vault.model.access import Action, authorize
from vault.model.actors import ClientGrant
from vault.workshop import Workshop

# A scanned approval document of a hundred pages stays under this; more would cost a deposit too much memory.
UPLOAD_MAX_BYTES = 32 * 1024 * 1024

# First bytes of what the vault takes: PDF (ISO 32000-1, 7.5.2) and OFD, which is a zip (GB/T 33190).
_MAGIC = {b"%PDF-": "application/pdf", b"PK\x03\x04": "application/ofd"}


class Kept(Enum):
    """What keeping an upload came to."""

    NEW = auto()
    ALREADY_THERE = auto()


def keep_upload(workshop: Workshop, client: ClientGrant, sha256: str, content: bytes) -> Kept:
    """Keeps a file under the digest that the client named.

    It is written in any case: one that lies there damaged is replaced, and the time after which an upload
    that no case needs is removed starts anew.

    Raises:
        InputError: the digest is not that of the bytes.
        DocumentRefused: the bytes are neither PDF nor OFD.
        Unavailable: the object store does not answer.
    """
    authorize(client, Action.UPLOAD)
    found = hashlib.sha256(content).hexdigest()
    if found != sha256.lower():
        sentence = f"The digest does not match: expected {sha256.lower()}, the bytes received have {found}."
        raise InputError.at("/sha256", sentence)
    media_type = media_type_of(content)
    try:
        workshop.blobs.read_upload(found)
        kept = Kept.ALREADY_THERE
    except (NotFound, IntegrityError):
        kept = Kept.NEW
    workshop.blobs.put_upload(content, found, content_type=media_type)
    return kept


def media_type_of(content: bytes) -> str:
    """Media type by the first bytes.

    Raises:
        DocumentRefused: neither PDF nor OFD.
    """
    for magic, media_type in _MAGIC.items():
        if content.startswith(magic):
            return media_type
    raise DocumentRefused("The file is neither a PDF nor an OFD: its first bytes say so.")
