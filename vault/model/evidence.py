"""Portable evidence: a sealed file with all that proves it, in one zip that needs no vault.

The report in it is for people: nobody signs it, and nobody who judges the evidence reads it.
"""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from io import BytesIO
from typing import Final

from vault.errors import InputError
from vault.model.legal_time import LEGAL_TIME

DOCUMENT: Final = "document.pdf"
REPORT: Final = "report.json"
PROOF: Final = "log.tlog-proof"
ROOTS: Final = "trust/roots.pem"
LOG_KEY: Final = "trust/log.vkey"
STATEMENT_KEYS: Final = "trust/statement-keys.note"
README: Final = "README.txt"
NAMES: Final = (README, DOCUMENT, REPORT, PROOF, ROOTS, LOG_KEY, STATEMENT_KEYS)
# What is read of a strange one: a document has 32 MB at most, all the rest a few kilobytes.
PART_MAX_BYTES = 33 * 1024 * 1024
_CHUNK_BYTES = 64 * 1024
# How `pack_evidence` packs. The others that Python unpacks give any number of bytes for one chunk asked for.
_PACKED: Final = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_OFD_ENTRANCE = "OFD.xml"


@dataclass(frozen=True, slots=True)
class Evidence:
    """The parts of the zip that are judged, as they stand in it; nothing of them is proved."""

    document: bytes = field(repr=False)
    proof: bytes = field(repr=False)
    roots: bytes = field(repr=False)
    log_key: bytes = field(repr=False)
    statement_keys: bytes = field(repr=False)


def pack_evidence(parts: Mapping[str, bytes], at: datetime) -> bytes:
    """The zip of these parts, which have the `NAMES`, dated as of a time; the document as it is."""
    out = BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name in NAMES:
            entry = zipfile.ZipInfo(name, at.astimezone(LEGAL_TIME).timetuple()[:6])
            entry.compress_type = zipfile.ZIP_STORED if name == DOCUMENT else zipfile.ZIP_DEFLATED
            packed.writestr(entry, parts[name])
    return out.getvalue()


def is_ofd(content: bytes) -> bool:
    """Whether a zip is an OFD, which has its entrance, and not evidence; False of one that cannot be read."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            return _OFD_ENTRANCE in packed.namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):
        return False


def open_evidence(content: bytes) -> Evidence:
    """The parts of a zip, which has exactly those that `pack_evidence` gives it.

    Raises:
        InputError: it is none, has other parts or one twice, or one that is packed otherwise or too large.
    """
    try:
        with zipfile.ZipFile(BytesIO(content)) as packed:
            names = [entry.filename for entry in packed.infolist()]
            if sorted(names) != sorted(NAMES):
                raise InputError(f"Expected evidence: a zip of {', '.join(NAMES)}, each once, and no more.")
            if not {entry.compress_type for entry in packed.infolist()} <= _PACKED:
                raise InputError("Expected parts that are stored or deflated, and no other compression.")
            parts = {name: _part(packed, name) for name in NAMES}
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise InputError("The zip cannot be read: it is damaged, encrypted or none.") from error
    return Evidence(*(parts[name] for name in (DOCUMENT, PROOF, ROOTS, LOG_KEY, STATEMENT_KEYS)))


def _part(packed: zipfile.ZipFile, name: str) -> bytes:
    """One part, never more of it than a part may have, whatever the directory says."""
    read = bytearray()
    with packed.open(name) as part:
        while chunk := part.read(_CHUNK_BYTES):
            read += chunk
            if len(read) > PART_MAX_BYTES:
                raise InputError(f"Expected at most {PART_MAX_BYTES} bytes as {name}.")
    return bytes(read)
