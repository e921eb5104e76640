"""Draws the vector ornaments of the templates: guilloche and fret frames, rosettes, water lines.

The SVG files in `templates/ornaments/` are made here (`python -m signing.typeset.ornaments`) and checked in:
Typst keeps a decoded SVG file at hand from page to page, whereas the same curves drawn in its language cost
8 ms a page. A repeated part is one path used many times, which Flate packs to almost nothing.

Four colours stand in the files as INK, TINT, BAND and GROUND; `base.typ` puts a certificate's own in their
place. All lengths are millimetres on the page.
"""

import math
from collections.abc import Callable
from pathlib import Path

from signing.typeset.engraving import (
    BAND,
    GROUND,
    INK,
    TINT,
    frame_rule,
    medallion,
    number,
    path,
    rect,
    ribbons,
    rosette,
    small_medallion,
    stroke,
    turned,
)

FOLDER = Path(__file__).parent / "templates" / "ornaments"

_Size = tuple[float, float]
_A4_LANDSCAPE: _Size = (297.0, 210.0)
_A4_PORTRAIT: _Size = (210.0, 297.0)
_A5_LANDSCAPE: _Size = (210.0, 148.0)


def _water(name: str, box: tuple[float, float, float, float]) -> str:
    """Faint flowing lines over a rectangle (x, y, width, height): they make a photocopy's grey stand out."""
    period, pitch = 40.0, 2.4  # from crest to crest, and from line to line, in mm
    x, y, width, height = box
    turns = max(1, round(width / period))
    swing = pitch * 1.15  # two Bézier pieces a turn flatten the wave by a fifth

    def wave(lag: float) -> str:
        return path(
            lambda turn: (turn / (turns * math.tau) * width, swing * math.sin(turn + lag)),
            turns * math.tau,
            turns * 2,
        )

    rows = int((height - 2 * swing) / pitch)
    start = y + (height - rows * pitch) / 2
    lines = f'<g id="{name}" {stroke(TINT)}><path d="{wave(0)}"/><path d="{wave(math.pi * 0.72)}"/></g>'
    uses = "".join(
        f'<use href="#{name}" x="{number(x)}" y="{number(start + row * pitch)}"/>' for row in range(rows + 1)
    )
    return f"<defs>{lines}</defs>{uses}"


def _rosette_at(name: str, x: float, y: float, radius: float, *, petals: int = 20, colour: str = TINT) -> str:
    width = 0.16 if colour == TINT else 0.2
    petal = f'<path id="{name}" {stroke(colour, width)} d="{rosette(petals, medallion(radius))}"/>'
    return f"<defs>{petal}</defs>{turned(name, petals, x, y)}"


def _plait(period: float, band: float) -> str:
    return f'{stroke(INK)} d="{ribbons(period, band * 0.86)}"'


def _fret(period: float, band: float) -> str:
    """回纹: one square spiral on its base line, drawn around y = 0."""
    unit = band * 0.84 / 6
    wide = period / 7
    turns = ((0, 6), (0, 0), (6, 0), (6, 4.5), (2, 4.5), (2, 2), (4, 2), (4, 3))
    spiral = "L".join(f"{number(x * wide)} {number((y - 3) * unit)}" for x, y in turns)
    base = f"M0 {number(3 * unit)}H{number(period)}"
    return f'{stroke(INK, 0.5)} d="M{spiral}{base}"'


