"""`reconcile`: what approval systems completed, held against what the vault has."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli.frame import AsJson, Data, Exit, console, open_workshop, print_json, read_file
from vault.errors import InputError

STDIN = Path("-")


def reconcile(
    completed: Annotated[
        Path | None,
        typer.Argument(
            metavar="CASES.txt", help="Case numbers that are completed, one a line; - reads standard input."
        ),
    ] = None,
    *,
    client: Annotated[str | None, typer.Option(metavar="ID", help="The client whose cases they are.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List cases reserved and never committed, and completed cases without certificate. 1 if there are any.

    A deposit that is under way at this moment is listed, too: its time tells. Service items of the past month
    that the catalogue does not have are named, and do not count as a problem.
    """
    from vault.closing import reconcile as compare
    from vault.closing import unlisted_items
    from vault.log import moment

    if completed is not None and client is None:
        raise InputError("Whose cases are these? Name the client with --client ID.")
    numbers = [] if completed is None else _lines(completed)
    with open_workshop(data) as workshop:
        found = compare(workshop, client, numbers)
        unlisted = unlisted_items(workshop, at=datetime.now(UTC))
    if as_json:
        print_json(
            {
                "reserved_never_committed": [
                    {
                        "client": r.client_id,
                        "case_number": r.case_number,
                        "reserved_at": moment(r.reserved_at),
                    }
                    for r in found.reserved
                ],
                "completed_certificate_absent": [
                    {"client": client, "case_number": a.case_number, "missing": list(a.missing)}
                    for a in found.absent
                ],
                "unlisted_service_items": [{"code": each.code, "cases": each.cases} for each in unlisted],
            }
        )
    else:
        lines = [
            f"reserved, never committed: {r.case_number} of {r.client_id}, since {moment(r.reserved_at)}"
            for r in found.reserved
        ]
        lines += [
            f"completed, certificate absent: {a.case_number} of {client}: {'; '.join(a.missing)}"
            for a in found.absent
        ]
        lines += [
            f"service item that the catalogue does not have: {each.code}, {each.cases} cases"
            for each in unlisted
        ]
        for line in lines:
            console().print(line, markup=False, soft_wrap=True)
        console().print(
            f"{len(found.reserved)} reserved and never committed, "
            f"{len(found.absent)} of {len(numbers)} completed without certificate."
        )
    if found.reserved or found.absent:
        raise typer.Exit(Exit.PROBLEMS)


def _lines(path: Path) -> list[str]:
    content = sys.stdin.buffer.read() if path == STDIN else read_file(path)
    try:
        return [line for line in content.decode("utf-8-sig").splitlines() if line.strip()]
    except UnicodeDecodeError as error:
        raise InputError(f"{path} is not a text in UTF-8.") from error


def register(program: typer.Typer) -> None:
    """Adds this command."""
    program.command(epilog="Example: certvault reconcile completed.txt --client approvals")(reconcile)
