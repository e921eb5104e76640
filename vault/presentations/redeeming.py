"""Redeeming the code of a presentation: whoever sees it gets what the holder chose to show, once."""

from dataclasses import dataclass, field
from datetime import datetime

from storage.accesses import ANYONE
from storage.certificates import record
from storage.db import WriteConnection, extend_scope
from storage.history import AuditRow, insert_look
from storage.holders import holder_code
from storage.presentations import find_presentation, insert_presentation_event, spend_presentation
from storage.statuses import out_of_force
from vault.errors import CodeOpensNothing, IntegrityError
from vault.model.actors import ClientGrant, Person
from vault.model.certificate import CertificateRecord
from vault.model.holders import HolderCode
from vault.model.lifecycle import OutOfForce
from vault.model.presentation import Presentation, PresentationAction
from vault.model.scope import NOBODY, of_shown
from vault.presentations.making import code_hash, details_of
from vault.workshop import Workshop

_OPENS_NOTHING = "This code shows nothing: it is wrong, was used before, or its five minutes are over."

Verifier = ClientGrant | Person | None
"""Who redeems, as far as known."""


@dataclass(frozen=True, slots=True)
class Presented:
    """What a code showed: the presentation, whose it is, and the certificate as it is now."""

    presentation: Presentation
    holder: HolderCode = field(repr=False)
    certificate: CertificateRecord = field(repr=False)
    ended: OutOfForce | None


def redeem_presentation(workshop: Workshop, verifier: Verifier, code: str, *, at: datetime) -> Presented:
    """Shows what a code is for, once.

    1. look for the code by its hash, without a lock. One that was never given out and one that shows nothing
       any more are refused here, alike: the same statement, the same words, nothing written for strangers.
    2. hold its row and look again: of two at once one is first.
    3. read the certificate, what is told of its status, and whose it is among its holders.
    4. mark the code, with event and audit event: **this is the commit point**. Where its answer is lost, the
       code is spent, and the holder shows a fresh one.

    Raises:
        CodeOpensNothing: it is wrong, was redeemed, its time is over, or its delegation was taken back.
        IntegrityError: the certificate is gone.
        Unavailable: the database does not answer; whether the code is spent is not known.
    """
    hashed = code_hash(code)
    scope = of_shown(hashed)
    with workshop.database.reading(scope) as db:
        found = find_presentation(db, hashed)  # 1
    if found is None or not found.opens(at):
        raise _refused(workshop, verifier, found, at)
    with workshop.database.writing(scope) as db:
        found = find_presentation(db, hashed, lock=True)  # 2
        if found is not None and found.opens(at):
            extend_scope(db, scope.naming(found.certificate_id))
            return _redeemed(db, workshop, verifier, found, at)  # 3, 4
    raise _refused(workshop, verifier, found, at)


def _redeemed(
    db: WriteConnection, workshop: Workshop, verifier: Verifier, found: Presentation, at: datetime
) -> Presented:
    certificate = record(db, workshop.keys, found.certificate_id)
    holder = holder_code(db, workshop.keys, found.holder_id)
    if certificate is None or holder is None:
        raise IntegrityError("A certificate that was presented is gone, or its holder.")
    ended = out_of_force(db, certificate)
    spend_presentation(db, found.presentation_id, at)
    actor = _actor(verifier)
    insert_presentation_event(db, found.presentation_id, PresentationAction.REDEEM, actor, at)
    _note(db, workshop, verifier, found, "presentation-redeem", at)
    return Presented(found, holder, certificate, ended)


def _refused(
    workshop: Workshop, verifier: Verifier, found: Presentation | None, at: datetime
) -> CodeOpensNothing:
    """The refusal. That of somebody known is recorded; strangers' tries would let anybody fill the trail."""
    if verifier is not None:
        with workshop.database.writing(NOBODY) as db:
            _note(db, workshop, verifier, found, "refused-presentation", at)
    return CodeOpensNothing(_OPENS_NOTHING)


def _note(
    db: WriteConnection,
    workshop: Workshop,
    verifier: Verifier,
    found: Presentation | None,
    action: str,
    at: datetime,
) -> None:
    certificate_id = None if found is None else found.certificate_id
    details = {} if found is None else details_of(found)
    if isinstance(verifier, Person):
        details["organisation"] = verifier.organisation
    acting_for = verifier.acting_for if isinstance(verifier, ClientGrant) else None
    event = AuditRow(_actor(verifier), action, certificate_id, None, details, acting_for)
    insert_look(db, workshop.keys, event, {}, at)


def _actor(verifier: Verifier) -> str:
    return ANYONE if verifier is None else verifier.actor
