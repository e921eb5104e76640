"""`backup-noted`: the tool that makes backups says that it did, and the console tells how old they are."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated

import typer

from api.cli.frame import AsJson, Data, console, open_workshop, print_json


class Part(StrEnum):
    """What a backup is of: a vault is restored from all three."""

    DATABASE = "database"
    OBJECTS = "objects"
    KEYS = "keys"


def backup_noted(
    part: Annotated[Part, typer.Argument(help="What the backup is of.")],
    *,
    failed: Annotated[bool, typer.Option("--failed", help="It was tried and failed.")] = False,
    at: Annotated[
        datetime | None,
        typer.Option(
            metavar="TIME", formats=["%Y-%m-%dT%H:%M:%SZ"], help="When it ended, in UTC. Without it: now."
        ),
    ] = None,
    size: Annotated[int | None, typer.Option(metavar="BYTES", min=0, help="How large the copy is.")] = None,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Note a backup that another tool has made, or failed to make. The vault makes none itself.

    The last line of a backup's script, for each of the three parts; the console then says how old the newest
    good backup of each is, and that one is missing.
    """
    from vault.log import moment
    from vault.runs import RunKind, note_backup

    kind = RunKind(f"backup-{part.value}")
    now = datetime.now(UTC)
    finished_at = now if at is None else at.replace(tzinfo=UTC)
    with open_workshop(data) as workshop:
        note_backup(workshop, kind, well=not failed, finished_at=finished_at, size_bytes=size, at=now)
    if as_json:
        print_json({"kind": kind.value, "well": not failed, "finished_at": moment(finished_at)})
    else:
        console().print(f"Noted: {kind.value} {'failed' if failed else 'ended well'} {moment(finished_at)}.")


def register(program: typer.Typer) -> None:
    """Adds this command."""
    program.command(epilog="Example: certvault backup-noted database --size 1834000000")(backup_noted)
