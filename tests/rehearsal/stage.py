"""The stage: two API servers and two workers behind a proxy, on a store in parts and a pair of databases."""

import os
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from shutil import which
from threading import Event, Thread

import httpx

from api.edge import Mode
from api.settings import Settings, child_environment, read_settings
from api.wiring import blobs_of, database_of, wire
from migrations.run import upgrade
from signing.typeset import SEAL_PLACES
from storage.embedded.folder import private_dir, write_private
from storage.embedded.ports import LOOPBACK, free_ports
from tests.custodians import two_custodians
from tests.keys import token_key_pem
from tests.rehearsal.databases import ANY_STANDBY, Pair, make_pair, take_away
from tests.rehearsal.programs import Program
from tests.rehearsal.store import Store, make_store
from vault.applying import apply_catalogue
from vault.catalogue import shipped_catalogue
from vault.custody import grant_what_is_missing
from vault.founding import (
    SecretsFolder,
    found_development_secrets,
    make_development_closing_key,
    make_development_platform_seal,
    make_development_seals,
)
from vault.signin import add_client

API_SERVERS = 2
WORKERS = 2
CLIENT = "rehearsal"
PROJECT = Path(__file__).parents[2]
PROBE_TIMEOUT_S = 2.0
# systemd waits so long at Restart=always unless told otherwise, at least 0.1 s.
KEPT_EVERY_S = 1.0
# A server whose engines are away answers by itself, and what needs none of them goes on: so the proxy asks
# /livez. With /readyz a store that is away would take verification by code with it, which needs none.
_PROXY = """
global
    nbthread 1
defaults
    mode http
    timeout connect 2s
    timeout client 75s
    timeout server 60s
    retries 3
    option redispatch 1
    retry-on conn-failure
    default-server inter 1s fall 1 rise 1 on-marked-down shutdown-sessions
frontend vault
    bind {loopback}:{public}
    option forwardfor
    default_backend api
frontend store
    bind {loopback}:{store}
    default_backend s3
backend api
    balance leastconn
    option httpchk GET /livez
{api}
backend s3
    balance leastconn
    option tcp-check
{s3}
"""


@dataclass(slots=True)
class Stage:
    """Everything that runs. `url`: the proxy's address, which is the vault's."""

    folder: Path
    databases: Pair
    store: Store
    proxy: Program
    servers: tuple[Program, ...]
    workers: tuple[Program, ...]
    settings: Settings
    url: str
    client_secret: str = field(repr=False)
    started_again: Counter[str] = field(default_factory=Counter)

    @property
    def programs(self) -> tuple[Program, ...]:
        """Every program, engines first."""
        databases = (self.databases.primary.program, self.databases.standby.program)
        return (*databases, *self.store.programs, self.proxy, *self.servers, *self.workers)


@contextmanager
def staged(folder: Path) -> Iterator[Stage]:
    """The stage, built anew in an empty folder, while the block runs.

    1. Databases and store. 2. The proxy, by which the vault finds its store, too. 3. A founded vault. 4. From
    here on a commit waits for the standby. 5. Servers and workers.
    """
    folder.mkdir(parents=True)
    folder.chmod(0o755)  # our own folder, in which PostgreSQL's user passes to its own
    logs, keys = private_dir(folder / "logs"), private_dir(folder / "engine-keys")
    public, store_port, *ports = free_ports(4 + API_SERVERS)
    with ExitStack() as stack:
        databases = make_pair(folder, keys, (ports[0], ports[1]))  # 1
        stack.callback(take_away, folder)
        stack.callback(databases.primary.program.stop)
        stack.callback(databases.standby.program.stop)
        store = make_store(private_dir(folder / "store"), keys)
        for program in store.programs:
            program.start()
            stack.callback(program.stop)
        proxy = _proxy(logs, public, store_port, ports[2:], store.gateway_ports)  # 2
        proxy.start()
        stack.callback(proxy.stop)
        settings = _settings(folder, databases, store, f"http://{LOOPBACK}:{store_port}", public)
        secret = _found(settings)  # 3
        databases.primary.wait_for_standby(ANY_STANDBY)  # 4
        environment = {**child_environment(settings), "PYTHONPATH": str(PROJECT)}
        servers = tuple(_server(n + 1, port, logs, environment) for n, port in enumerate(ports[2:]))
        workers = tuple(_worker(n + 1, logs, environment) for n in range(WORKERS))
        for program in (*servers, *workers):
            program.start()  # 5
            stack.callback(program.stop)
        url = f"http://{LOOPBACK}:{public}"
        stage = Stage(folder, databases, store, proxy, servers, workers, settings, url, secret)
        stack.enter_context(_kept_up(stage))
        yield stage


