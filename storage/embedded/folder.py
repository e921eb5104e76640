"""The data folder: made private, held by one owner, with its secrets and logs.

data/lock           flock held for the owner's life; holds the owner's process id
data/engines.json   process ids and ports of the run that is on (absent after an orderly stop)
data/secrets/       passwords and keys, mode 600 in a folder of mode 700
data/postgres/      the cluster, or data/postgres.location where it lies elsewhere (see placement)
data/seaweedfs/     objects and their index
data/logs/          this run's and the last run's log of each engine
"""

import fcntl
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from vault.errors import Conflict, NotPermitted, Unavailable

PRIVATE_DIR = 0o700
PRIVATE_FILE = 0o600
# As root, PostgreSQL's own user (the folder's group) passes through to its sub-folder; nobody else does.
PASSAGE_DIR = 0o710

# Enough to show why a server would not start, short enough for a terminal.
TAIL_LINES = 15
TAIL_BYTES = 4096

# 32 random bytes: beyond guessing, and letters that need no escaping in a URL, TOML or JSON.
SECRET_BYTES = 32


def make_data_folder(data: Path, *, passage_gid: int | None) -> Path:
    """The data folder as an absolute path without symbolic links, made if it was not there.

    A folder that exists keeps its mode and owner. Raises `NotPermitted` where it cannot be made or
    entered, or where its vault was made by another user.
    """
    try:
        # The parents are made by the caller's umask; only the last folder is the vault's.
        data.parent.mkdir(parents=True, exist_ok=True)
        try:
            data.mkdir(mode=PRIVATE_DIR)
        except FileExistsError:
            pass
        else:
            if passage_gid is not None:
                os.chown(data, -1, passage_gid)
                data.chmod(PASSAGE_DIR)
        data = data.resolve(strict=True)
        lock = data / "lock"
        owner = lock.stat().st_uid if lock.exists() else os.geteuid()
    except OSError as error:
        raise NotPermitted(f"The data folder {data} cannot be used: {error.strerror}.") from error
    if owner != os.geteuid():
        raise NotPermitted(
            f"The vault in {data} belongs to user id {owner}, this process runs as {os.geteuid()}: "
            "start it as that user, or give another data folder."
        )
    return data


def private_dir(path: Path) -> Path:
    """The folder, made with mode 700 whatever the umask says."""
    path.mkdir(mode=PRIVATE_DIR, exist_ok=True)
    return path


def write_private(path: Path, text: str) -> None:
    """Put `text` in place at once (a crash leaves the old file or the new one), mode 600."""
    beside = path.with_name(path.name + ".new")
    beside.unlink(missing_ok=True)
    descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def kept_secret(path: Path, make: Callable[[], str] = lambda: secrets.token_urlsafe(SECRET_BYTES)) -> str:
    """The secret in this file, made at first use."""
    if not path.exists():
        write_private(path, make())
    return path.read_text(encoding="utf-8")


@contextmanager
def held(data: Path) -> Iterator[None]:
    """Hold the folder: the kernel lets go when the owner ends, however it ends.

    Raises `Conflict` where another process holds it, `Unavailable` where the file system has no locks.
    """
    # No link is followed: PostgreSQL's user may write in a held folder, and must not lead root elsewhere.
    flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
    descriptor = os.open(data / "lock", flags, PRIVATE_FILE)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Conflict(_held_by(descriptor, data)) from error
        except OSError as error:
            raise Unavailable(
                f"The file system of {data} gives no locks ({error.strerror}): use a local disk."
            ) from error
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def _held_by(descriptor: int, data: Path) -> str:
    recorded = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
    holder = f"process {recorded}" if recorded.isdecimal() else "another process"
    end = (
        f"end that process (Ctrl-C in its terminal, or `kill {recorded}`)"
        if recorded.isdecimal()
        else "end it"
    )
    return f"A vault is already running on {data}, held by {holder}: {end}, or give another data folder."


def fresh_log(logs: Path, name: str) -> Path:
    """An empty log for this run; the last run's is kept beside it."""
    log = logs / f"{name}.log"
    if log.exists():
        log.replace(logs / f"{name}.log.1")
    write_private(log, "")
    return log


def tail(log: Path) -> str:
    """The log's last lines, for an error's sentence."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - TAIL_BYTES))
        return "\n".join(file.read().decode("utf-8", "replace").splitlines()[-TAIL_LINES:])
