"""A page's content as Typst writes it, read into what is drawn: texts, paths, images, in page space.

Only the operators that Typst writes are known (ISO 32000-1, annex A); any other is an error, so that nothing
is left out without a word.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import lru_cache

from signing.ofd.drawn import Drawn, DrawnImage, DrawnPath, DrawnText, State
from signing.ofd.geometry import IDENTITY, Box, Matrix, Rgb, moved, product
from signing.ofd.scanner import Operand, coordinates, operand, tokens
from vault.errors import IntegrityError

CONTENT_MAX_BYTES = 8 * 1024 * 1024  # the shipped pages have up to 0.3 MB
NESTING_MAX = 64  # graphics states open at once
_LEADING_KEPT = 64  # first parts of pages: one a template and page, of a quarter of a megabyte
_MARK_END = b"EMC"


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


class _Reader:
    """Walks one content stream; each operator is one method."""

    def __init__(self, grey_spaces: frozenset[str], state: State, saved: tuple[State, ...]) -> None:
        self._grey = grey_spaces
        self._state = state
        self._saved = [*saved]
        self._operands: list[Operand] = []
        self._array: list[Operand] | None = None
        self._path = b""
        self._clips = False
        self._font: tuple[str, float] = ("", 0.0)
        self._matrix = IDENTITY
        self._mode = 0
        self._operators: Mapping[bytes, Callable[[list[Operand]], Drawn | None]] = {
            b"q": self._save, b"Q": self._restore, b"cm": self._concatenate,
            b"cs": self._fill_space, b"CS": self._stroke_space,
            b"scn": self._fill_colour, b"SCN": self._stroke_colour,
            b"w": lambda o: self._pen(width=_number(o, 0)),
            b"M": lambda o: self._pen(miter_limit=_number(o, 0)),
            b"J": lambda o: self._pen(cap=int(_number(o, 0))),
            b"j": lambda o: self._pen(join=int(_number(o, 0))),
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
        depth = 0  # of property lists of marked content, which are never looked at
        for kind, text in tokens(content):
            if kind in {"open", "close"}:
                depth += 1 if kind == "open" else -1
            elif depth:
                continue
            elif kind == "plain":
                made = self._operate(text)
                if made is not None:
                    yield made
            elif kind == "path":
                if self._operands or self._path:
                    raise _unknown(b"m")
                self._path = text
            elif kind == "bracket":
                self._bracket(text)
            else:
                (self._operands if self._array is None else self._array).append(operand(kind, text))
        if self._path or self._operands or depth or self._array is not None:
            raise IntegrityError("A typeset page's content ends in the middle.")

    def _operate(self, text: bytes) -> Drawn | None:
        """An operator with the numbers before it."""
        *numbers, operator = text.split()
        if self._array is not None or operator not in self._operators:
            raise _unknown(operator)
        self._operands += map(float, numbers)
        operands, self._operands = self._operands, []
        return self._operators[operator](operands)

    def _bracket(self, bracket: bytes) -> None:
        """An array opens or ends; none of ours lies in another."""
        if bracket == b"[" and self._array is None:
            self._array = []
        elif bracket == b"]" and self._array is not None:
            self._operands.append(self._array)
            self._array = None
        else:
            raise _unknown(bracket)

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
