"""`holder hold|release|erase`: whom the law keeps, and whom the vault forgets.

The code is never on the command line, where every process of the machine and the shell's history see it: it
is read from standard input, or asked for without an echo.
"""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import getpass
import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.frame import AsJson, Data, console, open_workshop, print_json

if TYPE_CHECKING:
    from vault.model.holders import HolderCode

holder = typer.Typer(help="Legal holds on holders, and their erasure.", no_args_is_help=True)

CodeType = Annotated[
    str,
    typer.Option(
        "--code-type", metavar="TYPE", help="001 social credit code, 111 citizen identity number, …"
    ),
]
Reason = Annotated[
    str, typer.Option("--reason", help="Who ordered it and its file number; no names. Kept encrypted.")
]
CODE_MAX_CHARS = 100


def holder_hold(*, code_type: CodeType, reason: Reason, data: Data = None, as_json: AsJson = False) -> None:
    """Put a holder under a legal hold: not erased until it is released. The code comes on standard input."""
    from vault.erasing import hold

    code = _code(code_type)
    with open_workshop(data) as workshop:
        holds = hold(workshop, code, reason=reason, actor=_operator(), at=datetime.now(UTC))
    _print_holds(holds, as_json=as_json)


def holder_release(
    *, code_type: CodeType, reason: Reason, data: Data = None, as_json: AsJson = False
) -> None:
    """Release one legal hold. The code comes on standard input."""
    from vault.erasing import release

    code = _code(code_type)
    with open_workshop(data) as workshop:
        holds = release(workshop, code, reason=reason, actor=_operator(), at=datetime.now(UTC))
    _print_holds(holds, as_json=as_json)


def holder_erase(*, code_type: CodeType, data: Data = None, as_json: AsJson = False) -> None:
    """Erase a holder for ever, unless a hold or retention forbids it. The code comes on standard input."""
    from vault.erasing import erase

    code = _code(code_type)
    with open_workshop(data) as workshop:
        done = erase(workshop, code, actor=_operator(), at=datetime.now(UTC))
    if as_json:
        print_json(
            {
                "holder": str(done.holder_id),
                "certificates": [str(found) for found in done.certificates],
                "materials": [str(found) for found in done.materials],
                "uses": [str(found) for found in done.uses],
                "shared": [str(found) for found in done.shared],
                "cases": done.cases,
            }
        )
        return
    console().print(
        f"Erased: {len(done.certificates)} certificates, {len(done.materials)} materials, "
        f"{len(done.uses)} uses, the envelopes of {done.cases} cases; "
        f"{len(done.shared)} go on as somebody else's.\nOlder copies of the database still have the "
        "wrapped keys: `certvault keys rotate` and `keys retire`, and let go of the old ring.",
        soft_wrap=True,
    )


def _code(code_type: str) -> "HolderCode":
    from vault.model.holders import HolderCode

    asked = sys.stdin.isatty()
    text = getpass.getpass("Code (not shown): ") if asked else sys.stdin.readline(CODE_MAX_CHARS)
    return HolderCode.parse(code_type, text.strip())


def _operator() -> str:
    return f"operator:{getpass.getuser()}"


def _print_holds(holds: int, *, as_json: bool) -> None:
    if as_json:
        print_json({"holds": holds})
    else:
        console().print(f"The holder is under {holds} legal hold{'' if holds == 1 else 's'}.")


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    told = "--code-type 111 < code.txt"
    reason = "--reason '(2026) 01 Zhi 118'"
    holder.command("hold", epilog=f"Example: certvault holder hold {reason} {told}")(holder_hold)
    holder.command("release", epilog=f"Example: certvault holder release {reason} {told}")(holder_release)
    holder.command("erase", epilog=f"Example: certvault holder erase {told}")(holder_erase)
    program.add_typer(holder, name="holder")
