"""RFC 9457: every error has its status and a stable type, and none repeats what was sent."""

import json
import logging
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import TypeAdapter, ValidationError
from starlette.exceptions import HTTPException

import vault.errors
from api.problems import TYPE_PREFIX, problem_of
from api.schemas import DepositIn
from tests.unit.api.calling import app_without_engines, call
from vault.errors import (
    CodeOpensNothing,
    Conflict,
    DocumentRefused,
    FieldProblem,
    InputError,
    IntegrityError,
    NotAuthenticated,
    NotFound,
    NotPermitted,
    SealCapReached,
    SealNotGranted,
    SignatureError,
    TooLarge,
    TooMany,
    Unavailable,
    UnknownCursor,
    VaultError,
)

ID_NUMBER = "11010519491231002X"  # GB 11643's own example


def all_errors() -> Iterator[VaultError]:
    yield InputError.at("/a", "A is wrong.")
    yield DocumentRefused.at("/document", "Not a PDF.")
    yield NotAuthenticated("Who?")
    yield NotPermitted("No.")
    yield SealNotGranted("Not granted.")
    yield NotFound("Not there.")
    yield CodeOpensNothing("Wrong.")
    yield Conflict("Differs.", FieldProblem("/b", "Differs."))
    yield UnknownCursor("Ahead.", FieldProblem("/after", "Ahead."))
    yield TooLarge("Too large.", limit_bytes=1)
    yield TooMany("Too often.", retry_after_s=7)
    yield SealCapReached("Used up.", retry_after_s=7)
    yield Unavailable("Later.", retry_after_s=7)
    yield SignatureError("Broken.", reason="broken")
    yield IntegrityError("Lost.")


STATUS = {
    "invalid-input": 422,
    "document-refused": 422,
    "not-authenticated": 401,
    "not-permitted": 403,
    "seal-not-granted": 403,
    "not-found": 404,
    "code-opens-nothing": 404,
    "conflict": 409,
    "unknown-cursor": 409,
    "too-large": 413,
    "too-many-requests": 429,
    "seal-cap-reached": 429,
    "unavailable": 503,
    "signature": 500,
    "integrity": 500,
}


def test_the_examples_cover_the_whole_tree() -> None:
    tree = {
        c
        for c in vars(vault.errors).values()
        if isinstance(c, type) and issubclass(c, VaultError) and c is not VaultError
    }
    assert {type(error) for error in all_errors()} == tree


@pytest.mark.parametrize("error", [*all_errors()], ids=lambda error: str(error.kind))
def test_each_error_has_its_status_and_type(error: VaultError) -> None:
    problem = problem_of(error)
    assert problem.status == STATUS[error.kind]
    expected = "internal" if problem.status == 500 else error.kind
    assert problem.document()["type"] == TYPE_PREFIX + expected


def test_fields_keep_their_pointers() -> None:
    document = problem_of(
        InputError("Two.", FieldProblem("/a/0", "One."), FieldProblem("/b", "Two."))
    ).document()
    assert document["errors"] == [{"pointer": "/a/0", "detail": "One."}, {"pointer": "/b", "detail": "Two."}]


def test_headers_say_when_to_come_back_and_how_to_sign_in() -> None:
    assert problem_of(Unavailable("Later.", retry_after_s=7)).headers == {"Retry-After": "7"}
    challenge = problem_of(NotAuthenticated("Who?")).headers
    assert challenge is not None
    assert challenge["WWW-Authenticate"].startswith("Bearer ")


def test_what_was_raised_while_the_body_was_read_comes_through_the_framework() -> None:
    wrapped = HTTPException(400, "There was an error parsing the body")
    wrapped.__cause__ = TooLarge("Too large.", limit_bytes=1)
    assert problem_of(wrapped).status == 413


def validated(body: object) -> dict[str, str]:
    """Pointers and sentences for a deposit of this shape."""
    with pytest.raises(ValidationError) as refused:
        TypeAdapter(DepositIn).validate_python(body)
    found = [{**item, "loc": ("body", *item["loc"])} for item in refused.value.errors()]
    document = problem_of(RequestValidationError(found)).document()
    return {error["pointer"]: error["detail"] for error in document["errors"]}


