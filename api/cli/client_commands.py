"""`client add|rotate|disable|list|show`: which approval systems come in, by what, and bound to what.

`token-key rotate`: the key that signs what they get.
"""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.frame import AsJson, Data, console, find_settings, open_workshop, print_json, read_file

if TYPE_CHECKING:
    from vault.model.actors import ClientFile
    from vault.model.footing import Standing
    from vault.signin import NewSecret

client = typer.Typer(help="Approval systems that may deposit and look up.", no_args_is_help=True)
token_key = typer.Typer(help="Keys that sign access tokens.", no_args_is_help=True)

ClientId = Annotated[str, typer.Argument(metavar="ID", help="Lower-case letters, digits, dots and hyphens.")]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--jwks",
        metavar="FILE",
        help="Its public keys: a JWK Set, a JSON Web Key or PEM. Then it signs assertions and has no secret.",
        dir_okay=False,
    ),
]


def client_add(
    client_id: ClientId,
    *,
    name: Annotated[str, typer.Option(help="What people call the system.")],
    authority: Annotated[
        list[str] | None,
        typer.Option(
            metavar="USCC",
            help="An authority for which it deposits; repeat for more.",
            show_default=False,
        ),
    ] = None,
    certificate_type: Annotated[
        list[str] | None,
        typer.Option(
            "--type",
            metavar="CODE",
            help="A certificate type that it deposits; repeat for more.",
            show_default="all of its authorities'",
        ),
    ] = None,
    legal_basis: Annotated[
        str | None,
        typer.Option(
            metavar="TEXT",
            help="The statute of the function under which it asks for what others hold.",
            show_default="the statutory duty of an authority's system",
        ),
    ] = None,
    by_consent: Annotated[
        str | None,
        typer.Option(
            metavar="USCC",
            help="An organisation without statutory function: it sees what holders consent to, no more.",
            show_default=False,
        ),
    ] = None,
    jwks: KeyFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Let an approval system in: by its public keys, or by a secret that is printed once and kept nowhere.

    It asks under a statutory function, or, with --by-consent, on the consent of holders.
    """
    from api.assertions import read_client_keys
    from vault.model.credit_code import SocialCreditCode
    from vault.signin import add_client, add_signing_client

    codes = frozenset(SocialCreditCode.parse(code).value for code in authority or ())
    standing = _standing(codes, legal_basis, by_consent)
    types = frozenset(certificate_type) if certificate_type else None
    keys = None if jwks is None else read_client_keys(read_file(jwks))
    with open_workshop(data) as workshop:
        at = datetime.now(UTC)
        if keys is None:
            made = add_client(workshop, client_id, name, codes, types=types, standing=standing, at=at)
            _print_secret(made, as_json=as_json)
        else:
            add_signing_client(workshop, client_id, name, codes, keys, types=types, standing=standing, at=at)
            _print_keys(client_id, [key.kid for key in keys], as_json=as_json)


def client_rotate(
    client_id: ClientId, *, jwks: KeyFile = None, data: Data = None, as_json: AsJson = False
) -> None:
    """Give a client a new secret, or new keys; what it had works for another 24 hours."""
    from api.assertions import read_client_keys
    from vault.signin import rotate_keys, rotate_secret

    keys = None if jwks is None else read_client_keys(read_file(jwks))
    with open_workshop(data) as workshop:
        at = datetime.now(UTC)
        if keys is None:
            _print_secret(rotate_secret(workshop, client_id, at=at), as_json=as_json)
        else:
            rotate_keys(workshop, client_id, keys, at=at)
            _print_keys(client_id, [key.kid for key in keys], as_json=as_json)


def client_disable(client_id: ClientId, *, data: Data = None) -> None:
    """Shut a client out at once, tokens that it still has included."""
    from vault.signin import disable_client

    with open_workshop(data) as workshop:
        disable_client(workshop, client_id, at=datetime.now(UTC))
    console().print(f"Client {client_id} is disabled.", markup=False)


def client_list(*, data: Data = None, as_json: AsJson = False) -> None:
    """List every client, disabled ones too."""
    from rich.table import Table

    from vault.signin import list_clients

    with open_workshop(data) as workshop:
        found = list_clients(workshop, at=datetime.now(UTC))
    if as_json:
        print_json([_client_json(each) for each in found])
        return
    table = Table(box=None)
    for column in ("id", "name", "authorities", "types", "comes in by", "disabled"):
        table.add_column(column, overflow="fold")
    for each in found:
        grant = each.grant
        types = "all" if grant.types is None else str(len(grant.types))
        disabled = "" if each.disabled_at is None else f"{each.disabled_at:%Y-%m-%d}"
        table.add_row(grant.client_id, grant.name, str(len(grant.authorities)), types, _way(each), disabled)
    console().print(table)


def client_show(client_id: ClientId, *, data: Data = None, as_json: AsJson = False) -> None:
    """Show what a client is bound to and what it comes in by; never a secret."""
    from vault.signin import show_client

    with open_workshop(data) as workshop:
        found = show_client(workshop, client_id, at=datetime.now(UTC))
    if as_json:
        print_json(_client_json(found))
        return
    grant = found.grant
    ends = [*found.secret_ends, *(key.expires_at for key in found.keys)]
    lines = [
        ("client id", grant.client_id),
        ("name", grant.name),
        ("authorities", ", ".join(sorted(grant.authorities))),
        ("types", "all" if grant.types is None else ", ".join(sorted(grant.types))),
        ("asks", _footing(found)),
        ("comes in by", _way(found)),
        ("ends", ", ".join(f"{end:%Y-%m-%d %H:%M} UTC" for end in ends if end is not None) or "nothing"),
        ("since", f"{found.created_at:%Y-%m-%d}"),
        ("disabled", "no" if found.disabled_at is None else f"{found.disabled_at:%Y-%m-%d %H:%M} UTC"),
    ]
    for name, value in lines:
        console().print(f"{name:<13} {value}", markup=False)


def token_key_rotate(
    *,
    compromised: Annotated[
        bool, typer.Option("--compromised", help="Sign with it now, and refuse every token signed before.")
    ] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a new key for access tokens: published at once, signing in ten minutes, without a restart.

    Old keys stay published until their last token has ended, and are removed by the rotation after that.
    Run it on each machine that has its own copy of the secrets folder, or copy the new file there.
    """
    from api.edge import TOKENS_OUTLIVE_KEY
    from api.token_keys import rotate

    folder = find_settings(data).secrets
    made = rotate(folder, outlive=TOKENS_OUTLIVE_KEY, at_once=compromised, at=datetime.now(UTC))
    if as_json:
        print_json(
            {"kid": made.kid, "signs_from": made.signs_from.isoformat(), "removed": list(made.removed)}
        )
        return
    console().print(
        f"Key {made.kid} is published and signs from {made.signs_from:%Y-%m-%d %H:%M:%S} UTC on.",
        markup=False,
    )
    if made.removed:
        console().print(f"Removed: {', '.join(made.removed)}", markup=False)


def _standing(authorities: frozenset[str], legal_basis: str | None, by_consent: str | None) -> "Standing":
    from vault.model.credit_code import SocialCreditCode
    from vault.model.footing import BY_FUNCTION, ByConsent, Statutory

    if by_consent is not None:
        if legal_basis is not None:
            raise typer.BadParameter("--by-consent is for who has no legal basis of its own.")
        return ByConsent(SocialCreditCode.parse(by_consent).value)
    if legal_basis is not None:
        return Statutory(legal_basis)
    if not authorities:
        raise typer.BadParameter("Say for whom: --authority, --legal-basis or --by-consent.")
    return BY_FUNCTION


def _footing(found: "ClientFile") -> str:
    from vault.model.footing import ByConsent, Statutory

    match found.grant.standing:
        case Statutory(legal_basis):
            return f"by function: {legal_basis}"
        case ByConsent(organisation):
            return f"by consent, as {organisation}"


def _way(found: "ClientFile") -> str:
    ways = []
    if found.keys:
        ways.append(f"{len(found.keys)} keys")
    if found.secret_ends:
        ways.append(f"{len(found.secret_ends)} secrets")
    return ", ".join(ways) or "nothing"


def _client_json(found: "ClientFile") -> dict[str, Any]:
    from vault.model.footing import ByConsent, Statutory

    grant = found.grant
    standing = grant.standing
    return {
        "client_id": grant.client_id,
        "name": grant.name,
        "authorities": sorted(grant.authorities),
        "types": None if grant.types is None else sorted(grant.types),
        "legal_basis": standing.legal_basis if isinstance(standing, Statutory) else None,
        "by_consent": standing.organisation if isinstance(standing, ByConsent) else None,
        "secrets": [{"expires_at": None if end is None else end.isoformat()} for end in found.secret_ends],
        "keys": [
            {"kid": key.kid, "expires_at": None if key.expires_at is None else key.expires_at.isoformat()}
            for key in found.keys
        ],
        "created_at": found.created_at.isoformat(),
        "disabled_at": None if found.disabled_at is None else found.disabled_at.isoformat(),
    }


def _print_secret(fresh: "NewSecret", *, as_json: bool) -> None:
    if as_json:
        print_json({"client_id": fresh.client_id, "client_secret": fresh.secret})
    else:
        console().print(f"client id      {fresh.client_id}\nclient secret  {fresh.secret}", markup=False)


def _print_keys(client_id: str, kids: list[str], *, as_json: bool) -> None:
    if as_json:
        print_json({"client_id": client_id, "keys": kids})
    else:
        console().print(f"client id      {client_id}\nkeys           {', '.join(kids)}", markup=False)


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    example = "Example: certvault client add water-bureau --name 水务审批系统 --authority 11990100MB9900101F"
    client.command("add", epilog=f"{example} --jwks water.jwks.json")(client_add)
    rotate = "Example: certvault client rotate water-bureau --jwks water-2027.jwks.json"
    client.command("rotate", epilog=rotate)(client_rotate)
    client.command("disable", epilog="Example: certvault client disable water-bureau")(client_disable)
    client.command("list", epilog="Example: certvault client list --json")(client_list)
    client.command("show", epilog="Example: certvault client show water-bureau")(client_show)
    program.add_typer(client, name="client")
    token_key.command("rotate", epilog="Example: certvault token-key rotate --compromised")(token_key_rotate)
    program.add_typer(token_key, name="token-key")
