"""What people bring to an auditor, and what the log has to say to it."""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from signing.log_key import check_log_signature
from signing.log_note import open_checkpoint
from vault.errors import InputError, SignatureError
from vault.log import RAISED, promise_message
from vault.log_auditor.following import Followed
from vault.model.origin import OriginKind
from vault.tlog.merkle import check_consistency, check_inclusion
from vault.tlog.merkle_leaf import leaf_hash
from vault.tlog.note import VerifierKey
from vault.tlog.proof_file import parse_proof_file
from vault.tlog.tiles import prove_consistency


@dataclass(frozen=True, slots=True)
class Answer:
    """`well`: the log keeps its word; the sentence says what was found."""

    well: bool
    sentence: str


class Question:
    """Something to look for while every entry is read: it hears them all, then it answers."""

    def hear(self, origin: str, index: int, entry: bytes) -> None:
        """One entry of the log."""

    def answer(self, at: datetime) -> Answer:
        """What was found, once everything is read."""
        raise NotImplementedError


class _Document(Question):
    def __init__(self, sha256: str) -> None:
        self._sha256 = sha256
        self._identifier: str | None = None
        self._issued: list[str] = []
        self._later: list[str] = []

    def hear(self, origin: str, index: int, entry: bytes) -> None:
        leaf = _leaf(entry)
        named = self._sha256 in {_digest(d) for d in leaf.get("documents", ())}
        if named and leaf.get("event") in ("issue", RAISED):
            self._identifier = str(leaf.get("identifier"))
            done = "issued" if leaf.get("event") == "issue" else f"raised to {leaf.get('level')}"
            self._issued.append(
                f"{done} as {self._identifier} on {leaf.get('at')}, entry {index} of {origin}"
                f"{_from_where(leaf)}"
            )
        elif leaf.get("event") == RAISED:
            pass  # another file of the same certificate
        elif self._identifier is not None and leaf.get("identifier") == self._identifier:
            self._later.append(
                f"{leaf.get('status')} by {leaf.get('action', 'a change')} on {leaf.get('at')}"
            )

    def answer(self, at: datetime) -> Answer:  # noqa: ARG002 - what is issued is logged, whenever one asks
        if not self._issued:
            return Answer(
                well=False,
                sentence=f"No entry names the file {self._sha256}: the log knows nothing of its issue.",
            )
        return Answer(
            len(self._issued) == 1, "The file was " + "; ".join([*self._issued, *self._later]) + "."
        )


class _Promise(Question):
    def __init__(self, digest: bytes, include_by: datetime) -> None:
        self._digest = digest
        self._include_by = include_by
        self._place: str | None = None

    def hear(self, origin: str, index: int, entry: bytes) -> None:
        if leaf_hash(entry) == self._digest:
            self._place = f"entry {index} of {origin}"

    def answer(self, at: datetime) -> Answer:
        leaf = self._digest.hex()
        if self._place is not None:
            return Answer(well=True, sentence=f"The promised leaf {leaf} is {self._place}.")
        if at <= self._include_by:
            return Answer(
                well=True,
                sentence=f"The promised leaf {leaf} is not in the log yet; it has until {self._include_by}.",
            )
        return Answer(
            well=False,
            sentence=f"The log promised to include the leaf {leaf} by {self._include_by} and has not: the "
            "signed receipt is the evidence.",
        )


def about_document(sha256: str) -> Question:
    """Was this file's issue logged, once, and what became of it? `sha256` in hex."""
    return _Document(sha256)


def about_receipts(content: bytes, key: VerifierKey) -> list[Question]:
    """Did the log keep the promises in a receipt, or in a deposit's whole answer?

    Raises:
        InputError: there is no promise in it, or the log's key did not sign it.
    """
    try:
        document = json.loads(content)
        receipts = document.get("receipts", [document])
        promises = [receipt.get("log", receipt).get("promise", receipt) for receipt in receipts]
        return [_promise(promise, key) for promise in promises]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise InputError("Expected a receipt as JSON: it has log.promise in it.") from error
    except SignatureError as error:
        raise InputError("The promise in the receipt is not signed by this log's key.") from error


def about_checkpoint(content: bytes, key: VerifierKey, shards: Sequence[Followed]) -> Answer:
    """Is the checkpoint that somebody else was given a beginning of the log that we were given?

    Raises:
        InputError: it is no checkpoint of this log.
    """
    try:
        signed = open_checkpoint(content, _named(key, content.split(b"\n", 1)[0]))
    except SignatureError as error:
        raise InputError(error.detail) from error
    return _against(signed.checkpoint.origin, signed.checkpoint.size, signed.checkpoint.root, shards)


