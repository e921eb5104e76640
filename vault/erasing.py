"""Erasing a holder: the keys are destroyed, and every copy of the cipher text says nothing any more.

What stays: that there was a certificate of this type, authority, dates, status and digests (the public log
says so for ever, and never of whom), and who looked at what.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage import erasure
from storage.consents import erase_consents
from storage.db import ReadConnection, WriteConnection
from storage.deferrals import count_standing
from storage.delegations import erase_delegations
from storage.disputes import count_open_of
from storage.history import AuditRow, insert_audit
from storage.holders import known_holder
from storage.key_state import current_state
from storage.record_keys import CERTIFICATES, MATERIALS, USES, KnownHolder
from storage.upload_keys import remove_upload
from storage.uses import revoke_uses_under
from vault.copy_removal import let_go
from vault.errors import Conflict, InputError, NotFound
from vault.log import moment
from vault.model.holders import HolderCode
from vault.model.scope import VAULT
from vault.uploads import uploads_of
from vault.workshop import Workshop

REASON_MAX_CHARS = 500  # a court, its file number, a sentence
NAMED_IN_REFUSAL_MAX = 3
ERASED = "已删除 erased"
_UNKNOWN = "The vault knows no holder with this code."


@dataclass(frozen=True, slots=True)
class Erasure:
    """What was destroyed, and what goes on without this holder because it is also somebody else's."""

    holder_id: UUID
    certificates: tuple[UUID, ...]
    materials: tuple[UUID, ...]
    uses: tuple[UUID, ...]
    shared: tuple[UUID, ...]
    cases: int


def hold(workshop: Workshop, code: HolderCode, *, reason: str, actor: str, at: datetime) -> int:
    """A legal hold: the holder cannot be erased until it is released; how many holds there are now.

    Raises:
        NotFound: the vault knows no such holder.
        InputError: the reason is empty or too long.
        Unavailable: the database does not answer.
    """
    return _change_hold(workshop, code, erasure.HOLD, reason=reason, actor=actor, at=at)


def release(workshop: Workshop, code: HolderCode, *, reason: str, actor: str, at: datetime) -> int:
    """Releases one hold; how many are left.

    Raises:
        NotFound: the vault knows no such holder.
        Conflict: there is no hold.
        InputError: the reason is empty or too long.
        Unavailable: the database does not answer.
    """
    return _change_hold(workshop, code, erasure.RELEASE, reason=reason, actor=actor, at=at)


def erase(workshop: Workshop, code: HolderCode, *, actor: str, at: datetime) -> Erasure:
    """Erases a holder, in this order.

    1. judge: no hold, no open dispute, nothing that they are still to be told later, nothing under retention,
       nothing left in clear from before revision 0010.
    2. take what they handed in out of the intake bucket, where their client's key still opens it, and what
       is left of usage copies in clear out of theirs. A crash after this leaves nothing but uploads that
       would have to be sent again.
    3. in one transaction, with the holder's row held: judge again; destroy what nobody else holds, seal anew
       without them what others hold, too; end their consents with the uses that rest on them, and their
       delegations, given and received; destroy the envelopes of the cases that name them, and their own
       data key, index and envelope; record it. **The transaction's end is the point of no return.**

    The cipher text in the object store stays until its retention ends; no key opens it. Neither do those in
    older copies of the database, once the wrapping key that they need was rotated and destroyed.

    Raises:
        NotFound: the vault knows no such holder.
        Conflict: a hold, a dispute, an order, retention, or copies in clear forbid it; the sentence says
            which and until when.
        Unavailable: an engine does not answer; the same command may succeed later.
    """
    with workshop.database.reading(VAULT) as db:
        known = known_holder(db, workshop.keys, code)
        if known is None:
            raise NotFound(_UNKNOWN)
        _judge(db, workshop, known.holder_id, at)  # 1
        in_clear = erasure.names_in_clear(db, known.holder_id)
        copies = erasure.copies_in_clear(db, known.holder_id)
        committed = erasure.cases_naming(db, workshop.keys, known.holder_id)
        uncommitted = _uncommitted(db, workshop, code)
    _refuse_copies_in_clear(workshop, in_clear)
    _delete_uploads(workshop, (*committed, *uncommitted))  # 2
    for name in copies:
        workshop.blobs.discard_copy(name)
    with workshop.database.writing(VAULT) as db:  # 3
        open_cases = erasure.lock_uncommitted(db, {found.case_id for found in uncommitted})
        locked = erasure.lock_holder(db, workshop.keys, code)
        if locked is None:
            raise NotFound(_UNKNOWN)
        _judge(db, workshop, locked.holder_id, at)
        return _erase(db, workshop, code, locked, open_cases, actor=actor, at=at)


def _erase(
    db: WriteConnection,
    workshop: Workshop,
    code: HolderCode,
    holder: KnownHolder,
    open_cases: tuple[UUID, ...],
    *,
    actor: str,
    at: datetime,
) -> Erasure:
    def unnamed(content: Any) -> Any:  # noqa: ANN401 - JSON is what it is
        return _without(content, code)

    keys, holder_id = workshop.keys, holder.holder_id
    consents = erase_consents(db, holder_id, actor, at)
    for consent_id in consents:
        # What others hold, too, is no longer used on the word of this one.
        for name in revoke_uses_under(db, consent_id, actor, at)[1]:
            let_go(db, name, at)
    delegations = erase_delegations(db, keys, holder, code, actor, at)
    named = {found.case_id for found in erasure.cases_naming(db, keys, holder_id)} | set(open_cases)
    certificates, shared = erasure.erase_records(db, keys, CERTIFICATES, holder_id, unnamed)
    materials, shared_materials = erasure.erase_records(db, keys, MATERIALS, holder_id, unnamed)
    uses, shared_uses = erasure.erase_records(db, keys, USES, holder_id, unnamed)
    erasure.erase_cases(db, sorted(named))
    erasure.erase_holder(db, holder_id, at)
    details = {
        "holder": str(holder_id),
        "certificates": [str(found) for found in certificates],
        "materials": [str(found) for found in materials],
        "uses": [str(found) for found in uses],
        "shared": [str(found) for found in (*shared, *shared_materials, *shared_uses)],
        "cases": [str(found) for found in sorted(named)],
        "consents": [str(found) for found in consents],
        "delegations": [str(found) for found in delegations],
    }
    insert_audit(db, [AuditRow(actor, "erase-holder", None, None, details)], at)
    return Erasure(
        holder_id,
        certificates,
        materials,
        uses,
        (*shared, *shared_materials, *shared_uses),
        len(named),
    )