def test_a_wrong_shape_is_told_field_by_field() -> None:
    holder = {"code_type": 111, "code": ID_NUMBER, "name": None, "born": "1900"}
    case = {"number": "N", "service_item": "x" * 1001, "completed_at": [], "applicant": holder}
    assert validated({"case": case, "results": {}, "mate/rials~": 1}) == {
        "/case/service_item": "Expected at most 1000 characters, got 1001.",
        "/case/completed_at": "Expected a text, got a list.",
        "/case/applicant/code_type": "Expected a text, got a number.",
        "/case/applicant/name": "Expected a text, got null.",
        "/case/applicant/born": "There is no such field here: take it out, or look for a slip of the pen.",
        "/results": "Expected a list, got an object.",
        "/mate~1rials~0": "There is no such field here: take it out, or look for a slip of the pen.",
    }


def test_a_number_is_not_converted_to_text_nor_true_to_one() -> None:
    assert validated({"case": True, "results": [1]})["/case"] == "Expected an object, got true or false."


@pytest.mark.parametrize("misplaced", ["code_type", "name"])
def test_no_sentence_repeats_what_was_sent(misplaced: str) -> None:
    holder = {"code_type": "111", "code": [ID_NUMBER], "name": "张样例", misplaced: [ID_NUMBER]}
    case = {"number": {"a": ID_NUMBER}, "service_item": "x", "completed_at": "x", "applicant": holder}
    assert ID_NUMBER not in json.dumps(validated({"case": case, "results": ID_NUMBER}))


@pytest.fixture(scope="module")
def app() -> FastAPI:
    app = app_without_engines()

    @app.get("/v1/broken")
    def broken() -> None:
        raise KeyError(ID_NUMBER)

    return app


def test_what_nobody_expected_is_a_500_with_an_incident_that_the_log_knows(
    app: FastAPI, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "certvault.api"):
        answer = call(app, "GET", "/v1/broken")
    assert answer.status_code == 500
    assert ID_NUMBER not in answer.text
    [record] = [r for r in caplog.records if r.name == "certvault.api"]
    assert answer.json()["incident"] == record.__dict__["incident"]
    assert record.exc_info is not None


@pytest.mark.parametrize(
    ("method", "path", "status", "kind"),
    [
        ("GET", "/nowhere", 404, "not-found"),
        ("GET", "/v1/nowhere", 404, "not-found"),
        ("DELETE", "/v1/deposits", 405, "method-not-allowed"),
        ("GET", "/v1/cases/x", 401, "not-authenticated"),
        ("GET", "/v1/me/certificates", 401, "not-authenticated"),
    ],
)
def test_what_the_framework_refuses_is_a_problem_document_too(
    app: FastAPI, method: str, path: str, status: int, kind: str
) -> None:
    answer = call(app, method, path)
    assert (answer.status_code, answer.json()["type"]) == (status, TYPE_PREFIX + kind)
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_body_that_is_no_json_is_refused_by_its_media_type(app: FastAPI) -> None:
    answer = call(app, "POST", "/v1/deposits", content=b"{}", headers={"content-type": "text/plain"})
    assert answer.status_code == 415
    answer = call(app, "POST", "/v1/deposits", content=b"{,", headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (400, TYPE_PREFIX + "malformed-request")


@pytest.mark.parametrize(
    ("body", "pointers"),
    [
        (b'{"token": 1}', ["/token"]),
        (b'{"number": 1, "code": "x"}', ["/number", "/code"]),
        (b'{"token": "x", "code": "x"}', [""]),
        (b'{"token": "x", "number": "x", "code": "x"}', [""]),
        (b"{}", [""]),
        (b'["x"]', [""]),
    ],
)
def test_a_verification_that_asks_nothing_sensible_is_told_so(
    app: FastAPI, body: bytes, pointers: list[str]
) -> None:
    answer = call(
        app, "POST", "/v1/verifications", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == pointers


def test_a_browser_on_a_page_gets_a_page_and_a_program_never(app: FastAPI) -> None:
    browser = {"accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    page = call(app, "GET", "/nowhere", headers=browser)
    assert (page.status_code, page.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert (
        call(app, "GET", "/v1/nowhere", headers=browser).headers["content-type"] == "application/problem+json"
    )
