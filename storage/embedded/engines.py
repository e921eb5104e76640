"""Both engines on one data folder, for as long as a `with` block lasts."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from storage.embedded import placement, postgres, seaweedfs
from storage.embedded.folder import fresh_log, held, make_data_folder, private_dir, write_private
from storage.embedded.ports import LOOPBACK
from storage.embedded.processes import Engine, Family, ask_to_stop, see_stopped, undisturbed

RUN_FILE = "engines.json"


@dataclass(frozen=True, slots=True)
class EngineAddresses:
    """Where the engines answer. The database's addresses hold passwords: for psycopg, not for a log.

    `database_url`: as the service; `owner_database_url`: as the tables' owner, who migrates.
    """

    s3_endpoint: str
    s3_access_key: str
    database_url: str = field(repr=False)
    owner_database_url: str = field(repr=False)
    s3_secret_key: str = field(repr=False)


def _silent(_message: str) -> None:
    """Progress that nobody asked to hear."""


@contextmanager
def embedded_engines(data: Path, *, progress: Callable[[str], None] = _silent) -> Iterator[EngineAddresses]:
    """PostgreSQL and SeaweedFS, with all their data in `data`, running while the block does.

    1. Make the data folder (private) and hold it: one vault, one owner.
    2. Decide where PostgreSQL's files lie and as whom it runs (`placement`).
    3. Stop what an owner that was killed has left running. Stopped, not adopted: it had its ports and its
       log from another run, and an ordinary start is the one path that every other run takes, too.
    4. Start both; SeaweedFS comes up while PostgreSQL makes its cluster.
    5. Write process ids and ports to engines.json; hand out the addresses.
    6. Stop both in order, however the block ended, by the same search as in 3.

    `progress` is told what takes time and where data lies when not in `data`.
    Raises `Conflict` where another process holds the folder; `NotPermitted` where the folder cannot be used;
    `NotFound` where the wheels are missing; `Unavailable`, with the end of its log, where an engine will not
    start.
    """
    account = placement.server_account()
    data = make_data_folder(data, passage_gid=account.gid if account else None)
    with ExitStack() as stack:
        stack.enter_context(held(data))  # 1
        place = placement.place_postgres(data, account, progress)  # 2
        if place.home.parent != data:
            stack.enter_context(held(place.home))  # a copied data folder points to the same cluster
        secrets = private_dir(data / "secrets")
        logs = private_dir(data / "logs")
        families = (postgres.family(place.home), seaweedfs.family(secrets))
        if any(any(each.members()) for each in families):
            progress("Stopping the engines that an earlier run has left behind.")
        _stop(families, data)  # 3
        started: list[Engine] = []
        try:
            progress("Starting PostgreSQL and SeaweedFS.")
            s3 = seaweedfs.launch(data, secrets, fresh_log(logs, "seaweedfs"))  # 4
            started.append(s3)
            database, addresses = postgres.start(place, secrets, fresh_log(logs, "postgres"))
            started.append(database)
            s3 = seaweedfs.ready(s3, data, secrets)
            started.append(s3)
            write_private(data / RUN_FILE, _run_record(database, s3))  # 5
            access_key, secret_key = seaweedfs.credentials(secrets)
            yield EngineAddresses(
                s3_endpoint=f"http://{LOOPBACK}:{s3.ports['s3']}",
                s3_access_key=access_key,
                database_url=addresses.service,
                owner_database_url=addresses.owner,
                s3_secret_key=secret_key,
            )
        finally:
            with undisturbed():
                _stop(families, data)  # 6
                for engine in started:
                    engine.process.wait()


def discard(data: Path) -> None:
    """Delete a vault's data folder, and its database where that lies elsewhere. For tests and trials.

    Raises `Conflict` where a vault is running on it.
    """
    data = data.resolve(strict=True)
    with held(data):
        home = placement.recorded_home(data)
        _stop((postgres.family(home), seaweedfs.family(data / "secrets")), data)
        if home.parent != data:
            shutil.rmtree(home)
        shutil.rmtree(data)


def _run_record(database: Engine, s3: Engine) -> str:
    record = {engine.name: {"pid": engine.process.pid, "ports": engine.ports} for engine in (database, s3)}
    return json.dumps(record, indent=2) + "\n"


def _stop(families: tuple[Family, ...], data: Path) -> None:
    for family in families:
        ask_to_stop(family)
    for family in families:
        see_stopped(family)
    seaweedfs.sweep_sockets(data)
    (data / RUN_FILE).unlink(missing_ok=True)
