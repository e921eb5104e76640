"""`python -m tests.rehearsal [--into FILE]`: runs it, tells how it goes, writes what it showed as JSON."""

import argparse
import json
import random
import shutil
import sys
import tempfile
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

from api.supervise import stopped_by_signals
from tests.rehearsal.costs import measure_costs
from tests.rehearsal.jobs import watch_jobs
from tests.rehearsal.kills import Disturber
from tests.rehearsal.load import Client, Load
from tests.rehearsal.proof import prove
from tests.rehearsal.stage import staged

QUIET_S = 20.0
# How often each question is asked alone, to see what it costs.
COSTED = {"deposit": 40, "verify": 300, "holdings": 100}


def main() -> int:
    """Runs the rehearsal; 0 where it showed no problem."""
    asked = argparse.ArgumentParser(prog="python -m tests.rehearsal", description=__doc__)
    asked.add_argument("--into", type=Path, help="where the JSON goes")
    asked.add_argument("--threads", type=int, default=6, help="clients at a time")
    asked.add_argument(
        "--pause", type=float, default=0.05, help="seconds a client rests between two questions"
    )
    asked.add_argument("--only", choices=("costs", "kills"), help="one half of it")
    options = asked.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="certvault-rehearsal-"))
    try:
        with stopped_by_signals():
            found = rehearse(folder, options.threads, options.pause, only=options.only)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    text = json.dumps(found, ensure_ascii=False, indent=2, default=str)
    if options.into is not None:
        options.into.write_text(text + "\n", encoding="utf-8")
    print(text)  # noqa: T201 - a program's output
    return 1 if found.get("proof", {}).get("problems") else 0


def rehearse(folder: Path, threads: int, pause_s: float, *, only: str | None) -> dict[str, Any]:
    """What was seen: costs, windows, proof."""
    began = time.monotonic()
    folder = folder / "vault"

    def tell(line: str) -> None:
        print(f"{time.monotonic() - began:7.1f} s  {line}", file=sys.stderr, flush=True)  # noqa: T201 - progress

    tell("Building the stage.")
    found: dict[str, Any] = {}
    with staged(folder) as stage:
        load = Load(stage.url, stage.client_secret, folder / "receipts.jsonl", threads, pause_s)
        watch_jobs(stage.databases.primary)
        if only != "kills":
            tell("What one question costs, alone.")
            alone = Client(load, random.Random(threads))  # noqa: S311 - no secret
            found["costs"] = measure_costs(stage, COSTED, alone.ask)
            tell(json.dumps(found["costs"]))
        if only == "costs":
            return found
        tell("Load.")
        began_load = time.monotonic()
        load.start()
        try:
            time.sleep(QUIET_S)
            disturber = Disturber(stage, load, tell)
            disturber.all()
        finally:
            load.stop()
        found["load_s"] = round(time.monotonic() - began_load, 1)
        found["questions"] = Counter(each.question for each in load.done)
        found["tries"] = Counter(f"{each.question}: {each.came_to}" for each in load.tries)
        found["windows"] = [asdict(window) for window in disturber.windows]
        found["proof"] = prove(stage, load, tell)
        tell(f"{len(found['proof']['problems'])} problems.")
    return found


if __name__ == "__main__":
    sys.exit(main())
