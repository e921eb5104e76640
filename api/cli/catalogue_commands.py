"""`catalogue check|apply|export`: types, service items and materials as files, and what is in force."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.frame import AsJson, Data, Exit, console, open_workshop, print_json

if TYPE_CHECKING:
    from vault.applying import Changes

catalogue = typer.Typer(
    help="Certificate types and service items: check, apply and export them.", no_args_is_help=True
)

Folder = Annotated[
    Path | None,
    typer.Argument(
        metavar="[DIR]",
        help="Folder with city.yaml, types/*.yaml, materials.yaml and items/*.yaml; "
        "the shipped catalogue if left out.",
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
    """Bring a catalogue into force: new ones and higher versions; all of it or nothing."""
    from signing.typeset import SEAL_PLACES
    from vault.applying import apply_catalogue
    from vault.catalogue import SHIPPED, load_catalogue

    loaded = load_catalogue(folder or SHIPPED, SEAL_PLACES)
    with open_workshop(data) as workshop:
        applied = apply_catalogue(workshop.database, loaded.in_force, at=datetime.now(UTC))
    if as_json:
        of_types, of_items = _changes_json(applied.types), _changes_json(applied.items)
        print_json({**of_types, "items": of_items, "materials": _changes_json(applied.materials)})
    else:
        changed = {
            "types": applied.types,
            "service items": applied.items,
            "materials": applied.materials,
        }
        for what, changes in changed.items():
            console().print(
                f"{what}: {len(changes.added)} added, {len(changes.changed)} changed,"
                f" {len(changes.unchanged)} unchanged."
            )


def _changes_json(changes: "Changes") -> dict[str, list[str]]:
    return {
        "added": list(changes.added),
        "changed": list(changes.changed),
        "unchanged": list(changes.unchanged),
    }


def export(*, data: Data = None) -> None:
    """Print every type, service item and material in force as JSON, whole definitions with their digests."""
    from vault.catalogue import definition_json, item_json, material_json

    with open_workshop(data) as workshop:
        in_force = workshop.shelf.in_force(datetime.now(UTC))
    print_json(
        {
            "types": [definition_json(kind) for _, kind in sorted(in_force.types.items())],
            "service_items": [item_json(item) for _, item in sorted(in_force.items.items())],
            "materials": [material_json(material) for _, material in sorted(in_force.materials.items())],
        }
    )


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    catalogue.command(epilog="Example: certvault catalogue check ./catalogue")(check)
    catalogue.command(epilog="Example: certvault catalogue apply ./catalogue")(apply)
    catalogue.command(epilog="Example: certvault catalogue export > catalogue.json")(export)
    program.add_typer(catalogue, name="catalogue")
