"""`seal grant|approve|grants|end|resume`: what seal custodians do, two of them for whatever allows more."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any
from uuid import UUID

import typer

from api.cli.frame import AsJson, Data, console, open_workshop, print_json
from api.cli.seal_commands import SealId, seal
from api.cli.whoami import Login, PasswordFile, person_at_terminal, via_terminal
from vault.errors import InputError, NotFound
from vault.model.custody import GRANT_DAYS_MAX, GrantTerms

if TYPE_CHECKING:
    from vault.custody import Decided
    from vault.workshop import Workshop

DAYS = 365

GrantIds = Annotated[
    list[UUID], typer.Argument(metavar="GRANT...", help="As `certvault seal grants` shows them.")
]


def seal_grant(
    seal_id: SealId,
    *,
    client: Annotated[str, typer.Option(metavar="ID", help="The approval system.")],
    daily_cap: Annotated[int, typer.Option(min=1, help="Results a day (Asia/Shanghai) for each type.")],
    login: Login,
    type_code: Annotated[
        list[str] | None,
        typer.Option("--type", metavar="CODE", help="Repeat for more.", show_default="every type in force"),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=GRANT_DAYS_MAX, help="How long from now.")] = DAYS,
    password_file: PasswordFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make grants: a client may have types sealed with this seal. Another custodian approves them."""
    from vault.custody import propose

    at = datetime.now(UTC)
    with open_workshop(data) as workshop:
        person = person_at_terminal(workshop, login, password_file)
        terms = _terms(workshop, seal_id, client, type_code or [], daily_cap, timedelta(days=days), at)
        done = propose(workshop, person, terms, via=via_terminal(), at=at)
    _print(done, "proposed: another custodian has to approve", as_json=as_json)


def seal_approve(
    grants: GrantIds,
    *,
    login: Login,
    password_file: PasswordFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Approve grants that another custodian made: they count from now on."""
    from vault.custody import approve

    with open_workshop(data) as workshop:
        person = person_at_terminal(workshop, login, password_file)
        done = approve(workshop, person, grants, via=via_terminal(), at=datetime.now(UTC))
    _print(done, "approved", as_json=as_json)


def seal_end(
    grants: GrantIds,
    *,
    reason: Annotated[str, typer.Option(help="Kept for ever.")],
    login: Login,
    password_file: PasswordFile = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """End grants at once; one custodian is enough for that."""
    from vault.custody import end

    with open_workshop(data) as workshop:
        person = person_at_terminal(workshop, login, password_file)
        done = end(workshop, person, grants, reason, via=via_terminal(), at=datetime.now(UTC))
    _print(done, "ended", as_json=as_json)


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


def seal_resume(
    seal_id: SealId,
    *,
    login: Login,
    reason: Annotated[
        str | None, typer.Option(help="Why it may be used again: proposes. Without it: approves.")
    ] = None,
    password_file: PasswordFile = None,
    data: Data = None,
) -> None:
    """Use a stopped seal again: one custodian proposes it with a reason, another runs this without one."""
    from vault.custody import propose_resumption, resume

    at = datetime.now(UTC)
    with open_workshop(data) as workshop:
        person = person_at_terminal(workshop, login, password_file)
        if reason is None:
            resume(workshop, person, seal_id, via=via_terminal(), at=at)
            told = f"Seal {seal_id} is used again."
        else:
            propose_resumption(workshop, person, seal_id, reason, via=via_terminal(), at=at)
            told = f"Proposed. Another custodian approves it by `certvault seal resume {seal_id} --as …`."
    console().print(told, markup=False)


def _terms(
    workshop: "Workshop",
    seal_id: str,
    client: str,
    type_codes: list[str],
    daily_cap: int,
    window: timedelta,
    at: datetime,
) -> list[GrantTerms]:
    from vault.custody import seals

    row = next((shown.row for shown in seals(workshop, at=at) if shown.row.seal_id == seal_id), None)
    if row is None:
        raise NotFound(f"There is no seal {seal_id}.")
    types = {
        code: kind
        for code, kind in workshop.shelf.types(at).items()
        if kind.authority(row.authority) is not None
    }
    strange = sorted(set(type_codes) - types.keys())
    if strange:
        raise InputError(f"The seal's authority issues no type {strange[0]}.")
    return [
        GrantTerms(
            seal_id=seal_id,
            type_code=code,
            type_version=types[code].version,
            client_id=client,
            daily_cap=daily_cap,
            valid_from=at,
            valid_to=min(at + window, row.not_after),
        )
        for code in (type_codes or sorted(types))
    ]


def _print(done: "Decided", told: str, *, as_json: bool) -> None:
    from vault.custody import grant_json

    shown: list[dict[str, Any]] = [grant_json(grant) for grant in done.grants]
    if as_json:
        print_json(shown)
        return
    for grant in shown:
        console().print(
            f"{grant['grant_id']}  {grant['type']} v{grant['type_version']}  {told}", markup=False
        )


def register(_: typer.Typer) -> None:
    """Adds these commands to `seal`."""
    new = "Example: certvault seal grant 11990100MB9900101F-3fa29c01 --client water-bureau --daily-cap 500"
    seal.command("grant", epilog=f"{new} --as custodian-1")(seal_grant)
    one = "01993f6e-0b7a-7c55-8a0e-3f2b6c1d9e10"
    seal.command("approve", epilog=f"Example: certvault seal approve {one} --as custodian-2")(seal_approve)
    seal.command("end", epilog=f"Example: certvault seal end {one} --reason 系统下线 --as custodian-1")(
        seal_end
    )
    seal.command("grants", epilog="Example: certvault seal grants --json")(seal_grants)
    again = "Example: certvault seal resume 11990100MB9900101F-3fa29c01 --reason 已查清 --as custodian-1"
    seal.command("resume", epilog=again)(seal_resume)
