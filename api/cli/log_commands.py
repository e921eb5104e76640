"""`log verify|key|sequence`: the transparency log, from outside and from inside."""
# ruff: noqa: PLC0415 - commands import what they need when they run, so that --help is quick

import hashlib
import os
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli.frame import AsJson, Data, Exit, console, open_workshop, print_json, read_file
from vault.errors import InputError, Unavailable

if TYPE_CHECKING:
    from vault.log_auditor import Answer, Question, Report
    from vault.tlog.note import VerifierKey

log = typer.Typer(
    help="The transparency log: check it from outside, run it from inside.", no_args_is_help=True
)

TIMEOUT_S = 30.0
# The longest file of a log: 256 entries of 64 KiB.
FILE_MAX_BYTES = 17 * 1024 * 1024


def verify(
    url: Annotated[str, typer.Argument(metavar="URL", help="The vault's public address.")],
    *,
    key: Annotated[
        Path,
        typer.Option(metavar="FILE", help="The log's verifier key, from somebody you trust.", exists=True),
    ],
    state: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="What was seen before; one for each log in ~/.local/state if left out."
        ),
    ] = None,
    whole: Annotated[bool, typer.Option("--whole", help="Read every entry, seen before or not.")] = False,
    document: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE", help="Was the issue of this file logged?", exists=True),
    ] = None,
    receipt: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Was this receipt's promise kept?", exists=True)
    ] = None,
    certificate: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Does this .tlog-proof hold?", exists=True)
    ] = None,
    seen: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="Somebody else's checkpoint.", exists=True)
    ] = None,
    witness: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Witnesses' verifier keys, one a line.", exists=True)
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Read a log over its public address, compute its root anew, and hold it against what was seen before.

    Needs nothing of the vault but the address and the key. 1 where the log contradicts itself or anything
    that was brought; what was seen is then left as it was.
    """
    from vault.log_auditor import (
        about_checkpoint,
        about_document,
        about_proof,
        about_receipts,
        follow,
        parse_memory,
    )
    from vault.log_auditor.memory import Memory
    from vault.tlog.witness import parse_witnesses

    at = datetime.now(UTC)
    verifier = _key(key)
    questions: list[Question] = [about_document(_sha256(path)) for path in document or ()]
    for path in receipt or ():
        questions += about_receipts(read_file(path), verifier)
    place = state or _state_file(verifier)
    memory = parse_memory(read_file(place).decode("utf-8", "replace")) if place.exists() else Memory()
    witnesses = () if witness is None else parse_witnesses(read_file(witness).decode("utf-8", "replace"))

    def hear(origin: str, index: int, entry: bytes) -> None:
        for question in questions:
            question.hear(origin, index, entry)

    report = follow(
        _fetch(url),
        verifier,
        memory,
        at=at,
        whole=whole or bool(questions),
        witnesses=[each.key for each in witnesses],
        hear=hear,
    )
    answers = [question.answer(at) for question in questions]
    answers += [about_proof(read_file(path), verifier, report.shards) for path in certificate or ()]
    answers += [about_checkpoint(read_file(path), verifier, report.shards) for path in seen or ()]
    _print(report, answers, as_json=as_json)
    if report.findings or not all(answer.well for answer in answers):
        raise typer.Exit(Exit.PROBLEMS)
    _keep(place, report.memory.encode())


def key(*, data: Data = None) -> None:
    """Print the log's verifier keys, one for each shard: any of them is enough for `log verify`."""
    from vault.transparency.serving import shard_states

    with open_workshop(data) as workshop:
        for each in shard_states(workshop):
            console().print(each.verifier_key, markup=False, soft_wrap=True)


def sequence(
    *,
    rebuild: Annotated[
        bool, typer.Option("--rebuild", help="Write every tile and checkpoint anew: the bucket was lost.")
    ] = False,
    data: Data = None,
    as_json: AsJson = False,
) -> None:
    """Run the sequencer now: chain audit events, place what waits, publish. The worker does it by itself."""
    from datetime import timedelta

    from vault.transparency.sequencing import sequence as run

    with open_workshop(data) as workshop:
        done = run(workshop, at=datetime.now(UTC), heads_apart=timedelta(0), rebuild=rebuild)
    if as_json:
        print_json({"placed": done.leaves, "origin": done.origin, "size": done.size})
    else:
        console().print(f"{done.leaves} leaves placed; {done.origin} has {done.size}.", markup=False)


