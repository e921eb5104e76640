"""Public verification: by QR token, by number and code, or by the file itself. The API's hot path."""

import hashlib
import json
from typing import Any

from anyio import to_thread
from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.datastructures import UploadFile
from starlette.responses import Response

from api.answers import ReportOut, problems
from api.asking import admit_file, asked_by_code, asked_by_token
from api.deps import edge_of, now
from api.edge import Edge
from api.limits import media_type, read_json
from api.problems import MediaTypeError
from api.schemas import CodeQuestion, TokenQuestion
from vault.errors import FieldProblem, InputError
from vault.model.verdict import Verification
from vault.verify import ReadFile, read_file

router = APIRouter(tags=["verification"])

FILE_MEDIA_TYPES = frozenset({"application/pdf", "application/ofd", "application/octet-stream"})
MULTIPART = "multipart/form-data"

_FILE: dict[str, Any] = {"schema": {"type": "string", "format": "binary"}}
_BODY: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "oneOf": [
                        {"$ref": f"#/components/schemas/{shape.__name__}"}
                        for shape in (TokenQuestion, CodeQuestion)
                    ]
                },
                "examples": {
                    "token": {
                        "summary": "What the QR code holds",
                        "value": {"token": "q0Zc3vT1QmWm2mQyJ0r5aA"},
                    },
                    "code": {
                        "summary": "What is printed",
                        "value": {"number": "样许字〔2026〕118号", "code": "7KQ2M9XH4C"},
                    },
                },
            },
            **dict.fromkeys(sorted(FILE_MEDIA_TYPES), _FILE),
            MULTIPART: {
                "schema": {
                    "type": "object",
                    "properties": {"file": {"type": "string", "format": "binary"}},
                    "required": ["file"],
                }
            },
        },
    }
}


@router.post(
    "/v1/verifications",
    summary="Verify a certificate",
    response_model=ReportOut,
    openapi_extra=_BODY,
    responses=problems(400, 413, 415, 422, 429, 503),
)
async def verify(request: Request) -> Response:
    """Is it genuine, unchanged, and in force today? Nobody needs to sign in, and a file is not kept.

    The answer is always a report. `verdict` sums it up for people; programs decide by `checks`, where
    *unknown* is neither good nor bad.
    """
    edge = await edge_of(request)
    kind = media_type(request.headers.get("content-type"))
    if kind == "application/json":
        found = await _by_json(edge, request)
    elif kind in FILE_MEDIA_TYPES:
        admit_file(edge, request)
        found = await edge.judged(await _read_and_hashed(request), now())
    elif kind == MULTIPART:
        admit_file(edge, request)
        async with request.form(max_files=1, max_fields=1) as form:
            file = form.get("file")
            if not isinstance(file, UploadFile):
                raise InputError.at("/file", "Expected a file, got none.")
            found = await edge.judged(await to_thread.run_sync(read_file, await file.read()), now())
    else:
        raise MediaTypeError("Send JSON, a form with a file, or the file itself as application/pdf.")
    content = json.dumps(edge.report(found), ensure_ascii=False).encode()
    return Response(content, media_type="application/json")


async def _read_and_hashed(request: Request) -> ReadFile:
    """The body and its SHA-256, taken while the rest is still on its way: the digest costs no time then."""
    pieces, digest = [], hashlib.sha256()
    async for piece in request.stream():
        pieces.append(piece)
        digest.update(piece)
    return ReadFile(pieces, digest.hexdigest())


async def _by_json(edge: Edge, request: Request) -> Verification:
    # By hand: a model and its errors cost more than the whole look-up.
    match read_json(await request.body()):
        case {"token": str(token), **rest} if not rest:
            return await asked_by_token(edge, request, token, now())
        case {"number": str(number), "code": str(code), **rest} if not rest:
            return await asked_by_code(edge, request, number, code, now())
        case {"token": _, **rest} if not rest:
            raise InputError.at("/token", "Expected a text as token.")
        case {"number": _, "code": _, **rest} if not rest:
            sentence = "Expected texts as number and code."
            raise InputError(sentence, FieldProblem("/number", sentence), FieldProblem("/code", sentence))
        case _:
            raise InputError.at(
                "", 'Expected {"token": "…"} or {"number": "…", "code": "…"} and nothing else.'
            )


DIRECT = tuple((route, verify) for route in router.routes if isinstance(route, APIRoute))
"""This route, for `api.direct`."""
