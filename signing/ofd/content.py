"""A page's content as Typst writes it, read into what is drawn: texts, paths, images, in page space.

Only the operators that Typst writes are known (ISO 32000-1, annex A); any other is an error, so that nothing
is left out without a word. An own scanner reads whole paths at once, since an ornament has thousands of
curves: pikepdf's takes ten times as long, and the tests hold the one against the other.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Final

from vault.errors import IntegrityError

CONTENT_MAX_BYTES = 8 * 1024 * 1024  # the shipped pages have up to 0.3 MB
NESTING_MAX = 64  # graphics states open at once
_LEADING_KEPT = 64  # first parts of pages: one a template and page, of a quarter of a megabyte
_MARK_END = b"EMC"

Matrix = tuple[float, float, float, float, float, float]
Rgb = tuple[int, int, int]
Box = tuple[float, float, float, float]  # left, bottom, right, top

IDENTITY: Final[Matrix] = (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)
_BLACK: Final[Rgb] = (0, 0, 0)
_NUMBER = rb"-?(?:\d+\.?\d*|\.\d+)"
# A path from its first `m` to the operator that paints it, taken as a whole by the characters that paths have;
# `PATH` says what may stand there and is held against it where the path is written down, once for each path.
_PATH = _NUMBER + rb" " + _NUMBER + rb" m\s[-.0-9\smlch]*"
_PAIR = _NUMBER + rb" " + _NUMBER + rb" "
PATH = re.compile(_PAIR + rb"m\s+(?:(?:" + _PAIR + rb"(?:[ml]|" + _PAIR + _PAIR + rb"c)|h)\s+)*")
_PARENTHESES_MAX = 8  # balanced ones stand unescaped in a string (clause 7.3.4.2), as deep as this


def _string(depth: int) -> bytes:
    inner = rb"|\(" + _string(depth - 1) + rb"\)" if depth else b""
    return rb"(?:[^()\\]|\\[\s\S]" + inner + rb")*"


_TOKEN = re.compile(
    rb"[\s\x00]*(?:(?P<path>" + _PATH + rb")"
    rb"|(?P<number>" + _NUMBER + rb")(?=[\s\[\]()<>/])"
    rb"|(?P<name>/[^\s/\[\]()<>{}%]*)"
    rb"|(?P<string>\(" + _string(_PARENTHESES_MAX) + rb"\))"
    rb"|(?P<hex><[0-9A-Fa-f\s]*>)"
    rb"|(?P<bracket>\[|\])"
    rb"|(?P<open><<)|(?P<close>>>)"
    rb"|(?P<operator>[A-Za-z'\"][A-Za-z0-9*]*))"
)
_BLANK = re.compile(rb"[\s\x00]*\Z")
_ESCAPE = re.compile(rb"\\(?:([0-7]{1,3})|(\r\n|[\s\S]))")
_ESCAPED: Final[Mapping[bytes, bytes]] = {
    b"n": b"\n", b"r": b"\r", b"t": b"\t", b"b": b"\b", b"f": b"\f", b"\r\n": b"", b"\n": b"", b"\r": b"",
}  # fmt: skip

Operand = float | str | bytes | list["Operand"]


@dataclass(frozen=True, slots=True)
class Pen:
    """How lines are drawn, in units of the space that `transform` leads from."""

    width: float = 1.0
    cap: int = 0
    join: int = 0
    miter_limit: float = 10.0
    dash: tuple[float, ...] = ()
    dash_phase: float = 0.0


@dataclass(frozen=True, slots=True)
class State:
    """A graphics state (clause 8.4). `clip`: in page space; None where nothing is clipped."""

    transform: Matrix = IDENTITY
    fill: Rgb = _BLACK
    stroke: Rgb = _BLACK
    fill_space: str = ""
    stroke_space: str = ""
    pen: Pen = Pen()
    clip: Box | None = None


@dataclass(frozen=True, slots=True)
class DrawnPath:
    """Path operators as they stand in the content, and how they are painted."""

    operators: bytes = field(repr=False)
    state: State
    fills: bool
    strokes: bool
    even_odd: bool = False


@dataclass(frozen=True, slots=True)
class DrawnText:
    """Shown strings and adjustments (clause 9.4.3), with font, size in text space and text matrix."""

    font: str
    size: float
    matrix: Matrix
    parts: tuple[bytes | float, ...] = field(repr=False)
    state: State
    fills: bool
    strokes: bool


@dataclass(frozen=True, slots=True)
class DrawnImage:
    """An image XObject's name and the state whose transform leads from the unit square to the page."""

    name: str
    state: State


