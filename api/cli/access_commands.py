"""`client add|rotate|disable`: which approval systems may deposit."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.frame import AsJson, Data, console, open_workshop, print_json

if TYPE_CHECKING:
    from vault.signin import NewSecret

client = typer.Typer(help="Approval systems that may deposit and look up.", no_args_is_help=True)

ClientId = Annotated[str, typer.Argument(metavar="ID", help="Lower-case letters, digits, dots and hyphens.")]


def client_add(
    client_id: ClientId,
    *,
    name: Annotated[str, typer.Option(help="What people call the system.")],
    authority: Annotated[
        list[str], typer.Option(metavar="USCC", help="An authority for which it deposits; repeat for more.")
    ],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Let an approval system in. Its secret is printed once and kept nowhere."""
    from vault.model.credit_code import SocialCreditCode
    from vault.signin import add_client

    codes = frozenset(SocialCreditCode.parse(code).value for code in authority)
    with open_workshop(data) as workshop:
        added = add_client(workshop, client_id, name, codes, at=datetime.now(UTC))
    _print_secret(added, as_json=as_json)


def client_rotate(client_id: ClientId, *, data: Data = None, as_json: AsJson = False) -> None:
    """Give a client a new secret; the old one works for another 24 hours."""
    from vault.signin import rotate_secret

    with open_workshop(data) as workshop:
        fresh = rotate_secret(workshop, client_id, at=datetime.now(UTC))
    _print_secret(fresh, as_json=as_json)


def client_disable(client_id: ClientId, *, data: Data = None) -> None:
    """Shut a client out at once, tokens that it still has included."""
    from vault.signin import disable_client

    with open_workshop(data) as workshop:
        disable_client(workshop, client_id, at=datetime.now(UTC))
    console().print(f"Client {client_id} is disabled.", markup=False)


def _print_secret(fresh: "NewSecret", *, as_json: bool) -> None:
    if as_json:
        print_json({"client_id": fresh.client_id, "client_secret": fresh.secret})
    else:
        console().print(f"client id      {fresh.client_id}\nclient secret  {fresh.secret}", markup=False)


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    example = "Example: certvault client add water-bureau --name 水务审批系统 --authority 11990100MB9900101F"
    client.command("add", epilog=example)(client_add)
    client.command("rotate", epilog="Example: certvault client rotate water-bureau")(client_rotate)
    client.command("disable", epilog="Example: certvault client disable water-bureau")(client_disable)
    program.add_typer(client, name="client")
