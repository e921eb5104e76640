"""What a page draws, as OFD objects: TextObject, PathObject, ImageObject in millimetres from the top left.

Paths carry no CTM: their coordinates are turned into millimetres here, since readers disagree on what a CTM
does to a line's width. Clips are an object's Boundary, past which nothing of it is drawn (GB/T 33190).
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from xml.sax.saxutils import escape

from signing.appearance import POINTS_PER_MM
from signing.ofd.content import (
    PATH,
    Box,
    Drawn,
    DrawnImage,
    DrawnPath,
    DrawnText,
    Matrix,
    Rgb,
    State,
    coordinates,
    moved,
    product,
)
from signing.ofd.fonts import EM_UNITS, EmbeddedFont
from vault.errors import IntegrityError

MM_PER_POINT = 1 / POINTS_PER_MM
# Ornaments are the same on every certificate of a template; a template has up to 400 different ones.
_PATHS_KEPT = 8192
_CAPS = ("Butt", "Round", "Square")
_JOINS = ("Miter", "Round", "Bevel")
_SAME = 1e-4  # parts of a matrix that differ by less are the same: a page is 10^3 points wide
_LETTERS = bytes.maketrans(b"mlch", b"MLBC")


@dataclass(frozen=True, slots=True)
class PageSpace:
    """From a page's points, y upwards, to millimetres from its top left corner."""

    matrix: Matrix
    box: Box = field(repr=False)

    @classmethod
    def of(cls, width: float, height: float) -> "PageSpace":
        """A page of this many points."""
        s = MM_PER_POINT
        return cls((s, 0.0, 0.0, -s, 0.0, height * s), (0.0, 0.0, width * s, height * s))


@dataclass(frozen=True, slots=True)
class FontInUse:
    """A font and the ID of its resource."""

    id: int
    font: EmbeddedFont


@dataclass(frozen=True, slots=True)
class PageResources:
    """What names in a page's content stand for: fonts, and the resource IDs of images."""

    fonts: Mapping[str, FontInUse]
    images: Mapping[str, int]


def page_objects(
    things: Iterable[Drawn], resources: PageResources, space: PageSpace, next_id: Callable[[], int]
) -> Iterator[str]:
    """The XML of each object, in order of drawing.

    Raises:
        IntegrityError: something that the writer does not know how to say in OFD.
    """
    for thing in things:
        match thing:
            case DrawnPath():
                made = _path_object(thing, space, next_id)
            case DrawnImage():
                made = _image_object(thing, resources, space, next_id)
            case DrawnText():
                yield from _text_objects(thing, resources, space, next_id)
                continue
        if made is not None:
            yield made


def number(value: float, digits: int = 4) -> str:
    """A number as OFD has it: no exponent, no needless zeros."""
    text = f"{value:.{digits}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


# ---- paths ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Shape:
    """A path in millimetres from the corner of its boundary; `left`, `top`: that corner from the origin."""

    data: str = field(repr=False)
    left: float
    top: float
    width: float
    height: float


@lru_cache(maxsize=_PATHS_KEPT)
def _shape(operators: bytes, turn: tuple[float, float, float, float], reach: float) -> _Shape:
    """A path turned and scaled, its boundary `reach` wider on each side than its points.

    Kept, since ornaments return on every certificate of a template.
    """
    if PATH.fullmatch(operators) is None:
        raise IntegrityError("A typeset page has a path that is not written as Typst writes it.")
    points = _points(operators, turn)
    left, top = min(x for x, _ in points) - reach, min(y for _, y in points) - reach
    width, height = max(x for x, _ in points) + reach - left, max(y for _, y in points) + reach - top
    return _Shape(_abbreviated(operators, points, left, top), left, top, width, height)


def _points(operators: bytes, turn: tuple[float, float, float, float]) -> list[tuple[float, float]]:
    flat = coordinates(operators)
    a, b, c, d = turn
    return [(a * x + c * y, b * x + d * y) for x, y in zip(flat[::2], flat[1::2], strict=True)]


