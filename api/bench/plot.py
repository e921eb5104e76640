"""Plots as SVG 1.1, by hand: lines over labelled axes, legible on light and on dark paper."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape

from api.bench.figures import Series

_WIDTH, _HEIGHT = 760, 380
_LEFT, _RIGHT, _TOP, _BOTTOM = 76, 44, 56, 56
_TICKS: Final = 6
# Colours that keep a contrast of 4.5 to 1 on both papers (WCAG 2.2, 1.4.3); dashes for who sees no colours.
_STYLE: Final = """
  .paper { fill: #ffffff } .ink { fill: #1f2328 } .faint { fill: #57606a }
  .axis { stroke: #57606a } .grid { stroke: #d0d7de } .line { fill: none; stroke-width: 1.8 }
  .s0 { stroke: #0a58ca } .s1 { stroke: #b3122b } .s2 { stroke: #1a7f37 } .s3 { stroke: #8250df }
  .mark { stroke: #bc4c00; stroke-dasharray: 5 4 }
  text { font: 13px system-ui, sans-serif } .small { font-size: 11px }
  .title { font-weight: 600; font-size: 15px }
  @media (prefers-color-scheme: dark) {
    .paper { fill: #0d1117 } .ink { fill: #e6edf3 } .faint { fill: #9da7b3 }
    .axis { stroke: #9da7b3 } .grid { stroke: #30363d }
    .s0 { stroke: #6cb0ff } .s1 { stroke: #ff8182 } .s2 { stroke: #56d364 } .s3 { stroke: #c297ff }
    .mark { stroke: #ffa657 }
  }
"""
_DASHES: Final = ("", "7 4", "2 3", "9 3 2 3")


@dataclass(frozen=True, slots=True)
class Axis:
    """`label` with its unit. `logarithmic`: powers of ten at equal distances."""

    label: str
    logarithmic: bool = False


def line_plot(title: str, series: Sequence[Series], x: Axis, y: Axis) -> str:
    """An SVG of these series, one line each; a legend where there are several; a line down for each mark."""
    points = [point for each in series for point in each.points]
    across = _Scale.over([at for at, _ in points], x, _LEFT, _WIDTH - _RIGHT)
    up = _Scale.over([0.0, *(value for _, value in points)], y, _HEIGHT - _BOTTOM, _TOP)
    parts = [*_frame(title, x, y), *_grid(across, up)]
    for n, each in enumerate(series):
        drawn = " ".join(f"{across.at(at):.1f},{up.at(value):.1f}" for at, value in each.points)
        dash = f' stroke-dasharray="{_DASHES[n % 4]}"' if _DASHES[n % 4] else ""
        parts.append(f'<polyline class="line s{n % 4}"{dash} points="{drawn}"/>')
        parts += _marks(each, across)
        if len(series) > 1:
            place = _LEFT + n * (_WIDTH - _LEFT - _RIGHT) / len(series)
            parts.append(f'<path class="line s{n % 4}"{dash} d="M{place:.0f} 42h26"/>')
            parts.append(f'<text class="ink small" x="{place + 32:.0f}" y="46">{escape(each.name)}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


@dataclass(frozen=True, slots=True)
class _Scale:
    """From values to places: `first` at the value `least`, `last` at `most`."""

    least: float
    most: float
    first: float
    last: float
    logarithmic: bool

    @classmethod
    def over(cls, values: Sequence[float], axis: Axis, first: float, last: float) -> "_Scale":
        if axis.logarithmic:
            least = 10 ** math.floor(math.log10(min(values, default=1.0)))
            most = 10 ** math.ceil(math.log10(max(values, default=10.0)))
            return cls(least, max(most, least * 10), first, last, logarithmic=True)
        step = _step(max(values, default=1.0) - min(values, default=0.0))
        least = math.floor(min(values, default=0.0) / step) * step
        most = math.ceil(max(values, default=1.0) / step) * step
        return cls(least, max(most, least + step), first, last, logarithmic=False)

    def at(self, value: float) -> float:
        if self.logarithmic:
            share = math.log10(value / self.least) / math.log10(self.most / self.least)
        else:
            share = (value - self.least) / (self.most - self.least)
        return float(self.first + share * (self.last - self.first))

    def ticks(self) -> list[float]:
        if self.logarithmic:
            decades = round(math.log10(self.most / self.least))
            return [self.least * 10**n for n in range(decades + 1)]
        step = _step(self.most - self.least)
        return [self.least + n * step for n in range(round((self.most - self.least) / step) + 1)]


def _step(span: float) -> float:
    """A distance of 1, 2 or 5 times a power of ten that gives about so many ticks."""
    if span <= 0:
        return 1.0
    power: float = 10.0 ** math.floor(math.log10(span / _TICKS))
    return next(power * times for times in (1, 2, 5, 10) if span / (power * times) <= _TICKS)


def _frame(title: str, x: Axis, y: Axis) -> list[str]:
    middle_x, middle_y = (_LEFT + _WIDTH - _RIGHT) / 2, (_TOP + _HEIGHT - _BOTTOM) / 2
    centred = 'class="ink" text-anchor="middle"'
    return [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img">',
        f"<title>{escape(title)}</title><style>{_STYLE}</style>",
        f'<rect class="paper" width="{_WIDTH}" height="{_HEIGHT}"/>',
        f'<text class="ink title" x="{_LEFT}" y="24">{escape(title)}</text>',
        f'<text {centred} x="{middle_x:.0f}" y="{_HEIGHT - 14}">{escape(x.label)}</text>',
        f'<text {centred} transform="translate(18 {middle_y:.0f}) rotate(-90)">{escape(y.label)}</text>',
    ]


def _grid(across: _Scale, up: _Scale) -> list[str]:
    base, parts = _HEIGHT - _BOTTOM, []
    for value in up.ticks():
        at = up.at(value)
        parts.append(f'<path class="grid" d="M{_LEFT} {at:.1f}H{_WIDTH - _RIGHT}"/>')
        parts.append(
            f'<text class="faint small" text-anchor="end" x="{_LEFT - 8}" y="{at + 4:.1f}">{value:,g}</text>'
        )
    for value in across.ticks():
        at = across.at(value)
        parts.append(f'<path class="axis" d="M{at:.1f} {base}v5"/>')
        parts.append(
            f'<text class="faint small" text-anchor="middle" x="{at:.1f}" y="{base + 19}">'
            f"{value:,.10g}</text>"
        )
    return [*parts, f'<path class="axis" d="M{_LEFT} {base}H{_WIDTH - _RIGHT}"/>']


def _marks(series: Series, across: _Scale) -> list[str]:
    parts = []
    for n, (at, words) in enumerate(series.marks):
        place = across.at(at)
        parts.append(f'<path class="mark" d="M{place:.1f} {_TOP}V{_HEIGHT - _BOTTOM}"/>')
        side = "end" if place > _WIDTH / 2 else "start"
        shift = -5 if side == "end" else 5
        y = _HEIGHT - _BOTTOM - 8 - 14 * (n % 3)
        parts.append(
            f'<text class="ink small" text-anchor="{side}" x="{place + shift:.1f}" y="{y}">'
            f"{escape(words)}</text>"
        )
    return parts
