"""One round of raising in a process of its own that SIGKILLs itself right after the step named.

    python -m tests.crash.dying_raising STEP NAME

STEP is a function as `vault.raising.flow` calls it; NAME is the vault's, which its buckets bear in theirs.
Settings come from the environment, as for any process.
"""

import sys
from dataclasses import replace
from datetime import UTC, datetime

from api.settings import Settings
from api.wiring import wire
from storage.blobs import BlobStore
from storage.s3 import StoreAddress
from tests.dying import die_after
from vault.raising import flow, raise_due


def main() -> None:
    """Raises what is due; dies on the way."""
    step, name = sys.argv[1:]
    setattr(flow, step, die_after(getattr(flow, step)))
    settings = Settings.model_validate({})
    address = StoreAddress(
        str(settings.s3_endpoint).rstrip("/"),
        settings.s3_access_key,
        settings.s3_secret_key.get_secret_value(),
        *(f"{kind}-{name.replace('_', '-')}" for kind in ("documents", "intake", "copies", "log")),
    )
    workshop = replace(wire(settings).workshop, blobs=BlobStore(address))
    raise_due(workshop, at=datetime.now(UTC))


if __name__ == "__main__":
    main()