Drawn = DrawnPath | DrawnText | DrawnImage


@dataclass(frozen=True, slots=True)
class Leading:
    """What a page draws before its first text, mostly ornaments, and the graphics states it leaves behind."""

    things: tuple[Drawn, ...] = field(repr=False)
    state: State
    saved: tuple[State, ...]


def split(content: bytes) -> tuple[bytes, bytes]:
    """A content stream cut behind the last marked content that ends before its first text.

    The first part is the same on every certificate of a template, and is most of it.

    Raises:
        IntegrityError: the content is larger than a page of ours.
    """
    if len(content) > CONTENT_MAX_BYTES:
        raise IntegrityError(f"A typeset page's content has over {CONTENT_MAX_BYTES} bytes.")
    first_text = content.find(b"\nBT")
    marked = content.rfind(_MARK_END, 0, first_text) if first_text >= 0 else -1
    cut = marked + len(_MARK_END) if marked >= 0 else 0
    return content[:cut], content[cut:]


@lru_cache(maxsize=_LEADING_KEPT)
def leading(content: bytes, grey_spaces: frozenset[str]) -> Leading:
    """What the first part of a page draws. `grey_spaces`: colour space resources of one component.

    Raises:
        IntegrityError: it is not written as Typst writes it.
    """
    reader = _Reader(grey_spaces, State(), ())
    things = tuple(reader.run(content))
    return Leading(things, reader.state, reader.saved)


def following(content: bytes, grey_spaces: frozenset[str], after: Leading) -> Iterator[Drawn]:
    """What the rest of a page draws, in order.

    Raises:
        IntegrityError: it is not written as Typst writes it.
    """
    reader = _Reader(grey_spaces, after.state, after.saved)
    yield from reader.run(content)
    if reader.saved:
        raise IntegrityError("A typeset page's content ends in the middle.")


