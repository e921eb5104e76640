"""One export in a process of its own that SIGKILLs itself once it has written so many certificates.

    python -m tests.crash.dying_export FOLDER CERTIFICATES

Settings come from the environment, as for any process. Pages and the distance of savings are small.
"""

import os
import signal
import sys
from datetime import UTC, datetime
from pathlib import Path

from api.settings import Settings
from api.wiring import wire
from storage import directory_rows
from vault.directories import Format, export_directories, exporting


def main() -> None:
    """Exports everything; dies on the way."""
    target, enough = Path(sys.argv[1]), int(sys.argv[2])
    directory_rows.PAGE_ROWS = 3
    exporting.CERTIFICATES_BETWEEN_SAVINGS = 6

    def progress(done: int) -> None:
        if done >= enough:
            os.kill(os.getpid(), signal.SIGKILL)

    export_directories(
        wire(Settings.model_validate({})).workshop,
        target,
        Format.JSON_LINES,
        after=None,
        actor="operator:dying",
        at=datetime.now(UTC),
        progress=progress,
    )


if __name__ == "__main__":
    main()
