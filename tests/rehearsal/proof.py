"""Afterwards: is every receipt good, once, and is the vault what it says it is?"""

import json
import random
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import httpx

from tests.programs import COMMAND, certvault
from tests.rehearsal.jobs import finish_jobs, tally
from tests.rehearsal.load import Client, Load
from tests.rehearsal.programs import POLL_S
from tests.rehearsal.stage import Stage

CATCH_UP_TIMEOUT_S = 60.0
LOG_TIMEOUT_S = 120.0
# fsck reads every row and object.
FSCK_TIMEOUT_S = 600.0
_CERTIFICATES = "SELECT identifier, count(*) FROM certificates GROUP BY identifier"
_UNPLACED = "SELECT count(*) FROM log_leaves WHERE log_index IS NULL"
_PLACES = "SELECT count(*), count(DISTINCT log_index), coalesce(max(log_index) + 1, 0) FROM log_leaves"
_TWICE = (
    "SELECT count(*) FROM (SELECT FROM renditions GROUP BY certificate_id, format, level HAVING count(*) > 1)"
)


def prove(stage: Stage, load: Load, tell: Callable[[str], None]) -> dict[str, Any]:
    """What was found; `problems` is empty where all is as it should be.

    1. every job is done, each once. 2. every receipt: verified, given again, its document read; once in the
    database, and nothing there without one. 3. log: every leaf has one place. 4. what the vault has
    to say: fsck, the audit chain, the whole log over its public address. 5. both copies: the standby has the
    primary's rows, each volume is on two servers.
    """
    primary, standby = stage.databases.primary, stage.databases.standby
    problems: list[str] = [*load.wrong]
    tell("Waiting for the jobs.")
    jobs_s = finish_jobs(primary)  # 1
    jobs = tally(primary)
    problems += [f"job {row}" for row in jobs if row["done_twice"] or row["failed"]]
    tell("Asking for every receipt.")
    checked = _ask_for_receipts(stage, load, problems)  # 2
    _hold_against_database(primary.ask(_CERTIFICATES), load, problems)
    began = time.monotonic()  # 3
    while primary.ask(_UNPLACED)[0][0] and time.monotonic() - began < LOG_TIMEOUT_S:
        time.sleep(POLL_S)
    leaves, places, size = primary.ask(_PLACES)[0]
    if not leaves == places == size:
        problems.append(f"log: {leaves} leaves, {places} places, size {size}")
    renditions_twice = primary.ask(_TWICE)[0][0]
    if renditions_twice:
        problems.append(f"{renditions_twice} seals were raised twice to the same level")
    tell("fsck, audit chain, log.")
    commands = {
        name: _command(stage, problems, *arguments)
        for name, arguments in {
            "fsck": ("fsck", "--json"),
            "audit": ("audit", "verify", "--json"),
            "log": _log_arguments(stage),
        }.items()
    }  # 4
    at_primary, at_standby = _rows(primary.ask), _rows(standby.ask)  # 5
    began = time.monotonic()
    while at_standby != at_primary and time.monotonic() - began < CATCH_UP_TIMEOUT_S:
        time.sleep(POLL_S)
        at_primary, at_standby = _rows(primary.ask), _rows(standby.ask)
    if at_primary != at_standby:
        problems.append(f"the standby has {at_standby}, the primary {at_primary}")
    copies = stage.store.copies()
    if single := sorted(volume for volume, count in copies.items() if count != 2):
        problems.append(f"volumes that are not on two servers: {single}")
    return {
        "receipts": len(load.receipts),
        "receipts_asked_for": checked,
        "deposits_by_status": dict(load.statuses_of_deposits),
        "jobs": jobs,
        "started_again_by_the_keeper": dict(stage.started_again),
        "jobs_finished_after_s": round(jobs_s, 1),
        "log": {"leaves": leaves, "places": places, "size": size},
        "commands": commands,
        "rows_at_primary_and_standby": at_primary,
        "volumes": len(copies),
        "problems": problems,
    }


def _ask_for_receipts(stage: Stage, load: Load, problems: list[str]) -> int:
    client, checked = Client(load, random.Random(0)), 0  # noqa: S311 - no secret
    with httpx.Client(base_url=stage.url, timeout=60, trust_env=False) as http:
        for receipt in load.receipts:
            try:
                client.verify(receipt)
                client.again(receipt)
                href = receipt["documents"][0]["href"]
                headers = {"Authorization": f"Bearer {load.token(http)}"}
                answer = http.get(href, headers=headers)
                assert answer.is_success, f"{answer.status_code} for a document"
                assert len(answer.content) == receipt["documents"][0]["size_bytes"]
                checked += 1
            except AssertionError as error:
                problems.append(f"receipt of {receipt['case']}: {error}"[:400])
    return checked


def _hold_against_database(rows: Sequence[Any], load: Load, problems: list[str]) -> None:
    inside = dict(rows)
    given = [receipt["identifier"] for receipt in load.receipts]
    if len(set(given)) != len(given):
        problems.append("two cases have a receipt of the same certificate")
    if lost := set(given) - set(inside):
        problems.append(f"{len(lost)} certificates with a receipt are not in the database")
    if more := set(inside) - set(given):
        problems.append(f"{len(more)} certificates in the database have no receipt")
    if any(count != 1 for count in inside.values()):
        problems.append("a certificate is in the database more than once")


def _log_arguments(stage: Stage) -> tuple[str, ...]:
    key = stage.folder / "log.vkey"
    done = certvault("log", "key", settings=stage.settings.environment())
    key.write_text(done.stdout, encoding="utf-8")
    return (
        "log",
        "verify",
        stage.url,
        "--key",
        str(key),
        "--state",
        str(stage.folder / "log.state"),
        "--json",
    )


def _command(stage: Stage, problems: list[str], *arguments: str) -> Any:  # noqa: ANN401 - the command's JSON
    done = subprocess.run(
        [*COMMAND, *arguments],
        env={**stage.servers[0].env},
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
        timeout=FSCK_TIMEOUT_S,
    )
    if done.returncode:
        problems.append(
            f"{' '.join(arguments[:2])} ends with {done.returncode}: {done.stdout[-600:]}{done.stderr[-600:]}"
        )
    try:
        return json.loads(done.stdout)
    except ValueError:
        return done.stdout[-600:]


def _rows(ask: Callable[[str], Sequence[Any]]) -> Mapping[str, int]:
    tables = ("certificates", "documents", "log_leaves", "audit_events", "renditions")
    return {table: ask(f"SELECT count(*) FROM {table}")[0][0] for table in tables}  # noqa: S608 - names of ours
