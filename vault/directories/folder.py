"""The folder of an export: written beside its name, and given that name when everything is in it.

While it is written it is called `NAME.part`. Every so often its files are forced to the disk and
`progress.json` says how long they were then; whoever goes on cuts them back to that. Nobody but its owner may
read any of it: the rows are personal data.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

from vault.directories.sheets import Format, head
from vault.errors import Conflict, Unavailable
from vault.model.directory import Directory

FOLDER_MODE, FILE_MODE = 0o700, 0o600
PART = ".part"
PROGRESS = "progress.json"
SUMMARY = "summary.json"
HASHED_AT_ONCE = 1 << 20  # bytes read at a time when a file's digest is made


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for: the same when an export goes on as when it began.

    `after`: cursor of an incremental export, None for a whole one. `through`: the feed's head at the
    beginning, `through_position` its place. `started_at`: RFC 3339.
    """

    form: str
    after: str | None
    through: str
    through_position: int
    started_at: str


@dataclass(frozen=True, slots=True)
class FileState:
    """How much of a directory is on the disk."""

    bytes: int
    rows: int


@dataclass(frozen=True, slots=True)
class Progress:
    """How far an export is. `place`: where reading goes on; `damaged`: identifiers that could not be read."""

    order: Order
    place: str
    files: Mapping[str, FileState]
    certificates: int
    damaged: tuple[str, ...]
    damaged_count: int


class Part:
    """The folder while it is written, locked to one process; `progress` None where it is begun now."""

    def __init__(self, path: Path, form: Format, progress: Progress | None) -> None:
        self.path = path
        self.progress = progress
        self._form = form
        self._files: dict[Directory, IO[bytes]] = {}

    def open_files(self, stack: ExitStack) -> None:
        """Opens the directories' files to append; cut back to what `progress` says that there is."""
        for directory in Directory:
            path = self.path / file_name(directory, self._form)
            file = stack.enter_context(_private(path, "r+b" if path.exists() else "w+b"))
            known = FileState(0, 0) if self.progress is None else self.progress.files[directory]
            file.truncate(known.bytes)
            file.seek(known.bytes)
            if known.bytes == 0:
                file.write(head(self._form))
            self._files[directory] = file

    def append(self, directory: Directory, lines: bytes) -> None:
        """Adds rows to a directory's file; on the disk after the next `save`."""
        self._files[directory].write(lines)

    def length(self, directory: Directory) -> int:
        """Bytes of a directory's file so far."""
        return self._files[directory].tell()

    def save(self, progress: Progress) -> None:
        """Forces the files to the disk, and then what is known of them."""
        for file in self._files.values():
            file.flush()
            os.fsync(file.fileno())
        write_json(self.path / PROGRESS, asdict(progress))

    def digest(self, directory: Directory) -> str:
        """SHA-256, in hex, of a directory's whole file."""
        file = self._files[directory]
        file.flush()
        file.seek(0)
        digest = hashlib.sha256()
        while piece := file.read(HASHED_AT_ONCE):
            digest.update(piece)
        return digest.hexdigest()

    def finish(self, target: Path) -> None:
        """Gives the folder its name: from now on the export is there, all of it."""
        (self.path / PROGRESS).unlink(missing_ok=True)
        _sync_folder(self.path)
        self.path.rename(target)
        _sync_folder(target.parent)


@contextmanager
def open_part(target: Path, form: Format, after: str | None) -> Iterator[Part]:
    """The folder in which an export into `target` is begun or goes on.

    Raises:
        Conflict: there is such an export already, another process is writing it, or another one was begun.
        Unavailable: the file system refuses; the same command may go on later.
    """
    path = target.with_name(target.name + PART)
    with _translated(path), ExitStack() as stack:
        if target.exists():
            raise Conflict(f"{target} is there already: an export is never overwritten, name another folder.")
        path.mkdir(mode=FOLDER_MODE, exist_ok=True)
        folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        stack.callback(os.close, folder)
        os.fchmod(folder, FOLDER_MODE)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(f"Another process is writing {path}.") from error
        progress = _read_progress(path / PROGRESS)
        if progress is not None and (progress.order.form, progress.order.after) != (form, after):
            began = progress.order
            what = "a whole export" if began.after is None else f"an export after {began.after}"
            raise Conflict(
                f"{path} was begun as {what} in {began.form}: go on with that, or remove the folder."
            )
        part = Part(path, form, progress)
        part.open_files(stack)
        yield part


def file_name(directory: Directory, form: Format) -> str:
    """`resident.jsonl`."""
    return f"{directory}.{form}"


def write_json(path: Path, value: Any) -> None:  # noqa: ANN401 - JSON is any value
    """Writes a JSON file whole or not at all."""
    fresh = path.with_name(path.name + ".new")
    with _private(fresh, "w+b") as file:
        file.write(json.dumps(value, ensure_ascii=False, indent=2).encode() + b"\n")
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
    _sync_folder(path.parent)


def _private(path: Path, mode: str) -> IO[bytes]:
    """A file that only its owner may read, from the moment on which it is there."""

    def opener(name: str, flags: int) -> int:
        return os.open(name, flags | os.O_NOFOLLOW, FILE_MODE)

    file: IO[bytes] = open(path, mode, opener=opener)  # noqa: SIM115 - Path.open takes no opener; the caller closes it
    os.fchmod(file.fileno(), FILE_MODE)
    return file


def _read_progress(path: Path) -> Progress | None:
    if not path.exists():
        return None
    try:
        found = json.loads(path.read_bytes())
        return Progress(
            order=Order(**found["order"]),
            place=found["place"],
            files={name: FileState(**state) for name, state in found["files"].items()},
            certificates=found["certificates"],
            damaged=tuple(found["damaged"]),
            damaged_count=found["damaged_count"],
        )
    except (ValueError, LookupError, TypeError) as error:
        raise Conflict(f"{path} cannot be read: remove the folder and export anew.") from error


def _sync_folder(path: Path) -> None:
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


@contextmanager
def _translated(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise Unavailable(
            f"{path} cannot be written: {error.strerror}. The same command goes on where it was."
        ) from error
