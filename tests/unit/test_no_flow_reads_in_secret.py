"""Whoever opens an envelope leaves an audit event, or stands here with a reason.

Derived from the code: which functions of `storage` open envelopes, which flows of `vault` call them however
deep, and which of those write an audit event. A new flow that reads personal data and forgets fails here.
"""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import storage
import vault

# Opened for nobody, or for everybody alike; each with its reason.
_MASKED = "public: masked, and counted by day for the holder"
_IN_A_DEPOSIT = (
    "the client's own case as it hands it in; what it is then shown is recorded by the flow around it"
)
_OPERATION = "an address and a secret of a system, nobody's data"
_PART = "a page for the flow around it, which is recorded as begun before the first one"
_CHECK = "the vault's own check or upkeep: tells identifiers, shows nobody"
_OWN_SHEET = "the clerk's own sheet of the day, as they typed it; what is looked up for it is recorded"
SILENT = {
    "vault.verify.records.by_token": _MASKED,
    "vault.verify.records.by_code": _MASKED,
    "vault.verify.files.by_file": _MASKED,
    "vault.verify.files.by_very_bytes": _MASKED,
    "vault.verify.files.by_judging": _MASKED,
    "vault.verify.strange.find_claimed": _MASKED,
    "vault.sessions.signed_in": "their own name, for the session that is theirs",
    "vault.desk.sheets.sheet_at": _OWN_SHEET,
    "vault.desk.sheets.case_at": _OWN_SHEET,
    "vault.desk.sheets.take_in": _OWN_SHEET,
    "vault.desk.sheets.take_to_hand": _OWN_SHEET,
    "vault.desk.sheets.turn": _OWN_SHEET,
    "vault.desk.sheets.note_use": _OWN_SHEET,
    "vault.deposit.reserving.reserve": _IN_A_DEPOSIT,
    "vault.deposit.reserving.forget": _IN_A_DEPOSIT,
    "vault.deposit.reserving.answer_if_committed": _IN_A_DEPOSIT,
    "vault.directories.pages.every_certificate": _PART,
    "vault.directories.pages.changed_certificates": _PART,
    "vault.importing.checking.rows_to_do": "whether what has a row's number is the row: shows nobody",
    "vault.fsck.certificates.pages": _CHECK,
    "vault.fsck.flow.fsck": _CHECK,
    "vault.fsck.examining.examine": _CHECK,
    "vault.fsck.examining.own_hands": _CHECK,
    "vault.uses.discarding.discard_copy": _CHECK,
    "vault.intake.empty_intake": _CHECK,
    "vault.webhooks.delivering.deliver": _OPERATION,
    "vault.webhooks.registering.registered": _OPERATION,
    "vault.webhooks.registering.rotate": _OPERATION,
    "vault.webhooks.registering.unregister": _OPERATION,
    "vault.webhooks.replaying.replay_range": _OPERATION,
}
OPENS = ("storage.envelope.sealing", "open_json")
WRITES = {("storage.history", f"insert_{name}") for name in ("look", "numbered_look", "audit")} | {
    ("storage.history", "look")
}

Function = tuple[str, str]
"""A module and the name of a function in it."""


@dataclass(frozen=True)
class Module:
    """Its functions by name, and what the names that it imported stand for."""

    functions: dict[str, ast.FunctionDef | ast.AsyncFunctionDef]
    imported: dict[str, Function]


def modules() -> dict[str, Module]:
    found = {}
    for package in (storage, vault):
        (root,) = package.__path__
        for file in sorted(Path(root).rglob("*.py")):
            parts = (package.__name__, *file.relative_to(root).with_suffix("").parts)
            tree = ast.parse(file.read_text(encoding="utf-8"))
            functions = {
                node.name: node
                for node in ast.walk(tree)
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            }
            imported = {
                alias.asname or alias.name: (node.module or "", alias.name)
                for node in ast.walk(tree)
                if isinstance(node, ast.ImportFrom)
                for alias in node.names
            }
            found[".".join(part for part in parts if part != "__init__")] = Module(functions, imported)
    return found


def calls(known: dict[str, Module], here: Function) -> Iterator[Function]:
    """What a function names: its own module's functions, imported ones, and methods of the public reader."""
    module = known[here[0]]
    for node in ast.walk(module.functions[here[1]]):
        if isinstance(node, ast.Name) and node.id in module.functions:
            yield here[0], node.id
        elif isinstance(node, ast.Name) and node.id in module.imported:
            yield resolved(known, module.imported[node.id])
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            named = ".".join(module.imported.get(node.value.id, ("", "")))
            owner = {"self": here[0], "reader": "storage.public_read"}.get(node.value.id, named)
            if owner in known and node.attr in known[owner].functions:
                yield owner, node.attr


def resolved(known: dict[str, Module], name: Function) -> Function:
    """Through packages that hand a name on, to where it is defined."""
    while name[0] in known and name[1] in known[name[0]].imported:
        name = known[name[0]].imported[name[1]]
    return name


def reached(known: dict[str, Module], start: Function) -> set[Function]:
    seen: set[Function] = set()
    todo = [start]
    while todo:
        here = todo.pop()
        if here not in seen:
            seen.add(here)
            if here[0] in known and here[1] in known[here[0]].functions:
                todo += calls(known, here)
    return seen


def flows() -> dict[str, tuple[bool, bool]]:
    """Public functions of `vault` that are handed a workshop or a reader: do they open, and do they write?"""
    known, found = modules(), {}
    for name, module in known.items():
        for function in module.functions.values():
            first = function.args.args[0].arg if function.args.args else ""
            if (
                name.startswith("vault")
                and not function.name.startswith("_")
                and first in {"workshop", "reader"}
            ):
                there = reached(known, (name, function.name))
                found[f"{name}.{function.name}"] = (OPENS in there, bool(WRITES & there))
    return found


def test_every_flow_that_opens_an_envelope_is_recorded() -> None:
    silent = {name for name, (opens, writes) in flows().items() if opens and not writes}
    assert silent - set(SILENT) == set(), "write an audit event, or say in SILENT why not"
    assert set(SILENT) - silent == set(), "these no longer need their reason"


def test_the_flows_that_are_known_to_read_are_seen() -> None:
    """The derivation itself: it finds these as readers and as writers."""
    found = flows()
    for name in (
        "vault.lookup.holdings",
        "vault.reuse.checking.check_reuse",
        "vault.download.document_for_holder",
        "vault.uses.redeeming.redeem",
        "vault.accesses.reading.accesses_of",
        "vault.disputes.listing.disputes_to_decide",
        "vault.auditing.find",
    ):
        assert found[name] == (True, True), name
