"""Two PostgreSQL servers: a primary, and a hot standby that confirms each commit before it is answered."""

import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg

from storage.embedded import placement, postgres
from storage.embedded.folder import fresh_log, make_data_folder, private_dir
from storage.embedded.ports import LOOPBACK
from storage.embedded.processes import ask_to_stop, see_stopped
from tests.rehearsal.programs import Program

CONNECT_TIMEOUT_S = 3
# What both servers are started with. Synchronous: a receipt that was given is on two disks.
_SETTINGS = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "128MB",
    "log_min_error_statement": "panic",
    "log_error_verbosity": "terse",
    "shared_preload_libraries": "pg_stat_statements",
}
ANY_STANDBY = "*"
# In the cluster's own file and not on the command line: pg_rewind first lets the dead server recover, which
# throws away the log that it goes by where the file does not say so. A standby that was away finds it, too.
_KEEP_LOG = "ALTER SYSTEM SET wal_keep_size = '1GB'"


@dataclass(slots=True)
class Server:
    """One PostgreSQL server on its own folder."""

    program: Program
    cluster: Path
    port: int
    password: str = field(repr=False)

    def ask(self, query: str, *parameters: object, database: str = postgres.OWNER) -> Sequence[Any]:
        """All rows, as the superuser."""
        with psycopg.connect(
            host=LOOPBACK,
            port=self.port,
            user=postgres.SUPERUSER,
            password=self.password,
            dbname=database,
            autocommit=True,
            connect_timeout=CONNECT_TIMEOUT_S,
        ) as db:
            cursor = db.execute(query.encode(), parameters)
            return cursor.fetchall() if cursor.description else ()

    def answers(self) -> bool:
        """Whether it takes questions."""
        try:
            self.ask("SELECT 1", database="postgres")
        except psycopg.OperationalError:
            return False
        return True

    def wait_for_standby(self, standbys: str) -> None:
        """`*`: a commit waits until a standby has it on its disk; empty: for nobody."""
        self.ask(f"ALTER SYSTEM SET synchronous_standby_names = '{standbys}'")
        self.ask("SELECT pg_reload_conf()")

    @property
    def standby_streams(self) -> bool:
        """Whether a standby follows, as far as the primary knows."""
        return bool(self.ask("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'"))


@dataclass(slots=True)
class Pair:
    """Primary and standby, which change places at a promotion; both addresses find whichever is primary."""

    primary: Server
    standby: Server
    url: str = field(repr=False)
    owner_url: str = field(repr=False)

    def promote(self) -> None:
        """The standby becomes the primary. The old one must be dead."""
        self.standby.ask("SELECT pg_promote(true, 60)", database="postgres")
        self.primary, self.standby = self.standby, self.primary

    def rejoin(self) -> str:
        """The dead old primary becomes the standby of the new: by pg_rewind. Its last line."""
        self.primary.ask("CHECKPOINT", database="postgres")  # so that the new timeline is in its control file
        done = _run(
            "pg_rewind",
            self.standby.program,
            "-D",
            str(self.standby.cluster),
            f"--source-server={_conninfo(self.primary)} dbname=postgres",
            "--write-recovery-conf",
            password=self.primary.password,
        )
        return done.strip().rpartition("\n")[2]


def make_pair(folder: Path, secrets: Path, ports: tuple[int, int]) -> Pair:
    """A new primary with the vault's roles and empty database, and a standby copied from it; both run."""
    private_dir(secrets)
    account = placement.server_account()
    places = []
    for name in ("pg1", "pg2"):
        data = make_data_folder(folder / name, passage_gid=account.gid if account else None)
        places.append(placement.place_postgres(data, account, lambda _line: None))
    log = fresh_log(private_dir(folder / "logs"), "postgres-founding")
    postgres.start(places[0], secrets, log)  # makes cluster, roles and database; then on a port of our own
    family = postgres.family(places[0].home)
    ask_to_stop(family)
    see_stopped(family)
    password = (secrets / "postgres-superuser").read_text(encoding="utf-8")
    first, second = (
        _server(f"postgres-{n}", place, folder / "logs", port, password)
        for n, (place, port) in enumerate(zip(places, ports, strict=True), start=1)
    )
    first.program.start()
    first.ask(_KEEP_LOG)
    first.ask("SELECT pg_reload_conf()")
    _run(
        "pg_basebackup",
        second.program,
        "-D",
        str(second.cluster),
        f"--dbname={_conninfo(first)}",
        "--write-recovery-conf",
        "--wal-method=stream",
        "--checkpoint=fast",
        password=password,
    )
    second.program.start()
    return Pair(first, second, *(_url(role, secrets, ports) for role in (postgres.SERVICE, postgres.OWNER)))


def take_away(folder: Path) -> None:
    """Deletes both clusters, wherever they lie."""
    for name in ("pg1", "pg2"):
        home = placement.recorded_home(folder / name)
        if home.parent != folder / name and home.exists():
            shutil.rmtree(home)


def _url(role: str, secrets: Path, ports: tuple[int, int]) -> str:
    """Libpq's own way to find the primary: it asks one address after the other for who takes writes."""
    name = {postgres.SERVICE: "postgres-service", postgres.OWNER: "postgres-certvault"}[role]
    password = (secrets / name).read_text(encoding="utf-8")
    hosts, numbers = f"{LOOPBACK},{LOOPBACK}", ",".join(map(str, ports))
    return (
        f"postgresql://{role}:{password}@/{postgres.OWNER}"
        f"?host={hosts}&port={numbers}&target_session_attrs=read-write"
    )


def _server(name: str, place: placement.Place, logs: Path, port: int, password: str) -> Server:
    cluster = place.home / "cluster"
    argv = [str(place.server / "bin" / "postgres"), "-D", str(cluster), "-p", str(port)]
    for setting, value in {**_SETTINGS, "cluster_name": name}.items():
        argv += ["-c", f"{setting}={value}"]
    server: Server

    def answers() -> bool:
        return server.answers()

    program = Program(name, "PostgreSQL", argv, logs, postgres.ENVIRONMENT, answers, place.account)
    server = Server(program, cluster, port, password)
    return server


def _conninfo(server: Server) -> str:
    return f"host={LOOPBACK} port={server.port} user={postgres.SUPERUSER}"


def _run(name: str, of: Program, *arguments: str, password: str) -> str:
    """One of the server's programs, as the server's user."""
    program = Path(of.argv[0]).with_name(name)
    done = subprocess.run(
        [str(program), *arguments],
        env={**postgres.ENVIRONMENT, "PGPASSWORD": password},
        cwd="/",
        user=of.account.uid if of.account else None,
        group=of.account.gid if of.account else None,
        extra_groups=[] if of.account else None,
        umask=0o077,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{name}: {done.stderr}"
    return done.stderr
