"""The bytes of incremental updates: whole objects, cross-references and end marks, and nothing in between.

What stands between objects is read by no PDF reader, but makes the file something else for other programs (a
ZIP archive behind a PDF, say). So what was appended has to be accounted for, byte by byte.
"""

import re

from signing.judge.findings import SubIndication, failure

TOKENS_MAX = 500_000  # in all updates of one file; an update of ours has some hundred
DEPTH_MAX = 32

_BLANK = re.compile(rb"[\x00\t\n\f\r ]*")
_OBJECT = re.compile(rb"\d{1,10} \d{1,5} obj\b")
_STREAM = re.compile(rb"stream\r?\n")
_STREAM_END = re.compile(rb"\r?\n?endstream\b")
_END = re.compile(rb"endobj\b")
_TABLE = re.compile(rb"xref\s+(?:\d{1,10} \d{1,10}\s+(?:\d{10} \d{5} [nf](?: \r| \n|\r\n))*)+\s*trailer\b")
_LAST = re.compile(rb"startxref\s+\d{1,10}\s+%%EOF(?:\r?\n|\r|$)")
_LENGTH = re.compile(rb"/Length (\d{1,10})(?=[\x00\t\n\f\r />\]])(?! \d{1,5} R)")
# A whole token that opens nothing: hexadecimal string, name, number, keyword
_SIMPLE = re.compile(
    rb"<[0-9A-Fa-f\x00\t\n\f\r ]*>|/[^\x00\t\n\f\r ()<>\[\]{}/%]*|[^\x00\t\n\f\r ()<>\[\]{}/%]+"
)
_IN_STRING = re.compile(rb"[^()\\]*(?:\\.[^()\\]*)*", re.DOTALL)


def check_appended(document: bytes, start: int) -> None:
    """Returns where everything from `start` on is one update or several (ISO 32000-1, clause 7.5.6).

    Raises:
        SignatureError: something else stands there, or no update at all (SIG_CONSTRAINTS_FAILURE).
    """
    scanner = _Scanner(document, start)
    updates = 0
    while not scanner.at_end():
        scanner.update()
        updates += 1
    if updates == 0:
        raise _stray(start)


class _Scanner:
    def __init__(self, document: bytes, start: int) -> None:
        self._document = document
        self._at = start
        self._tokens = 0

    def at_end(self) -> bool:
        """Whether nothing is left."""
        return self._at == len(self._document)

    def update(self) -> None:
        """One update: objects, a cross-reference table unless a stream is among them, the end mark."""
        self._blank()
        while self._take(_OBJECT):
            self._object()
            self._blank()
        if self._take(_TABLE):
            self._blank()
            self._value(0)
            self._blank()
        self._expect(_LAST)

    def _object(self) -> None:
        self._blank()
        start = self._at
        self._value(0)
        dictionary = self._document[start : self._at]
        self._blank()
        if self._take(_STREAM):
            length = _LENGTH.findall(dictionary)
            if len(length) != 1:
                raise _stray(start)
            self._at += int(length[0])
            self._expect(_STREAM_END)
            self._blank()
        self._expect(_END)

    def _value(self, depth: int) -> None:
        """One value; of a reference, its three tokens count as values one by one."""
        self._blank()
        self._tokens += 1
        if self._tokens > TOKENS_MAX or depth > DEPTH_MAX:
            raise _stray(self._at)
        two = self._document[self._at : self._at + 2]
        if two == b"<<":
            self._at += 2
            self._values(b">>", depth)
        elif two[:1] == b"[":
            self._at += 1
            self._values(b"]", depth)
        elif two[:1] == b"(":
            self._at += 1
            self._string()
        else:
            self._expect(_SIMPLE)

    def _values(self, closing: bytes, depth: int) -> None:
        self._blank()
        while not self._document.startswith(closing, self._at):
            self._value(depth + 1)
            self._blank()
        self._at += len(closing)

    def _string(self) -> None:
        open_ = 1
        while open_:
            self._expect(_IN_STRING)
            mark = self._document[self._at : self._at + 1]
            if mark not in {b"(", b")"}:
                raise _stray(self._at)
            open_ += 1 if mark == b"(" else -1
            self._at += 1

    def _blank(self) -> None:
        self._take(_BLANK)

    def _expect(self, pattern: re.Pattern[bytes]) -> None:
        if not self._take(pattern):
            raise _stray(self._at)

    def _take(self, pattern: re.Pattern[bytes]) -> bool:
        found = pattern.match(self._document, self._at)
        if found is not None:
            self._at = found.end()
        return found is not None


def _stray(at: int) -> Exception:
    return failure(
        SubIndication.SIG_CONSTRAINTS_FAILURE,
        f"Behind the signature stands something that is no part of the PDF, at byte {at}.",
    )
