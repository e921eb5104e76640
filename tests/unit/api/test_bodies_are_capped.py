"""A body over its cap is refused: by what it announces, and by what really comes."""

import asyncio
from collections.abc import Iterator
from tempfile import SpooledTemporaryFile

import pytest
from starlette.types import Message, Receive, Scope, Send

from api.limits import BODY_MAX_BYTES, DEPOSIT_MAX_BYTES, FORM_MAX_BYTES, BodyCap, body_max_bytes
from tests.unit.api.calling import app_without_engines, call
from vault.errors import TooLarge
from vault.uploads import UPLOAD_MAX_BYTES


@pytest.mark.parametrize(
    ("path", "cap"),
    [
        ("/v1/uploads/00", UPLOAD_MAX_BYTES),
        ("/v1/deposits", DEPOSIT_MAX_BYTES),
        ("/v1/verifications", FORM_MAX_BYTES),
        ("/", FORM_MAX_BYTES),
        ("/v", BODY_MAX_BYTES),
        ("/oauth/token", BODY_MAX_BYTES),
    ],
)
def test_each_path_has_its_cap(path: str, cap: int) -> None:
    assert body_max_bytes(path) == cap


def chunks(size: int) -> Iterator[bytes]:
    for start in range(0, size, 65_536):
        yield b" " * min(65_536, size - start)


async def read_all(_: Scope, receive: Receive, send: Send) -> None:
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 204, "headers": []})


def served(path: str, body: Iterator[bytes], headers: list[tuple[bytes, bytes]]) -> int:
    """How many chunks the application took until the cap stopped it, or all of them."""
    taken = 0

    async def receive() -> Message:
        nonlocal taken
        chunk = next(body, None)
        taken += chunk is not None
        return {"type": "http.request", "body": chunk or b"", "more_body": chunk is not None}

    async def send(_: Message) -> None:
        pass

    scope = {"type": "http", "method": "POST", "path": path, "headers": headers}
    asyncio.run(BodyCap(read_all)(scope, receive, send))
    return taken


def test_a_body_of_exactly_the_cap_is_read() -> None:
    assert served("/v1/holdings", chunks(BODY_MAX_BYTES), []) == BODY_MAX_BYTES // 65_536


def test_one_byte_more_is_refused_while_reading() -> None:
    with pytest.raises(TooLarge) as refused:
        served("/v1/holdings", chunks(BODY_MAX_BYTES + 1), [])
    assert refused.value.limit_bytes == BODY_MAX_BYTES


def test_what_announces_too_much_is_refused_before_anything_is_read() -> None:
    body = chunks(BODY_MAX_BYTES + 1)
    with pytest.raises(TooLarge):
        served("/v1/holdings", body, [(b"content-length", str(BODY_MAX_BYTES + 1).encode())])
    assert sum(len(chunk) for chunk in body) == BODY_MAX_BYTES + 1  # all of it still to come


def test_a_small_announcement_does_not_lift_the_cap() -> None:
    with pytest.raises(TooLarge):
        served("/v1/holdings", chunks(BODY_MAX_BYTES + 1), [(b"content-length", b"10")])


def test_the_answer_is_a_problem_document_that_names_the_cap() -> None:
    answer = call(app_without_engines(), "POST", "/oauth/token", content=b" " * (BODY_MAX_BYTES + 1))
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["type"] == "urn:certvault:problem:too-large"
    assert str(BODY_MAX_BYTES) in answer.json()["detail"]


@pytest.mark.parametrize("path", ["/", "/v1/verifications"])
def test_a_file_in_a_form_is_never_laid_down_on_a_disk(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Frameworks keep a megabyte in memory, and the rest in a temporary file in clear."""
    laid_down: list[object] = []

    def noted(file: object) -> None:
        laid_down.append(file)

    monkeypatch.setattr(SpooledTemporaryFile, "rollover", noted)
    file = ("a.pdf", b"%PDF-1.7\n" + bytes(3 * 1024 * 1024))
    call(app_without_engines(), "POST", path, files={"file": file})  # there is no engine to judge it
    assert not laid_down
