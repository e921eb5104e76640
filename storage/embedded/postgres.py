"""PostgreSQL on one data folder: cluster, server, roles and database.

It listens on TCP at 127.0.0.1 with SCRAM passwords, on no Unix socket: as root the server runs as another
user, whom "peer" would not know; a socket's path may have 107 bytes only, a data folder's more; and TCP is
what the production address looks like.
"""

import hashlib
import os
import shutil
import signal
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

from storage.embedded.folder import PRIVATE_FILE, kept_secret, tail
from storage.embedded.placement import Place
from storage.embedded.ports import LOOPBACK, free_ports
from storage.embedded.processes import Engine, Family, settle, spawn
from vault.errors import Unavailable

SUPERUSER = "postgres"
OWNER = "certvault"  # owns the database and its tables: migrates, backs up; also the database's name
SERVICE = "certvault_service"  # what serves: owns nothing, and row security binds it
CONNECT_TIMEOUT_S = 5
INITDB_TIMEOUT_S = 120  # a second on a quiet machine; a cold disk may take its time
ENVIRONMENT = {"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"}

_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "fsync": "on",
    "synchronous_commit": "on",
    "full_page_writes": "on",
    "password_encryption": "scram-sha-256",
    # A failing statement's text and its row's values may hold personal data: neither goes into the log.
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
}


@dataclass(frozen=True, slots=True)
class DatabaseAddresses:
    """The database's addresses for psycopg, with passwords: the service's and the owner's."""

    service: str = field(repr=False)
    owner: str = field(repr=False)


def _cluster(home: Path) -> Path:
    """PGDATA; exists only when initdb has finished (it works beside it and is renamed)."""
    return home / "cluster"


def _unfinished(home: Path) -> Path:
    return home / "cluster.new"


def _cluster_name(home: Path) -> str:
    """What every process of this server shows in its title; PostgreSQL takes 63 plain characters."""
    return "certvault-" + hashlib.sha256(os.fsencode(home)).hexdigest()[:16]


def family(home: Path) -> Family:
    """The server's processes: postmaster (or a half-done initdb) as leader, backends as followers."""
    return Family(
        programs=frozenset({"postgres", "initdb"}),
        marks=frozenset({str(_cluster(home)), str(_unfinished(home))}),
        title=f"postgres: {_cluster_name(home)}: ",
        stop_signal=lambda: _stop_signal(_cluster(home)),
    )


def _stop_signal(cluster: Path) -> signal.Signals:
    """Fast shutdown (sessions end, a checkpoint is written) once it is up, immediate shutdown before.

    A fast shutdown during recovery left PostgreSQL 18.6 waiting for ever (tried); and a server that is
    not up has nothing new to write: its next start recovers in either case. Should it recover from a crash
    of its own just then, its state still reads "ready"; `processes.see_stopped` ends the wait.
    """
    return signal.SIGINT if _lock_lines(cluster)[7:8] == ["ready"] else signal.SIGQUIT


def start(place: Place, secrets: Path, log: Path) -> tuple[Engine, DatabaseAddresses]:
    """The running server and the database's addresses.

    1. Make the cluster if there is none. 2. Clear a lock file that would stop the server wrongly.
    3. Start it and wait until it answers. 4. Make roles and database if missing.
    Raises `Unavailable`. Needs the data folder held and no process of `family` running.
    """
    superuser_password = kept_secret(secrets / "postgres-superuser")
    passwords = {
        OWNER: kept_secret(secrets / "postgres-certvault"),
        SERVICE: kept_secret(secrets / "postgres-service"),
    }
    cluster = _cluster(place.home)
    if not cluster.exists():
        _make_cluster(place, superuser_password, log)  # 1
    _clear_misleading_lock(cluster)  # 2

    def launch() -> Engine:
        (port,) = free_ports(1)
        settings = {**_SETTINGS, "port": str(port), "cluster_name": _cluster_name(place.home)}
        argv = [str(place.server / "bin" / "postgres"), "-D", str(cluster)]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        process = spawn(argv, log=log, account=place.account, cwd=Path("/"), env=ENVIRONMENT)
        return Engine("PostgreSQL", process, {"database": port}, log)

    engine = settle(launch(), launch, lambda tried: _answers(tried, cluster, superuser_password))  # 3
    _make_roles_and_database(engine, superuser_password, passwords)  # 4
    there = f"{LOOPBACK}:{engine.ports['database']}/{OWNER}"
    return engine, DatabaseAddresses(
        service=f"postgresql://{SERVICE}:{passwords[SERVICE]}@{there}",
        owner=f"postgresql://{OWNER}:{passwords[OWNER]}@{there}",
    )


