"""Where a manifest's files are: a folder, a zip, a prefix of an S3 bucket, or the client's own uploads."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from itertools import count
from pathlib import Path, PurePosixPath

from storage.stock import stock_file
from vault.errors import InputError, NotFound
from vault.importing.zip_index import DamagedZip, ReadAt, TwiceTheSame, ZipEntry, file_reader, index_zip
from vault.uploads import UPLOAD_MAX_BYTES, uploads_of
from vault.workshop import Workshop

# Files of a zip; a province's stock of one kind.
ENTRIES_MAX = 2_000_000
# A scan hardly deflates at all, a text page some ten times.
RATIO_MAX = 250
_CHUNK_BYTES = 256 * 1024
# Names that lead nowhere else at first sight, as nearly all do: no part is empty, or begins with a dot.
_PLAIN = re.compile(r"(?:[A-Za-z0-9_-][A-Za-z0-9_.-]*/)*[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_SHA256 = re.compile(r"[0-9A-Fa-f]{64}", re.ASCII)

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
            return _zip_on_disk(Path(files.place))
        case FilesKind.UPLOADED_ZIP:
            client_id, _, sha256 = files.place.rpartition("/")
            packed = _uploaded(workshop, client_id, sha256)
            return _of_zip(lambda at, length: packed[at : at + length], len(packed))
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


def _of_zip(read_at: ReadAt, total_bytes: int) -> ReadFile:
    seen = count(1)

    def named(entry: ZipEntry) -> str | None:
        if next(seen) > ENTRIES_MAX:
            raise InputError(f"Expected at most {ENTRIES_MAX} files in the zip.")
        if entry.is_folder:
            return None
        name = _folded(_inside(_name_of(entry)))
        _check_entry(entry)
        return name

    try:
        index = index_zip(read_at, total_bytes, named)
    except TwiceTheSame:
        raise InputError("The zip has two files of one name: nobody can tell which one is meant.") from None
    except (OSError, DamagedZip) as error:
        raise InputError("The files are in no zip that can be read.") from error

    def read(name: str) -> bytes:
        try:
            content = index.read(_folded(_inside(name)), UPLOAD_MAX_BYTES)
        except (OSError, DamagedZip) as error:
            raise InputError("The file is damaged in the zip.") from error
        if content is None:
            raise NotFound("There is no such file in the zip.")
        _check_size(content)
        return content

    return read


def _zip_on_disk(path: Path) -> ReadFile:
    try:
        return _of_zip(file_reader(path), path.stat().st_size)
    except OSError as error:
        raise InputError("The files are in no zip that can be read.") from error


def _check_entry(entry: ZipEntry) -> None:
    if not entry.can_be_unpacked:
        raise InputError("The zip has a file that is encrypted, or packed otherwise than by deflate.")
    if entry.size_bytes > max(entry.packed_bytes, 1) * RATIO_MAX:
        raise InputError("The zip has a file that inflates beyond all measure.")


def _name_of(entry: ZipEntry) -> str:
    """The name as it was meant: zips made on Chinese systems name files in GB 18030 and do not say so.

    Raises:
        DamagedZip: it says that its name is UTF-8, and it is not.
    """
    for encoding in ("utf-8",) if entry.utf8 else ("utf-8", "gb18030"):
        try:
            return entry.raw_name.decode(encoding)
        except UnicodeDecodeError:
            continue
    if entry.utf8:
        raise DamagedZip("It has a name that is no UTF-8.")
    return entry.raw_name.decode("cp437")


def _inside(name: str) -> str:
    """A name that leads nowhere else, on no system.

    Raises:
        InputError: it does.
    """
    if _PLAIN.fullmatch(name):
        return name
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
        _check_size(content)
    return bytes(content)


def _check_size(content: bytes | bytearray) -> None:
    if len(content) > UPLOAD_MAX_BYTES:
        raise InputError(f"Expected a file of at most {UPLOAD_MAX_BYTES} bytes.")
