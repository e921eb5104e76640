"""Draws the vector ornaments of the templates: guilloche frames, fret frames, rosettes, water lines.

The SVG files in `templates/ornaments/` are made here (`python -m signing.typeset.ornaments`) and checked in:
Typst keeps a decoded SVG file at hand from page to page (0.1 ms), whereas the same curves drawn in Typst's own
language cost 8 ms a page. A repeated part is one path used many times, which Flate packs to almost nothing.

Three colours stand in the files as INK, TINT and GROUND; `base.typ` puts a certificate's own colours in their place.
All lengths are millimetres on the page.
"""

import math
from collections.abc import Callable, Iterator
from pathlib import Path

FOLDER = Path(__file__).parent / "templates" / "ornaments"

INK = "#0a0a01"
TINT = "#0a0a02"
GROUND = "#0a0a03"

_HAIR_MM = 0.13  # a guilloche line: fine as engraving, still drawn by a 600 dpi printer
_RULE_MM = 0.7

_Curve = Callable[[float], tuple[float, float]]


def _number(value: float) -> str:
    """Hundredths of a millimetre, without idle zeros."""
    text = f"{value:.2f}".rstrip("0").rstrip(".")
    return "0" if text in {"-0", ""} else text


def _path(curve: _Curve, start: float, end: float, pieces: int) -> str:
    """`curve` as cubic Bézier pieces whose ends touch it in place and direction (Hermite to Bézier)."""
    step = (end - start) / pieces
    tiny = step * 1e-4

    def slope(at: float) -> tuple[float, float]:
        (x0, y0), (x1, y1) = curve(at - tiny), curve(at + tiny)
        return (x1 - x0) / (2 * tiny) * step / 3, (y1 - y0) / (2 * tiny) * step / 3

    x, y = curve(start)
    parts = [f"M{_number(x)} {_number(y)}"]
    for piece in range(pieces):
        here, there = start + piece * step, start + (piece + 1) * step
        (x0, y0), (x1, y1) = curve(here), curve(there)
        (dx0, dy0), (dx1, dy1) = slope(here), slope(there)
        points = (x0 + dx0, y0 + dy0, x1 - dx1, y1 - dy1, x1, y1)
        parts.append("C" + " ".join(_number(p) for p in points))
    return "".join(parts)


def _stroke(colour: str, width: float = _HAIR_MM) -> str:
    return f'fill="none" stroke="{colour}" stroke-width="{_number(width)}"'


def _rect(x: float, y: float, width: float, height: float, style: str) -> str:
    box = f'x="{_number(x)}" y="{_number(y)}" width="{_number(width)}" height="{_number(height)}"'
    return f"<rect {box} {style}/>"


def _frame_rule(inset: float, size: tuple[float, float], width: float, colour: str = INK) -> str:
    return _rect(inset, inset, size[0] - 2 * inset, size[1] - 2 * inset, _stroke(colour, width))


def _ribbons(period: float, height: float) -> str:
    """One period of two mirrored ribbons of fine lines that plait through each other."""
    lines = 9

    def line(share: float, sign: int) -> _Curve:
        def at(turn: float) -> tuple[float, float]:
            outer = math.sin(turn) * 0.98
            inner = 0.42 * math.sin(turn + 1.15) + 0.2 * math.sin(2 * turn)
            return turn / math.tau * period, sign * height / 2 * (outer * (1 - share) + inner * share)

        return at

    return "".join(
        _path(line(index / (lines - 1), sign), 0, math.tau, 6) for sign in (1, -1) for index in range(lines)
    )


def _rosette(petals: int, radii: Iterator[tuple[float, float, float]]) -> str:
    """One petal of nested rosette lines; each line is (mean radius, swing, phase in petals)."""

    def line(mean: float, swing: float, phase: float) -> _Curve:
        def at(turn: float) -> tuple[float, float]:
            radius = mean + swing * math.cos(petals * turn + phase * math.tau)
            return radius * math.cos(turn), radius * math.sin(turn)

        return at

    return "".join(_path(line(*radius), 0, math.tau / petals, 4) for radius in radii)


def _turned(name: str, copies: int, x: float, y: float) -> str:
    at = f"translate({_number(x)} {_number(y)})"
    return "".join(
        f'<use href="#{name}" transform="{at} rotate({360 / copies * turn:.4f})"/>' for turn in range(copies)
    )


def _medallion(radius: float) -> Iterator[tuple[float, float, float]]:
    """A rosette's rings from the rim inwards: a wide open lace, a tight braid, a small heart."""
    for step in range(7):
        yield radius * (0.86 - 0.02 * step), radius * (0.14 - 0.028 * step), 0
        yield radius * (0.86 - 0.02 * step), radius * (0.14 - 0.028 * step), 0.5
    for step in range(5):
        yield radius * 0.58, radius * (0.10 - 0.02 * step), step / 5
        yield radius * 0.58, radius * (0.10 - 0.02 * step), step / 5 + 0.5
    for step in range(4):
        yield radius * (0.34 - 0.05 * step), radius * 0.08, 0.25 * step


