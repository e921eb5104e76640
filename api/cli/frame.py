"""What every command shares: exit codes, errors as one sentence, JSON, and whose settings it works with."""

import fcntl
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console

from vault.errors import Conflict, InputError, NotFound, NotPermitted, Unavailable, VaultError
from vault.model.written import UNPRINTABLE

if TYPE_CHECKING:
    from api.settings import Settings
    from vault.workshop import Workshop

PIPE_WIDTH = 160  # characters of a table that goes into a file or a pipe
LOCK_FILE = "lock"  # storage.embedded holds it while its engines run

Data = Annotated[
    Path | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Data folder of a running `certvault up` or `demo`. Otherwise the CERTVAULT_* variables count, "
        "and without any of them the default data folder.",
        file_okay=False,
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON for programs.")]


class Exit(IntEnum):
    """What a command ends with; usage errors are also what the parser of the command line ends with."""

    OK = 0
    PROBLEMS = 1
    USAGE = 2
    UNAVAILABLE = 3


def exit_of(error: VaultError) -> Exit:
    """The exit code that tells a script whose fault it was."""
    match error:
        case Unavailable():
            return Exit.UNAVAILABLE
        case InputError():
            return Exit.USAGE
        case _:
            return Exit.PROBLEMS


def say_error(error: VaultError) -> None:
    """The error's sentence on stderr, a line for each field that it names."""
    print(f"certvault: {error.detail}", file=sys.stderr)  # noqa: T201 - a command's own words
    if isinstance(error, InputError | Conflict | NotPermitted):
        for problem in error.problems:
            if problem.detail != error.detail:
                print(f"  {problem.pointer}: {problem.detail}", file=sys.stderr)  # noqa: T201 - as above


def print_json(value: Any) -> None:  # noqa: ANN401 - JSON is any value
    """One JSON document on stdout."""
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def console() -> Console:
    """The terminal, or whatever stdout is: that has no width, so lines stay whole."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def default_data() -> Path:
    """Where a vault on this machine lies if nothing else is said (XDG Base Directory Specification)."""
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if Path(base).is_absolute() else Path.home() / ".local/share") / "certvault"


def find_settings(data: Path | None) -> "Settings":
    """The settings to work with: of the vault that runs on `data`, of the environment, of the default folder.

    Raises:
        Unavailable: no vault is running on the data folder.
        InputError: the environment's settings are not complete.
    """
    from api.settings import RUNNING_FILE, in_environment, parse_settings, read_settings  # noqa: PLC0415 - keeps --help quick

    if data is None and in_environment():
        return read_settings()
    folder = data or default_data()
    running = folder / RUNNING_FILE
    if not running.exists() or not _is_held(folder):
        start = "certvault up" if data is None else f"certvault up --data {data}"
        raise Unavailable(
            f"No vault is running on {folder}: start one with `{start}`, or set the CERTVAULT_* variables."
        )
    return parse_settings(running.read_text(encoding="utf-8"))


@contextmanager
def open_workshop(data: Path | None, *, as_owner: bool = False) -> Iterator["Workshop"]:
    """The workshop that `find_settings` leads to; its connections are closed at the end.

    `as_owner`: in the database it is the owner of the tables, for what the role that serves may not do.
    """
    from pydantic import SecretStr  # noqa: PLC0415 - keeps --help quick

    from api.wiring import wire  # noqa: PLC0415 - as above

    settings = find_settings(data)
    if as_owner:
        settings = settings.model_copy(update={"database_url": SecretStr(settings.migrating_url)})
    workshop = wire(settings).workshop
    try:
        yield workshop
    finally:
        workshop.database.close()


def read_file(path: Path) -> bytes:
    """A file that the caller named.

    Raises:
        NotFound: it is not there or not readable.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise NotFound(f"{path} is not readable: {error.strerror}.") from error


def names_file(text: str) -> bool:
    """Whether this is a file's name; what is too long to be one is none."""
    try:
        return Path(text).is_file()
    except OSError:
        return False


def printable(text: str) -> str:
    """A stranger's text for a terminal, which would obey control characters."""
    return UNPRINTABLE.sub("\N{REPLACEMENT CHARACTER}", text)


def _is_held(folder: Path) -> bool:
    """Whether a process holds the folder: it would let go even if it was killed."""
    try:
        with (folder / LOCK_FILE).open("rb") as lock:
            fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    return False