def _band(
    size: _Size, inset: float, band: float, tile: Callable[[float, float], str], *, ratio: float
) -> str:
    """A band of repeated tiles around the page, rosettes in the corners, rules on both sides.

    `tile(period, band)` gives a path's attributes; `ratio`: a tile's length in widths of the band.
    """
    width, height = size
    middle, clear = inset + band / 2, inset + band
    pieces, defs = [rect(inset, inset, width - 2 * inset, height - 2 * inset, f'fill="{BAND}"')], []
    pieces.append(rect(clear, clear, width - 2 * clear, height - 2 * clear, f'fill="{GROUND}"'))
    sides = (
        ("across", width, ((clear, middle, 0), (width - clear, height - middle, 180))),
        ("down", height, ((width - middle, clear, 90), (middle, height - clear, 270))),
    )
    for name, length, edges in sides:
        count = round((length - 2 * clear) / (band * ratio))
        period = (length - 2 * clear) / count
        defs.append(f'<path id="{name}" {tile(period, band)}/>')
        for x, y, angle in edges:
            pieces += [
                f'<use href="#{name}" transform="translate({number(x)} {number(y)}) rotate({angle})'
                f' translate({number(index * period)} 0)"/>'
                for index in range(count)
            ]
    defs.append(f'<path id="corner" {stroke(INK)} d="{rosette(12, small_medallion(band * 0.48))}"/>')
    for x in (middle, width - middle):
        for y in (middle, height - middle):
            pieces.append(rect(x - band / 2, y - band / 2, band, band, stroke(INK, 0.3)))
            pieces.append(turned("corner", 12, x, y))
    rules = (
        frame_rule(inset - 1.5, size, 0.7)
        + frame_rule(inset - 0.5, size, 0.2)
        + frame_rule(clear + 0.5, size, 0.2)
        + frame_rule(clear + 1.4, size, 0.45)
    )
    return f"<defs>{''.join(defs)}</defs>{''.join(pieces)}{rules}"


def _svg(size: _Size, *parts: str) -> str:
    width, height = size
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:g}mm" height="{height:g}mm"'
    return f'{head} viewBox="0 0 {number(width)} {number(height)}">{"".join(parts)}</svg>\n'


def _framed(
    size: _Size, inset: float, band: float, tile: Callable[[float, float], str], *, ratio: float
) -> str:
    width, height = size
    inner = inset + band + 2.2
    return _svg(
        size,
        _band(size, inset, band, tile, ratio=ratio),
        _water("water", (inner, inner, width - 2 * inner, height - 2 * inner)),
        _rosette_at("petal", width / 2, height / 2 + 6, min(width, height) * 0.29),
    )


def _spread(size: _Size) -> str:
    """Two facing pages of a booklet: hairline frames with small rosettes, and the fold between them."""
    width, height = size
    parts = []
    defs = f'<path id="corner" {stroke(INK)} d="{rosette(12, small_medallion(4.6))}"/>'
    for index, left in enumerate((9.0, width / 2 + 5)):
        box = (left, 9.0, width / 2 - 14, height - 18)
        parts.append(_water(f"water{index}", (left + 2, 11, box[2] - 4, box[3] - 4)))
        parts.append(_rosette_at(f"petal{index}", left + box[2] / 2, height / 2 + 4, 48))
        parts.append(rect(*box, stroke(INK, 0.7)))
        parts.append(rect(left + 1.3, 10.3, box[2] - 2.6, box[3] - 2.6, stroke(INK, 0.2)))
        parts += [
            turned("corner", 12, x, y) for x in (left + 7, left + box[2] - 7) for y in (16.0, height - 16)
        ]
    fold = f'<path {stroke(TINT, 0.4)} d="M{number(width / 2)} 0V{number(height)}"/>'
    return _svg(size, f"<defs>{defs}</defs>", *parts, fold)


def _card(size: _Size) -> str:
    width, height = size
    inset, band = 6.0, 5.0
    inner = inset + band + 1.6
    return _svg(
        size,
        _band(size, inset, band, _plait, ratio=2.2),
        _water("water", (inner, inner, width - 2 * inner, height - 2 * inner)),
        _rosette_at("petal", width * 0.62, height / 2 + 8, height * 0.32),
    )


def drawings() -> dict[str, str]:
    """Every ornament by file name; the same text at every run."""
    return {
        "licence.svg": _framed(_A4_LANDSCAPE, 8, 11, _plait, ratio=1.9),
        "permit.svg": _framed(_A4_PORTRAIT, 9, 9, _plait, ratio=1.9),
        "registration.svg": _framed(_A4_LANDSCAPE, 9, 8, _fret, ratio=1.0),
        "spread.svg": _spread(_A4_LANDSCAPE),
        "card.svg": _card(_A5_LANDSCAPE),
        "crest.svg": _svg((40, 40), _rosette_at("petal", 20, 20, 19.5, petals=16, colour=INK)),
    }


def main() -> None:
    """Write every ornament into the templates' folder."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in drawings().items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