def _judge(db: ReadConnection, workshop: Workshop, holder_id: UUID, at: datetime) -> None:
    if not current_state(db).renewed:
        raise Conflict(
            "Cases from before revision 0010 do not say whom they name: run `certvault keys rotate` first."
        )
    holds = erasure.holds_on(db, holder_id)
    if holds:
        raise Conflict(f"The holder is under {holds} legal hold(s): release them first.")
    disputed = count_open_of(db, holder_id)
    if disputed:
        raise Conflict(f"The holder has {disputed} open dispute(s): whoever answers for them decides first.")
    deferred = count_standing(db, holder_id, at)
    if deferred:
        raise Conflict(
            f"{deferred} order(s) defer what the holder is still to be told: wait until the last has ended."
        )
    kept = []
    for record in erasure.records_kept(db, holder_id):
        for_so_long = (
            workshop.retention if record.type_code is None else workshop.retention_of(record.type_code, at)
        )
        if record.committed_at + for_so_long > at:
            kept.append(record.committed_at + for_so_long)
    if kept:
        raise Conflict(
            f"{len(kept)} certificates and materials are under retention, the last until {moment(max(kept))}."
        )
    older = erasure.from_before(db, holder_id)
    if older:
        raise Conflict(
            f"{older} records are from before revision 0010: run `certvault keys rotate` first, which seals "
            "them under the holder's key."
        )


def _refuse_copies_in_clear(workshop: Workshop, names: Sequence[str]) -> None:
    there = [name for name in names if _is_there(workshop, name)]
    if there:
        shown = ", ".join(there[:NAMED_IN_REFUSAL_MAX])
        raise Conflict(
            f"{len(there)} copies in clear from before revision 0010 lie in the object store ({shown}): "
            "delete them there first."
        )


def _is_there(workshop: Workshop, name: str) -> bool:
    try:
        workshop.blobs.document_size(name)
    except NotFound:
        return False
    return True


def _delete_uploads(workshop: Workshop, named: Sequence[erasure.NamedIn]) -> None:
    for client_id in sorted({found.client_id for found in named}):
        key = uploads_of(workshop, client_id).key
        uploads = {sha256 for found in named if found.client_id == client_id for sha256 in found.uploads}
        if key is not None:
            for sha256 in sorted(uploads):
                remove_upload(workshop.blobs, key, client_id, sha256)


def _uncommitted(db: ReadConnection, workshop: Workshop, code: HolderCode) -> list[erasure.NamedIn]:
    def names(request: Mapping[str, Any]) -> bool:
        return any(_is_of(holder, code) for holder in _holders_in(request))

    return list(erasure.uncommitted_naming(db, workshop.keys, names))


def _holders_in(request: Mapping[str, Any]) -> list[Mapping[str, str]]:
    if not request:
        return []
    parts = [*request["results"], *request["materials"]]
    return [request["case"]["applicant"], *(holder for part in parts for holder in part["holders"])]


def _is_of(holder: Mapping[str, str], code: HolderCode) -> bool:
    return HolderCode.parse(holder["code_type"], holder["code"]).identity == code.identity


def _without(content: Mapping[str, Any], code: HolderCode) -> dict[str, Any]:
    """An envelope's content without this holder: not among the holders, and not in any field.

    A field that holds their code, or their name alone, says that it was erased.
    """
    given = content.get("holders", ())
    left = [holder for holder in given if not _is_of(holder, code)]
    names = {holder["name"] for holder in given if holder not in left}
    found = _blanked(dict(content), code.value, names)
    return {**found, "holders": left} if "holders" in content else found


def _blanked(value: Any, code: str, names: set[str]) -> Any:  # noqa: ANN401 - JSON is what it is
    match value:
        case str():
            return ERASED if value in names or code in value else value
        case dict():
            return {key: _blanked(inner, code, names) for key, inner in value.items()}
        case list():
            return [_blanked(inner, code, names) for inner in value]
        case _:
            return value


def _change_hold(
    workshop: Workshop, code: HolderCode, action: str, *, reason: str, actor: str, at: datetime
) -> int:
    reason = reason.strip()
    if not 0 < len(reason) <= REASON_MAX_CHARS:
        raise InputError.at("/reason", f"Give a reason of at most {REASON_MAX_CHARS} characters.")
    with workshop.database.writing(VAULT) as db:
        holder = erasure.lock_holder(db, workshop.keys, code)
        if holder is None:
            raise NotFound(_UNKNOWN)
        if action == erasure.RELEASE and not erasure.holds_on(db, holder.holder_id):
            raise Conflict("The holder is under no legal hold.")
        erasure.insert_hold(db, holder, action, reason=reason, actor=actor, at=at)
        details = {"holder": str(holder.holder_id)}
        insert_audit(db, [AuditRow(actor, f"{action}-holder", None, None, details)], at)
        return erasure.holds_on(db, holder.holder_id)
