"""A certificate's history, for the approval systems that may see it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from storage.certificates import is_certificate, record
from storage.history import AuditRow, insert_look
from storage.statuses import events_of, identifiers_of
from vault.errors import NotFound
from vault.lifecycle.changing import Recorded
from vault.log import moment, place_json
from vault.model.actors import ClientGrant
from vault.model.certificate import CertificateRecord
from vault.model.lifecycle import StatusEvent
from vault.model.scope import of_client
from vault.workshop import Workshop


@dataclass(frozen=True, slots=True)
class History:
    """A certificate, its events from its issue on, and the identifiers of the versions around it, by id."""

    record: CertificateRecord
    events: tuple[StatusEvent, ...]
    versions: Mapping[UUID, str]


def history_of(workshop: Workshop, client: ClientGrant, certificate_id: UUID, *, at: datetime) -> History:
    """A certificate with its history, for the client that deposited it or is bound to its like; audited.

    Raises:
        NotFound: there is no such certificate that this client deposited or that its grant holds.
        Unavailable: the database does not answer.
    """
    scope = of_client(client)
    with workshop.database.snapshot(scope) as db:  # the status and the events that made it belong together
        found = record(db, workshop.keys, certificate_id)
        if found is None and not is_certificate(db, certificate_id):
            raise NotFound("There is no such certificate.")
        may = found is not None and (
            found.client_id == client.client_id or client.covers(found.issuing_authority, found.type_code)
        )
        events = tuple(events_of(db, [certificate_id]).get(certificate_id, ()))
        around = (
            [] if found is None else [i for i in (found.supersedes, found.superseded_by) if i is not None]
        )
        versions = identifiers_of(db, around)
    with workshop.database.writing(scope) as db:
        action = "view" if may else "refused-view"
        look = AuditRow(client.client_id, action, certificate_id, None, {}, client.acting_for)
        insert_look(db, workshop.keys, look, {}, at)
    if found is None or not may:
        raise NotFound("There is no such certificate.")
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
