"""One deposit in a process of its own that SIGKILLs itself right after the step named on the command line.

    python -m tests.crash.dying_deposit STEP < request.json

STEP is `module:function` as the flow calls it. Settings come from the environment, as for any process.
"""

import importlib
import json
import sys
from datetime import UTC, datetime

from api.settings import Settings
from api.wiring import wire
from tests.dying import die_after
from vault.deposit import hand_in
from vault.signin import client_by_id


def main() -> None:
    """Deposits what standard input holds; dies on the way."""
    module_name, function_name = sys.argv[1].split(":")
    module = importlib.import_module(module_name)
    setattr(module, function_name, die_after(getattr(module, function_name)))
    workshop = wire(Settings.model_validate({})).workshop
    now = datetime.now(UTC)
    client = client_by_id(workshop, "suite")
    hand_in(workshop, client, json.load(sys.stdin), at=now)


if __name__ == "__main__":
    main()