def _abbreviated(operators: bytes, points: list[tuple[float, float]], left: float, top: float) -> str:
    """AbbreviatedData: M and L with a point, B with three, C alone."""
    written = iter([f"{_short(x - left)} {_short(y - top)}" for x, y in points])
    parts = []
    for letter in operators.translate(_LETTERS, b" \n\r\t.-0123456789").decode("ascii"):
        if letter == "B":
            parts.append(f"B {next(written)} {next(written)} {next(written)}")
        else:
            parts.append(letter if letter == "C" else f"{letter} {next(written)}")
    return " ".join(parts)


def _short(value: float) -> str:
    """A thousandth of a millimetre: 25,400 dots to the inch."""
    text = f"{value:.3f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _path_object(path: DrawnPath, space: PageSpace, next_id: Callable[[], int]) -> str | None:
    a, b, c, d, e, f = product(path.state.transform, space.matrix)
    turn = (round(a, 7), round(b, 7), round(c, 7), round(d, 7))
    reach, attributes, colours = 0.0, "", ""
    if path.strokes:
        scale = _even_scale(path.state.transform) * MM_PER_POINT
        pen = path.state.pen
        reach = pen.width * scale / 2 * max(pen.miter_limit if pen.join == 0 else 1, math.sqrt(2))
        attributes = _pen_attributes(path.state, scale)
        colours = _colour("StrokeColor", path.state.stroke)
    else:
        attributes = ' Stroke="false"'
    shape = _shape(path.operators, turn, reach)
    left, top = shape.left + e, shape.top + f
    whole = (left, top, left + shape.width, top + shape.height)
    kept = _clipped(whole, path.state.clip, space)
    if kept is None:
        return None
    data = shape.data
    if kept[:2] != whole[:2]:  # cut at the left or the top, so that the boundary's corner is another
        data = _abbreviated(path.operators, _points(path.operators, turn), kept[0] - e, kept[1] - f)
    if path.fills:
        attributes += ' Fill="true"'
        colours += _colour("FillColor", path.state.fill)
    if path.even_odd:
        attributes += ' Rule="Even-Odd"'
    return (
        f'<ofd:PathObject ID="{next_id()}" Boundary="{_written_box(kept)}"{attributes}>{colours}'
        f"<ofd:AbbreviatedData>{data}</ofd:AbbreviatedData></ofd:PathObject>"
    )


def _pen_attributes(state: State, scale: float) -> str:
    pen = state.pen
    written = f' LineWidth="{number(pen.width * scale)}"'
    if pen.cap:
        written += f' Cap="{_CAPS[pen.cap]}"'
    if pen.join:
        written += f' Join="{_JOINS[pen.join]}"'
    else:
        written += f' MiterLimit="{number(pen.miter_limit)}"'
    if pen.dash:
        pattern = " ".join(number(length * scale) for length in pen.dash)
        written += f' DashPattern="{pattern}" DashOffset="{number(pen.dash_phase * scale)}"'
    return written


def _even_scale(matrix: Matrix) -> float:
    """The factor by which a matrix scales, the same in every direction.

    Raises:
        IntegrityError: it is not the same, so that a line has no one width.
    """
    a, b, c, d, _, _ = matrix
    across, up = math.hypot(a, b), math.hypot(c, d)
    if abs(across - up) > _SAME * max(across, up) or abs(a * c + b * d) > _SAME * across * up:
        raise IntegrityError("A typeset page draws a line or a text that is stretched in one direction.")
    return math.sqrt(across * up)


# ---- texts ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Glyph:
    """A glyph, what it stands for, where it starts and how far it reaches, in points of text space."""

    id: int
    text: str
    x: float
    width: float


def _text_objects(
    text: DrawnText, resources: PageResources, space: PageSpace, next_id: Callable[[], int]
) -> Iterator[str]:
    """One object for a run of glyphs that the font's own table of characters finds, one for any other."""
    used = resources.fonts.get(text.font)
    if used is None:
        raise IntegrityError("A typeset page shows a text in a font that it does not have.")
    run: list[_Glyph] = []
    for glyph in _glyphs(text, used.font):
        if used.font.glyph_of.get(glyph.text) == glyph.id:
            run.append(glyph)
            continue
        if run:
            yield from _text_object(text, used, run, space, next_id)
            run = []
        yield from _text_object(text, used, [glyph], space, next_id)
    if run:
        yield from _text_object(text, used, run, space, next_id)


