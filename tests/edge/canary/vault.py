"""A vault of this test's own, as real as it gets: engines, serve, worker and provider as processes.

Between serve and its engines lie wires that can be cut. Every process is as talkative as it can be:
development mode, which also writes what foreign exceptions say, and every logger at DEBUG, which no setting
can do.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
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
from tests.faults import Wire
from tests.programs import PROJECT, eventually, running
from tests.provider import IdentityProvider, running_provider
from vault.tlog.note import COSIGNATURE_V1, VerifierKey

LOOPBACK = "127.0.0.1"
WITNESS = "witness.example/w1"
# What no setting can do: every logger of every library speaks, wherever this is on the path.
LOUD = """
import logging
said = logging.basicConfig
logging.basicConfig = lambda **given: said(**{**given, "level": logging.DEBUG})
"""


@dataclass(frozen=True, slots=True)
class Vault:
    """The running vault. `house`: the parts of it for this process, on the engines themselves."""

    house: House
    engines: EngineAddresses
    base_url: str
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
            with create_server((LOOPBACK, 0)) as probe:
                port = int(probe.getsockname()[1])
            base_url = f"http://{LOOPBACK}:{port}"
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
            serve = ("serve", "--port", str(port), "--processes", "1")
            stack.enter_context(running(*serve, settings=told, output=logs / "serve.log"))
            stack.enter_context(running("worker", settings=told, output=logs / "worker.log"))
            eventually(lambda: _answers(f"{base_url}/readyz"), "the server")
            home = recorded_home(data.resolve())
            yield Vault(
                house, engines, base_url, witness, database, store, provider, data, home, logs, temporary
            )
    finally:
        if data.exists():
            discard(data)


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
