"""The tokens of a page's content, as Typst writes it (ISO 32000-1, clause 7.8.2).

An own scanner takes whole paths at once, since an ornament has thousands of curves: pikepdf's takes longer
for one page than all the rest of the writer, and the tests hold the one against the other.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from vault.errors import IntegrityError

Operand = float | str | bytes | list["Operand"]

_NUMBER = rb"-?(?:\d+\.?\d*|\.\d+)"
# A path from its first `m` to the operator that paints it, taken as a whole by the characters that paths
# have; `PATH` says what may stand there and is held against it where the path is written down.
_PATH = _NUMBER + rb" " + _NUMBER + rb" m\s[-.0-9\smlch]*"
_PAIR = _NUMBER + rb" " + _NUMBER + rb" "
PATH = re.compile(_PAIR + rb"m\s+(?:(?:" + _PAIR + rb"(?:[ml]|" + _PAIR + _PAIR + rb"c)|h)\s+)*")
_OPERATOR = rb"[A-Za-z'\"][A-Za-z0-9*]*"
_PARENTHESES_MAX = 8  # balanced ones stand unescaped in a string (clause 7.3.4.2), as deep as this


def _string(depth: int) -> bytes:
    inner = rb"|\(" + _string(depth - 1) + rb"\)" if depth else b""
    return rb"(?:[^()\\]|\\[\s\S]" + inner + rb")*"


_TOKEN = re.compile(
    rb"[\s\x00]*(?:(?P<path>" + _PATH + rb")"
    rb"|(?P<plain>(?:" + _NUMBER + rb"\s+)*" + _OPERATOR + rb")(?![^\s\[\]()<>/])"
    rb"|(?P<number>" + _NUMBER + rb")(?=[\s\[\]()<>/])"
    rb"|(?P<name>/[^\s/\[\]()<>{}%]*)"
    rb"|(?P<string>\(" + _string(_PARENTHESES_MAX) + rb"\))"
    rb"|(?P<hex><[0-9A-Fa-f\s]*>)"
    rb"|(?P<bracket>\[|\])"
    rb"|(?P<open><<)|(?P<close>>>))"
)
_BLANK = re.compile(rb"[\s\x00]*\Z")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\s\S]))")
_ESCAPED: Final[Mapping[bytes, bytes]] = {
    b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\r\n": b"", b"\n": b"", b"\r": b"",
}  # fmt: skip


def tokens(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The kind and bytes of every token; a path is one, and so is an operator with the numbers before it.

    Raises:
        IntegrityError: something is no token.
    """
    place, end = 0, len(content)
    match = _TOKEN.match
    while place < end:
        found = match(content, place)
        if found is None:
            if _BLANK.match(content, place):
                return
            raise IntegrityError(f"A typeset page's content has no token at byte {place}.")
        kind = found.lastgroup
        if kind is None:  # every alternative has a name
            raise IntegrityError("A token without a kind.")
        yield kind, found[kind]
        place = found.end()


def operand(kind: str, text: bytes) -> Operand:
    """The value of a number, name or string."""
    if kind == "number":
        return float(text)
    if kind == "name":
        return text[1:].decode("latin-1")
    if kind == "hex":
        digits = b"".join(text[1:-1].split()).decode("ascii")
        return bytes.fromhex(digits + "0" * (len(digits) % 2))
    return _ESCAPE.sub(_unescaped, text[1:-1]) if b"\\" in text else text[1:-1]


def _unescaped(found: re.Match[bytes]) -> bytes:
    """Clause 7.3.4.2."""
    if found[1] is not None:
        return bytes((int(found[1], 8) & 0xFF,))
    return _ESCAPED.get(found[2], found[2])


def coordinates(path: bytes) -> list[float]:
    """All coordinates of a path token, x and y in turns."""
    return [float(part) for part in path.translate(None, b"mlch").split()]
