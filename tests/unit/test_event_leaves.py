"""What the log says of an event: its day and action, never its reason; and what old leaves said stays so."""

import json
from datetime import UTC, date, datetime

from vault.log import event_content
from vault.model.certificate import Status
from vault.model.lifecycle import Action, InspectionResult, StatusEvent

AT = datetime(2026, 11, 20, 1, 2, 3, 456789, tzinfo=UTC)
IDENTIFIER = "1.2.156.3005.2.x"


def test_a_decision_is_logged_without_its_reason() -> None:
    event = StatusEvent(Action.REVOKE, Status.REVOKED, "x", "样例", date(2026, 11, 19), None, AT)
    assert json.loads(event_content(IDENTIFIER, event)) == {
        "version": 1,
        "event": "status",
        "identifier": IDENTIFIER,
        "action": "revoke",
        "status": "revoked",
        "effective_on": "2026-11-19",
        "at": "2026-11-20T01:02:03.456789Z",
    }


def test_an_inspection_is_logged_with_its_result() -> None:
    failed = InspectionResult.FAILED
    event = StatusEvent(Action.INSPECT, Status.VALID, "x", None, date(2026, 11, 19), failed, AT)
    said = json.loads(event_content(IDENTIFIER, event))
    assert (said["action"], said["status"], said["result"]) == ("inspect", "valid", "failed")


def test_an_event_from_before_revision_0002_has_the_leaf_that_it_had() -> None:
    event = StatusEvent(Action.SUPERSEDE, Status.SUPERSEDED, "x", None, None, None, AT)
    assert event_content(IDENTIFIER, event) == (
        b'{"at":"2026-11-20T01:02:03.456789Z","event":"status","identifier":"1.2.156.3005.2.x",'
        b'"status":"superseded","version":1}'
    )
