"""A vault of this test's own, as real as it gets: engines, serve, worker and provider as processes.

Between serve and its engines lie wires that can be cut. Every process is as talkative as it can be:
development mode, which also writes what foreign exceptions say, and every logger at DEBUG, which no setting
can do.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from socket import create_server
from urllib.parse import urlsplit

import httpx
from pydantic import SecretStr

from api.local_provider import founding as local_provider
from api.settings import Settings
from signing.log_key import LogKey, new_log_key, read_log_key
from storage.embedded import EngineAddresses, discard, embedded_engines
from storage.embedded.placement import recorded_home
from tests.conftest import House, founded
from tests.desks import Desk, open_desk
from tests.faults import Wire
from tests.programs import PROJECT, eventually, running
from tests.provider import IdentityProvider, running_provider
from vault.tlog.note import COSIGNATURE_V1, VerifierKey

LOOPBACK = "127.0.0.1"
WITNESS = "witness.example/w1"
# Less than one question of any kind.
NO_ROOM = "0.001"
# What no setting can do: every logger of every library speaks, wherever this is on the path.
LOUD = """
import logging
said = logging.basicConfig
logging.basicConfig = lambda **given: said(**{**given, "level": logging.DEBUG})
"""


@dataclass(frozen=True, slots=True)
class Vault:
    """The running vault. `house`: the parts of it for this process, on the engines themselves.

    `strict_url`: a second server of it, where strangers have no room at all. `desk`: a seal that nothing of
    the story needs.
    """

    house: House
    desk: Desk
    engines: EngineAddresses
    base_url: str
    strict_url: str
    witness: LogKey
    database: Wire
    store: Wire
    provider: IdentityProvider
    data: Path
    home: Path
    logs: Path
    temporary: Path


@contextmanager
def running_vault(folder: Path) -> Iterator[Vault]:
    """The vault while the block runs; afterwards its engines are gone, too."""
    data, logs, temporary, loud = (folder / name for name in ("data", "logs", "temporary", "loud"))
    for made in (logs, temporary, loud):
        made.mkdir()
    (loud / "sitecustomize.py").write_text(LOUD, encoding="utf-8")
    noisy = {"PYTHONPATH": f"{loud}:{PROJECT}", "TMPDIR": str(temporary)}
    try:
        with ExitStack() as stack:
            engines = stack.enter_context(embedded_engines(data))
            listening = stack.enter_context(create_server((LOOPBACK, 0)))
            port, strict_port = free_ports(2)
            base_url, strict_url = (f"http://{LOOPBACK}:{each}" for each in (port, strict_port))
            witness = read_log_key(new_log_key())
            witnesses = folder / "witnesses.txt"
            verifier = VerifierKey(WITNESS, COSIGNATURE_V1, witness.public)
            witnesses.write_text(f"{verifier}\n", encoding="utf-8")
            more = {"witnesses": witnesses, "webhook_networks": "127.0.0.0/8"}
            house = stack.enter_context(
                contextmanager(founded)(engines, folder / "secrets", listening, origin=base_url, **more)
            )
            database, store = (
                stack.enter_context(closing_wire(address))
                for address in (engines.database_url, engines.s3_endpoint)
            )
            told = {**_through(house.settings, database, store).environment(), **noisy}
            book = house.settings.secrets / local_provider.BOOK_FILE
            provider = stack.enter_context(
                running_provider(told, listening, house.issuer, book, logs / "provider.log")
            )
            strict = told | {"CERTVAULT_LIMITS_FACTOR": NO_ROOM}
            for each, known, name in ((port, told, "serve"), (strict_port, strict, "strict")):
                serve = ("serve", "--port", str(each), "--processes", "1")
                stack.enter_context(running(*serve, settings=known, output=logs / f"{name}.log"))
            stack.enter_context(running("worker", settings=told, output=logs / "worker.log"))
            desk = stack.enter_context(open_desk(house))
            for url in (base_url, strict_url):
                eventually(partial(_answers, f"{url}/readyz"), "the server")
            yield Vault(
                house=house,
                desk=desk,
                engines=engines,
                base_url=base_url,
                strict_url=strict_url,
                witness=witness,
                database=database,
                store=store,
                provider=provider,
                data=data,
                home=recorded_home(data.resolve()),
                logs=logs,
                temporary=temporary,
            )
    finally:
        if data.exists():
            discard(data)


def free_ports(number: int) -> list[int]:
    """So many ports on which nobody listens."""
    with ExitStack() as stack:
        probes = [stack.enter_context(create_server((LOOPBACK, 0))) for _ in range(number)]
        return [int(probe.getsockname()[1]) for probe in probes]


@contextmanager
def closing_wire(address: str) -> Iterator[Wire]:
    """A wire in front of whatever answers at this address."""
    parts = urlsplit(address)
    assert parts.hostname is not None
    assert parts.port is not None
    wire_ = Wire(parts.hostname, parts.port)
    try:
        yield wire_
    finally:
        wire_.cut()


def _through(settings: Settings, database: Wire, store: Wire) -> Settings:
    """The same vault with its engines behind these wires."""
    url = urlsplit(settings.database_url.get_secret_value())
    behind = url._replace(netloc=url.netloc.replace(f":{url.port}", f":{database.port}")).geturl()
    endpoint = f"http://{LOOPBACK}:{store.port}"
    changed = {**dict(settings), "database_url": SecretStr(behind), "s3_endpoint": endpoint}
    return Settings.model_validate(changed)


def _answers(address: str) -> bool:
    try:
        return httpx.get(address, trust_env=False).is_success
    except httpx.HTTPError:
        return False
