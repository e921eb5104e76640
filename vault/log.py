"""Leaves of the transparency log: what the vault commits itself to in public, never about whom.

Beside what happens to certificates the log speaks of itself: a shard was closed and another opened, and the
audit trail has this root (of salted commitments: nothing can be guessed from it).
"""

import json
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from signing.log_key import LogKey
from vault.model.canonical import JsonValue, canonical_json
from vault.model.certificate import Rendition, Status, StoredDocument
from vault.model.lifecycle import StatusEvent
from vault.model.origin import OriginKind
from vault.tlog.checkpoint import Checkpoint
from vault.tlog.merkle_leaf import leaf_hash

LEAF_VERSION = 1
PROMISE_CONTEXT = b"certvault-log-promise-v1\n"
# A sealed file was raised: the certificate's own leaf stays, and this names another file of it.
RAISED = "rendition"
SHARD_CLOSED, SHARD_OPENED, AUDIT_HEAD = "shard-closed", "shard-opened", "audit-head"
# Below the public URL; a shard's year follows.
LOG_PATH = "/v1/log"


@dataclass(frozen=True, slots=True)
class Leaf:
    """A leaf's bytes, its RFC 6962 hash, and the signed promise to include it, as JSON text."""

    content: bytes
    hash: bytes
    promise: str


def issue_content(
    *,
    identifier: str,
    type_code: str,
    issuer: str,
    valid_from: date,
    valid_to: date | None,
    documents: tuple[StoredDocument, ...],
    at: datetime,
    origin: OriginKind = OriginKind.BORN_SEALED,
) -> bytes:
    """What the leaf of a certificate's issue says, as canonical JSON (RFC 8785).

    `origin`: said only of what was not born sealed; leaves from before there were imports say none.
    """
    return canonical_json(
        {
            **({} if origin is OriginKind.BORN_SEALED else {"origin": origin.value}),
            "version": LEAF_VERSION,
            "event": "issue",
            "identifier": identifier,
            "type": type_code,
            "issuer": issuer,
            "valid_from": valid_from.isoformat(),
            "valid_to": None if valid_to is None else valid_to.isoformat(),
            "status": Status.VALID.value,
            "documents": [{"format": d.format.value, "sha256": d.sha256, "sm3": d.sm3} for d in documents],
            "at": moment(at),
        }
    )


def rendition_content(identifier: str, rendition: Rendition, deposited: StoredDocument) -> bytes:
    """What the leaf of a raised file says, as canonical JSON (RFC 8785).

    `deposited`: the file that the leaf of the issue names; this one begins with its bytes.
    """
    document = rendition.document
    return canonical_json(
        {
            "version": LEAF_VERSION,
            "event": RAISED,
            "identifier": identifier,
            "documents": [{"format": document.format.value, "sha256": document.sha256, "sm3": document.sm3}],
            "level": document.level.value,
            "of": deposited.sha256,
            "at": moment(rendition.made_at),
        }
    )


def event_content(identifier: str, event: StatusEvent) -> bytes:
    """What the leaf of an event after the issue says, as canonical JSON (RFC 8785); never its reason.

    Events from before revision 0002 have no day of their own, and their leaves say less.
    """
    content: dict[str, JsonValue] = {
        "version": LEAF_VERSION,
        "event": "status",
        "identifier": identifier,
        "status": event.status.value,
        "at": moment(event.at),
    }
    if event.effective_on is not None:
        content |= {"action": event.action.value, "effective_on": event.effective_on.isoformat()}
    if event.result is not None:
        content["result"] = event.result.value
    return canonical_json(content)


def closed_content(origin: str, following: str, at: datetime) -> bytes:
    """What the last leaf of a shard says: the tree that ends with it is the shard's closing checkpoint."""
    return canonical_json(
        {
            "version": LEAF_VERSION,
            "event": SHARD_CLOSED,
            "origin": origin,
            "next": following,
            "at": moment(at),
        }
    )


def opened_content(origin: str, previous: Checkpoint, at: datetime) -> bytes:
    """What the first leaf of every shard but the very first says: how the one before it ended."""
    return canonical_json(
        {
            "version": LEAF_VERSION,
            "event": SHARD_OPENED,
            "origin": origin,
            "previous": {
                "origin": previous.origin,
                "size": previous.size,
                "root": previous.root.hex(),
            },
            "at": moment(at),
        }
    )


def audit_content(size: int, root: bytes, at: datetime) -> bytes:
    """What the leaf of a head of the audit chain says: so many events have this root."""
    return canonical_json(
        {"version": LEAF_VERSION, "event": AUDIT_HEAD, "size": size, "root": root.hex(), "at": moment(at)}
    )


def promised(key: LogKey, content: bytes, include_by: datetime) -> Leaf:
    """A leaf with the log's signed promise to include it by a time."""
    digest = leaf_hash(content)
    by = moment(include_by)
    promise = {
        "leaf_hash": digest.hex(),
        "include_by": by,
        "signature": key.sign(promise_message(digest, by)),
    }
    return Leaf(content, digest, json.dumps(promise, separators=(",", ":")))


def promise_message(leaf_digest: bytes, include_by: str) -> bytes:
    """What the log's key signs when it promises to include a leaf."""
    return PROMISE_CONTEXT + leaf_digest.hex().encode() + b"\n" + include_by.encode() + b"\n"


def place_json(
    certificate_id: UUID, promise: str | None, log_index: int | None, log_origin: str | None
) -> dict[str, Any]:
    """Where a leaf stands, as the contract writes it; `promise` None for the leaf of the issue.

    `index` counts within the log of this `origin` (a year's shard); `proof` answers once there is an index.
    """
    leaf = "" if promise is None else f"?leaf={json.loads(promise)['leaf_hash']}"
    proof = None if log_index is None else f"{LOG_PATH}/proofs/{certificate_id}{leaf}"
    return {"index": log_index, "origin": log_origin, "proof": proof}


def moment(at: datetime) -> str:
    """A time as the contract writes it: RFC 3339, UTC, to the microsecond."""
    return at.astimezone(UTC).isoformat().replace("+00:00", "Z")
