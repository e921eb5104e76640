"""Everything that can go wrong, ordered by whose fault it is; without HTTP in it.

Primitives raise these, judges turn `SignatureError` into a report, `api/problems.py` maps the rest
to RFC 9457 problem documents. A message says the thing, then what was expected and what came; it
never carries an ID number, a name or a token, because messages reach logs.
"""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class FieldProblem:
    """One bad field: `pointer` is an RFC 6901 JSON pointer into the request, `detail` a sentence."""

    pointer: str
    detail: str


class VaultError(Exception):
    """Base of the tree. `kind` is the stable last segment of the problem type."""

    kind: ClassVar[str] = "error"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InputError(VaultError):
    """The caller sent something wrong and can mend it: the sentence and `problems` say how."""

    kind = "invalid-input"

    def __init__(self, detail: str, *problems: FieldProblem) -> None:
        super().__init__(detail)
        self.problems = problems

    @classmethod
    def at(cls, pointer: str, detail: str) -> "InputError":
        """One bad field: the sentence stands both as the detail and at its pointer."""
        return cls(detail, FieldProblem(pointer, detail))

    def under(self, prefix: str) -> "InputError":
        """The same error as seen from an enclosing document: every pointer gets `prefix` in front."""
        moved = [FieldProblem(prefix + p.pointer, p.detail) for p in self.problems]
        return type(self)(self.detail, *(moved or [FieldProblem(prefix, self.detail)]))


class DocumentRefused(InputError):
    """A handed-in file cannot be taken: not a PDF, too large, encrypted, active content, broken."""

    kind = "document-refused"


class NotAuthenticated(VaultError):
    """Nobody is signed in, or the credential is wrong or too old."""

    kind = "not-authenticated"


class NotPermitted(VaultError):
    """The caller is known, may know of the thing, and may not do this with it; `problems` point at it."""

    kind = "not-permitted"

    def __init__(self, detail: str, *problems: FieldProblem) -> None:
        super().__init__(detail)
        self.problems = problems


class SealNotGranted(NotPermitted):
    """No approved seal-use grant lets this client seal this type today."""

    kind = "seal-not-granted"


class NotFound(VaultError):
    """There is no such thing, or the caller may not know of it."""

    kind = "not-found"


class CodeOpensNothing(NotFound):
    """A code that was shown is wrong, was used before, or its time is over: nobody is told which."""

    kind = "code-opens-nothing"


class Conflict(VaultError):
    """The request contradicts what is already recorded; `problems` point at what differs."""

    kind = "conflict"

    def __init__(self, detail: str, *problems: FieldProblem) -> None:
        super().__init__(detail)
        self.problems = problems


class UnknownCursor(Conflict):
    """A cursor that this feed never gave out: it lies ahead of it, or another change stands there."""

    kind = "unknown-cursor"


class TooLarge(VaultError):
    """A body is over its cap; `limit_bytes` is the cap."""

    kind = "too-large"

    def __init__(self, detail: str, *, limit_bytes: int) -> None:
        super().__init__(detail)
        self.limit_bytes = limit_bytes


class TooMany(VaultError):
    """The caller asks more often than is let through; the same request may pass after `retry_after_s`."""

    kind = "too-many-requests"

    def __init__(self, detail: str, *, retry_after_s: int) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class SealCapReached(TooMany):
    """A seal-use grant is used up for today."""

    kind = "seal-cap-reached"


class Unavailable(VaultError):
    """An engine does not answer now; the same request may succeed after `retry_after_s` seconds."""

    kind = "unavailable"

    def __init__(self, detail: str, *, retry_after_s: int = 5) -> None:
        super().__init__(detail)
        self.retry_after_s = retry_after_s


class SignatureError(VaultError):
    """A signature, seal, certificate or time-stamp does not hold; `reason` is a stable token."""

    kind = "signature"

    def __init__(self, detail: str, *, reason: str) -> None:
        super().__init__(detail)
        self.reason = reason


class IntegrityError(VaultError):
    """The vault itself is wrong (a lost object, a digest that does not match): page someone."""

    kind = "integrity"
