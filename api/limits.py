"""Limits on what comes in: how large a body may be, counted while it is read, and how JSON may look."""

from email.message import Message as MediaType
from functools import lru_cache
from typing import Any

from starlette.formparsers import MultiPartParser
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import MalformedRequestError
from vault.errors import TooLarge
from vault.model.strict_json import NotStrictJson, strict_json
from vault.tlog.note import NOTE_MAX_BYTES
from vault.uploads import UPLOAD_MAX_BYTES

# Any JSON or form but those below: the longest honest one is a few kilobytes.
BODY_MAX_BYTES = 1024 * 1024
# A deposit of twenty results, each with a photo in base64.
DEPOSIT_MAX_BYTES = 4 * 1024 * 1024
# Number and code, or a token: some hundred bytes.
QUESTION_MAX_BYTES = 16 * 1024
# A file and the multipart form around it.
FORM_MAX_BYTES = UPLOAD_MAX_BYTES + 64 * 1024

# Media types as headers write them, read once: the honest ones are a dozen, and a header is a few kilobytes.
MEDIA_TYPES_MAX = 64

_QUESTIONS = "/v1/verifications"
# Which cap a path has: the first prefix that fits. Everything else has BODY_MAX_BYTES.
_CAPS = (
    ("/v1/uploads/", UPLOAD_MAX_BYTES),
    ("/v1/deposits", DEPOSIT_MAX_BYTES),
    (_QUESTIONS, FORM_MAX_BYTES),
    ("/v1/log/", NOTE_MAX_BYTES),
    ("/desk/paper", FORM_MAX_BYTES),
)
# Whose route counts what it refused, and so refuses what is announced too large itself.
_COUNTED = frozenset({"/v1/deposits"})
# The page where a file is dropped posts to itself.
_PAGE = "/"


def body_max_bytes(path: str, media: str = "") -> int:
    """The cap on a request body of this media type at this path."""
    if path == _PAGE:
        return FORM_MAX_BYTES
    if path.startswith(_QUESTIONS) and media == "application/json":
        return QUESTION_MAX_BYTES  # the same address takes files
    return next((cap for prefix, cap in _CAPS if path.startswith(prefix)), BODY_MAX_BYTES)


def keep_forms_in_memory() -> None:
    """A file in a form is somebody's document: it is never laid down on a disk, not even for a moment.

    The cap on bodies bounds it, as it bounds files that are sent by themselves.
    """
    MultiPartParser.spool_max_size = FORM_MAX_BYTES


class BodyCap:
    """Middleware: refuses by Content-Length before anything is read, and by count while reading."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Passes the request on.

        Raises:
            TooLarge: here, or from `receive` inside the application.
        """
        if scope["type"] != "http" or scope["method"] in {"GET", "HEAD"}:
            await self._app(scope, receive, send)
            return
        cap, announced = _cap_and_announced(scope)
        if scope["path"] not in _COUNTED and announced > cap:
            raise _too_large(cap)
        count = 0

        async def counted() -> Message:
            nonlocal count
            message = await receive()
            count += len(message.get("body", b""))
            if count > cap:
                raise _too_large(cap)
            return message

        await self._app(scope, counted, send)


def refuse_announced(scope: Scope) -> None:
    """Refuses a request that announces a body over its cap.

    Raises:
        TooLarge: it does.
    """
    cap, announced = _cap_and_announced(scope)
    if announced > cap:
        raise _too_large(cap)


def _cap_and_announced(scope: Scope) -> tuple[int, int]:
    """What the body of this request may have, and what it says that it has: 0 where it says nothing."""
    headers = dict(scope["headers"])
    media = media_type(headers.get(b"content-type", b"").decode("latin-1"))
    announced = headers.get(b"content-length", b"0")
    return body_max_bytes(scope["path"], media), int(announced) if announced.isdigit() else 0


def _too_large(cap: int) -> TooLarge:
    return TooLarge(f"The body is too large: expected at most {cap} bytes here.", limit_bytes=cap)


@lru_cache(maxsize=MEDIA_TYPES_MAX)
def media_type(content_type: str | None) -> str:
    """`application/json; charset=utf-8` as `application/json`; empty where none is named."""
    if not content_type:
        return ""
    header = MediaType()
    header["content-type"] = content_type
    return header.get_content_type()


def read_json(body: bytes) -> Any:  # noqa: ANN401 - JSON is any value
    """The value of a JSON text in UTF-8, read strictly (`vault.model.strict_json`).

    Raises:
        MalformedRequestError: it is not such a text.
    """
    try:
        return strict_json(body.decode())
    except UnicodeDecodeError as error:
        raise MalformedRequestError(f"The body is not in UTF-8: byte {error.start} does not fit.") from None
    except NotStrictJson as error:
        raise MalformedRequestError(f"The body {error}") from None
