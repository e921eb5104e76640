"""`directory export`: the directories of certificates that a city reports upward."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import getpass
import os
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.frame import AsJson, Data, Exit, console, open_workshop, print_json

if TYPE_CHECKING:
    from vault.directories import Exported

directory = typer.Typer(
    help="居民、法人电子证照目录: the directories that a city reports upward.", no_args_is_help=True
)


class SheetFormat(StrEnum):
    """As `vault.directories` has them; written out so that --help needs none of it."""

    JSON_LINES = "jsonl"
    CSV = "csv"


def export(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="A new folder; nobody but you may read what is in it.")
    ],
    *,
    form: Annotated[
        SheetFormat, typer.Option("--format", help="JSON lines for machines, CSV for spreadsheets.")
    ] = SheetFormat.JSON_LINES,
    after: Annotated[
        str | None,
        typer.Option(
            metavar="CURSOR",
            help="Only what changed since: the next_cursor of an earlier export. Else everything.",
        ),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Write both directories, whole or what changed after a cursor; the export is audited.

    Broken off, the same command goes on where it was. 1 where a certificate could not be read.
    """
    from rich.console import Console
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    from vault.directories import Format, export_directories, summary_json

    columns = (TextColumn("directory export: {task.completed} certificates"), TimeElapsedColumn())
    bar = Progress(*columns, console=Console(stderr=True), transient=True, disable=as_json)
    with open_workshop(data) as workshop, bar:
        task = bar.add_task("export", total=None)
        exported = export_directories(
            workshop,
            folder.absolute(),
            Format(form.value),
            after=after,
            actor=_operator(),
            at=datetime.now(UTC),
            progress=lambda done: bar.update(task, completed=done),
        )
    if as_json:
        print_json({"folder": str(exported.folder), **summary_json(exported)})
    else:
        _show(exported)
    if exported.damaged_count:
        raise typer.Exit(Exit.PROBLEMS)


def _show(exported: "Exported") -> None:
    out = console()
    for file in exported.files:
        out.print(f"{exported.folder / file.name}: {file.rows} rows, sha256 {file.sha256}", soft_wrap=True)
    for identifier in exported.damaged:
        out.print(f"could not be read: {identifier}", markup=False, soft_wrap=True)
    out.print(f"{exported.certificates} certificates; the next export: --after {exported.next_cursor}")


def _operator() -> str:
    """Who runs this, by the machine's own account: nobody signs in to a command line."""
    try:
        return f"operator:{getpass.getuser()}"
    except (OSError, KeyError):  # an account without a name, as in containers
        return f"operator:uid {os.getuid()}"


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    directory.command(epilog="Example: certvault directory export ./directory-2026-11-22")(export)
    program.add_typer(directory, name="directory")
