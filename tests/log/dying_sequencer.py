"""One run of the sequencer in a process of its own that SIGKILLs itself right after the step named.

    python -m tests.log.dying_sequencer SCHEMA STEP

STEP is `module:function` or `module:Class.method`. Settings come from the environment, as for any process.
"""

import importlib
import sys
from dataclasses import replace
from typing import Any

from api.settings import Settings
from api.wiring import wire
from storage.log_store import LogStore
from storage.s3 import StoreAddress
from tests.dying import die_after
from tests.log.conftest import AT, AT_ONCE, SchemaDatabase
from vault.transparency.sequencing import sequence


def main() -> None:
    """Sequences the log of this name; dies on the way."""
    name, step = sys.argv[1:]
    module_name, path = step.split(":")
    *owners, function = path.split(".")
    owner: Any = importlib.import_module(module_name)
    for each in owners:
        owner = getattr(owner, each)
    setattr(owner, function, die_after(getattr(owner, function)))
    settings = Settings.model_validate({})
    address = StoreAddress(
        str(settings.s3_endpoint).rstrip("/"),
        settings.s3_access_key,
        settings.s3_secret_key.get_secret_value(),
        log_bucket=name.replace("_", "-"),
    )
    database = SchemaDatabase(settings.database_url.get_secret_value(), name)
    workshop = replace(wire(settings).workshop, database=database, log_store=LogStore(address))
    sequence(workshop, at=AT, heads_apart=AT_ONCE)


if __name__ == "__main__":
    main()