def tokens(content: bytes) -> Iterator[tuple[str, bytes]]:
    """The kind and bytes of every token; a path is one token.

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


class _Reader:
    """Walks one content stream; each operator is one method."""

    def __init__(self, grey_spaces: frozenset[str], state: State, saved: tuple[State, ...]) -> None:
        self._grey = grey_spaces
        self._state = state
        self._saved = [*saved]
        self._path = b""
        self._clips = False
        self._font: tuple[str, float] = ("", 0.0)
        self._matrix = IDENTITY
        self._mode = 0
        self._operators: Mapping[bytes, Callable[[list[Operand]], Drawn | None]] = {
            b"q": self._save, b"Q": self._restore, b"cm": self._concatenate,
            b"cs": self._fill_space, b"CS": self._stroke_space,
            b"scn": self._fill_colour, b"SCN": self._stroke_colour,
            b"w": lambda o: self._pen(width=_number(o, 0)), b"M": lambda o: self._pen(miter_limit=_number(o, 0)),
            b"J": lambda o: self._pen(cap=int(_number(o, 0))), b"j": lambda o: self._pen(join=int(_number(o, 0))),
            b"d": self._dash,
            b"S": lambda _: self._paint(strokes=True), b"f": lambda _: self._paint(fills=True),
            b"f*": lambda _: self._paint(fills=True, even_odd=True),
            b"B": lambda _: self._paint(fills=True, strokes=True),
            b"B*": lambda _: self._paint(fills=True, strokes=True, even_odd=True),
            b"W": self._clip, b"n": lambda _: self._paint(),
            b"BT": self._begin_text, b"ET": lambda _: None, b"Tr": self._rendering, b"Tf": self._choose_font,
            b"Tm": self._place_text, b"Tj": self._show, b"TJ": self._show, b"Do": self._image,
            # Marked content (clause 14.6) draws nothing.
            b"BMC": lambda _: None, b"BDC": lambda _: None, b"EMC": lambda _: None,
        }  # fmt: skip

    def run(self, content: bytes) -> Iterator[Drawn]:
        """Everything that is drawn, in order."""
        operands: list[Operand] = []
        inner: list[Operand] | None = None
        depth = 0
        for kind, text in tokens(content):
            if kind == "operator":
                if depth or inner is not None or text not in self._operators:
                    raise _unknown(text)
                made = self._operators[text](operands)
                operands = []
                if made is not None:
                    yield made
            elif kind == "path":
                if operands or self._path:
                    raise _unknown(b"m")
                self._path = text
            elif kind in {"open", "close"}:  # a property list of marked content, never looked at
                depth += 1 if kind == "open" else -1
            elif depth:
                continue
            elif kind == "bracket":
                if text == b"[" and inner is None:
                    inner = []
                elif text == b"]" and inner is not None:
                    operands.append(inner)
                    inner = None
                else:
                    raise _unknown(text)
            else:
                (operands if inner is None else inner).append(_operand(kind, text))
        if self._path or operands or depth or inner is not None:
            raise IntegrityError("A typeset page's content ends in the middle.")

    @property
    def state(self) -> State:
        """The graphics state that it has come to."""
        return self._state

    @property
    def saved(self) -> tuple[State, ...]:
        """The graphics states that are open, outermost first."""
        return tuple(self._saved)

    def _save(self, _: list[Operand]) -> None:
        if len(self._saved) >= NESTING_MAX:
            raise IntegrityError(f"A typeset page's content nests more than {NESTING_MAX} graphics states.")
        self._saved.append(self._state)

    def _restore(self, _: list[Operand]) -> None:
        if not self._saved:
            raise _unknown(b"Q")
        self._state = self._saved.pop()

    def _concatenate(self, operands: list[Operand]) -> None:
        self._state = replace(self._state, transform=product(_matrix(operands), self._state.transform))

    def _fill_space(self, operands: list[Operand]) -> None:
        self._state = replace(self._state, fill_space=_name(operands))

    def _stroke_space(self, operands: list[Operand]) -> None:
        self._state = replace(self._state, stroke_space=_name(operands))

    def _fill_colour(self, operands: list[Operand]) -> None:
        self._state = replace(self._state, fill=self._colour(self._state.fill_space, operands))

    def _stroke_colour(self, operands: list[Operand]) -> None:
        self._state = replace(self._state, stroke=self._colour(self._state.stroke_space, operands))

    def _colour(self, space: str, operands: list[Operand]) -> Rgb:
        wanted = 1 if space in self._grey else 3
        if not space or len(operands) != wanted:
            raise _unknown(b"scn")
        parts = [round(min(max(_number(operands, i), 0.0), 1.0) * 255) for i in range(wanted)]
        red, green, blue = parts * 3 if wanted == 1 else parts
        return red, green, blue

    def _pen(self, **changes: float) -> None:
        self._state = replace(self._state, pen=replace(self._state.pen, **changes))  # type: ignore[arg-type]  # each is of its field's type, which mypy cannot see through **

    def _dash(self, operands: list[Operand]) -> None:
        pattern = operands[0] if operands else None
        if not isinstance(pattern, list):
            raise _unknown(b"d")
        dash = tuple(_number(pattern, i) for i in range(len(pattern)))
        self._state = replace(
            self._state, pen=replace(self._state.pen, dash=dash, dash_phase=_number(operands, 1))
        )

    def _paint(
        self, *, fills: bool = False, strokes: bool = False, even_odd: bool = False
    ) -> DrawnPath | None:
        path, self._path = self._path, b""
        if not path:
            raise _unknown(b"S")
        painted = DrawnPath(path, self._state, fills, strokes, even_odd) if fills or strokes else None
        if self._clips:
            self._clips = False
            self._state = replace(self._state, clip=_within(self._state, path))
        return painted

    def _clip(self, _: list[Operand]) -> None:
        self._clips = True

    def _begin_text(self, _: list[Operand]) -> None:
        self._matrix = IDENTITY

    def _rendering(self, operands: list[Operand]) -> None:
        self._mode = int(_number(operands, 0))
        if self._mode not in {0, 1, 2}:  # clause 9.3.6: fill, stroke, both
            raise _unknown(b"Tr")

    def _choose_font(self, operands: list[Operand]) -> None:
        self._font = (_name(operands[:1]), _number(operands, 1))

    def _place_text(self, operands: list[Operand]) -> None:
        self._matrix = _matrix(operands)

    def _show(self, operands: list[Operand]) -> DrawnText:
        shown = operands[0] if len(operands) == 1 else None
        parts = tuple(shown) if isinstance(shown, list) else (shown,)
        if not all(isinstance(part, bytes | float) for part in parts):
            raise _unknown(b"TJ")
        matrix, self._matrix = self._matrix, (float("nan"),) * 6  # Typst places every text anew
        font, size = self._font
        fills, strokes = self._mode != 1, self._mode != 0
        return DrawnText(
            font,
            size,
            matrix,
            tuple(p for p in parts if isinstance(p, bytes | float)),
            self._state,
            fills,
            strokes,
        )

    def _image(self, operands: list[Operand]) -> DrawnImage:
        return DrawnImage(_name(operands), self._state)


def product(first: Matrix, then: Matrix) -> Matrix:
    """The matrix that does `first`, then `then` (clause 8.3.4)."""
    a, b, c, d, e, f = first
    p, q, r, s, t, u = then
    return (
        a * p + b * r,
        a * q + b * s,
        c * p + d * r,
        c * q + d * s,
        e * p + f * r + t,
        e * q + f * s + u,
    )


def moved(x: float, y: float, by: Matrix) -> tuple[float, float]:
    """A point through a matrix."""
    a, b, c, d, e, f = by
    return a * x + c * y + e, b * x + d * y + f


def coordinates(path: bytes) -> list[float]:
    """All coordinates of a path token, x and y in turns."""
    return [float(part) for part in path.translate(None, b"mlch").split()]


_RECTANGLE_OPERATORS = (b"mlllh", b"mllllh")


def _within(state: State, path: bytes) -> Box:
    """The old clip met with a new one, which must be an upright rectangle on the page."""
    operators = bytes(byte for byte in path if byte in b"mlch")
    flat = coordinates(path)
    corners = [moved(x, y, state.transform) for x, y in zip(flat[::2], flat[1::2], strict=True)]
    xs, ys = sorted({round(x, 3) for x, _ in corners}), sorted({round(y, 3) for _, y in corners})
    if operators not in _RECTANGLE_OPERATORS or len(xs) != 2 or len(ys) != 2:  # noqa: PLR2004 - its edges
        raise IntegrityError("A typeset page is clipped to something else than an upright rectangle.")
    old = state.clip
    left, right, bottom, top = xs[0], xs[1], ys[0], ys[1]
    if old is None:
        return left, bottom, right, top
    return max(left, old[0]), max(bottom, old[1]), min(right, old[2]), min(top, old[3])


def _operand(kind: str, text: bytes) -> Operand:
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


def _number(operands: list[Operand], index: int) -> float:
    value = operands[index] if index < len(operands) else None
    if not isinstance(value, float):
        raise _unknown(b"(operand)")
    return value


def _name(operands: list[Operand]) -> str:
    if len(operands) != 1 or not isinstance(operands[0], str):
        raise _unknown(b"(operand)")
    return operands[0]


def _matrix(operands: list[Operand]) -> Matrix:
    if len(operands) != 6:  # noqa: PLR2004 - a matrix
        raise _unknown(b"(matrix)")
    a, b, c, d, e, f = (_number(operands, i) for i in range(6))
    return a, b, c, d, e, f


def _unknown(operator: bytes) -> IntegrityError:
    return IntegrityError(
        f"A typeset page's content has {operator[:12]!r} where the OFD writer does not know it."
    )
