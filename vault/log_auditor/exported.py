"""An exported audit trail checked away from the vault: each event's row, up to a checkpoint of the log."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from vault.errors import InputError, SignatureError
from vault.log import audit_content
from vault.log_auditor.questions import about_proof
from vault.tlog.merkle import check_inclusion
from vault.tlog.merkle_leaf import leaf_hash
from vault.tlog.note import VerifierKey
from vault.tlog.proof_file import parse_proof_file


def check_export(lines: Iterable[str], key: VerifierKey) -> Iterator[tuple[int, str | None]]:
    """Line by line: its number, and what is wrong with it; None where it is proven.

    Raises:
        InputError: the first line is not that of an export.
    """
    numbered = enumerate(lines, start=1)
    try:
        _, text = next(numbered)
        first = json.loads(text)
        size, root = int(first["head"]["size"]), bytes.fromhex(first["head"]["root"])
        proof = first["tlog_proof"].encode()
        said = audit_content(size, root, datetime.fromisoformat(first["head"]["made_at"]))
    except (StopIteration, ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError("The first line is not that of `certvault audit export`.") from error
    answer = about_proof(proof, key, ())
    if not answer.well:
        yield 1, answer.sentence
    elif parse_proof_file(proof).extra != said:
        yield 1, "The log's leaf does not say what the head says."
    else:
        yield 1, None
    for number, line in numbered:
        yield number, _wrong(line, size, root)


def _wrong(line: str, size: int, root: bytes) -> str | None:
    try:
        event = json.loads(line)
        chain = event["chain"]
        row = json.loads(chain["row"])
        leaf = leaf_hash(bytes.fromhex(chain["salt"]) + chain["row"].encode())
        path = [bytes.fromhex(each) for each in chain["proof"]]
        check_inclusion(leaf, int(chain["position"]), size, path, root)
        shown = ("id", "actor", "action", "certificate_id", "case_id", "details")
        if any(event[name] != row.get(name) for name in shown) or _time(event) != _time(row):
            return "What it shows is not what its row says."
    except (ValueError, LookupError, TypeError, AttributeError):
        return "It cannot be read."
    except SignatureError as error:
        return error.detail
    return None


def _time(event: dict[str, str]) -> datetime:
    return datetime.fromisoformat(event["at"])
