"""A rotation in a process of its own that SIGKILLs itself after so many calls of the step named.

    python -m tests.crash.dying_rotation STEP CALLS

STEP is a function as `vault.rotating` calls it. Settings come from the environment, as for any process.
"""

import sys
from datetime import UTC, datetime

from api.settings import Settings
from api.wiring import wire
from storage.envelope import Suite
from tests.dying import die_after
from vault import rotating


def main() -> None:
    """Rotates; dies on the way."""
    name, calls = sys.argv[1], int(sys.argv[2])
    setattr(rotating, name, die_after(getattr(rotating, name), calls=calls))
    workshop = wire(Settings.model_validate({})).workshop
    rotating.rotate(
        workshop, Suite.AES, at=datetime.now(UTC), wait=lambda _: None, progress=lambda _, __: None
    )


if __name__ == "__main__":
    main()
