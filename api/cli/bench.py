"""`bench`: what this release does in a second on this machine, beside references measured in the same run."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import sys
from pathlib import Path
from typing import Annotated

import typer

from api.cli import bench_province
from api.cli.frame import AsJson, Exit, console, print_json

SECONDS = 10.0
# Below this a stretch holds a handful of deposits and says nothing; good for trying the command out.
SECONDS_MIN = 0.3
SECONDS_MAX = 600.0


def bench(
    context: typer.Context,
    *,
    seconds: Annotated[
        float,
        typer.Option(min=SECONDS_MIN, max=SECONDS_MAX, help="For each measurement, references not counted."),
    ] = SECONDS,
    only: Annotated[
        list[str] | None, typer.Option("--only", metavar="NAME", help="This measurement; may be given again.")
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Keep the vault in this folder; otherwise it is deleted.", file_okay=False
        ),
    ] = None,
    as_json: AsJson = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print Markdown, as docs/performance.md.")
    ] = False,
    into: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Put report and plots into this Markdown page, too.",
            dir_okay=False,
            exists=True,
        ),
    ] = None,
    check: Annotated[bool, typer.Option("--check", help="End with 1 where a budget is missed.")] = False,
) -> None:
    """Found a vault of its own on the embedded engines and measure it, each figure beside a reference.

    Ends with 1 where something could not be measured; what was measured is printed all the same.
    """
    if context.invoked_subcommand is not None:
        return
    from api.bench import pictures, report
    from api.bench.run import Report, run_bench
    from api.supervise import stopped_by_signals

    def tell(line: str) -> None:
        print(f"certvault: {line}", file=sys.stderr)  # noqa: T201 - progress, beside what is printed

    missed: list[str] = []
    failed: list[str] = []

    def publish(done: Report) -> None:
        if as_json:
            print_json(report.as_json(done))
        elif markdown:
            sys.stdout.write(report.as_markdown(done))
        else:
            report.show(console(), done)
        sys.stdout.flush()  # whatever happens while the vault is taken down
        if into is not None:
            pictures.put_into(into, done)
        missed.extend(done.missed)
        failed.extend(failure.name for failure in done.failures)

    with stopped_by_signals():
        run_bench(data, seconds=seconds, only=only or (), tell=tell, publish=publish)
    if failed or (check and missed):
        raise typer.Exit(Exit.PROBLEMS)


def register(program: typer.Typer) -> None:
    """Adds this command, and those about the synthetic province below it."""
    commands = typer.Typer()
    example = "Example: certvault bench --seconds 5 --only verify_code --json"
    commands.callback(invoke_without_command=True, epilog=example)(bench)
    bench_province.register(commands)
    program.add_typer(commands, name="bench")