def _print(report: "Report", answers: Sequence["Answer"], *, as_json: bool) -> None:
    if as_json:
        print_json(
            {
                "shards": [
                    {
                        "origin": each.origin,
                        "size": each.signed.checkpoint.size,
                        "root": each.signed.checkpoint.root.hex(),
                        "new_entries": each.new,
                        "witnesses": [cosigned.witness for cosigned in each.signed.cosignatures],
                    }
                    for each in report.shards
                ],
                "findings": list(report.findings),
                "answers": [{"well": each.well, "detail": each.sentence} for each in answers],
            }
        )
        return
    out = console()
    for shard in report.shards:
        head = shard.signed.checkpoint
        names = ", ".join(each.witness for each in shard.signed.cosignatures)
        signed = f", cosigned by {names}" if names else ""
        out.print(
            f"{shard.origin}: {head.size} leaves, {shard.new} read, root {head.root.hex()}{signed}",
            markup=False,
            soft_wrap=True,
        )
    for finding in report.findings:
        out.print(f"PROBLEM {finding}", markup=False, soft_wrap=True)
    for answer in answers:
        out.print(
            f"{'ok     ' if answer.well else 'PROBLEM'} {answer.sentence}", markup=False, soft_wrap=True
        )


def _key(path: Path) -> "VerifierKey":
    from vault.tlog.note import ED25519, parse_verifier_key

    lines = [line for line in read_file(path).decode("utf-8", "replace").splitlines() if line.strip()]
    if not lines:
        raise InputError(f"{path} holds no verifier key.")
    found = [parse_verifier_key(line) for line in lines]
    if any(each.kind != ED25519 or each.public != found[-1].public for each in found):
        raise InputError(f"{path}: expected the Ed25519 keys of one log.")
    return found[-1]


def _fetch(url: str) -> Callable[[str], bytes | None]:
    import httpx

    client = httpx.Client(base_url=url.rstrip("/"), timeout=TIMEOUT_S, trust_env=False)

    def fetch(path: str) -> bytes | None:
        try:
            with client.stream("GET", path) as answer:
                if answer.status_code == httpx.codes.NOT_FOUND:
                    return None
                answer.raise_for_status()
                content = bytearray()
                for part in answer.iter_bytes():
                    content += part
                    if len(content) > FILE_MAX_BYTES:
                        raise Unavailable(f"{path} is longer than any file of a log.")
                return bytes(content)
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise Unavailable(f"{url} does not answer as a log: {type(error).__name__}.") from error

    return fetch


def _sha256(path: Path) -> str:
    return hashlib.sha256(read_file(path)).hexdigest()


def _state_file(key: "VerifierKey") -> Path:
    """One file for each log: by its public key and where its shards are."""
    base = os.environ.get("XDG_STATE_HOME", "")
    folder = Path(base) if Path(base).is_absolute() else Path.home() / ".local/state"
    name = hashlib.sha256(key.name.rpartition("/")[0].encode() + key.public).hexdigest()
    return folder / "certvault" / f"log-{name[:32]}.json"


def _keep(path: Path, text: str) -> None:
    """Written beside and renamed: a cut-off write must not cost what was seen."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = path.with_name(path.name + ".new")
        fresh.write_text(text + "\n", encoding="utf-8")
        fresh.replace(path)
    except OSError as error:
        raise InputError(f"{path} cannot be written: {error.strerror}.") from error


def register(program: typer.Typer) -> None:
    """Adds these commands."""
    log.command(epilog="Example: certvault log verify https://zz.example.cn --key log.vkey")(verify)
    log.command(epilog="Example: certvault log key > log.vkey")(key)
    log.command(epilog="Example: certvault log sequence --json")(sequence)
    program.add_typer(log, name="log")
