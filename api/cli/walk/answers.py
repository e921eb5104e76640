"""What the walk's steps do with an answer: take it apart, and say what they got instead."""

import hashlib
from typing import Any

import httpx


class UnexpectedError(Exception):
    """A step got something else than it expected; the sentence says what."""


def json_of(answer: httpx.Response, status: int) -> dict[str, Any]:
    """The answer's object, if it has this status."""
    expect(answer.status_code == status, str(status), said(answer))
    found: dict[str, Any] = answer.json()
    return found


def said(answer: httpx.Response) -> str:
    """The answer's status, with a problem document's sentence."""
    try:
        problem = answer.json()
        named = "; ".join(f"{each['pointer']}: {each['detail']}" for each in problem.get("errors", ()))
        incident = f"incident {problem['incident']}" if "incident" in problem else ""
        return f"{answer.status_code}: {problem['detail']} {named}{incident}".rstrip(" .")
    except (ValueError, LookupError, TypeError, AttributeError):
        return str(answer.status_code)


def expect(met: bool, expected: str, came: str) -> None:  # noqa: FBT001 - reads as an assertion
    """Raises `UnexpectedError` unless it is met."""
    if not met:
        raise UnexpectedError(f"Expected {expected}, got {came}.")


def sha256_of(answer: httpx.Response) -> str:
    """Of the body, in hex."""
    return hashlib.sha256(answer.content).hexdigest()


def genuine(answer: httpx.Response) -> str:
    """What a verification answers where all is well. Raises `UnexpectedError` for any other verdict."""
    verdict = json_of(answer, 200)["verdict"]
    expect(verdict == "genuine", "genuine", verdict)
    return "genuine 真实有效"
