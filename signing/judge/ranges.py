"""Which bytes a PDF signature covers (ISO 32000-1, clause 12.8.1): one shape only, without a gap."""

from dataclasses import dataclass, field
from typing import Any

import pikepdf
from asn1crypto import parser

from signing.judge.findings import Findings, SubIndication, failure
from signing.judge.updates import Additions

_BLANK = b"\x00\t\n\f\r "
_HEXADECIMAL = frozenset(b"0123456789abcdefABCDEF")


@dataclass(frozen=True, slots=True)
class CoveredBytes:
    """What one signature covers: two ranges around its own value, and the value."""

    before: memoryview = field(repr=False)
    after: memoryview = field(repr=False)
    value: bytes = field(repr=False)
    end: int

    def joined(self) -> bytes:
        """The covered bytes, one range behind the other."""
        return b"".join((self.before, self.after))


def covered_bytes(document: bytes, signature: pikepdf.Object) -> CoveredBytes:
    """Read a /ByteRange: exactly `[0 a b c]`, `a` at the `<` of the /Contents and `b` behind its `>`.

    Raises:
        SignatureError: any other shape (FORMAT_FAILURE).
    """
    numbers = _numbers(signature.get("/ByteRange"))
    if len(numbers) != 4 or numbers[0] != 0:  # noqa: PLR2004 - two ranges of offset and length
        raise failure(SubIndication.FORMAT_FAILURE, "The ByteRange is not [0 a b c].")
    _, start, behind, rest = numbers
    end = behind + rest
    if not 0 < start < behind < end <= len(document):
        raise failure(SubIndication.FORMAT_FAILURE, "The ByteRange lies outside the file or overlaps itself.")
    if document[start : start + 1] != b"<" or document[behind - 1 : behind] != b">":
        raise failure(SubIndication.FORMAT_FAILURE, "The ByteRange's gap is not the signature value.")
    gap = document[start + 1 : behind - 1]
    if not _HEXADECIMAL.issuperset(gap) or len(gap) % 2:
        raise failure(SubIndication.FORMAT_FAILURE, "The ByteRange's gap holds more than hexadecimal digits.")
    value = bytes.fromhex(gap.decode("ascii"))
    if value != bytes(signature.get("/Contents", b"")):
        raise failure(SubIndication.FORMAT_FAILURE, "The ByteRange's gap is not this signature's Contents.")
    view = memoryview(document)
    return CoveredBytes(view[:start], view[behind:end], _without_padding(value), end)


def check_coverage(
    findings: Findings,
    document: bytes,
    additions: Additions,
    covered: CoveredBytes,
    *,
    newest: bool,
    torn: bool,
) -> None:
    """V6: the newest signature covers the whole file; what stands behind an older one is V7's to judge.

    A file of level B-LT ends with validation data that no signature covers: nothing else may stand there.

    `torn`: something was added that this signature forbids. Then, or where what was added is no revision of
    a PDF at all, the file was tampered with; any other addition leaves the signature undecided.

    Raises:
        SignatureError: FORMAT_FAILURE, or SIG_CONSTRAINTS_FAILURE for what is left undecided.
    """
    added = document[covered.end :]
    if not added:
        findings.passed("coverage", "It covers the whole file.")
    elif newest and additions.are_for_the_long_term(covered.end):
        findings.passed("coverage", "It covers the whole file, but for validation data that was added to it.")
    elif newest:
        no_revision = added.strip(_BLANK) and b"startxref" not in added
        raise failure(
            SubIndication.FORMAT_FAILURE if torn or no_revision else SubIndication.SIG_CONSTRAINTS_FAILURE,
            f"{len(added)} bytes were added to the file after its newest signature.",
        )
    else:
        findings.passed("coverage", "It covers its revision; a newer signature covers the rest.")


def _without_padding(value: bytes) -> bytes:
    try:
        size = parser.peek(value)
    except ValueError as error:
        raise failure(SubIndication.FORMAT_FAILURE, "The signature value is no DER.") from error
    if value[size:].strip(b"\x00"):
        raise failure(
            SubIndication.FORMAT_FAILURE, "Something other than zeros stands behind the signature value."
        )
    return value[:size]


def _numbers(array: Any) -> list[int]:  # noqa: ANN401 - whatever the file holds there
    if not isinstance(array, pikepdf.Array):
        return []
    numbers: list[Any] = list(array)
    return numbers if all(type(number) is int for number in numbers) else []
