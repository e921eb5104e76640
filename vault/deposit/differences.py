"""Where two requests differ, as JSON pointers; never what stood there."""

from collections.abc import Iterator, Mapping
from itertools import islice

# Enough to see what happened; a wholly different case would name every field.
DIFFERENCES_MAX = 20


def differences(old: object, new: object) -> list[str]:
    """Pointers (RFC 6901) to the first places where `new` is not `old`."""
    return list(islice(_walk(old, new, ""), DIFFERENCES_MAX))


def _walk(old: object, new: object, pointer: str) -> Iterator[str]:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        for key in sorted(old.keys() | new.keys()):
            step = f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"
            if key in old and key in new:
                yield from _walk(old[key], new[key], step)
            else:
                yield step
    elif isinstance(old, list) and isinstance(new, list):
        for n in range(max(len(old), len(new))):
            if n < len(old) and n < len(new):
                yield from _walk(old[n], new[n], f"{pointer}/{n}")
            else:
                yield f"{pointer}/{n}"
    elif old != new:
        yield pointer
