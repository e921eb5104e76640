"""Log lines and metrics: route templates and statuses; no path, query, body or foreign message."""

import io
import json
import logging
import sys

import pytest

from api.logs import JsonLines
from tests.unit.api.calling import app_without_engines, call
from vault.errors import Unavailable

ID_NUMBER = "11010519491231002X"


def line_of(error: Exception, *, messages: bool) -> str:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonLines(messages=messages))
    try:
        fail(error)
    except type(error):
        record = logging.getLogger("test").makeRecord(
            "test",
            logging.ERROR,
            __file__,
            1,
            "incident",
            (),
            sys.exc_info(),
            extra={"incident": "abc", "body": ID_NUMBER},
        )
    handler.handle(record)
    return stream.getvalue()


def fail(error: Exception) -> None:
    raise error


def test_a_foreign_exception_is_named_with_its_place_and_not_quoted() -> None:
    text = line_of(ValueError(ID_NUMBER), messages=False)
    line = json.loads(text)
    assert ID_NUMBER not in text
    assert (line["error"], line["incident"], line["level"]) == ("ValueError", "abc", "error")
    assert any("test_logs_tell_nothing_personal.py" in frame for frame in line["trace"])


def test_our_own_messages_are_kept_and_development_sees_all() -> None:
    assert json.loads(line_of(Unavailable("The store is away."), messages=False))["error"].endswith("away.")
    assert ID_NUMBER in line_of(ValueError(ID_NUMBER), messages=True)


def test_the_cause_is_in_the_trace() -> None:
    error = Unavailable("Away.")
    error.__cause__ = OSError(ID_NUMBER)
    text = line_of(error, messages=False)
    assert "OSError" in json.loads(text)["trace"]
    assert ID_NUMBER not in text


def test_a_request_leaves_its_template_and_nothing_else(caplog: pytest.LogCaptureFixture) -> None:
    app = app_without_engines()
    with caplog.at_level(logging.INFO, "certvault.request"):
        answer = call(app, "GET", f"/v1/cases/{ID_NUMBER}?token={ID_NUMBER}")
        call(app, "GET", f"/{ID_NUMBER}")
    first, second = [r for r in caplog.records if r.name == "certvault.request"]
    assert first.__dict__["request_id"] == answer.headers["x-request-id"]
    assert (first.__dict__["route"], first.__dict__["status"]) == ("/v1/cases/{number}", 401)
    assert second.__dict__["route"] == "(unmatched)"
    metrics = app.state.edge.metrics.text().decode()
    assert 'route="/v1/cases/{number}",status="401"} 1.0' in metrics
    for record in caplog.records:
        if record.name == "certvault.request":
            assert ID_NUMBER not in JsonLines(messages=False).format(record)
    assert ID_NUMBER not in metrics


def test_the_row_that_postgresql_refused_is_in_no_log() -> None:
    """Its message goes on with the row's values, and SQLAlchemy's with the statement."""
    said = f'new row violates check constraint "x"\nDETAIL:  Failing row contains ({ID_NUMBER}).\n[SQL: x]'
    for messages in (True, False):
        text = line_of(RuntimeError(said), messages=messages)
        assert ID_NUMBER not in text
        assert ("check constraint" in text) is messages
