"""`stats`: how many resubmissions were avoided."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from dataclasses import asdict
from datetime import UTC, datetime

import typer

from api.cli.frame import AsJson, Data, console, open_workshop, print_json


def stats(*, data: Data = None, as_json: AsJson = False) -> None:
    """Print how many resubmissions were avoided, by month, authority and service item."""
    from vault.avoided import count_avoided

    with open_workshop(data) as workshop:
        counts = count_avoided(workshop.database)
        items = workshop.shelf.items(datetime.now(UTC))
    total = sum(each.count for each in counts)
    if as_json:
        print_json({"resubmissions_avoided": {"total": total, "by": [asdict(each) for each in counts]}})
        return
    from rich.table import Table

    table = Table(title=f"免提交材料 Resubmissions avoided: {total}", title_justify="left", box=None)
    for column in ("月份 month", "实施机关 authority", "事项 service item"):
        table.add_column(column)
    table.add_column("件数 count", justify="right")
    for each in counts:
        item = items.get(each.service_item)
        authority = each.authority if item is None else item.authority.name
        table.add_row(
            each.month, authority, each.service_item if item is None else item.name, str(each.count)
        )
    console().print(table)


def register(program: typer.Typer) -> None:
    """Adds this command."""
    program.command(epilog="Example: certvault stats --json")(stats)
