"""`db`, `doctor`, `fsck`, `openapi`, `version`: keeping a vault well."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import sys
from datetime import UTC, datetime

import typer

from api.cli.frame import AsJson, Data, Exit, console, find_settings, open_workshop, print_json

database_commands = typer.Typer(help="The database's schema.", no_args_is_help=True)


def db_upgrade(*, data: Data = None, as_json: AsJson = False) -> None:
    """Bring schema and rights up to this release, and make the object store's buckets if missing."""
    from api.service_role import check_service_role
    from api.wiring import blobs_of
    from migrations.run import upgrade

    settings = find_settings(data)
    owner_url = settings.migrating_url
    check_service_role(settings)
    revision = upgrade(owner_url, service_url=settings.database_url.get_secret_value())
    blobs_of(settings).prepare()
    if as_json:
        print_json({"revision": revision})
    else:
        console().print(f"The schema is at revision {revision}; the buckets are there.")


def doctor(*, data: Data = None, as_json: AsJson = False) -> None:
    """Look at settings, engines, schema, keys, seals, fonts and clocks; say what to do. 1 where one fails."""
    from api.cli.checkup import examine
    from api.cli.finding import Level

    findings = examine(data)
    if as_json:
        print_json([{"check": f.check, "level": f.level.value, "detail": f.detail} for f in findings])
    else:
        colours = {Level.OK: "green", Level.WARN: "yellow", Level.FAIL: "bold red"}
        for finding in findings:
            level = f"[{colours[finding.level]}]{finding.level.value:<4}[/]"
            console().print(f"{level} {finding.check:<14} {finding.detail}", soft_wrap=True)
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(Exit.PROBLEMS)


def fsck(*, data: Data = None, as_json: AsJson = False) -> None:
    """Re-derive everything that the vault claims, from rows to objects and back. 1 where it is wrong.

    A large vault is looked at by a process on each core. That it ran, how far it is and what it came to
    stands on the console.
    """
    from rich.progress import Progress, TextColumn, TimeElapsedColumn

    from api.cli.frame import print_json
    from api.fsck_hands import default_processes, fsck_hands
    from vault.fsck import Weight, is_worth_processes
    from vault.fsck import fsck as check_vault
    from vault.runs import FsckNote

    columns = (TextColumn("fsck: {task.completed} certificates and objects"), TimeElapsedColumn())
    settings = find_settings(data)
    with open_workshop(data) as workshop, Progress(*columns, transient=True, disable=as_json) as bar:
        task = bar.add_task("fsck", total=None)
        note = FsckNote(workshop, lambda: datetime.now(UTC))

        def progress(done: int) -> None:
            bar.update(task, completed=done)
            note.say(done)

        note.begin()
        try:
            if (processes := default_processes()) > 1 and is_worth_processes(workshop):
                with fsck_hands(settings, processes) as hands:
                    report = check_vault(workshop, progress=progress, hands=hands)
            else:
                report = check_vault(workshop, progress=progress)
        except BaseException:  # also where somebody stops it
            note.fail()
            raise
        problems, notes = report.counts[Weight.PROBLEM], report.counts[Weight.NOTE]
        note.end(problems, notes)
    if as_json:
        findings = [{"weight": f.weight.value, "about": f.about, "detail": f.detail} for f in report.findings]
        looked_at = {"certificates": report.certificates, "objects": report.objects}
        print_json({**looked_at, "problems": problems, "notes": notes, "findings": findings})
    else:
        out = console()
        for finding in report.findings:
            out.print(
                f"{finding.weight.value}: {finding.about}: {finding.detail}", markup=False, soft_wrap=True
            )
        unlisted = problems + notes - len(report.findings)
        out.print(
            f"{report.certificates} certificates and {report.objects} objects: {problems} problems,"
            f" {notes} notes{f', {unlisted} of them not listed' if unlisted else ''}."
        )
    if problems:
        raise typer.Exit(Exit.PROBLEMS)


def openapi() -> None:
    """Print the API's description (OpenAPI 3.1) as JSON. Needs no engine and no settings."""
    from api.cli.description import openapi_document

    print_json(openapi_document())


def version(*, as_json: AsJson = False) -> None:
    """Print the version of this program."""
    from importlib.metadata import version as version_of
    from platform import python_version

    found = {"name": "certvault", "version": version_of("certvault"), "python": python_version()}
    if as_json:
        print_json(found)
    else:
        sys.stdout.write(f"certvault {found['version']} (Python {found['python']})\n")


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    database_commands.command("upgrade", epilog="Example: certvault db upgrade")(db_upgrade)
    program.add_typer(database_commands, name="db")
    program.command(epilog="Example: certvault doctor --json")(doctor)
    program.command(epilog="Example: certvault fsck --data ~/vault")(fsck)
    program.command(epilog="Example: certvault openapi > openapi.json")(openapi)
    program.command(epilog="Example: certvault version")(version)
