"""A process that deposits, one case after another, until it is told to stop or is refused for good.

    python -m tests.crash.one_seal_user CLIENT COUNT < request.json

Prints `ready`, waits for a line on standard input, then prints a line for each case: the time of the answer
(monotonic seconds, comparable between processes of one machine) and what came of it.
"""
# ruff: noqa: T201 - its parent reads what it prints

import copy
import json
import sys
import time
from datetime import UTC, datetime

from api.settings import Settings
from api.wiring import wire
from tests.requests import new_case_number
from vault.deposit import hand_in
from vault.errors import VaultError
from vault.signin import client_by_id


def main() -> None:
    """Deposits COUNT cases; the request comes as the first line of standard input."""
    client_id, count = sys.argv[1], int(sys.argv[2])
    workshop = wire(Settings.model_validate({})).workshop
    request = json.loads(sys.stdin.readline())
    client = client_by_id(workshop, client_id)
    workshop.shelf.types(datetime.now(UTC))
    print("ready", flush=True)
    sys.stdin.readline()
    for _ in range(count):
        case_request = copy.deepcopy(request)
        case_request["case"]["number"] = new_case_number()
        try:
            done = hand_in(workshop, client, case_request, at=datetime.now(UTC))
            outcome = f"done {done.certificates[0].documents[0].seal_id}"
        except VaultError as error:
            outcome = f"refused {error.kind}"
        print(f"{time.monotonic():.6f} {outcome}", flush=True)
        if outcome == "refused unavailable":
            break


if __name__ == "__main__":
    main()
