"""Requests of the bench as bytes on the wire, and the invented cases that they deposit."""

import copy
import hashlib
import json
import secrets
from collections.abc import Mapping
from typing import Any

from signing.typeset import SEAL_PLACES
from vault.catalogue import shipped_catalogue
from vault.model.catalogue import CertificateType
from vault.model.checksums import mod_31, organisation_check

KIND_NAME = "食品经营许可证"
"""The kind that the bench deposits: one page, three wide entries, an organisation as holder."""

# Area 990100 exists nowhere: whoever bears these codes is invented.
_CODE_HEAD = "91990100"
_NUMBER_DIGITS = 13
# The comment after a PDF's first line: four bytes above 127 (ISO 32000-1, clause 7.5.2), any four.
_BINARY_COMMENT_BYTES = 4


def bench_kind() -> CertificateType:
    """The kind that the bench deposits."""
    types = shipped_catalogue(SEAL_PLACES).types.values()
    return next(kind for kind in types if kind.name == KIND_NAME)


def holder(group: str, n: int) -> dict[str, str]:
    """Invented organisation `n` of a group (one letter of GB 32100): code with both checks, and name."""
    body = f"{group}{n:07d}"
    code = _CODE_HEAD + body + organisation_check(body)
    return {"code_type": "001", "code": code + mod_31(code), "name": f"样例市{group}{n:05d}餐饮有限公司"}


def deposit_body(
    kind: CertificateType, holder_of: Mapping[str, str], document_sha256: str | None = None
) -> dict[str, Any]:
    """A new case with one result of this kind; with a digest, of a file that was handed in."""
    result = copy.deepcopy(dict(kind.example))
    digits = "".join(secrets.choice("0123456789") for _ in range(_NUMBER_DIGITS))
    result |= {"number": f"JY1{digits}", "holders": [dict(holder_of)]}
    if document_sha256 is not None:
        result["document"] = {"sha256": document_sha256}
    return {
        "case": {
            "number": f"BENCH-{secrets.token_hex(8).upper()}",
            "service_item": "990100000131002",
            "completed_at": "2026-10-26T08:00:00Z",
            "applicant": dict(holder_of),
        },
        "results": [result],
        "materials": [],
    }


def another_file(pdf: bytes) -> bytes:
    """The same PDF with another digest: the four bytes of its binary comment are drawn anew."""
    place = pdf.index(b"\n%", 0, 16) + 2
    comment = bytes(0x80 | byte for byte in secrets.token_bytes(_BINARY_COMMENT_BYTES))
    return pdf[:place] + comment + pdf[place + _BINARY_COMMENT_BYTES :]


def get(host: str, path: str) -> bytes:
    """A GET without a body."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def post_json(host: str, path: str, value: object, token: str | None = None) -> bytes:
    """A POST of JSON."""
    return _with_body("POST", host, path, json.dumps(value).encode(), "application/json", token)


def post_file(host: str, path: str, content: bytes) -> bytes:
    """A POST of a PDF."""
    return _with_body("POST", host, path, content, "application/pdf", None)


def put_upload(host: str, content: bytes, token: str) -> bytes:
    """An upload of a PDF under its digest."""
    path = f"/v1/uploads/{hashlib.sha256(content).hexdigest()}"
    return _with_body("PUT", host, path, content, "application/pdf", token)


def _with_body(
    method: str, host: str, path: str, content: bytes, media_type: str, token: str | None
) -> bytes:
    authorization = "" if token is None else f"Authorization: Bearer {token}\r\n"
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {host}\r\n{authorization}"
        f"Content-Type: {media_type}\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    return head.encode() + content
