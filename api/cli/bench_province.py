"""`bench generate` and `bench province`: a synthetic province as a register or as rows, and the great run."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from api.cli.frame import AsJson, Data, Exit, console, find_settings, print_json
from vault.errors import NotPermitted

CERTIFICATES = 460_000
"""What the reference province holds (issue 8)."""
SEED = 20261101


class Into(StrEnum):
    """What the province is written as."""

    CSV = "csv"
    JSONL = "jsonl"
    ROWS = "rows"


class Scans(StrEnum):
    """Where each row's PDF goes."""

    NONE = "none"
    FOLDER = "folder"
    ZIP = "zip"


Certificates = Annotated[int, typer.Option("--certificates", min=1, max=10**7, help="How many.")]
Seed = Annotated[int, typer.Option("--seed", min=0, help="The same seed gives the same province.")]


def generate(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", file_okay=False, help="New, or of an earlier run.")
    ],
    *,
    certificates: Certificates = CERTIFICATES,
    seed: Seed = SEED,
    into: Annotated[
        Into, typer.Option("--as", help="A register, or rows straight into the vault that --data names.")
    ] = Into.CSV,
    files: Annotated[Scans, typer.Option(help="A small PDF for each row of a register.")] = Scans.NONE,
    errors: Annotated[float, typer.Option(min=0.0, max=0.5, help="Share of rows with one fault each.")] = 0.0,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Write an invented province: 98 kinds, people and companies, what they hold, and what is wrong with it.

    As a register it has a manifest, a mapping for `certvault import`, and the list of rows to be rejected. As
    rows it has versions and events too, and no files: only for a vault that is thrown away.
    """
    if into is Into.ROWS:
        found = _rows(folder, certificates, seed, data)
    else:
        from api.bench.province.register import Files, Manifest, Order, write_register

        order = Order(certificates, seed, Manifest(into.value), Files(files.value), errors)
        written = write_register(folder, order, _tell)
        found = {
            "rows": written.rows,
            "kinds": len(written.kinds),
            "expected_rejections": written.faults.total(),
            "manifest_sha256": written.digest,
        }
    if as_json:
        print_json(found)
    else:
        console().print(
            f"{folder}: {', '.join(f'{name} {value}' for name, value in found.items())}", soft_wrap=True
        )


def _rows(folder: Path, certificates: int, seed: int, data: Path | None) -> dict[str, object]:
    """Into the vault that runs on `data`, which is one for development; with a process for each core."""
    from contextlib import ExitStack

    from api.bench.helpers import helper_process
    from api.bench.province.kinds import CATALOGUE_FOLDER, write_catalogue
    from api.bench.province.vault import settle_catalogue
    from api.bench.province.vault_rows import fill_province
    from api.edge import Mode
    from api.local_vault import cores
    from api.sample_city import CLIENT_ID

    settings = find_settings(data)
    if settings.mode is not Mode.DEVELOPMENT:
        raise NotPermitted(
            "Rows without files are for a vault that is thrown away, never for one in production."
        )
    folder.mkdir(parents=True, exist_ok=True)
    catalogue = folder / CATALOGUE_FOLDER
    settle_catalogue(settings, write_catalogue(catalogue))
    with ExitStack() as stack:
        helpers = tuple(stack.enter_context(helper_process()) for _ in range(cores()))
        filled = fill_province(
            settings, catalogue, certificates, seed, client_id=CLIENT_ID, cores=helpers, tell=_tell
        )
    return {"certificates": filled.certificates, "made": filled.made, "blocks": filled.blocks}


def province(
    *,
    data: Annotated[Path, typer.Option(metavar="DIR", file_okay=False, help="A new folder for all of it.")],
    certificates: Certificates = CERTIFICATES,
    seed: Seed = SEED,
    seconds: Annotated[
        float, typer.Option(min=0.3, max=600.0, help="For each look-up measured at the end.")
    ] = 10.0,
    as_json: AsJson = False,
    check: Annotated[bool, typer.Option("--check", help="End with 1 where a budget is missed.")] = False,
) -> None:
    """The great run: generate a province, import it with faults and a kill -9, fsck, then measure that vault.

    Leaves its log, figures and plots in the folder. Needs about 40 kB of disk a certificate.
    """
    from api.bench import report
    from api.bench.province.great_run import run_province
    from api.supervise import stopped_by_signals

    with stopped_by_signals():
        done = run_province(data, certificates, seed, seconds=seconds, tell=_tell)
    if as_json:
        print_json({**report.as_json(done.report), "log": list(done.log)})
    else:
        report.show(console(), done.report)
    if check and done.report.missed:
        raise typer.Exit(Exit.PROBLEMS)


def _tell(line: str) -> None:
    print(f"certvault: {line}", file=sys.stderr)  # noqa: T201 - progress, beside what is printed


def register(commands: typer.Typer) -> None:
    """Adds these commands to `bench`."""
    commands.command(epilog="Example: certvault bench generate ./province --files zip --errors 0.005")(
        generate
    )
    commands.command(epilog="Example: certvault bench province --data ./great-run")(province)