def _make_cluster(place: Place, superuser_password: str, log: Path) -> None:
    unfinished = _unfinished(place.home)
    shutil.rmtree(unfinished, ignore_errors=True)  # of a run that was killed here
    # initdb reads the password as the server's user, who may not read our secrets: a copy for that moment.
    password_file = place.home / "superuser-password"
    password_file.unlink(missing_ok=True)
    descriptor = os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, PRIVATE_FILE)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            if place.account is not None:
                os.fchown(file.fileno(), place.account.uid, place.account.gid)
            file.write(superuser_password)
        argv = [str(place.server / "bin" / "initdb"), "-D", str(unfinished), f"--pwfile={password_file}"]
        argv += [f"--username={SUPERUSER}", "--auth=scram-sha-256", "--encoding=UTF8", "--data-checksums"]
        argv += ["--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        process = spawn(argv, log=log, account=place.account, cwd=Path("/"), env=ENVIRONMENT)
        try:
            status = process.wait(INITDB_TIMEOUT_S)
        except subprocess.TimeoutExpired as error:
            raise Unavailable(
                f"initdb did not end within {INITDB_TIMEOUT_S} s; {log} ends:\n{tail(log)}"
            ) from error
    finally:
        password_file.unlink()
    if status != 0:
        raise Unavailable(f"initdb ended with status {status}; {log} ends:\n{tail(log)}")
    unfinished.rename(_cluster(place.home))


def _clear_misleading_lock(cluster: Path) -> None:
    """Remove postmaster.pid where its process id now belongs to somebody else.

    PostgreSQL itself replaces the lock file of a dead server, but refuses to start while any process of
    its user has that id. No server of ours runs here: the caller has seen to that.
    """
    recorded = "".join(_lock_lines(cluster)[:1])
    if not recorded.isdecimal() or Path("/proc", recorded).exists():
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def _lock_lines(cluster: Path) -> list[str]:
    """The lines of postmaster.pid: the first is the server's process id, the eighth its state."""
    try:
        text = (cluster / "postmaster.pid").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    return [line.strip() for line in text.split("\n")]


def _connect(
    engine: Engine, user: str, password: str, database: str
) -> psycopg.Connection[tuple[object, ...]]:
    return psycopg.connect(
        host=LOOPBACK,
        port=engine.ports["database"],
        user=user,
        password=password,
        dbname=database,
        autocommit=True,
        connect_timeout=CONNECT_TIMEOUT_S,
        require_auth="scram-sha-256",  # a stranger on a port that was taken never gets the password
        sslmode="disable",
    )


def _answers(engine: Engine, cluster: Path, superuser_password: str) -> bool:
    lines = _lock_lines(cluster)
    if lines[:1] != [str(engine.process.pid)] or lines[7:8] != ["ready"]:
        return False  # not asked over the port, which might be a stranger's that never answers
    try:
        with _connect(engine, SUPERUSER, superuser_password, "postgres") as connection:
            connection.execute("SELECT 1")
    except psycopg.errors.InvalidPassword as error:
        raise Unavailable(
            "PostgreSQL refuses the password in secrets/postgres-superuser: that file and the database "
            "are not of the same vault."
        ) from error
    except psycopg.OperationalError:  # not up yet, or still recovering
        return False
    return True


def _make_roles_and_database(engine: Engine, superuser_password: str, passwords: dict[str, str]) -> None:
    """Idempotent: a run that was killed between two statements is completed by the next one.

    The owner may bypass row security: what is dumped and restored is everything. The service may not, and may
    make nothing, temporary tables included: one with the name of a table of ours would stand before it.
    """
    try:
        with _connect(engine, SUPERUSER, superuser_password, "postgres") as connection:
            _make_role(connection, OWNER, passwords[OWNER], sql.SQL("BYPASSRLS"))
            _make_role(connection, SERVICE, passwords[SERVICE], sql.SQL("NOBYPASSRLS NOINHERIT"))
            names = {"database": sql.Identifier(OWNER), "service": sql.Identifier(SERVICE)}
            if not connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [OWNER]).fetchone():
                connection.execute(sql.SQL("CREATE DATABASE {database} OWNER {database}").format(**names))
            for statement in (
                "REVOKE ALL ON DATABASE {database} FROM PUBLIC",
                "GRANT CONNECT ON DATABASE {database} TO {service}",
            ):
                connection.execute(sql.SQL(statement).format(**names))
        for role, password in passwords.items():
            with _connect(engine, role, password, OWNER) as connection:
                connection.execute("SELECT 1")
    except psycopg.Error as error:
        raise Unavailable(
            f"PostgreSQL's roles and database could not be made: {type(error).__name__}."
        ) from error


def _make_role(
    connection: psycopg.Connection[tuple[object, ...]], name: str, password: str, more: sql.SQL
) -> None:
    # Hashed here (RFC 5803), so that the password itself never stands in a statement.
    verifier = connection.pgconn.encrypt_password(password.encode(), name.encode(), b"scram-sha-256")
    known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [name]).fetchone()
    connection.execute(
        sql.SQL(
            "{verb} ROLE {role} LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE {more} PASSWORD {verifier}"
        ).format(
            verb=sql.SQL("ALTER" if known else "CREATE"),
            role=sql.Identifier(name),
            more=more,
            verifier=verifier.decode(),
        )
    )
