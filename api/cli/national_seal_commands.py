"""`seal inspect|export`: what a national seal says, and the seal as its maker signed it."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli.frame import AsJson, Data, Exit, console, open_workshop, print_json, read_file
from api.cli.seal_commands import SealId, seal
from vault.errors import Conflict, InputError, NotFound, SignatureError

if TYPE_CHECKING:
    from signing.national.trust import NationalTrust
    from signing.ses import ReadSeal
    from vault.model.verdict import Check

# What real seals carry (property.type); GM/T 0031-2014 knows the first two, other numbers are in use.
_TYPES = {1: "unit", 2: "person"}


def seal_export(
    seal_id: SealId,
    file: Annotated[Path, typer.Argument(metavar="FILE.esl", help="A new file.")],
    *,
    data: Data = None,
) -> None:
    """Write a national seal to a file, byte for byte as its maker signed it. Its key is not in it."""
    from vault.custody import national_seal_of

    with open_workshop(data) as workshop:
        content = national_seal_of(workshop, seal_id)
    try:
        with file.open("xb") as written:
            written.write(content)
    except FileExistsError as error:
        raise Conflict(f"{file} is there already.") from error
    except OSError as error:
        raise InputError(f"{file} cannot be written: {error.strerror}.") from error
    console().print(f"{file}: {len(content)} bytes.", markup=False)


def seal_inspect(
    what: Annotated[str, typer.Argument(metavar="FILE.esl|ID", help="A file, or a seal of this vault.")],
    *,
    trust: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Roots of national seals, PEM; else the vault's, for its own."),
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the seal's picture to this file.")
    ] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Show what a national seal says, of any version, and whether its maker's signature holds.

    Ends with 1 where a check fails; what cannot be said here, such as trust without roots, is no failure.
    """
    from signing.ses import check_seal, read_seal

    at = datetime.now(UTC)
    content, known = _content_and_trust(what, trust, data)
    try:
        found = read_seal(content)
    except SignatureError as error:
        raise InputError(f"{what} is no national seal that can be read: {error.detail}") from error
    checks = check_seal(found, known, at=at)
    if picture is not None:
        picture.write_bytes(found.picture.content)
    shown = _seal_json(found, checks)
    if as_json:
        print_json(shown)
    else:
        _print_table(shown)
    if any(check.result.value == "failed" for check in checks):
        raise typer.Exit(Exit.PROBLEMS)


def _content_and_trust(what: str, trust: Path | None, data: Path | None) -> tuple[bytes, "NationalTrust"]:
    """A file needs no vault; a seal's id does, and brings the vault's roots along."""
    from signing.national.certificates import read_pem
    from signing.national.trust import NationalTrust, national_trust
    from vault.custody import national_seal_of

    known = NationalTrust(())
    if Path(what).is_file():
        content = read_file(Path(what))
    elif what.endswith(".esl"):
        raise NotFound(f"{what} is not there.")
    else:
        with open_workshop(data) as workshop:
            content, known = national_seal_of(workshop, what), workshop.national
    if trust is not None:
        try:
            known = national_trust(read_pem(read_file(trust)))
        except SignatureError as error:
            raise InputError(f"{trust}: {error.detail}") from error
    return content, known


def _seal_json(found: "ReadSeal", checks: "tuple[Check, ...]") -> dict[str, Any]:
    return {
        "sha256": hashlib.sha256(found.encoded).hexdigest(),
        "version": found.version,
        "vendor": found.vendor,
        "number": found.es_id,
        "name": found.name,
        "type": found.kind,
        "created_at": found.created_at.isoformat(),
        "valid_from": found.valid_from.isoformat(),
        "valid_to": found.valid_to.isoformat(),
        "picture": {
            "type": found.picture.kind,
            "width_mm": found.picture.width_mm,
            "height_mm": found.picture.height_mm,
            "size_bytes": len(found.picture.content),
        },
        "signers": [_certificate_json(each) for each in found.certificates],
        "signer_digests": [
            {"algorithm": each.algorithm, "digest": each.value.hex()} for each in found.digests
        ],
        "maker": _certificate_json(found.maker_certificate),
        "extensions": [{"oid": each.oid, "critical": each.critical} for each in found.extensions],
        "checks": [{"name": c.name, "result": c.result.value, "detail": c.detail} for c in checks],
    }


def _certificate_json(content: bytes) -> dict[str, Any]:
    """A certificate as far as it can be read: seals are read whatever they list."""
    from signing.national.certificates import read_certificate

    digest = {"sha256": hashlib.sha256(content).hexdigest()}
    try:
        read = read_certificate(content)
    except SignatureError as error:
        return {**digest, "subject": None, "unreadable": error.detail}
    return {
        **digest,
        "subject": read.subject,
        "issuer": read.issuer,
        "serial": f"{read.serial:x}",
        "not_before": read.not_before.isoformat(),
        "not_after": read.not_after.isoformat(),
    }


def _print_table(shown: dict[str, Any]) -> None:
    from rich.table import Table
    from rich.text import Text

    look = shown["picture"]
    rows = {
        "version": str(shown["version"]),
        "vendor (Vid)": shown["vendor"],
        "number (esID)": shown["number"],
        "name": shown["name"],
        "type": " ".join(filter(None, (str(shown["type"]), _TYPES.get(shown["type"])))),
        "made": shown["created_at"],
        "valid": f"{shown['valid_from']} to {shown['valid_to']}",
        "picture": f"{look['type']}, {look['width_mm']} x {look['height_mm']} mm, {look['size_bytes']} bytes",
        **{f"signer {n}": _line(each) for n, each in enumerate(shown["signers"], 1)},
        **{
            f"signer {n}": f"{each['algorithm']} {each['digest']}"
            for n, each in enumerate(shown["signer_digests"], 1)
        },
        "maker": _line(shown["maker"]),
        **{f"extension {n}": each["oid"] for n, each in enumerate(shown["extensions"], 1)},
        "sha256": shown["sha256"],
        **{each["name"]: f"{each['result']}: {each['detail']}" for each in shown["checks"]},
    }
    table = Table(box=None, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, told in rows.items():
        table.add_row(name, Text(told))
    console().print(table)


def _line(certificate: dict[str, Any]) -> str:
    if certificate["subject"] is None:
        return f"{certificate['unreadable']} ({certificate['sha256']})"
    return f"{certificate['subject']}, until {certificate['not_after'][:10]}"


def register(_: typer.Typer) -> None:
    """Adds these commands to `seal`."""
    seal.command("export", epilog="Example: certvault seal export 11990100MB9900101F-3fa29c01 seal.esl")(
        seal_export
    )
    seal.command("inspect", epilog="Example: certvault seal inspect seal.esl --trust roots.pem --json")(
        seal_inspect
    )
