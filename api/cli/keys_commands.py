"""`keys list|prepare|rotate|retire`: the vault's own keys, by version."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.frame import AsJson, Data, console, find_settings, open_workshop, print_json

if TYPE_CHECKING:
    from storage.envelope import Suite

keys = typer.Typer(help="The vault's own keys: index and wrapping.", no_args_is_help=True)


class CipherSuite(StrEnum):
    """As `storage.envelope` names them; written out so that --help needs no cryptography."""

    AES = "aes-256-gcm"
    SM4 = "sm4-gcm"


SuiteOption = Annotated[
    CipherSuite | None,
    typer.Option("--suite", help="What the new keys serve; CERTVAULT_CIPHER_SUITE unless said."),
]


def keys_list(*, data: Data = None, as_json: AsJson = False) -> None:
    """Show every key of the ring, what it is for, and how many rows refer to others than the active ones."""
    from rich.table import Table

    from vault.rotating import outdated_rows, ring_entries

    with open_workshop(data) as workshop:
        entries, rows = ring_entries(workshop), outdated_rows(workshop)
    if as_json:
        shown = [
            {"kind": e.kind, "version": e.version, "suite": e.suite, "use": e.use.value} for e in entries
        ]
        print_json({"keys": shown, "rows_of_older_keys": rows})
        return
    table = Table(box=None)
    for column in ("key", "version", "suite", "use"):
        table.add_column(column)
    for entry in entries:
        table.add_row(entry.kind, str(entry.version), entry.suite, entry.use.value)
    out = console()
    out.print(table)
    left = ", ".join(f"{name} {count}" for name, count in rows.items() if count)
    out.print(f"Rows of older keys: {left or 'none'}.")


def keys_prepare(*, suite: SuiteOption = None, data: Data = None, as_json: AsJson = False) -> None:
    """Add new keys to the key ring's file without using them: distribute the file, then rotate."""
    from vault.rotating import prepare

    with open_workshop(data) as workshop:
        index, wrapping = prepare(workshop, _suite(suite, data))
        path = workshop.keys.path
    if as_json:
        print_json({"index": index, "wrapping": wrapping, "file": str(path)})
    else:
        console().print(
            f"Index key {index} and wrapping key {wrapping} are in {path}. Copy it to every machine of the "
            "vault, then run `certvault keys rotate`.",
            soft_wrap=True,
        )


def keys_rotate(*, suite: SuiteOption = None, data: Data = None, as_json: AsJson = False) -> None:
    """Make new keys the active ones and renew every row under them; goes on with one that was cut off."""
    import time
    from datetime import UTC, datetime

    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    from vault.rotating import rotate

    columns = (TextColumn("rotating: {task.completed} rows"), BarColumn(), TimeElapsedColumn())
    with open_workshop(data) as workshop, Progress(*columns, transient=True, disable=as_json) as bar:
        task = bar.add_task("rotate", total=None)
        done = rotate(
            workshop,
            _suite(suite, data),
            at=datetime.now(UTC),
            wait=time.sleep,
            progress=lambda rows, total: bar.update(task, completed=rows, total=total),
        )
    if as_json:
        print_json(
            {"index": done.index_version, "wrapping": done.wrapping_version, "files_sealed": done.files}
        )
    else:
        console().print(
            f"Index key {done.index_version} and wrapping key {done.wrapping_version} are active; nothing is "
            f"of older ones. {done.files} files in clear were sealed. `certvault keys retire` takes the old "
            "keys out of the file.",
            soft_wrap=True,
        )


def keys_retire(*, data: Data = None, as_json: AsJson = False) -> None:
    """Take keys out of the key ring's file to which no row refers any more; looks at every row first."""
    from vault.rotating import retire

    with open_workshop(data) as workshop:
        gone = retire(workshop)
    if as_json:
        print_json([{"kind": entry.kind, "version": entry.version} for entry in gone])
    else:
        named = ", ".join(f"{entry.kind} key {entry.version}" for entry in gone)
        console().print(f"Retired: {named or 'none'}.")


def _suite(given: CipherSuite | None, data: Data) -> "Suite":
    from storage.envelope import Suite

    return Suite.named(find_settings(data).cipher_suite if given is None else given.value)


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    keys.command("list", epilog="Example: certvault keys list --json")(keys_list)
    keys.command("prepare", epilog="Example: certvault keys prepare --suite sm4-gcm")(keys_prepare)
    keys.command("rotate", epilog="Example: certvault keys rotate")(keys_rotate)
    keys.command("retire", epilog="Example: certvault keys retire")(keys_retire)
    program.add_typer(keys, name="keys")
