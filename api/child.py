"""What a child process of `api.supervise` runs: `python -m api.child PARENT server FD` or `… worker`."""

import logging
import sys

from api.supervise import die_with_parent
from vault.errors import VaultError

_log = logging.getLogger("certvault.child")


def main(parent: str, role: str, *arguments: str) -> None:
    """Binds this process to its parent's life, then does its work until it is told to end."""
    die_with_parent(int(parent))
    # Only now: what these import takes a second, in which the parent may die.
    from api.settings import read_settings  # noqa: PLC0415 - see above

    try:
        settings = read_settings()
        if role == "server":
            from api.serving import serve  # noqa: PLC0415 - a worker needs no web server

            serve(settings, int(*arguments))
        else:
            from api.worker import work  # noqa: PLC0415 - a server needs no queue

            work(settings)
    except VaultError as error:
        _log.error(error.detail)
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
