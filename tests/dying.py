"""Steps after which the process that takes them is gone: SIGKILL, nothing that it could do about it."""

import os
import signal
from collections.abc import Callable
from itertools import count
from typing import Any


def die_after(step: Callable[..., Any], *, calls: int = 1) -> Callable[..., Any]:
    """The step, and after so many calls of it the end of this process."""
    called = count(1)

    def step_then_death(*arguments: object, **named: object) -> Any:  # noqa: ANN401 - whatever the step gives
        given = step(*arguments, **named)
        if next(called) == calls:
            os.kill(os.getpid(), signal.SIGKILL)
        return given

    return step_then_death
