"""A certificate's history, for the approval systems that may see it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.certificates import record
from storage.history import insert_look, look_by
from storage.statuses import events_of, identifiers_of
from vault.lifecycle.changing import Recorded
from vault.log import moment, place_json
from vault.model.access import Action, Caller, Kind, certificate, not_there, refusal
from vault.model.certificate import CertificateRecord
from vault.model.lifecycle import StatusEvent
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class History:
    """A certificate, its events from its issue on, and the identifiers of the versions around it, by id."""

    record: CertificateRecord
    events: tuple[StatusEvent, ...]
    versions: Mapping[UUID, str]


def history_of(workshop: Workshop, caller: Caller, certificate_id: UUID, *, at: datetime) -> History:
    """A certificate with its history, for whoever may see it in full; audited, and so is a refusal.

    Raises:
        NotFound: there is no such certificate that the caller may see.
        Unavailable: the database does not answer.
    """
    with workshop.database.snapshot() as db:  # the status and the events that made it belong together
        found = record(db, workshop.keys, certificate_id)
        if found is None:
            raise not_there(Kind.CERTIFICATE)
        refused = refusal(caller, Action.SEE_CERTIFICATE, certificate(found))
        events = tuple(events_of(db, [certificate_id])[certificate_id])
        around = [i for i in (found.supersedes, found.superseded_by) if i is not None]
        versions = identifiers_of(db, around)
    with workshop.database.writing() as db:
        action = "view" if refused is None else "refused-view"
        insert_look(db, workshop.keys, look_by(caller, action, certificate_id, {}), {}, at)
    if refused is not None:
        raise refused
    return History(found, events, versions)


def history_json(history: History) -> dict[str, Any]:
    """What comes to a certificate's summary: predecessor, successor, every event and the log's promise."""
    found = history.record
    return {
        "predecessor": _version_json(history, found.supersedes),
        "successor": _version_json(history, found.superseded_by),
        "history": [_event_json(event) for event in history.events],
        "log": {
            "promise": json.loads(found.promise),
            **place_json(found.certificate_id, None, found.log_index, found.log_origin),
        },
    }


def recorded_json(recorded: Recorded) -> dict[str, Any]:
    """What a change or an inspection answers."""
    return {
        "certificate_id": str(recorded.certificate_id),
        "identifier": recorded.identifier,
        "status": recorded.event.status.value,
        "event": _event_json(recorded.event),
        "log": {
            "promise": json.loads(recorded.promise),
            **place_json(recorded.certificate_id, recorded.promise, recorded.log_index, recorded.log_origin),
        },
    }


def _version_json(history: History, certificate_id: UUID | None) -> dict[str, str] | None:
    if certificate_id is None:
        return None
    return {"certificate_id": str(certificate_id), "identifier": history.versions[certificate_id]}


def _event_json(event: StatusEvent) -> dict[str, Any]:
    return {
        "action": event.action.value,
        "status": event.status.value,
        "reason": event.reason,
        "effective_on": event.day.isoformat(),
        "result": None if event.result is None else event.result.value,
        "actor": event.actor,
        "recorded_at": moment(event.at),
    }
