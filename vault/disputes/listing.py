"""Disputes as holders, the bodies responsible and operators see them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.changes import audience_of_client
from storage.disputes import OpenDispute, count_open, disputes_for, disputes_of_holder, open_disputes
from storage.history import AuditRow, insert_audit, insert_look, look_by
from storage.holders import about, find_holder
from vault.disputes.deciding import dispute_resource
from vault.log import moment
from vault.model.access import Action, authorize, permitted
from vault.model.actors import ClientGrant, Person
from vault.model.dispute import Dispute, DisputeState
from vault.model.history_entry import access_id
from vault.model.legal_time import legal_day
from vault.model.scope import NOBODY, VAULT, of_client
from vault.workshop import Workshop

DISPUTES_MAX = 100  # of one page; envelopes are opened for each
OPEN_LISTED_MAX = 1_000


@dataclass(frozen=True, slots=True)
class OpenDisputes:
    """How many disputes are open in each state, and how many of them are overdue."""

    counts: Mapping[DisputeState, int]
    overdue: int


def disputes_of(
    workshop: Workshop, person: Person, *, before: UUID | None, limit: int, at: datetime
) -> tuple[Dispute, ...]:
    """The signed-in person's own disputes, newest first.

    Raises:
        NotPermitted: they are no holder.
        Unavailable: the database does not answer.
    """
    authorize(person, Action.READ_OWN_DISPUTES)
    if person.code is None:
        return ()
    with workshop.database.noting(about(NOBODY, workshop.keys, person.code)) as db:
        holder_id = find_holder(db, workshop.keys, person.code)
        if holder_id is None:
            return ()
        found = disputes_of_holder(db, workshop.keys, holder_id, before=before, limit=limit)
        details = {"disputes": [str(each.dispute_id) for each in found]}
        insert_audit(db, [AuditRow(person.actor, "own-disputes", None, None, details)], at)
    return found


def disputes_to_decide(
    workshop: Workshop,
    client: ClientGrant,
    *,
    states: frozenset[DisputeState],
    after: UUID | None,
    limit: int,
    at: datetime,
) -> tuple[Dispute, ...]:
    """The disputes that this client decides about, oldest first. Whose they are see the look.

    Raises:
        Unavailable: the database does not answer.
    """
    authorize(client, Action.SEE_DISPUTES)
    with workshop.database.noting(of_client(client)) as db:
        listed = disputes_for(
            db,
            workshop.keys,
            client.authorities | {audience_of_client(client.client_id)},
            types=client.types,
            states=states,
            after=after,
            limit=limit,
        )
        found = permitted(client, Action.DECIDE_DISPUTE, listed, dispute_resource)
        details = {
            "disputes": [str(each.dispute_id) for each in found],
            "holders": sorted({str(each.holder_id) for each in found}),
        }
        event = look_by(client, "dispute-view", None, details)
        insert_look(db, workshop.keys, event, {}, at)
    return found


def open_disputes_now(
    workshop: Workshop, *, overdue: bool, at: datetime
) -> tuple[tuple[OpenDispute, ...], OpenDisputes]:
    """Open disputes, the most urgent first, and how many there are; `overdue`: lists only those.

    Raises:
        Unavailable: the database does not answer.
    """
    today = legal_day(at)
    with workshop.database.reading(VAULT) as db:
        listed = open_disputes(db, due_before=today if overdue else None, limit=OPEN_LISTED_MAX)
        counted = count_open(db, today)
    counts = {state: count for state, (count, _) in counted.items()}
    return listed, OpenDisputes(counts, sum(late for _, late in counted.values()))


def page_json(found: Sequence[Dispute], limit: int, at: datetime) -> dict[str, Any]:
    """A page of disputes; `next` leads to the one after it."""
    more = len(found) > limit
    shown = found[:limit]
    return {
        "disputes": [dispute_json(dispute, at) for dispute in shown],
        "next": str(shown[-1].dispute_id) if more else None,
    }


def dispute_json(dispute: Dispute, at: datetime) -> dict[str, Any]:
    """A dispute as its holder and the body responsible get it."""
    access = dispute.access
    return {
        "dispute_id": str(dispute.dispute_id),
        "certificate_id": None if dispute.certificate_id is None else str(dispute.certificate_id),
        "identifier": dispute.identifier,
        "access": None
        if access is None
        else {
            "access_id": access_id(access.event_id),
            "action": access.action,
            "at": None if access.at is None else moment(access.at),
        },
        "kind": dispute.kind.value,
        "state": dispute.state.value,
        "statement": dispute.statement,
        "submitted_at": moment(dispute.opened_at),
        "due_on": dispute.due_on.isoformat(),
        "overdue": dispute.is_overdue(legal_day(at)),
        "history": [
            {
                "state": event.state.value,
                "outcome": None if event.outcome is None else event.outcome.value,
                "reason": event.reason,
                "at": moment(event.at),
            }
            for event in dispute.events
        ],
    }


def open_dispute_json(dispute: OpenDispute, at: datetime) -> dict[str, Any]:
    """An open dispute for operators: who has to decide by when, and nothing of what was said."""
    return {
        "dispute_id": str(dispute.dispute_id),
        "audience": dispute.audience,
        "kind": dispute.kind.value,
        "state": dispute.state.value,
        "submitted_at": moment(dispute.opened_at),
        "due_on": dispute.due_on.isoformat(),
        "days_overdue": max(0, (legal_day(at) - dispute.due_on).days),
    }
