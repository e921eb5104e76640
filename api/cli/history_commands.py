"""`history defer|list|backfill` and `disputes`: what holders are told later, and what they dispute."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli.frame import AsJson, Data, console, open_workshop, print_json, read_file

history = typer.Typer(help="The holders' history: orders that defer, and its upkeep.", no_args_is_help=True)

# In the place of what an order said about somebody who was erased.
ERASED = "(erased)"

By = Annotated[str, typer.Option(metavar="LOGIN", help="Who does this: recorded with it.")]


def defer(
    file: Annotated[
        str, typer.Argument(metavar="FILE", help="The order as JSON; - reads it from the input.")
    ],
    *,
    by: By,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Record an order by which a holder is shown accesses only later (暂缓告知). For 92 days at most.

    The order is a JSON object: kind, number, issuing_body, legal_basis and until (the day on which they are
    shown); holder (code_type, code) or case_number or both; perhaps client, and renews, an earlier order's
    id. It covers what happens from now on. Nothing takes it back; the same order again changes nothing.
    """
    from vault.accesses import order_json, read_order, record_order
    from vault.errors import InputError
    from vault.model.access import MACHINE

    content = sys.stdin.buffer.read() if file == "-" else read_file(Path(file))
    try:
        request = json.loads(content)
    except ValueError:
        raise InputError("The order is not readable: expected one JSON object.") from None
    if not isinstance(request, dict):
        raise InputError("The order is not readable: expected one JSON object.")
    at = datetime.now(UTC)
    with open_workshop(data) as workshop:
        order, repeated = record_order(workshop, MACHINE, read_order(request, at=at), by=by, at=at)
    if as_json:
        print_json({**order_json(order), "repeated": repeated})
        return
    shown = order_json(order)["until"]
    was = "was recorded before" if repeated else "is recorded"
    console().print(f"Order {order.order_id} {was}: what it covers is shown on {shown}.", markup=False)


def list_(
    *,
    by: By,
    standing: Annotated[bool, typer.Option("--standing", help="Only those that have not ended.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List the orders that defer, oldest first. This look is recorded, too."""
    from vault.accesses import list_orders, order_json
    from vault.model.access import MACHINE

    at = datetime.now(UTC)
    with open_workshop(data) as workshop:
        found = [order_json(o) for o in list_orders(workshop, MACHINE, by=by, standing=standing, at=at)]
    if as_json:
        print_json(found)
        return
    for order in found:
        about = " ".join(
            f"{name} {order[name]}" for name in ("holder_id", "case_number", "client") if order[name]
        )
        console().print(
            f"{order['order_id']}  {order['recorded_at']}  {order['kind']}  "
            f"{order['number'] or ERASED}  {order['issuing_body'] or ERASED}  "
            f"until {order['until']}  {about}",
            markup=False,
            soft_wrap=True,
        )
    console().print(f"{len(found)} orders.")


def backfill(
    *,
    after: Annotated[int, typer.Option(min=0, help="Go on after this audit event.")] = 0,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """File audit events from before revision 0012 for the histories: once after the upgrade."""
    from vault.accesses import file_earlier

    def told(event_id: int, seen: int) -> None:
        if not as_json:
            console().print(f"{seen} events, up to {event_id}")

    with open_workshop(data) as workshop:
        seen = file_earlier(workshop.database, after=after, progress=told)
    if as_json:
        print_json({"events": seen})
    else:
        console().print(f"{seen} events are filed.")


def disputes(
    *,
    overdue: Annotated[bool, typer.Option("--overdue", help="Only those after their last day.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List the open disputes (异议), the most urgent first: who has to decide by when, not what was said."""
    from vault.disputes import open_dispute_json, open_disputes_now

    at = datetime.now(UTC)
    with open_workshop(data) as workshop:
        listed, counted = open_disputes_now(workshop, overdue=overdue, at=at)
    found = [open_dispute_json(each, at) for each in listed]
    if as_json:
        counts = {state.value: count for state, count in counted.counts.items()}
        print_json({"open": counts, "overdue": counted.overdue, "disputes": found})
        return
    for each in found:
        late = f"  {each['days_overdue']} days overdue" if each["days_overdue"] else ""
        console().print(
            f"{each['dispute_id']}  {each['state']}  {each['kind']}  {each['audience']}  "
            f"due {each['due_on']}{late}",
            markup=False,
            soft_wrap=True,
        )
    console().print(f"{sum(counted.counts.values())} open, {counted.overdue} overdue.")


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    history.command(epilog="Example: certvault history defer order.json --by operator")(defer)
    history.command("list", epilog="Example: certvault history list --by operator --standing")(list_)
    history.command(epilog="Example: certvault history backfill")(backfill)
    program.add_typer(history, name="history")
    program.command(epilog="Example: certvault disputes --overdue --json")(disputes)