def about_proof(
    content: bytes, key: VerifierKey, shards: Sequence[Followed], *, sha256: str | None = None
) -> Answer:
    """Does a tlog-proof hold, and does it lead to the log that we were given?

    `shards` empty: only whether it holds by itself. `sha256`: the file that the leaf must name.

    Raises:
        InputError: it is no such file.
    """
    proof = parse_proof_file(content)
    try:
        signed = open_checkpoint(proof.checkpoint, _named(key, proof.checkpoint.split(b"\n", 1)[0]))
        head = signed.checkpoint
        check_inclusion(leaf_hash(proof.extra), proof.index, head.size, proof.proof, head.root)
    except SignatureError as error:
        return Answer(well=False, sentence=f"The proof does not hold: {error.detail}")
    leaf = _leaf(proof.extra)
    said = (
        f"entry {proof.index} of {head.origin}: {leaf.get('event')} of {leaf.get('identifier')} "
        f"on {leaf.get('at')}{_from_where(leaf)}"
    )
    if sha256 is not None and sha256 not in {_digest(d) for d in leaf.get("documents", ())}:
        return Answer(
            well=False, sentence=f"The proof holds ({said}), but its leaf does not name the file {sha256}."
        )
    if not shards:
        return Answer(well=True, sentence=f"The proof holds: {said}.")
    same = _against(head.origin, head.size, head.root, shards)
    return Answer(well=same.well, sentence=f"The proof holds: {said}. {same.sentence}")


def proven_origin(content: bytes) -> OriginKind | None:
    """What the leaf of a tlog-proof says that the certificate's file is; believe it where the proof holds.

    None: the leaf does not say; that of a raised file leaves it to the leaf of the issue.

    Raises:
        InputError: it is no such file.
    """
    return _origin(_leaf(parse_proof_file(content).extra))


def _origin(leaf: Mapping[str, Any]) -> OriginKind | None:
    if leaf.get("event") != "issue":
        return None
    try:
        return OriginKind(leaf.get("origin", OriginKind.BORN_SEALED))
    except ValueError:
        return None


def _from_where(leaf: Mapping[str, Any]) -> str:
    kind = _origin(leaf)
    return "" if kind is None else f", origin {kind}"


def _against(origin: str, size: int, root: bytes, shards: Sequence[Followed]) -> Answer:
    shard = next((each for each in shards if each.origin == origin), None)
    if shard is None:
        return Answer(well=False, sentence=f"The log that we were given has no shard {origin}.")
    ours = shard.signed.checkpoint
    if size > ours.size:
        return Answer(
            well=False,
            sentence=f"Somebody was shown {size} leaves of {origin}, and we only "
            f"{ours.size}: we are shown an old tree.",
        )
    try:
        check_consistency(size, root, ours.size, ours.root, prove_consistency(size, ours.size, shard.read))
    except SignatureError:
        return Answer(
            well=False,
            sentence=f"The tree of {size} leaves of {origin} is not the beginning of ours: the log answered "
            "two people differently. Both signed checkpoints together are the evidence.",
        )
    return Answer(well=True, sentence=f"The tree of {size} leaves of {origin} is the beginning of ours.")


def _promise(promise: Mapping[str, Any], key: VerifierKey) -> Question:
    digest = bytes.fromhex(promise["leaf_hash"])
    message = promise_message(digest, promise["include_by"])
    check_log_signature(key.public, message, base64.b64decode(promise["signature"]))
    return _Promise(digest, datetime.fromisoformat(promise["include_by"]))


def _named(key: VerifierKey, origin: bytes) -> VerifierKey:
    """The key of the shard that a checkpoint claims to be of, where that is one of the same log."""
    base, _, _ = key.name.rpartition("/")
    name = origin.decode("utf-8", "replace")
    if name.rpartition("/")[0] != base:
        raise InputError(f"Expected a checkpoint of {base}, got one of another log.")
    return VerifierKey(name, key.kind, key.public)


def _leaf(entry: bytes) -> Mapping[str, Any]:
    try:
        found = json.loads(entry)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _digest(document: object) -> str:
    return str(document.get("sha256")) if isinstance(document, dict) else ""