@contextmanager
def _kept_up(stage: Stage) -> Iterator[None]:
    """What systemd does for servers and workers: one that ended by itself is started again."""
    over = Event()

    def keep() -> None:
        while not over.wait(KEPT_EVERY_S):
            for program in (*stage.servers, *stage.workers):
                if program.ended_by_itself:
                    program.start(wait=False)
                    stage.started_again[program.name] += 1

    keeper = Thread(target=keep)
    keeper.start()
    try:
        yield
    finally:
        over.set()
        keeper.join()


def _settings(folder: Path, databases: Pair, store: Store, endpoint: str, public: int) -> Settings:
    secrets = SecretsFolder(folder / "keys")
    found_development_secrets(secrets, token_key_pem=token_key_pem(), at=datetime.now(UTC))
    return read_settings(
        {
            "mode": Mode.DEVELOPMENT,
            "database_url": databases.url,
            "owner_database_url": databases.owner_url,
            "s3_endpoint": endpoint,
            "s3_access_key": store.access_key,
            "s3_secret_key": store.secret_key,
            "public_url": f"http://{LOOPBACK}:{public}",
            "secrets": secrets.path,
            "trust": secrets.authority_certificate,
            "trusted_proxies": f"{LOOPBACK}/32",
        }
    )


def _found(settings: Settings) -> str:
    """Schema, buckets, catalogue, seals, and a client that may deposit for every authority; its secret."""
    now = datetime.now(UTC)
    upgrade(settings.migrating_url, service_url=settings.database_url.get_secret_value())
    blobs_of(settings).prepare()
    catalogue = shipped_catalogue(SEAL_PLACES)
    secrets = SecretsFolder(settings.secrets)
    database = database_of(settings)
    apply_catalogue(database, catalogue.in_force, at=now)
    make_development_seals(database, secrets, catalogue.city.authorities, at=now)
    make_development_platform_seal(database, secrets, catalogue.city.operator, at=now)
    make_development_closing_key(database, secrets, catalogue.city.operator, at=now)
    database.close()
    workshop = wire(settings).workshop
    authorities = frozenset(authority.code for authority in catalogue.city.authorities)
    added = add_client(workshop, CLIENT, "The rehearsal", authorities, at=now)
    grant_what_is_missing(workshop, CLIENT, two_custodians, at=now)
    workshop.database.close()
    return added.secret


def _proxy(logs: Path, public: int, store: int, api: list[int], s3: tuple[int, ...]) -> Program:
    program = which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "The rehearsal needs haproxy: apt-get install haproxy"

    def servers(ports: list[int] | tuple[int, ...]) -> str:
        return "\n".join(f"    server s{n} {LOOPBACK}:{port} check" for n, port in enumerate(ports, start=1))

    text = _PROXY.format(loopback=LOOPBACK, public=public, store=store, api=servers(api), s3=servers(s3))
    write_private(logs / "haproxy.cfg", text)
    argv = [program, "-db", "-f", str(logs / "haproxy.cfg")]
    return Program("proxy", "proxy", argv, logs, {"PATH": "/usr/bin:/bin"}, partial(_listens, public))


def _server(n: int, port: int, logs: Path, environment: dict[str, str]) -> Program:
    argv = [*_COMMAND, "serve", "--host", LOOPBACK, "--port", str(port), "--processes", "1"]
    return Program(f"api-{n}", "API", argv, logs, environment, partial(_is_ready, port))


def _worker(n: int, logs: Path, environment: dict[str, str]) -> Program:
    # A worker says nothing of itself; what it does is seen in its jobs.
    return Program(f"worker-{n}", "worker", [*_COMMAND, "worker"], logs, environment, lambda: True)


_COMMAND = (sys.executable, "-P", "-m", "api.cli")


def _listens(port: int) -> bool:
    try:
        httpx.get(f"http://{LOOPBACK}:{port}/livez", timeout=PROBE_TIMEOUT_S, trust_env=False)
    except httpx.HTTPError:
        return False
    return True


def _is_ready(port: int) -> bool:
    try:
        answer = httpx.get(f"http://{LOOPBACK}:{port}/readyz", timeout=PROBE_TIMEOUT_S, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.is_success