def _glyphs(text: DrawnText, font: EmbeddedFont) -> Iterator[_Glyph]:
    """The strings of a TJ (ISO 32000-1, clause 9.4.3), two bytes a glyph."""
    x, size = 0.0, text.size
    for part in text.parts:
        if isinstance(part, float):
            x -= part / EM_UNITS * size
            continue
        for high, low in zip(part[::2], part[1::2], strict=True):
            glyph = high << 8 | low
            if glyph not in font.texts:
                raise IntegrityError("A typeset page shows a glyph that stands for no character.")
            width = font.widths.get(glyph, 0.0) / EM_UNITS * size
            yield _Glyph(glyph, font.texts[glyph], x, width)
            x += width


def _text_object(
    text: DrawnText, used: FontInUse, run: list[_Glyph], space: PageSpace, next_id: Callable[[], int]
) -> Iterator[str]:
    """A TextObject whose glyphs stand where the page has them.

    Where the text stands upright, Size is in millimetres and there is no CTM; where it is turned, the CTM
    turns it and what is inside stays in points.
    """
    whole = product(product((1, 0, 0, -1, 0, 0), text.matrix), product(text.state.transform, space.matrix))
    even = _even_scale(whole)
    a, b, c, d, _, _ = whole
    upright = max(abs(a - even), abs(d - even), abs(b), abs(c)) < _SAME * even
    unit = even if upright else 1.0
    size = text.size * unit
    scale = _even_scale(text.state.transform) * MM_PER_POINT / (1 if upright else even)
    first, last = run[0], run[-1]
    pen = text.state.pen.width * scale if text.strokes else 0.0
    ascent, descent = used.font.ascent / EM_UNITS * size, -used.font.descent / EM_UNITS * size
    # Some glyphs reach out of their box; a quarter of an em around it costs nothing.
    air = size / 4 + pen
    box = (
        -air,
        -ascent - air,
        (last.x + last.width - first.x) * unit + air,
        descent + air,
    )
    origin = moved(first.x, 0.0, whole)
    if upright:
        left, top = origin[0] + box[0], origin[1] + box[1]
        boundary, turn = (left, top, origin[0] + box[2], origin[1] + box[3]), ""
        x, y = origin[0] - left, origin[1] - top
    else:
        corners = [(a * u + c * v, b * u + d * v) for u in (box[0], box[2]) for v in (box[1], box[3])]
        left, top = (origin[i] + min(corner[i] for corner in corners) for i in (0, 1))
        right, bottom = (origin[i] + max(corner[i] for corner in corners) for i in (0, 1))
        boundary = (left, top, right, bottom)
        parts = (
            *(number(part, 7) for part in (a, b, c, d)),
            number(origin[0] - left),
            number(origin[1] - top),
        )
        turn, x, y = f' CTM="{" ".join(parts)}"', 0.0, 0.0
    kept = _clipped(boundary, text.state.clip, space)
    if kept is None:
        return
    if kept[:2] != boundary[:2]:
        if not upright:
            raise IntegrityError("A typeset page clips a turned text.")
        x, y = x + boundary[0] - kept[0], y + boundary[1] - kept[1]
    yield (
        f'<ofd:TextObject ID="{next_id()}" Boundary="{_written_box(kept)}" Font="{used.id}" '
        f'Size="{number(size)}"{turn}{_text_paint(text, pen)}'
        f"{_characters(run, used.font, unit, x, y)}</ofd:TextObject>"
    )


def _text_paint(text: DrawnText, pen: float) -> str:
    attributes, colours = "", ""
    if text.strokes:
        attributes = (
            f' LineWidth="{number(pen)}" MiterLimit="{number(text.state.pen.miter_limit)}" Stroke="true"'
        )
    if not text.fills:
        attributes += ' Fill="false"'
    else:
        colours = _colour("FillColor", text.state.fill)
    if text.strokes:
        colours += _colour("StrokeColor", text.state.stroke)
    return f"{attributes}>{colours}"


