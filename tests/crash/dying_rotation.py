"""A rotation in a process of its own that SIGKILLs itself after so many calls of the step named.

    python -m tests.crash.dying_rotation STEP CALLS

STEP is a function as `vault.rotating` calls it. Settings come from the environment, as for any process.
"""

import os
import signal
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from api.settings import Settings
from api.wiring import wire
from storage.envelope import Suite
from vault import rotating


def _die_after(step: Callable[..., Any], calls: int) -> Callable[..., Any]:
    left = calls

    def step_then_death(*arguments: object, **named: object) -> Any:  # noqa: ANN401 - whatever the step gives
        nonlocal left
        done = step(*arguments, **named)
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return done

    return step_then_death


def main() -> None:
    """Rotates; dies on the way."""
    name, calls = sys.argv[1], int(sys.argv[2])
    setattr(rotating, name, _die_after(getattr(rotating, name), calls))
    workshop = wire(Settings.model_validate({})).workshop
    rotating.rotate(
        workshop, Suite.AES, at=datetime.now(UTC), wait=lambda _: None, progress=lambda _, __: None
    )


if __name__ == "__main__":
    main()
