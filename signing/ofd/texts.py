"""Texts as TextObjects: characters as characters, each where the page has its glyph."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from xml.sax.saxutils import escape

from signing.ofd.drawn import DrawnText
from signing.ofd.fonts import EmbeddedFont
from signing.ofd.geometry import (
    MM_PER_POINT,
    SAME,
    PageSpace,
    clipped,
    colour_element,
    even_scale,
    moved,
    number,
    product,
    written_box,
)
from signing.ofd.opentype import EM_UNITS
from vault.errors import IntegrityError

_PLANE_LAST = "\uffff"


@dataclass(frozen=True, slots=True)
class FontInUse:
    """A font and the ID of its resource."""

    id: int
    font: EmbeddedFont


@dataclass(frozen=True, slots=True)
class _Glyph:
    """A glyph, what it stands for, where it starts and how far it reaches, in points of text space."""

    id: int
    text: str
    x: float
    width: float


def text_objects(
    text: DrawnText, fonts: Mapping[str, FontInUse], space: PageSpace, next_id: Callable[[], int]
) -> Iterator[str]:
    """One object for a run of glyphs that the font's own table of characters finds, one for any other.

    Also one for each character past the Basic Multilingual Plane: some readers take it for two, and what
    follows would stand one place too far.
    """
    used = fonts.get(text.font)
    if used is None:
        raise IntegrityError("A typeset page shows a text in a font that it does not have.")
    run: list[_Glyph] = []
    for glyph in _glyphs(text, used.font):
        if used.font.glyph_of.get(glyph.text) == glyph.id and glyph.text <= _PLANE_LAST:
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
    even = even_scale(whole)
    a, b, c, d, _, _ = whole
    upright = max(abs(a - even), abs(d - even), abs(b), abs(c)) < SAME * even
    unit = even if upright else 1.0
    size = text.size * unit
    scale = even_scale(text.state.transform) * MM_PER_POINT / (1 if upright else even)
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
    kept = clipped(boundary, text.state.clip, space)
    if kept is None:
        return
    if kept[:2] != boundary[:2]:
        if not upright:
            raise IntegrityError("A typeset page clips a turned text.")
        x, y = x + boundary[0] - kept[0], y + boundary[1] - kept[1]
    yield (
        f'<ofd:TextObject ID="{next_id()}" Boundary="{written_box(kept)}" Font="{used.id}" '
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
        colours = colour_element("FillColor", text.state.fill)
    if text.strokes:
        colours += colour_element("StrokeColor", text.state.stroke)
    return f"{attributes}>{colours}"


def _characters(run: list[_Glyph], font: EmbeddedFont, unit: float, x: float, y: float) -> str:
    """TextCode with each character's distance from the one before, and CGTransform where one is needed."""
    transform = ""
    first = run[0]
    if font.glyph_of.get(first.text) != first.id:  # then the run is this glyph alone
        transform = (
            f'<ofd:CGTransform CodePosition="0" CodeCount="{len(first.text)}" GlyphCount="1">'
            f"<ofd:Glyphs>{first.id}</ofd:Glyphs></ofd:CGTransform>"
        )
    deltas = [(then.x - glyph.x) * unit for glyph, then in pairwise(run)]
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
