"""The body responsible decides about a dispute."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.changes import client_of_audience
from storage.disputes import lock_dispute, move_dispute
from vault.disputes.submitting import note
from vault.errors import Conflict, FieldProblem, InputError
from vault.model.access import Action, Kind, Resource, authorize, not_there
from vault.model.actors import ClientGrant
from vault.model.dispute import TRANSITIONS, Decision, Dispute, DisputeEvent, DisputeState, Outcome
from vault.model.written import hides_something, text_form
from vault.workshop import Workshop

# A sentence or a few; the decision itself is a document.
REASON_MAX_CHARS = 500
_LEADS_TO = {decision: state for (_, decision), state in TRANSITIONS.items()}


@dataclass(frozen=True, slots=True)
class DecisionRequest:
    """A decision, checked. `reason`: for the holder; None where an acceptance says nothing."""

    decision: Decision
    outcome: Outcome | None
    reason: str | None = field(repr=False)

    @property
    def state(self) -> DisputeState:
        """What the dispute is after it."""
        return _LEADS_TO[self.decision]

    def is_what(self, event: DisputeEvent, client: ClientGrant) -> bool:
        """Whether this client took that step with it."""
        asked = (self.state, self.outcome, self.reason, client.client_id)
        return asked == (event.state, event.outcome, event.reason, event.actor)


@dataclass(frozen=True, slots=True)
class Decided:
    """A dispute after a decision, and whether it was decided so before."""

    dispute: Dispute
    repeated: bool


def read_decision(request: Mapping[str, Any]) -> DecisionRequest:
    """Checks a decision's JSON (its shape is the contract's already).

    Raises:
        InputError: with one problem for each bad field.
    """
    problems: list[FieldProblem] = []
    decision = Decision(request["decision"])
    reason, outcome = request.get("reason"), request.get("outcome")
    if reason is None and decision is not Decision.ACCEPT:
        problems.append(FieldProblem("/reason", "Say why: the holder reads it."))
    if reason is not None:
        reason = text_form(reason)
        if not 1 <= len(reason) <= REASON_MAX_CHARS:
            detail = f"Expected 1 to {REASON_MAX_CHARS} characters, got {len(reason)}."
            problems.append(FieldProblem("/reason", detail))
        elif hides_something(reason):
            detail = "Expected printable characters, got a control or invisible one."
            problems.append(FieldProblem("/reason", detail))
    if (outcome is None) is (decision is Decision.RESOLVE):
        detail = "Expected with resolve, and only then: upheld or not_upheld."
        problems.append(FieldProblem("/outcome", detail))
    if problems:
        raise InputError("The decision was refused.", *problems)
    return DecisionRequest(decision, None if outcome is None else Outcome(outcome), reason)


def decide(
    workshop: Workshop, client: ClientGrant, dispute_id: UUID, request: DecisionRequest, *, at: datetime
) -> Decided:
    """Takes a dispute one step on.

    1. lock the dispute: of two decisions at once the second one sees what the first one made.
    2. find: this very step of this client, if the dispute took it, is a retry.
    3. judge: the dispute's state permits it.
    4. record: state, step and audit event. **The transaction's end is the commit point.** From an acceptance
       on verifiers are told that the certificate is under dispute, until it is resolved.

    Raises:
        NotFound: there is no such dispute that the client decides.
        Conflict: the dispute is not in a state for this decision.
        Unavailable: the database does not answer; the same request may succeed later.
    """
    with workshop.database.writing() as db:
        found = lock_dispute(db, workshop.keys, dispute_id)  # 1
        if found is None:
            raise not_there(Kind.DISPUTE)
        authorize(client, Action.DECIDE_DISPUTE, dispute_resource(found))
        if any(request.is_what(event, client) for event in found.events):  # 2
            return Decided(found, repeated=True)
        state = TRANSITIONS.get((found.state, request.decision))  # 3
        if state is None:
            sentence = f"The dispute is {found.state}: {request.decision} is not possible."
            raise Conflict(sentence, FieldProblem("/decision", sentence))
        event = DisputeEvent(state, request.outcome, request.reason, client.client_id, at)
        move_dispute(db, workshop.keys, found, event)  # 4
        note(db, found, f"dispute-{state.value}", client.client_id, at)
    return Decided(replace(found, state=state, events=(*found.events, event)), repeated=False)


def dispute_resource(dispute: Dispute) -> Resource:
    """A dispute as decisions about access see it: whose system or which authority answers for it."""
    looked = client_of_audience(dispute.audience)
    authority = dispute.audience if looked is None else None
    return Resource(Kind.DISPUTE, authority=authority, type_code=dispute.type_code, by=looked)
