"""`audit verify|find|export|check`: who looked at what, and whether that record was tampered with."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import typer

from api.cli.frame import AsJson, Data, Exit, console, open_workshop, print_json, read_file

if TYPE_CHECKING:
    from vault.auditing import AuditQuestion
    from vault.workshop import Workshop

audit = typer.Typer(help="The audit trail: prove it whole, search it, export it.", no_args_is_help=True)

FOUND = 100

By = Annotated[str, typer.Option(metavar="LOGIN", help="Who looks: recorded with this look.")]
Purpose = Annotated[str, typer.Option(help="Why: recorded with this look, in an envelope.")]
Certificate = Annotated[UUID | None, typer.Option(metavar="ID", help="Events about this certificate.")]
Case = Annotated[str | None, typer.Option(metavar="NUMBER", help="Events for this case.")]
Actor = Annotated[str | None, typer.Option(help="A client id, person:… or auditor:….")]
Action = Annotated[str | None, typer.Option(help="Such as download, holdings, reuse-check.")]
Since = Annotated[datetime | None, typer.Option(help="From this time on, UTC.")]
Until = Annotated[datetime | None, typer.Option(help="Before this time, UTC.")]


def verify(*, data: Data = None, as_json: AsJson = False) -> None:
    """Hold every audit event against its chain, the chain against its heads, the heads against the log.

    Names what was changed, deleted, swapped, put in later or cut off. 1 where anything was.
    """
    from vault.transparency.audit_trail import audit_contradictions

    with open_workshop(data) as workshop:
        found = list(audit_contradictions(workshop, at=datetime.now(UTC)))
    if as_json:
        print_json([{"about": about, "detail": detail} for about, detail in found])
    else:
        for about, detail in found:
            console().print(f"{about}: {detail}", markup=False, soft_wrap=True)
        console().print(f"{len(found)} problems.")
    if found:
        raise typer.Exit(Exit.PROBLEMS)


def find(
    *,
    by: By,
    purpose: Purpose,
    certificate: Certificate = None,
    case: Case = None,
    actor: Actor = None,
    action: Action = None,
    since: Since = None,
    until: Until = None,
    limit: Annotated[int, typer.Option(min=1, help="The oldest so many.")] = FOUND,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """List audit events with the reasons that were given. This look is recorded, too."""
    from vault.auditing import Auditor, event_json
    from vault.auditing import find as look

    question = _question(certificate, case, actor, action, since, until)
    with open_workshop(data) as workshop:
        found = look(workshop, Auditor(by, purpose), question, limit=limit, at=datetime.now(UTC))
        _say_what_is_out(workshop)
    events = [event_json(event) for event in found]
    if as_json:
        print_json(events)
        return
    for event in events:
        told = {
            name: event[name] for name in ("certificate_id", "case_id", "details", "reasons") if event[name]
        }
        line = f"{event['id']}  {event['at']}  {event['actor']}  {event['action']}  "
        console().print(line + json.dumps(told, ensure_ascii=False), markup=False, soft_wrap=True)
    console().print(f"{len(events)} events.")


def export(
    *,
    by: By,
    purpose: Purpose,
    certificate: Certificate = None,
    case: Case = None,
    actor: Actor = None,
    action: Action = None,
    since: Since = None,
    until: Until = None,
    data: Data = None,
) -> None:
    """Print events as JSON lines, each with the proof that leads to the published log. Recorded, too."""
    from vault.auditing import Auditor, export_events

    question = _question(certificate, case, actor, action, since, until)
    with open_workshop(data) as workshop:
        for line in export_events(workshop, Auditor(by, purpose), question, at=datetime.now(UTC)):
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
        _say_what_is_out(workshop)


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `audit export` printed.", exists=True)],
    *,
    key: Annotated[Path, typer.Option(metavar="FILE", help="The log's verifier key.", exists=True)],
    as_json: AsJson = False,
) -> None:
    """Check an export line by line, up to the log's signature. Needs no vault. 1 where a line fails."""
    from vault.log_auditor import check_export
    from vault.tlog.note import parse_verifier_key

    verifier = parse_verifier_key(read_file(key).decode("utf-8", "replace").strip().splitlines()[-1])
    lines = read_file(file).decode("utf-8", "replace").splitlines()
    judged = list(check_export(lines, verifier))
    wrong = [(number, sentence) for number, sentence in judged if sentence is not None]
    if as_json:
        print_json({"lines": len(judged), "wrong": [{"line": n, "detail": said} for n, said in wrong]})
    else:
        for number, sentence in wrong:
            console().print(f"line {number}: {sentence}", markup=False, soft_wrap=True)
        console().print(f"{len(judged)} lines, {len(wrong)} not proven.")
    if wrong:
        raise typer.Exit(Exit.PROBLEMS)


def _say_what_is_out(workshop: "Workshop") -> None:
    """An answer that leaves out an archived part is not taken for the whole."""
    from vault.audit_parts import parts_out

    for sentence in parts_out(workshop):
        typer.echo(sentence, err=True)


def _question(
    certificate: UUID | None,
    case: str | None,
    actor: str | None,
    action: str | None,
    since: datetime | None,
    until: datetime | None,
) -> "AuditQuestion":
    from vault.auditing import AuditQuestion

    def utc(time: datetime | None) -> datetime | None:
        return None if time is None else time.replace(tzinfo=UTC)

    return AuditQuestion(certificate, case, actor, action, utc(since), utc(until))


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    audit.command(epilog="Example: certvault audit verify --json")(verify)
    audit.command(epilog="Example: certvault audit find --by auditor --purpose 抽查 --case SL-2026-000118")(
        find
    )
    audit.command(
        epilog="Example: certvault audit export --by auditor --purpose 移交 --since 2026-01-01 > audit.jsonl"
    )(export)
    audit.command(epilog="Example: certvault audit check audit.jsonl --key log.vkey")(check)
    program.add_typer(audit, name="audit")