def _characters(run: list[_Glyph], font: EmbeddedFont, unit: float, x: float, y: float) -> str:
    """TextCode with the distance of each character from the one before, and CGTransform where one is needed."""
    transform = ""
    first = run[0]
    if font.glyph_of.get(first.text) != first.id:  # then the run is this glyph alone
        transform = (
            f'<ofd:CGTransform CodePosition="0" CodeCount="{len(first.text)}" GlyphCount="1">'
            f"<ofd:Glyphs>{first.id}</ofd:Glyphs></ofd:CGTransform>"
        )
    deltas = [(then.x - glyph.x) * unit for glyph, then in zip(run, run[1:], strict=False)]
    if transform and len(first.text) > 1:  # what the glyph takes, shared out among its characters
        deltas = [first.width * unit / len(first.text)] * (len(first.text) - 1)
    spaced = f' DeltaX="{_run_lengths([number(delta) for delta in deltas])}"' if deltas else ""
    shown = escape("".join(glyph.text for glyph in run))
    return f'{transform}<ofd:TextCode X="{number(x)}" Y="{number(y)}"{spaced}>{shown}</ofd:TextCode>'


def _run_lengths(values: list[str]) -> str:
    """`g n d` stands for n times d; shorter from three on."""
    parts: list[str] = []
    place = 0
    while place < len(values):
        end = place
        while end < len(values) and values[end] == values[place]:
            end += 1
        count = end - place
        parts += ["g", str(count), values[place]] if count > 2 else values[place:end]  # noqa: PLR2004 - see above
        place = end
    return " ".join(parts)


# ---- images -----------------------------------------------------------------------------------------------------


def _image_object(
    image: DrawnImage, resources: PageResources, space: PageSpace, next_id: Callable[[], int]
) -> str | None:
    """The unit square, which OFD has from the top left and PDF from the bottom left."""
    resource = resources.images.get(image.name)
    if resource is None:
        raise IntegrityError("A typeset page draws an image that it does not have.")
    whole = product((1, 0, 0, -1, 0, 1), product(image.state.transform, space.matrix))
    corners = [moved(u, v, whole) for u in (0, 1) for v in (0, 1)]
    left, top = (min(corner[i] for corner in corners) for i in (0, 1))
    right, bottom = (max(corner[i] for corner in corners) for i in (0, 1))
    kept = _clipped((left, top, right, bottom), image.state.clip, space)
    if kept is None:
        return None
    parts = (*whole[:4], whole[4] - kept[0], whole[5] - kept[1])
    matrix = " ".join(number(part) for part in parts)
    return (
        f'<ofd:ImageObject ID="{next_id()}" Boundary="{_written_box(kept)}" CTM="{matrix}" '
        f'ResourceID="{resource}"/>'
    )


# ---- what all have ----------------------------------------------------------------------------------------------


def _clipped(boundary: Box, clip: Box | None, space: PageSpace) -> Box | None:
    """A boundary (left, top, right, bottom) in millimetres met with a clip; None where nothing is left.

    A clip that cuts nothing off but the air around what is drawn leaves the boundary alone only if it holds
    all of it: what lies outside must not be drawn.
    """
    if clip is None:
        return boundary
    left, top = moved(clip[0], clip[3], space.matrix)
    right, bottom = moved(clip[2], clip[1], space.matrix)
    kept = (
        max(boundary[0], left),
        max(boundary[1], top),
        min(boundary[2], right),
        min(boundary[3], bottom),
    )
    return kept if kept[0] < kept[2] and kept[1] < kept[3] else None


def _written_box(box: Box) -> str:
    """ST_Box: left, top, width, height."""
    left, top, right, bottom = box
    return f"{number(left)} {number(top)} {number(right - left)} {number(bottom - top)}"


def _colour(element: str, colour: Rgb) -> str:
    return f'<ofd:{element} Value="{colour[0]} {colour[1]} {colour[2]}"/>'
