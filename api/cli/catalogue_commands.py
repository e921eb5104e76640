"""`catalogue check|apply|export`: certificate types as reviewed files, and what is in force."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli.frame import AsJson, Data, Exit, console, open_workshop, print_json

catalogue = typer.Typer(help="Certificate types: check, apply and export them.", no_args_is_help=True)

Folder = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DIR]",
        help="Folder with city.yaml and types/*.yaml; the shipped catalogue if left out.",
        exists=True,
        file_okay=False,
    ),
]


def check(folder: Folder = None, *, as_json: AsJson = False) -> None:
    """Check a catalogue's files; every problem by file and line. 1 where there is any."""
    from signing.typeset import SEAL_PLACES
    from vault.catalogue import SHIPPED, check_catalogue

    problems = check_catalogue(folder or SHIPPED, SEAL_PLACES)
    if as_json:
        print_json([{"file": p.file, "line": p.line, "path": p.path, "detail": p.detail} for p in problems])
    else:
        out = console()
        for problem in problems:
            out.print(str(problem), markup=False, soft_wrap=True)
        out.print(f"{len(problems)} problems.")
    if problems:
        raise typer.Exit(Exit.PROBLEMS)


def apply(folder: Folder = None, *, data: Data = None, as_json: AsJson = False) -> None:
    """Bring a catalogue into force: new types and higher versions; all of it or nothing."""
    from signing.typeset import SEAL_PLACES
    from vault.applying import apply_catalogue
    from vault.catalogue import SHIPPED, load_catalogue

    loaded = load_catalogue(folder or SHIPPED, SEAL_PLACES)
    with open_workshop(data) as workshop:
        applied = apply_catalogue(workshop.database, loaded.types.values(), at=datetime.now(UTC))
    if as_json:
        print_json(
            {
                "added": list(applied.added),
                "changed": list(applied.changed),
                "unchanged": list(applied.unchanged),
            }
        )
    else:
        console().print(
            f"{len(applied.added)} added, {len(applied.changed)} changed, {len(applied.unchanged)} unchanged."
        )


def export(*, data: Data = None) -> None:
    """Print every certificate type in force as JSON, whole definitions with their digests."""
    from vault.catalogue import definition_json

    with open_workshop(data) as workshop:
        types = workshop.shelf.types(datetime.now(UTC))
    print_json([definition_json(types[code]) for code in sorted(types)])


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    catalogue.command(epilog="Example: certvault catalogue check ./catalogue")(check)
    catalogue.command(epilog="Example: certvault catalogue apply ./catalogue")(apply)
    catalogue.command(epilog="Example: certvault catalogue export > catalogue.json")(export)
    program.add_typer(catalogue, name="catalogue")
