"""A whole vault on one machine: embedded engines, set up, served by child processes, for a `with` block."""

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from socket import socket
from urllib.parse import urlsplit

import httpx
from joserfc.jwk import ECKey

from api.edge import Mode
from api.local_provider import founding as local_provider
from api.sample_city import DemoPerson, SampleCity, cast, earlier_base_url, set_up_city, write_demo_file
from api.settings import RUNNING_FILE, Settings, child_environment, read_settings, write_settings
from api.supervise import WORKER_PLAN, Supervisor, listen_near, provider_plan, server_plans
from api.wiring import blobs_of, wire
from migrations.run import upgrade
from storage.embedded import EngineAddresses, embedded_engines
from storage.embedded.folder import fresh_log, private_dir, tail, write_private
from vault.errors import Unavailable
from vault.founding import SecretsFolder, found_development_secrets
from vault.raising import walk

DEFAULT_PORT = 8700
SECRETS_FOLDER = "keys"
# Each process opens up to 18 database connections (api.settings); PostgreSQL gives out 100.
PROCESSES_MAX = 4
# A cold start of a process on a busy laptop takes a few seconds.
READY_TIMEOUT_S = 60.0
READY_POLL_S = 0.05
PROBE_TIMEOUT_S = 5.0
# A child that dies so often before it is ready will not get better.
DEATHS_MAX = 3


@dataclass(frozen=True, slots=True)
class LocalVault:
    """A vault that answers. `engines_s`, `founding_s`, `server_s`: what each part of the start took."""

    data: Path
    base_url: str
    settings: Settings
    city: SampleCity
    supervisor: Supervisor
    demo_file: Path
    engines_s: float
    founding_s: float
    server_s: float


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0))


@contextmanager
def local_vault(
    data: Path, *, host: str, port: int | None, processes: int | None, tell: Callable[[str], None]
) -> Iterator[LocalVault]:
    """A development vault in `data` that answers while the block runs; a new folder gets everything.

    1. Start the engines (this holds the folder). 2. Listen: on the port asked for, else on that of the last
    run, so that printed QR codes still lead here; where it is busy, on the next free one; and on another for
    the identity provider. 3. Make the secrets if missing, and the provider's book. 4. Bring the schema and
    the buckets up. 5. Start server, worker and provider; while they load, set up the sample city. 6. Wait
    until they and the engines answer. 7. Write `demo.json`, and the settings for other commands; those go
    when the vault stops.

    Raises:
        Conflict: another vault runs on this folder.
        NotPermitted, NotFound: as `embedded_engines`.
        Unavailable: an engine or the server does not start; the sentence ends with its log's end.
    """
    clock = time.monotonic()
    with embedded_engines(data, progress=tell) as engines:  # 1
        data = data.resolve()
        engines_s, clock = time.monotonic() - clock, time.monotonic()
        keys = data / SECRETS_FOLDER
        with (  # 2
            listen_near(host, port or _port(earlier_base_url(data)) or DEFAULT_PORT) as listening,
            listen_near(
                host, _port(local_provider.earlier_issuer(keys)) or listening.getsockname()[1] + 1
            ) as provider,
        ):
            secrets = _secrets(keys)  # 3
            people = cast(secrets)
            base_url, issuer = _url(host, listening), _url(host, provider)
            providers = _provider(secrets, people, issuer=issuer, origin=base_url)
            settings = _settings(engines, secrets, base_url, providers)
            tell(f"数据库 Database: schema {_upgraded(engines)}.")  # 4
            blobs_of(settings).prepare()
            log = fresh_log(private_dir(data / "logs"), "server")
            count = processes or min(cores(), PROCESSES_MAX)
            book = secrets.path / local_provider.BOOK_FILE
            plans = (*server_plans(listening, count), WORKER_PLAN, provider_plan(provider, book))
            with Supervisor(plans, child_environment(settings), log, tell) as supervisor:
                city = _city(settings, secrets, data, people, issuer, tell)  # 5
                founding_s, clock = time.monotonic() - clock, time.monotonic()
                _wait_until_ready(f"{settings.origin}/readyz", supervisor, log)  # 6
                _wait_until_ready(f"{issuer}/jwks", supervisor, log)
                server_s = time.monotonic() - clock
                demo_file = write_demo_file(  # 7
                    data,
                    city,
                    base_url=settings.origin,
                    trust=settings.trust,
                    national_trust=settings.national_trust,
                    new_certificates=(),
                )
                write_private(data / RUNNING_FILE, write_settings(settings))
                try:
                    yield LocalVault(
                        data,
                        settings.origin,
                        settings,
                        city,
                        supervisor,
                        demo_file,
                        engines_s,
                        founding_s,
                        server_s,
                    )
                finally:
                    (data / RUNNING_FILE).unlink(missing_ok=True)


def _secrets(folder: Path) -> SecretsFolder:
    secrets = SecretsFolder(folder)
    found_development_secrets(
        secrets, token_key_pem=ECKey.generate_key("P-256").as_pem(private=True), at=datetime.now(UTC)
    )
    return secrets


def _provider(secrets: SecretsFolder, people: Sequence[DemoPerson], *, issuer: str, origin: str) -> Path:
    accounts = [
        local_provider.account(
            person.login,
            person.password,
            name=person.name,
            roles=frozenset({person.role}),
            code=person.code,
            organisation=person.organisation,
        )
        for person in people
    ]
    return local_provider.set_up(secrets.path, issuer=issuer, origin=origin, accounts=accounts)


def _upgraded(engines: EngineAddresses) -> str:
    return upgrade(engines.owner_database_url, service_url=engines.database_url)


def _settings(engines: EngineAddresses, secrets: SecretsFolder, base_url: str, providers: Path) -> Settings:
    return read_settings(
        {
            "mode": Mode.DEVELOPMENT,
            "database_url": engines.database_url,
            "owner_database_url": engines.owner_database_url,
            "s3_endpoint": engines.s3_endpoint,
            "s3_access_key": engines.s3_access_key,
            "s3_secret_key": engines.s3_secret_key,
            "public_url": base_url,
            "secrets": secrets.path,
            "providers": providers,
            "trust": secrets.authority_certificate,
            "national_trust": secrets.national_trust,
        }
    )


def _city(
    settings: Settings,
    secrets: SecretsFolder,
    data: Path,
    people: tuple[DemoPerson, ...],
    issuer: str,
    tell: Callable[[str], None],
) -> SampleCity:
    workshop = wire(settings).workshop
    try:
        at = datetime.now(UTC)
        walk(workshop, at=at, progress=lambda _: None)
        return set_up_city(workshop, secrets, data, people, issuer=issuer, tell=tell, at=at)
    finally:
        workshop.database.close()


def _wait_until_ready(address: str, supervisor: Supervisor, log: Path) -> None:
    deadline = time.monotonic() + READY_TIMEOUT_S
    with httpx.Client(timeout=PROBE_TIMEOUT_S, trust_env=False) as client:
        while True:
            try:
                if client.get(address).is_success:
                    return
            except httpx.HTTPError:
                pass  # nobody accepts yet
            if supervisor.look_after() >= DEATHS_MAX or time.monotonic() > deadline:
                raise Unavailable(f"The server does not get ready; {log} ends:\n{tail(log)}")
            time.sleep(READY_POLL_S)


def _port(url: str | None) -> int | None:
    try:
        return None if url is None else urlsplit(url).port
    except ValueError:
        return None


def _url(host: str, listening: socket) -> str:
    """Where a browser on this machine finds it: an address for all interfaces is none to go to."""
    port = listening.getsockname()[1]
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104 - compared, not bound
    return f"http://{shown}:{port}"
