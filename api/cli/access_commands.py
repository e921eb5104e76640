"""`seal new|platform|list|stop`: with which seals deposits are sealed."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.frame import AsJson, Data, console, find_settings, open_workshop, print_json
from vault.errors import InputError, NotFound

if TYPE_CHECKING:
    from storage.seals import SealRow

seal = typer.Typer(help="Seals of the authorities.", no_args_is_help=True)

SealId = Annotated[str, typer.Argument(metavar="ID", help="As `certvault seal list` shows it.")]


class SealAlgorithm(StrEnum):
    """How a seal signs, as `signing.keys` names it; written out so that --help needs no cryptography."""

    ECDSA_P256 = "ecdsa-p256-sha256"
    RSA_PKCS1 = "rsa-pkcs1-sha256"
    RSA_PSS = "rsa-pss-sha256"


def seal_new(
    authority: Annotated[str, typer.Argument(metavar="USCC", help="The authority's social credit code.")],
    *,
    algorithm: Annotated[
        SealAlgorithm, typer.Option(help="How it signs. PSS: not every reader takes it.")
    ] = SealAlgorithm.ECDSA_P256,
    centre: Annotated[str | None, typer.Option(help="Text under the star, such as 证照专用章.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a development seal for an authority of the catalogue; from now on its newest seal is used."""
    from signing.keys import SignatureAlgorithm
    from vault.founding import SecretsFolder, make_development_seal

    at = datetime.now(UTC)
    with open_workshop(data) as workshop:
        names = {a.code: a.name for kind in workshop.shelf.types(at).values() for a in kind.authorities}
        if authority not in names:
            raise InputError(
                f"No certificate type names an authority {authority}: apply the catalogue first."
            )
        row = make_development_seal(
            workshop.database,
            SecretsFolder(find_settings(data).secrets),
            authority=authority,
            authority_name=names[authority],
            algorithm=SignatureAlgorithm(algorithm.value),
            centre=centre,
            at=at,
        )
    _print_seal(row, as_json=as_json)


def seal_platform(
    uscc: Annotated[str, typer.Argument(metavar="USCC", help="Social credit code of who runs the vault.")],
    *,
    name: Annotated[str, typer.Option(help="Its name, as it stands on the seal.")],
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Make a development seal for usage copies (平台章); from now on the newest one is used."""
    from vault.catalogue import CityAuthority
    from vault.founding import SecretsFolder, make_development_platform_seal
    from vault.model.credit_code import SocialCreditCode

    operator = CityAuthority("operator", SocialCreditCode.parse(uscc).value, name, "")
    with open_workshop(data) as workshop:
        row = make_development_platform_seal(
            workshop.database, SecretsFolder(find_settings(data).secrets), operator, at=datetime.now(UTC)
        )
    _print_seal(row, as_json=as_json)


def seal_list(*, data: Data = None, as_json: AsJson = False) -> None:
    """List every seal, stopped ones too."""
    from rich.table import Table

    from storage.seals import all_seals

    with open_workshop(data) as workshop, workshop.database.reading() as db:
        rows = all_seals(db)
    if as_json:
        print_json(
            [
                {
                    "seal_id": row.seal_id,
                    "authority": row.authority,
                    "authority_name": row.authority_name,
                    "purpose": row.purpose,
                    "algorithm": row.algorithm,
                    "not_after": row.not_after.isoformat(),
                    "created_at": row.created_at.isoformat(),
                    "stopped_at": None if row.stopped_at is None else row.stopped_at.isoformat(),
                }
                for row in rows
            ]
        )
        return
    table = Table(box=None)
    for column in ("seal", "authority", "algorithm", "until", "stopped"):
        table.add_column(column, overflow="fold")
    for row in rows:
        stopped = "" if row.stopped_at is None else f"{row.stopped_at:%Y-%m-%d}"
        table.add_row(row.seal_id, row.authority_name, row.algorithm, f"{row.not_after:%Y-%m-%d}", stopped)
    console().print(table)


def seal_stop(seal_id: SealId, *, data: Data = None) -> None:
    """Take a seal out of use. What it has sealed stays as it is."""
    from storage.seals import find_seal, stop_seal

    with open_workshop(data) as workshop, workshop.database.writing() as db:
        if find_seal(db, seal_id) is None:
            raise NotFound(f"There is no seal {seal_id}.")
        stopped = stop_seal(db, seal_id, datetime.now(UTC))
    console().print(f"Seal {seal_id} {'is stopped' if stopped else 'was stopped before'}.", markup=False)


def _print_seal(row: "SealRow", *, as_json: bool) -> None:
    if as_json:
        print_json(
            {"seal_id": row.seal_id, "authority": row.authority, "not_after": row.not_after.isoformat()}
        )
    else:
        console().print(
            f"Seal {row.seal_id} of {row.authority_name}, until {row.not_after:%Y-%m-%d}.", markup=False
        )


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    seal.command("new", epilog="Example: certvault seal new 11990100MB9900101F --centre 证照专用章")(seal_new)
    seal.command(
        "platform", epilog="Example: certvault seal platform 12990100MB9900179C --name 样例市大数据中心"
    )(seal_platform)
    seal.command("list", epilog="Example: certvault seal list --json")(seal_list)
    seal.command("stop", epilog="Example: certvault seal stop 11990100MB9900101F-3fa29c01")(seal_stop)
    program.add_typer(seal, name="seal")
