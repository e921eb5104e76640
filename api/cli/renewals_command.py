"""`renewals`: when seals are raised and renewed, what waits, and what failed."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.frame import AsJson, Data, Exit, console, open_workshop, print_json
from vault.errors import InputError

if TYPE_CHECKING:
    from vault.raising import Calendar, Raised

# Two years ahead: what is due later is looked at later.
HORIZON = timedelta(days=730)

renewals = typer.Typer(help="Long-term seals: what is due, what failed, and raising by hand.")


def _horizon() -> datetime:
    return datetime.now(UTC) + HORIZON


@renewals.callback(invoke_without_command=True)
def show(
    context: typer.Context,
    *,
    due_before: Annotated[
        datetime | None,
        typer.Option(metavar="DATE", formats=["%Y-%m-%d"], help="Only what is due before this day (UTC)."),
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Print how many sealed files are due in each month, what waits for a time-stamp, and what failed.

    1 where anything was given up, or deposits may be refused for want of time-stamps.
    """
    if context.invoked_subcommand is not None:
        if due_before is not None or data is not None or as_json:
            raise InputError(
                f"Before `{context.invoked_subcommand}` an option says nothing: expected --data and --json "
                "behind it, and --due-before without it."
            )
        return
    from vault.raising import calendar_of, seal_health

    at = datetime.now(UTC)
    before = _horizon() if due_before is None else due_before.replace(tzinfo=UTC)
    with open_workshop(data) as workshop:
        found = calendar_of(workshop, due_before=before)
        health = seal_health(workshop, at=at)
    if as_json:
        print_json({**_json(found), "over_budget": health.over_budget, "late": health.late})
    else:
        _print(found, before)
        if health.over_budget:
            console().print("The outage budget is used up: see docs/long-term.md.", soft_wrap=True)
    if health.given_up or health.over_budget:
        raise typer.Exit(Exit.PROBLEMS)


def raise_(*, data: Data = None, as_json: AsJson = False) -> None:
    """Raise and renew what is due now, beside the workers. Broken off anywhere, it goes on where it was."""
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    from vault.raising import Raised, raise_due, walk

    columns = (TextColumn("renewals: {task.completed} files"), TimeElapsedColumn())
    done = Raised()
    with open_workshop(data) as workshop, Progress(*columns, transient=True, disable=as_json) as bar:
        task = bar.add_task("renewals", total=None)
        walk(workshop, at=datetime.now(UTC), progress=lambda _: None)
        while (round_ := raise_due(workshop, at=datetime.now(UTC))).files:
            done = done.and_(round_)
            bar.update(task, completed=done.files)
    _print_done(done, as_json=as_json)
    if done.put_off or done.given_up:
        raise typer.Exit(Exit.PROBLEMS)


def retry(*, data: Data = None, as_json: AsJson = False) -> None:
    """Let the worker try again what was given up, when its reason is out of the way."""
    from vault.raising import retry_failed

    with open_workshop(data) as workshop:
        count = retry_failed(workshop, at=datetime.now(UTC))
    if as_json:
        print_json({"retried": count})
    else:
        console().print(f"{count} files are tried again.")


def _json(found: "Calendar") -> dict[str, Any]:
    return {
        "target": None if found.target is None else found.target.value,
        "due": [
            {
                "month": f"{each.month:%Y-%m}",
                "state": each.state.value,
                "level": each.level.value,
                "count": each.count,
            }
            for each in found.months
        ],
        "untimed": {
            "count": found.untimed.count,
            "since": None if found.untimed.since is None else found.untimed.since.isoformat(),
        },
        "failed": [
            {"why": each.why, "given_up": each.given_up, "count": each.count, "example": str(each.example)}
            for each in found.failures
        ],
    }


def _print(found: "Calendar", before: datetime) -> None:
    from rich.table import Table

    out = console()
    if found.target is None:
        out.print("No time-stamp authority is set: seals stay as they were deposited. See docs/long-term.md.")
    else:
        out.print(f"Every seal is raised to {found.target.value}.")
    table = Table(title=f"到期 Due before {before:%Y-%m-%d}", title_justify="left", box=None)
    for column in ("月份 month", "状态 state", "级别 level"):
        table.add_column(column)
    table.add_column("件数 count", justify="right")
    for each in found.months:
        table.add_row(f"{each.month:%Y-%m}", each.state.value, each.level.value, str(each.count))
    out.print(table)
    if found.untimed.since is not None:
        since = f"{found.untimed.since:%Y-%m-%d %H:%M} UTC"
        out.print(f"{found.untimed.count} files wait for a first time-stamp, the oldest since {since}.")
    for failed in found.failures:
        what = "given up" if failed.given_up else "to be tried again"
        out.print(
            f"{failed.count} {what}: {failed.why} (such as {failed.example})", markup=False, soft_wrap=True
        )


def _print_done(done: "Raised", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "raised": done.raised,
                "looked_at": done.looked_at,
                "put_off": done.put_off,
                "given_up": done.given_up,
            }
        )
    else:
        console().print(
            f"{done.raised} raised, {done.looked_at} need nothing now, {done.put_off} put off, "
            f"{done.given_up} given up."
        )


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    renewals.command("raise", epilog="Example: certvault renewals raise")(raise_)
    renewals.command("retry", epilog="Example: certvault renewals retry")(retry)
    program.add_typer(
        renewals, name="renewals", epilog="Example: certvault renewals --due-before 2030-01-01 --json"
    )
