"""Who sits at this terminal: the account of the operating system; and passwords that are typed here.

Whoever may run these commands with the vault's settings can write to its database and read its key folder, so
nothing here needs four eyes: custodians make and approve over HTTP, by two sign-ins. See docs/seals.md.
"""

import os
import pwd
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli.frame import read_file
from vault.errors import InputError
from vault.model.custody import Deed

SECRET_MAX_CHARS = 200

PasswordFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="File whose first line is the password or PIN; it is asked for without one."
    ),
]


def via_terminal() -> str:
    """How an act at this terminal is recorded: the account of the operating system."""
    return f"cli:{_account()}"


def deed_at_terminal(at: datetime) -> Deed:
    """What nobody in particular does: the account of the operating system answers for it."""
    return Deed(f"os:{_account()}", via_terminal(), at)


def read_secret(what: str, file: Path | None) -> str:
    """A password or PIN from a file, from the keyboard without showing it, or a line of standard input.

    Raises:
        NotFound: the file is not there.
        InputError: it is empty or too long.
    """
    if file is not None:
        text = read_file(file).decode(errors="replace").partition("\n")[0]
    elif sys.stdin.isatty():
        text = str(typer.prompt(what, hide_input=True, err=True))
    else:
        text = sys.stdin.readline()
    secret = text.rstrip("\r\n")
    if not 0 < len(secret) <= SECRET_MAX_CHARS:
        raise InputError(f"{what}: expected 1 to {SECRET_MAX_CHARS} characters.")
    return secret


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # in a container without an entry for its user
        return str(os.getuid())
