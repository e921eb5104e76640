"""What a child process of `api.supervise` runs: `python -m api.child PARENT server FD`, or another role.

The others: `worker`, and `provider FD BOOK`, which is for development only.
"""

import logging
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from api.lifeline import die_with_parent
from vault.errors import NotPermitted, VaultError

if TYPE_CHECKING:
    from api.settings import Settings

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
        elif role == "provider":
            _provide(settings, *arguments)
        else:
            from api.worker import work  # noqa: PLC0415 - a server needs no queue

            work(settings)
    except VaultError as error:
        _log.error(error.detail)
        sys.exit(1)


def _provide(settings: "Settings", descriptor: str, book: str) -> None:
    """The local identity provider, which is not even imported in production."""
    from api.edge import Mode  # noqa: PLC0415 - only now, as in `main`

    if settings.mode is not Mode.DEVELOPMENT:
        raise NotPermitted("The local identity provider is for development only.")
    from api.local_provider.serving import serve  # noqa: PLC0415 - never in production

    serve(int(descriptor), Path(book))


if __name__ == "__main__":
    main(*sys.argv[1:])
