"""`import`: a register's stock from its manifest, and how imports stand."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from api.cli.frame import AsJson, Data, Exit, console, find_settings, open_workshop, print_json, read_file
from vault.errors import InputError

if TYPE_CHECKING:
    from vault.importing import FilesPlace
    from vault.model.imports import ImportRun
    from vault.workshop import Workshop

S3 = "s3://"
# Far more than an import on one machine has cores for; each process takes about 150 MB.
PROCESSES_MAX = 64
EXAMPLE = (
    "Example: certvault import register.csv scans/ --map register.toml --client approvals --dry-run"
    " --result check.csv"
)


def import_stock(
    manifest: Annotated[Path, typer.Argument(help="The register: .csv, .xlsx or .jsonl.")],
    files: Annotated[
        str | None,
        typer.Argument(
            metavar="FILES", help="A folder, a .zip, or s3://bucket/prefix; rows without a file are typeset."
        ),
    ] = None,
    *,
    mapping: Annotated[
        Path, typer.Option("--map", metavar="FILE", help="Which column is which field: .toml or .json.")
    ],
    client: Annotated[str, typer.Option(metavar="ID", help="The client as whom the rows are deposited.")],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Look at every row; store nothing.")] = False,
    result: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help="What became of every row, and why.")
    ] = None,
    processes: Annotated[
        int | None, typer.Option(min=1, max=PROCESSES_MAX, help="Processes; one more than cores without it.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Import a register's stock 存量导入. 1 where rows were rejected.

    Broken off at any point and begun again, it goes on where it was: nothing is imported twice. Begin with
    --dry-run, mend what the result file names, then run it without.
    """
    from api.import_hands import default_processes, import_hands
    from vault.importing import ImportOrder, Manifest, read_mapping, run_import, run_json
    from vault.model.imports import ImportMode
    from vault.signin import client_by_id

    mode = ImportMode.CHECK if dry_run else ImportMode.IMPORT
    order_mapping = read_mapping(read_file(mapping), mapping.name)
    settings = find_settings(data)
    with open_workshop(data) as workshop:
        order = ImportOrder(
            client_by_id(workshop, client),
            mode,
            Manifest(manifest.name, manifest.resolve()),
            order_mapping,
            _place(files),
        )
        with (
            _progress(quiet=as_json) as tell,
            import_hands(settings, processes or default_processes(), tell) as hands,
        ):
            run = run_import(workshop, order, hands)
        if result is not None:
            _write_result(workshop, run.run_id, result)
    if as_json:
        print_json(run_json(run))
    else:
        _say(run)
    if run.rejected:
        raise typer.Exit(Exit.PROBLEMS)


def imports(*, data: Data = None, as_json: AsJson = False) -> None:
    """Show how imports stand: counts, rate and time left."""
    from datetime import UTC, datetime

    from vault.importing import run_json, runs

    with open_workshop(data) as workshop:
        found = runs(workshop, at=datetime.now(UTC))
    if as_json:
        print_json([run_json(run) for run in found])
        return
    for run in found:
        _say(run)


def import_result(
    import_id: Annotated[UUID, typer.Argument(metavar="ID", help="As `certvault imports` shows it.")],
    path: Annotated[Path, typer.Argument(metavar="FILE.csv", help="Where to write it.")],
    *,
    data: Data = None,
) -> None:
    """Write an import's result file: every row's number, state, certificate, and why it was rejected."""
    with open_workshop(data) as workshop:
        _write_result(workshop, import_id, path)


def _place(files: str | None) -> "FilesPlace":
    from vault.importing import FilesKind, FilesPlace

    if files is None:
        return FilesPlace(FilesKind.NONE)
    if files.startswith(S3):
        return FilesPlace(FilesKind.S3, files.removeprefix(S3))
    path = Path(files).resolve()
    if path.is_dir():
        return FilesPlace(FilesKind.FOLDER, str(path))
    if path.is_file():
        return FilesPlace(FilesKind.ZIP, str(path))
    raise InputError("FILES is neither a folder nor a zip that is there, nor s3://bucket/prefix.")


def _write_result(workshop: "Workshop", run_id: UUID, path: Path) -> None:
    from datetime import UTC, datetime

    from vault.importing import result_lines

    lines = result_lines(workshop, run_id, at=datetime.now(UTC))
    try:
        # With a mark in front: spreadsheets take the file for UTF-8 then.
        with path.open("w", encoding="utf-8-sig", newline="") as file:
            file.writelines(lines)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def _say(run: "ImportRun") -> None:
    counts = f"{run.imported} imported, {run.already_there} already there, {run.rejected} rejected"
    total = "?" if run.total is None else run.total
    left = "" if run.eta_s is None else f", {run.rate:.0f}/s, {run.eta_s / 60:.0f} min left"
    line = f"{run.run_id} {run.mode} {run.name}: {run.state}, {run.done} of {total} rows: {counts}{left}"
    console().print(line if run.failure is None else f"{line}. {run.failure}", markup=False, soft_wrap=True)


@contextmanager
def _progress(*, quiet: bool) -> "Iterator[Callable[[ImportRun], None]]":
    from rich.progress import BarColumn, Progress, TextColumn

    columns = (
        TextColumn("{task.completed} of {task.total} rows"),
        BarColumn(),
        TextColumn("{task.fields[rate]:.0f}/s"),
        TextColumn("{task.fields[left]}"),
    )
    with Progress(*columns, transient=True, disable=quiet or not sys.stdout.isatty()) as bar:
        task = bar.add_task("import", total=None, rate=0.0, left="")

        def tell(run: "ImportRun") -> None:
            left = "" if run.eta_s is None else f"{run.eta_s / 60:.0f} min left"
            bar.update(task, total=run.total, completed=run.done, rate=run.rate, left=left)

        yield tell


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    program.command("import", epilog=EXAMPLE)(import_stock)
    program.command(epilog="Example: certvault imports --json")(imports)
    program.command(epilog="Example: certvault import-result 019ab… result.csv")(import_result)
