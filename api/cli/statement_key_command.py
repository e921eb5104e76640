"""`statement-key rotate`: a new key for the statements in QR codes."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from typing import Annotated

import typer

from api.cli.frame import AsJson, Data, console, find_settings, print_json

statement_key = typer.Typer(help="Keys that sign what QR codes state offline.", no_args_is_help=True)


def rotate(
    *,
    compromised: Annotated[
        bool, typer.Option("--compromised", help="Sign with it now, and list every older key as revoked.")
    ] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a new key for statements: in the trust list at once, signing in thirty days, without a restart.

    A vault's first key signs at once. Keys that sign no more leave their public half in the folder
    `statements`: keep it, for paper that they signed is shown for decades. Run it on each machine that has
    its own copy of the secrets folder, or copy the new files there.
    """
    from vault.founding import SecretsFolder
    from vault.statement_ring import rotate_statement_key

    secrets, at = SecretsFolder(find_settings(data).secrets), datetime.now(UTC)
    passphrase = secrets.passphrase.read_bytes()
    made = rotate_statement_key(secrets.statements, passphrase, at_once=compromised, at=at)
    if as_json:
        print_json({"kid": made.kid, "signs_from": made.signs_from.isoformat(), "ended": list(made.ended)})
        return
    out = console()
    out.print(
        f"Key {made.kid} is listed and signs from {made.signs_from:%Y-%m-%d %H:%M:%S} UTC on.", markup=False
    )
    if made.ended:
        out.print(f"Ended, public half kept: {', '.join(made.ended)}", markup=False, soft_wrap=True)


def register(program: typer.Typer) -> None:
    """Adds this command."""
    statement_key.command(epilog="Example: certvault statement-key rotate --compromised")(rotate)
    program.add_typer(statement_key, name="statement-key")
