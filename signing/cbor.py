"""The part of CBOR that a statement needs, written and read in its deterministic form only (RFC 8949, 4.2.1).

Whole numbers of 64 bits, byte and text strings, arrays, maps with numbers as keys, and tags. What is not in
the one form that `encode` writes is refused: longer heads, indefinite lengths, keys out of order or twice,
bytes behind the end.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, NoReturn

from vault.errors import InputError

# A COSE_Sign1 is an array in a tag, its payload a map in a map; what is deeper is nothing of ours.
DEPTH_MAX = 8
_ARGUMENT_MAX = 2**64 - 1
_UINT, _NINT, _BYTES, _TEXT, _ARRAY, _MAP, _TAG = range(7)
# Additional information (RFC 8949, 3): below 24 the argument itself, then one, two, four, eight bytes.
_DIRECT_MAX: Final = 23
_SIZES: Final = {24: 1, 25: 2, 26: 4, 27: 8}


@dataclass(frozen=True, slots=True)
class Tagged:
    """A tag's number and what it stands on."""

    tag: int
    value: "Cbor"


Cbor = int | bytes | str | Sequence["Cbor"] | Mapping[int, "Cbor"] | Tagged


def encode(value: Cbor) -> bytes:
    """The deterministic form.

    Raises:
        InputError: a number is beyond 64 bits, or half a surrogate pair stands in a text.
    """
    match value:
        case int():
            return _head(_UINT, value) if value >= 0 else _head(_NINT, -1 - value)
        case bytes():
            return _head(_BYTES, len(value)) + value
        case str():
            text = _utf8(value)
            return _head(_TEXT, len(text)) + text
        case Tagged(tag, inner):
            return _head(_TAG, tag) + encode(inner)
        case Mapping():
            entries = sorted((encode(key), encode(entry)) for key, entry in value.items())
            return _head(_MAP, len(entries)) + b"".join(key + entry for key, entry in entries)
        case _:
            return _head(_ARRAY, len(value)) + b"".join(encode(entry) for entry in value)


def decode(content: bytes) -> Cbor:
    """What `encode` wrote.

    Raises:
        InputError: the content is nothing that `encode` writes.
    """
    reader = _Reader(content)
    value = reader.value(0)
    if reader.place != len(content):
        _refuse("bytes stand behind its end")
    return value


class _Reader:
    """Walks through the content once; every length is held against what is left before anything is made."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.place = 0

    def value(self, depth: int) -> Cbor:
        if depth > DEPTH_MAX:
            _refuse(f"it is nested more than {DEPTH_MAX} deep")
        kind, argument = self._read_head()
        found: Cbor
        match kind:
            case 0:
                found = argument
            case 1:
                found = -1 - argument
            case 2:
                found = self._take(argument)
            case 3:
                found = self._text(argument)
            case 4:
                self._check_count(argument)
                found = [self.value(depth + 1) for _ in range(argument)]
            case 5:
                self._check_count(2 * argument)
                found = self._map(argument, depth)
            case 6:
                found = Tagged(argument, self.value(depth + 1))
            case _:
                _refuse("it holds a float, a boolean or a null")
        return found

    def _map(self, count: int, depth: int) -> dict[int, Cbor]:
        entries: dict[int, Cbor] = {}
        before = b""
        for _ in range(count):
            start = self.place
            key = self.value(depth + 1)
            written = self._content[start : self.place]
            if not isinstance(key, int):
                _refuse("a key is not a number")
            if written <= before:
                _refuse("keys are out of order or there twice")
            before = written
            entries[key] = self.value(depth + 1)
        return entries

    def _read_head(self) -> tuple[int, int]:
        first = self._take(1)[0]
        kind, information = first >> 5, first & 0x1F
        if information <= _DIRECT_MAX:
            return kind, information
        size = _SIZES.get(information)
        if size is None:
            _refuse("a length is indefinite or reserved")
        argument = int.from_bytes(self._take(size), "big")
        if argument <= (_DIRECT_MAX if size == 1 else (1 << 4 * size) - 1):
            _refuse("a number is not in its shortest form")
        return kind, argument

    def _text(self, size: int) -> str:
        try:
            return self._take(size).decode()
        except UnicodeDecodeError:
            _refuse("a text is not in UTF-8")

    def _take(self, size: int) -> bytes:
        end = self.place + size
        if end > len(self._content):
            _refuse("it ends too soon")
        taken = self._content[self.place : end]
        self.place = end
        return taken

    def _check_count(self, entries: int) -> None:
        """Each entry takes a byte at least: a short content cannot announce millions of them."""
        if entries > len(self._content) - self.place:
            _refuse("it ends too soon")


def _head(kind: int, argument: int) -> bytes:
    if argument <= _DIRECT_MAX:
        return bytes([kind << 5 | argument])
    if argument > _ARGUMENT_MAX:
        raise InputError("A number in CBOR has at most 64 bits here.")
    information, size = next((i, size) for i, size in _SIZES.items() if argument < 1 << 8 * size)
    return bytes([kind << 5 | information]) + argument.to_bytes(size, "big")


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise InputError("Half a surrogate pair cannot be written in CBOR.") from None


def _refuse(why: str) -> NoReturn:
    raise InputError(f"Expected deterministic CBOR: {why}.")
