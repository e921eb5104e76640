"""`seal list|grants`: what may be sealed with which seal. Custodians act over HTTP, by two sign-ins."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.cli.frame import AsJson, Data, console, open_workshop, print_json
from api.cli.seal_commands import seal

KINDS = {
    None: "PDF",
    "attestation": "digital copies (PDF)",
    "usage-copy": "usage copies (PDF)",
    "national": "national (OFD)",
    "national-closing": "closes OFDs",
}


def seal_list(*, data: Data = None, as_json: AsJson = False) -> None:
    """List every seal, stopped ones too: kind, state, daily caps, what is used today, expiry."""
    from rich.table import Table

    from vault.custody import seal_json, seals

    at = datetime.now(UTC)
    with open_workshop(data) as workshop:
        shown = [seal_json(found, at) for found in seals(workshop, at=at)]
    if as_json:
        print_json(shown)
        return
    table = Table(box=None)
    for column in (
        "seal",
        "authority",
        "kind",
        "algorithm",
        "state",
        "grants",
        "cap",
        "used today",
        "until",
        "latest",
    ):
        table.add_column(column, overflow="fold")
    for found in shown:
        latest = found["latest"]
        told = "" if latest is None else f"{latest['act']} {latest['at'][:16]} {latest['reason'] or ''}"
        table.add_row(
            found["seal_id"],
            found["authority_name"],
            KINDS[found["purpose"]],
            found["algorithm"],
            found["state"],
            str(found["grants_in_force"]),
            str(found["daily_cap"]),
            str(found["used_today"]),
            found["not_after"][:10],
            told,
        )
    console().print(table)


def seal_grants(
    *,
    ended: Annotated[bool, typer.Option("--ended", help="Those that are ended, too.")] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List grants: what may be sealed with which seal, for whom, how often, and what is used today."""
    from rich.table import Table

    from vault.custody import grants_json, seals

    at = datetime.now(UTC)
    with open_workshop(data) as workshop:
        names = {kind.code: kind.name for kind in workshop.shelf.types(at).values()}
        found = grants_json(seals(workshop, at=at), at, with_ended=ended)
    if as_json:
        print_json(found)
        return
    table = Table(box=None)
    for column in ("grant", "seal", "type", "v", "client", "cap", "used today", "until", "state"):
        table.add_column(column, overflow="fold")
    for grant in found:
        table.add_row(
            grant["grant_id"],
            grant["seal_id"],
            names.get(grant["type"], grant["type"]),
            str(grant["type_version"]),
            grant["client_id"],
            str(grant["daily_cap"]),
            "" if grant["used_today"] is None else str(grant["used_today"]),
            grant["valid_to"][:10],
            grant["state"],
        )
    console().print(table)


def register(_: typer.Typer) -> None:
    """Adds these commands to `seal`."""
    seal.command("list", epilog="Example: certvault seal list --json")(seal_list)
    seal.command("grants", epilog="Example: certvault seal grants --json")(seal_grants)
