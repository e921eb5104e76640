"""Who sits at this terminal: the account of the operating system, and a registered person by password.

Whoever may run these commands with the vault's settings can read its database and its key folder. So two
pairs of eyes at a terminal are recorded, not enforced: two sign-ins over HTTP are. See docs/seals.md.
"""

import os
import pwd
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.frame import read_file
from vault.errors import InputError
from vault.model.custody import Deed

if TYPE_CHECKING:
    from vault.model.actors import Person
    from vault.workshop import Workshop

SECRET_MAX_CHARS = 200

PasswordFile = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="File whose first line is the password or PIN; it is asked for without one."
    ),
]
Login = Annotated[
    str,
    typer.Option("--as", metavar="LOGIN", help="Who you are: a registered person who signs in by password."),
]


def via_terminal() -> str:
    """How an act at this terminal is recorded: the account of the operating system."""
    return f"cli:{_account()}"


def deed_at_terminal(at: datetime) -> Deed:
    """What nobody in particular does: the account of the operating system answers for it."""
    return Deed(f"os:{_account()}", via_terminal(), at)


def person_at_terminal(workshop: "Workshop", login: str, password_file: Path | None) -> "Person":
    """The registered person who shows their password here.

    Raises:
        NotAuthenticated: wrong login or password.
        InputError: no password was given.
        Unavailable: the database does not answer.
    """
    from vault.signin import person_by_password  # noqa: PLC0415 - keeps --help quick

    return person_by_password(workshop, login, read_secret(f"Password of {login}", password_file))


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
