"""`webhook` and `changes`: who is told of changes, what did not arrive, and the feed itself."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from api.cli.frame import AsJson, Data, Exit, console, find_settings, open_workshop, print_json
from vault.errors import InputError

if TYPE_CHECKING:
    from vault.webhooks.registering import NewSecret

webhook = typer.Typer(help="Where changes are sent to, and what did not arrive.", no_args_is_help=True)
changes = typer.Typer(help="The feed of changes.", no_args_is_help=True)

WebhookId = Annotated[UUID, typer.Argument(metavar="ID", help="As `certvault webhook list` shows it.")]
After = Annotated[str | None, typer.Option(metavar="CURSOR", help="From after this cursor; 0: the start.")]


def webhook_add(
    client_id: Annotated[str, typer.Argument(metavar="CLIENT")],
    url: Annotated[str, typer.Argument(metavar="URL", help="https only, in production.")],
    *,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Have a client's changes sent to an address. The secret that signs them is printed once."""
    from vault.model.access import MACHINE
    from vault.webhooks import register

    destinations = find_settings(data).destinations
    with open_workshop(data) as workshop:
        fresh = register(workshop, MACHINE, client_id, url, destinations, at=datetime.now(UTC))
    _print_secret(fresh, as_json=as_json)


def webhook_list(
    *,
    client: Annotated[str | None, typer.Option(metavar="ID", help="This client's only.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List webhooks with what is under way and what was given up."""
    from rich.table import Table

    from vault.model.access import MACHINE
    from vault.webhooks import registered, registered_json

    with open_workshop(data) as workshop:
        found = registered(workshop, MACHINE, client, at=datetime.now(UTC))
    if as_json:
        print_json([{"client": r.state.webhook.client_id, **registered_json(r)} for r in found])
        return
    table = Table(box=None)
    for column in ("webhook", "client", "address", "pending", "failed", "delivered"):
        table.add_column(column, overflow="fold")
    for each in found:
        state = each.state
        delivered = "" if state.delivered_at is None else f"{state.delivered_at:%Y-%m-%d %H:%M}"
        hook = state.webhook
        table.add_row(
            str(hook.webhook_id), hook.client_id, hook.url, str(state.pending), str(state.dead), delivered
        )
    console().print(table)


def webhook_rotate(webhook_id: WebhookId, *, data: Data = None, as_json: AsJson = False) -> None:
    """Give a webhook a new secret; the one before signs beside it for another 24 hours."""
    from vault.model.access import MACHINE
    from vault.webhooks import rotate

    with open_workshop(data) as workshop:
        fresh = rotate(workshop, MACHINE, webhook_id, at=datetime.now(UTC))
    _print_secret(fresh, as_json=as_json)


def webhook_remove(webhook_id: WebhookId, *, data: Data = None) -> None:
    """Send nothing more to a webhook, and forget what was not delivered."""
    from vault.model.access import MACHINE
    from vault.webhooks import unregister

    with open_workshop(data) as workshop:
        unregister(workshop, MACHINE, webhook_id)
    console().print(f"Webhook {webhook_id} is gone.", markup=False)


def webhook_failed(
    *,
    of: Annotated[UUID | None, typer.Option("--webhook", metavar="ID", help="This one's only.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters: deliveries given up after every try, newest first. 1 where there are any."""
    from vault.webhooks import dead_letters, delivery_json

    with open_workshop(data) as workshop:
        found = dead_letters(workshop, of)
    if as_json:
        print_json([delivery_json(delivery, client_id) for delivery, client_id in found])
    else:
        for delivery, client_id in found:
            line = (
                f"{delivery.delivery_id} of {client_id}: {delivery.failure}, {delivery.tries} tries; "
                f"places {delivery.after + 1} to {delivery.through}"
            )
            console().print(line, markup=False, soft_wrap=True)
        console().print(f"{len(found)} deliveries given up.")
    if found:
        raise typer.Exit(Exit.PROBLEMS)


def webhook_replay(
    deliveries: Annotated[
        list[UUID] | None, typer.Argument(metavar="DELIVERY...", help="As `certvault webhook failed` lists.")
    ] = None,
    *,
    of: Annotated[
        UUID | None, typer.Option("--webhook", metavar="ID", help="Send a range of the feed to it.")
    ] = None,
    after: After = None,
    through: Annotated[
        str | None,
        typer.Option(metavar="CURSOR", help="To this cursor; without: to what was sent so far."),
    ] = None,
    data: Data = None,
) -> None:
    """Send again: deliveries by their id, or to one webhook everything between two cursors of the feed."""
    from vault.webhooks import replay, replay_range

    at = datetime.now(UTC)
    if bool(deliveries) == (of is not None) or (of is None) != (after is None):
        raise InputError("Name deliveries, or a range with --webhook and --after.")
    with open_workshop(data) as workshop:
        for delivery_id in deliveries or ():
            replay(workshop, delivery_id, at=at)
        count = len(deliveries or ())
        if of is not None and after is not None:
            count = replay_range(workshop, of, after, through, at=at)
    console().print(f"{count} deliveries are under way again.")


def changes_list(
    *,
    after: After = None,
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 100,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Print the next entries of the feed, everybody's."""
    from vault.changes import change_json, changes_after, page_json
    from vault.model.access import MACHINE

    with open_workshop(data) as workshop:
        page = changes_after(workshop, after or "", limit, MACHINE)
    if as_json:
        print_json(page_json(page))
        return
    for change in page.changes:
        told = change_json(change)
        about = told.get("identifier") or told.get("material_id")
        line = f"{told['cursor']}  {told['at']}  {told['action']:<9} {about}"
        console().print(line, markup=False, soft_wrap=True)
    console().print(f"cursor {page.cursor}{', and there is more' if page.more else ''}", markup=False)


def changes_backfill(*, data: Data = None) -> None:
    """Bring into the feed what happened before there was one, as the worker does. Break it off any time."""
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    from vault.changes import backfill

    columns = (TextColumn("changes: {task.completed} copied"), TimeElapsedColumn())
    with open_workshop(data) as workshop, Progress(*columns, transient=True) as bar:
        task = bar.add_task("backfill", total=None)
        backfill(workshop.database, progress=lambda done: bar.update(task, completed=done))
    console().print("Everything is in the feed.")


def _print_secret(fresh: "NewSecret", *, as_json: bool) -> None:
    from vault.webhooks import new_secret_json

    if as_json:
        print_json(new_secret_json(fresh))
    else:
        console().print(f"webhook  {fresh.webhook.webhook_id}\nsecret   {fresh.secret}", markup=False)


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    address = "https://receiver.example/certvault"
    webhook.command("add", epilog=f"Example: certvault webhook add approvals {address}")(webhook_add)
    webhook.command("list", epilog="Example: certvault webhook list --json")(webhook_list)
    one = "01a2056f-4b92-7f98-ba81-b27e185351ce"
    webhook.command("rotate", epilog=f"Example: certvault webhook rotate {one}")(webhook_rotate)
    webhook.command("remove", epilog=f"Example: certvault webhook remove {one}")(webhook_remove)
    webhook.command("failed", epilog="Example: certvault webhook failed --json")(webhook_failed)
    example = f"Example: certvault webhook replay --webhook {one} --after 118.59a629fa"
    webhook.command("replay", epilog=example)(webhook_replay)
    program.add_typer(webhook, name="webhook")
    changes.command("list", epilog="Example: certvault changes list --after 118.59a629fa")(changes_list)
    changes.command("backfill", epilog="Example: certvault changes backfill")(changes_backfill)
    program.add_typer(changes, name="changes")