def _water(x: float, y: float, width: float, height: float, *, period: float = 26, pitch: float = 2.1) -> str:
    """Faint flowing lines over a rectangle: what makes a photocopy's grey stand out."""
    turns = max(1, round(width / period))
    swing = pitch * 0.95

    def line(turn: float) -> tuple[float, float]:
        return turn / (turns * math.tau) * width, swing * math.sin(turn)

    def counter(turn: float) -> tuple[float, float]:
        return turn / (turns * math.tau) * width, swing * math.sin(turn + math.pi * 0.72)

    rows = int((height - 2 * swing) / pitch)
    start = y + (height - rows * pitch) / 2
    shapes = (
        f'<g id="water" {_stroke(TINT)}>'
        f'<path d="{_path(line, 0, turns * math.tau, turns * 4)}"/>'
        f'<path d="{_path(counter, 0, turns * math.tau, turns * 4)}"/></g>'
    )
    uses = "".join(
        f'<use href="#water" x="{_number(x)}" y="{_number(start + row * pitch)}"/>' for row in range(rows + 1)
    )
    return f"<defs>{shapes}</defs>{uses}"


def _centre_rosette(x: float, y: float, radius: float, petals: int = 24) -> str:
    petal = f'<path id="petal" {_stroke(TINT, 0.16)} d="{_rosette(petals, _medallion(radius))}"/>'
    return f"<defs>{petal}</defs>{_turned('petal', petals, x, y)}"


def _guilloche_band(size: tuple[float, float], inset: float, band: float) -> str:
    """A plaited band around the page, rosettes in the corners, rules on both sides."""
    width, height = size
    pieces, defs = [], []
    for name, length in (("across", width), ("down", height)):
        clear = length - 2 * (inset + band)
        count = round(clear / (band * 1.55))
        period = clear / count
        defs.append(f'<path id="{name}" {_stroke(INK)} d="{_ribbons(period, band * 0.86)}"/>')
        near, far = inset + band / 2, (height if name == "across" else width) - inset - band / 2
        for index in range(count):
            along = inset + band + index * period
            if name == "across":
                pieces += [
                    f'<use href="#across" x="{_number(along)}" y="{_number(edge)}"/>' for edge in (near, far)
                ]
            else:
                pieces += [
                    f'<use href="#down" transform="translate({_number(edge)} {_number(along)}) rotate(90)"/>'
                    for edge in (near, far)
                ]
    defs.append(f'<path id="corner" {_stroke(INK)} d="{_rosette(12, _medallion(band * 0.49))}"/>')
    for x in (inset + band / 2, width - inset - band / 2):
        for y in (inset + band / 2, height - inset - band / 2):
            pieces.append(_rect(x - band / 2, y - band / 2, band, band, _stroke(INK, 0.3)))
            pieces.append(_turned("corner", 12, x, y))
    rules = (
        _frame_rule(inset - 1.5, size, _RULE_MM)
        + _frame_rule(inset - 0.5, size, 0.2)
        + _frame_rule(inset + band + 0.5, size, 0.2)
        + _frame_rule(inset + band + 1.4, size, 0.45)
    )
    return f"<defs>{''.join(defs)}</defs>{''.join(pieces)}{rules}"


def _svg(size: tuple[float, float], *parts: str) -> str:
    width, height = (_number(s) for s in size)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}mm" height="{height}mm"'
    return f'{head} viewBox="0 0 {width} {height}">{"".join(parts)}</svg>\n'


def _guilloche_page(size: tuple[float, float], inset: float, band: float) -> str:
    width, height = size
    inner = inset + band + 2.2
    return _svg(
        size,
        _water(inner, inner, width - 2 * inner, height - 2 * inner),
        _centre_rosette(width / 2, height / 2 + 6, min(width, height) * 0.29),
        _guilloche_band(size, inset, band),
    )


_A4_LANDSCAPE = (297.0, 210.0)
_A4_PORTRAIT = (210.0, 297.0)
_A5_LANDSCAPE = (210.0, 148.0)


def drawings() -> dict[str, str]:
    """Every ornament by file name; the same text at every run."""
    return {
        "licence.svg": _guilloche_page(_A4_LANDSCAPE, 8, 11),
        "permit.svg": _guilloche_page(_A4_PORTRAIT, 9, 9),
        "crest.svg": _svg(
            (40, 40),
            f'<defs><path id="p" {_stroke(INK, 0.2)} d="{_rosette(16, _medallion(19.5))}"/></defs>'
            + _turned("p", 16, 20, 20),
        ),
    }


def main() -> None:
    """Write every ornament into the templates' folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in drawings().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
