"""Where a manifest's files are: a folder, a zip, a prefix of an S3 bucket, or the client's own uploads."""

import re
import unicodedata
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from storage.stock import stock_file
from vault.errors import InputError, NotFound
from vault.uploads import UPLOAD_MAX_BYTES, uploads_of
from vault.workshop import Workshop

# Files of a zip; a province's stock of one kind.
ENTRIES_MAX = 2_000_000
# A scan hardly deflates at all, a text page some ten times.
RATIO_MAX = 250
_CHUNK_BYTES = 256 * 1024
_UTF8_NAME = 0x800  # APPNOTE 4.4.4: bit 11 of the flags
_ENCRYPTED = 0x1
_PACKED = frozenset({zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED})
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)
# What reading a zip's entry raises: NotImplementedError is a RuntimeError.
_DAMAGED = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, ValueError, OSError)

ReadFile = Callable[[str], bytes]
"""The file of a name in the manifest. Raises NotFound, InputError with why not, Unavailable."""


class FilesKind(StrEnum):
    """What the files lie in."""

    NONE = "none"
    FOLDER = "folder"
    ZIP = "zip"
    S3 = "s3"
    UPLOADS = "uploads"
    UPLOADED_ZIP = "uploaded-zip"


@dataclass(frozen=True, slots=True)
class FilesPlace:
    """Where the files are.

    `place`: a path; `bucket/prefix` of the vault's object store; a client's id; or that, a slash and the
    digest of a zip among its uploads.
    """

    kind: FilesKind
    place: str = ""


def open_files(workshop: Workshop, files: FilesPlace) -> ReadFile:
    """How to read the files; of a zip every name is looked at first.

    Raises:
        InputError: the folder is not there, or the zip is none, or has a name that is a path elsewhere,
            twice the same, or more than it may have.
        Unavailable: an engine does not answer.
    """
    match files.kind:
        case FilesKind.NONE:
            return _no_files
        case FilesKind.FOLDER:
            return _of_folder(Path(files.place))
        case FilesKind.ZIP:
            return _of_zip(Path(files.place))
        case FilesKind.UPLOADED_ZIP:
            client_id, _, sha256 = files.place.rpartition("/")
            return _of_zip(BytesIO(_uploaded(workshop, client_id, sha256)))
        case FilesKind.S3:
            bucket, _, prefix = files.place.partition("/")
            return lambda name: stock_file(
                workshop.blobs, bucket, str(PurePosixPath(prefix) / _inside(name)), UPLOAD_MAX_BYTES
            )
        case FilesKind.UPLOADS:
            return lambda name: _uploaded(workshop, files.place, name)


def _uploaded(workshop: Workshop, client_id: str, name: str) -> bytes:
    if not _SHA256.fullmatch(name):
        raise InputError.at("/file", "Expected the SHA-256 of an upload, 64 hexadecimal characters.")
    try:
        return uploads_of(workshop, client_id).read(name.lower())
    except NotFound:
        raise NotFound("There is no such upload.") from None  # what it names stays in the register


def _no_files(_name: str) -> bytes:
    raise NotFound("The manifest names files, and none were given.")


def _of_folder(folder: Path) -> ReadFile:
    if not folder.is_dir():
        raise InputError("There is no such folder of files.")
    root = folder.resolve()

    def read(name: str) -> bytes:
        path = (root / _inside(name)).resolve()
        if not path.is_relative_to(root):
            raise InputError("Expected a file within the folder, got a link elsewhere.")
        try:
            with path.open("rb") as file:
                return _capped(file.read)
        except OSError as error:
            raise NotFound("There is no such file in the folder.") from error

    return read


def _of_zip(place: Path | BinaryIO) -> ReadFile:
    try:
        packed = zipfile.ZipFile(place)
    except (OSError, zipfile.BadZipFile, NotImplementedError, ValueError) as error:
        raise InputError("The files are in no zip that can be read.") from error
    entries: dict[str, zipfile.ZipInfo] = {}
    found = packed.infolist()
    if len(found) > ENTRIES_MAX:
        raise InputError(f"Expected at most {ENTRIES_MAX} files in the zip.")
    for entry in found:
        if entry.is_dir():
            continue
        name = _folded(_inside(_name_of(entry)))
        if name in entries:
            raise InputError("The zip has two files of one name: nobody can tell which one is meant.")
        _check_entry(entry)
        entries[name] = entry

    def read(name: str) -> bytes:
        entry = entries.get(_folded(_inside(name)))
        if entry is None:
            raise NotFound("There is no such file in the zip.")
        try:
            with packed.open(entry) as file:
                return _capped(file.read)
        except _DAMAGED as error:
            raise InputError("The file is damaged in the zip.") from error

    return read


def _check_entry(entry: zipfile.ZipInfo) -> None:
    if entry.flag_bits & _ENCRYPTED or entry.compress_type not in _PACKED:
        raise InputError("The zip has a file that is encrypted, or packed otherwise than by deflate.")
    if entry.file_size > max(entry.compress_size, 1) * RATIO_MAX:
        raise InputError("The zip has a file that inflates beyond all measure.")


def _name_of(entry: zipfile.ZipInfo) -> str:
    """The name as it was meant: zips made on Chinese systems name files in GB 18030 and do not say so."""
    if entry.flag_bits & _UTF8_NAME:
        return entry.filename
    raw = entry.filename.encode("cp437", errors="replace")
    for encoding in ("utf-8", "gb18030"):
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    return entry.filename


def _inside(name: str) -> str:
    """A name that leads nowhere else, on no system.

    Raises:
        InputError: it does.
    """
    plain = name.replace("\\", "/").strip()
    parts = PurePosixPath(plain).parts
    if not parts or plain.startswith("/") or ".." in parts or ":" in parts[0] or "\x00" in plain:
        raise InputError("Expected the name of a file within what was given, got a path elsewhere.")
    return "/".join(part for part in parts if part != ".")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name).casefold()


def _capped(read: Callable[[int], bytes]) -> bytes:
    """All of it, whatever a directory says of its size."""
    content = bytearray()
    while part := read(_CHUNK_BYTES):
        content += part
        if len(content) > UPLOAD_MAX_BYTES:
            raise InputError(f"Expected a file of at most {UPLOAD_MAX_BYTES} bytes.")
    return bytes(content)
