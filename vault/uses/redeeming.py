"""Redeeming a use code (用证码): the receiving system shows it, and gets what it is for."""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from storage.db import WriteConnection, extend_scope
from storage.history import AuditRow, insert_audit
from storage.uses import CodeRow, find_use_key, insert_event, lock_code, redeem_code
from vault.errors import Conflict, NotFound
from vault.grounds import ConsentQuestion, Ground, spend
from vault.model.access import Action, Context, Kind, Resource, refusal
from vault.model.actors import ClientGrant
from vault.model.certificate import CertificateRecord
from vault.model.consent import Look
from vault.model.scope import Scope, of_client
from vault.model.use import UseAction, UseRecord, end_sentence
from vault.uses.admitting import Used, admit
from vault.uses.making import code_hash, note
from vault.workshop import Workshop

_OPENS_NOTHING = "This code opens nothing: it is wrong, was used before, or its time is over."


@dataclass(frozen=True, slots=True)
class Redeemed:
    """What a code was for: the use, and the certificate or material as it is now.

    `ground`: on which this client sees it.
    """

    use: UseRecord
    used: Used = field(repr=False)
    ground: Ground
    repeated: bool


def redeem(workshop: Workshop, client: ClientGrant, code: str, *, at: datetime) -> Redeemed:
    """Gives one receiving system what the code is for, once.

    1. find the code by its hash, and hold its row: of two systems at once one is first.
    2. judge: within its life, not redeemed by another, its use not revoked or run out. The same system may
       ask again within the code's life, since its answer may have been lost.
    3. admit: what is used is still in force, and the client may see it, by function or by consent; if not,
       the code is not spent.
    4. record the redemption with event and audit event; one that rests on a consent of its own uses it.

    Whoever shows a code that does not hold is told nothing but that: the same sentence after the same
    statements for a code that never was. Only the system that made the use, or had redeemed the code, hears
    why. Each try is audited.

    Raises:
        NotFound: the code opens nothing for this client.
        Conflict: the client may know why it does not; or what it is for is no longer in force.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    hashed = code_hash(code)
    scope = of_client(client, shown=[hashed])
    with workshop.database.writing(scope) as db:
        found = lock_code(db, workshop.keys, hashed)  # 1
        answer = _judged(db, workshop, client, scope, found, hashed, at)  # 2, 3
        if isinstance(answer, Redeemed):
            _record(db, workshop, client, hashed, answer, at)  # 4
            return answer
        details = {"use": None if found is None else str(found.use.use_id)}
        insert_audit(db, [AuditRow(client.client_id, "use-redeem-refused", None, None, details)], at)
    raise answer


def _judged(
    db: WriteConnection,
    workshop: Workshop,
    client: ClientGrant,
    scope: Scope,
    found: CodeRow | None,
    hashed: bytes,
    at: datetime,
) -> Redeemed | NotFound | Conflict:
    """What a code comes to: an error is an answer here, so that its try is recorded before it is raised."""
    refusal = _refusal(found, client, at)
    if found is None or refusal is not None:
        return refusal or NotFound(_OPENS_NOTHING)
    use = found.use
    extend_scope(db, scope.naming(use.subject.id))
    try:
        admitted = admit(
            db,
            workshop,
            client,
            Action.REDEEM,
            use.subject,
            _context(use),
            _question(use, hashed),
            under=use,
            lock=True,
            at=at,
        )
    except NotFound:
        return NotFound(_OPENS_NOTHING)
    except Conflict as error:
        return error
    return Redeemed(use, admitted.used, admitted.ground, repeated=found.redeemed_by is not None)


def _question(use: UseRecord, hashed: bytes) -> ConsentQuestion:
    """Redeeming is asking for what the use says; the same code again counts once."""
    return ConsentQuestion(Look.REDEMPTION, use.service_item, use.purpose, {"code": hashed.hex()})


def _certificate_id(done: Redeemed) -> UUID | None:
    return done.used.certificate_id if isinstance(done.used, CertificateRecord) else None


def _record(
    db: WriteConnection, workshop: Workshop, client: ClientGrant, hashed: bytes, done: Redeemed, at: datetime
) -> None:
    question = _question(done.use, hashed)
    spend(db, client, question, [done.ground], certificate_id=_certificate_id(done), at=at)
    if not done.repeated:
        redeem_code(db, hashed, client.client_id, at)
        insert_event(db, done.use.use_id, UseAction.REDEEM, client.client_id, at, done.ground.footing)
    key, footing = find_use_key(db, workshop.keys, done.use.use_id), done.ground.footing
    note(db, workshop, done.use, UseAction.REDEEM, client.client_id, at, key, footing=footing)


def _refusal(found: CodeRow | None, client: ClientGrant, at: datetime) -> NotFound | Conflict | None:
    """What a code that does not hold is answered with; None where it holds."""
    if found is None:
        return NotFound(_OPENS_NOTHING)
    end = found.use.end(at)
    if found.redeemed_by not in {None, client.client_id}:
        why = "It was redeemed before, by another system."
    elif end is not None:
        why = end_sentence(found.use, end)
    elif found.expires_at <= at:
        why = "Its time is over: ask for the use again to get a fresh one."
    else:
        return None
    redeemed_by = frozenset() if found.redeemed_by is None else frozenset({found.redeemed_by})
    of = Resource(Kind.USE, by=found.use.made_by, redeemed_by=redeemed_by)
    if refusal(client, Action.HEAR_WHY_NOT, of) is not None:
        return NotFound(_OPENS_NOTHING)
    return Conflict(f"This code can no longer be redeemed. {why}")


def _context(use: UseRecord) -> Context:
    """What the use was made for: whoever redeems its code acts for the same."""
    return Context(use.purpose, use.case_number, use.service_item)
