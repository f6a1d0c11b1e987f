"""The few charts of a report as SVG, without matplotlib: colours and fonts are the style sheet's."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, HEIGHT = 420.0, 250.0
LEFT, RIGHT, TOP, BOTTOM = 58.0, 12.0, 14.0, 44.0


@dataclass(frozen=True)
class Line:
    """One curve: its name and its points."""

    name: str
    x: Sequence[float]
    y: Sequence[float]


def number(value: float) -> str:
    """A number for a reader: four digits, a true minus.

    >>> number(-0.123456), number(12345678.0), number(float("nan"))
    ('−0.1235', '1.235e+07', '–')
    """
    if not math.isfinite(value):
        return "–"
    return "0" if abs(value) < 1e-12 else f"{value:.4g}".replace("-", "−")


def ticks(low: float, high: float, count: int = 5) -> list[float]:
    """Round numbers within [low, high], about so many.

    >>> ticks(0.13, 0.97)
    [0.2, 0.4, 0.6, 0.8]
    """
    if not high > low:
        return [low]
    raw = (high - low) / count
    power = 10.0 ** math.floor(math.log10(raw))
    step = min((m * power for m in (1.0, 2.0, 5.0, 10.0)), key=lambda size: abs(size - raw))
    first = math.ceil(low / step - 1e-9)
    return [float(f"{n * step:.12g}") for n in range(first, math.floor(high / step + 1e-9) + 1)]


def powers(low: float, high: float) -> list[float]:
    """Powers of ten within [low, high], with 2 and 5 of each where there are few."""
    found = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    factors = (1.0,) if high > 300 * low else (1.0, 2.0, 5.0)
    return [f * 10.0**n for n in found for f in factors if low <= f * 10.0**n <= high]


def lines(
    curves: Sequence[Line], x_label: str, y_label: str, said: str, *, mark: tuple[float, str] | None = None
) -> str:
    """Curves over a number, on a logarithmic scale where they fall by more than a factor of thirty.

    said: the chart in words, for readers who cannot see it. mark: a place on the x-axis, and what it is.
    """
    points = [(x, y) for one in curves for x, y in zip(one.x, one.y, strict=True) if math.isfinite(y)]
    if not points:
        return f"<p>{escape(said)}</p>"
    x_low, x_high = min(x for x, _ in points), max(x for x, _ in points)
    y_low, y_high = min(y for _, y in points), max(y for _, y in points)
    is_log = y_low > 0 and y_high > 30 * y_low
    if not is_log:
        room = 0.06 * (y_high - y_low) or max(abs(y_low), 1.0) * 0.1
        y_low, y_high = y_low - room, y_high + room
    bend = math.log10 if is_log else float

    def across(x: float) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * ((x - x_low) / (x_high - x_low) if x_high > x_low else 0.5)

    def up(y: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (bend(y) - bend(y_low)) / (bend(y_high) - bend(y_low))

    parts = []
    for y in powers(y_low, y_high) if is_log else ticks(y_low, y_high):
        parts.append(f'<path class="grid" d="M{LEFT:g} {up(y):.1f}H{WIDTH - RIGHT:g}"/>')
        parts.append(f'<text class="end" x="{LEFT - 6:g}" y="{up(y) + 4:.1f}">{number(y)}</text>')
    for x in ticks(x_low, x_high):
        parts.append(f'<text class="middle" x="{across(x):.1f}" y="{HEIGHT - BOTTOM + 17:g}">{number(x)}</text>')
    if mark is not None:
        parts.append(f'<path class="mark" d="M{across(mark[0]):.1f} {TOP:g}V{HEIGHT - BOTTOM:g}"/>')
    for n, one in enumerate(curves):
        drawn = [(across(x), up(y)) for x, y in zip(one.x, one.y, strict=True) if math.isfinite(y)]
        path = "L".join(f"{x:.1f} {y:.1f}" for x, y in thinned(drawn))
        parts.append(f'<path class="line s{n % 6}" d="M{path}"/>')
        if len(drawn) < 8:
            parts += [f'<circle class="dot s{n % 6}" cx="{x:.1f}" cy="{y:.1f}" r="3.5"/>' for x, y in drawn]
    parts.append(
        f'<text class="middle label" x="{(LEFT + WIDTH - RIGHT) / 2:g}" y="{HEIGHT - 8:g}">{escape(x_label)}</text>'
    )
    caption = f"<figcaption>{escape(y_label)}</figcaption>"
    return f'<figure class="chart">{caption}{_svg(HEIGHT, parts, said)}{_legend(curves, mark)}</figure>'


def thinned(points: list[tuple[float, float]], most: int = 300) -> list[tuple[float, float]]:
    """So many of the points, evenly taken, the last one always."""
    if len(points) <= most:
        return points
    return [points[round(k * (len(points) - 1) / (most - 1))] for k in range(most)]


def _legend(curves: Sequence[Line], mark: tuple[float, str] | None) -> str:
    """Beside the picture, where long names have room."""
    named = [(f"line s{n % 6}", one.name) for n, one in enumerate(curves)] if len(curves) > 1 or mark else []
    named += [("mark", mark[1])] if mark else []
    swatch = '<svg viewBox="0 0 26 8" aria-hidden="true"><path class="{kind}" d="M1 4h24"/></svg>'
    items = "".join(f"<span>{swatch.format(kind=kind)}{escape(name)}</span>" for kind, name in named)
    return f'<div class="legend">{items}</div>' if items else ""


def interval(value: float, low: float, high: float, others: Sequence[tuple[str, float]], said: str) -> str:
    """A number with its interval, and the numbers of simple methods below it, on one scale."""
    everything = [value, low, high, *(other for _, other in others)]
    left, right = min(everything), max(everything)
    room = 0.08 * (right - left) or 0.1
    left, right = left - room, right + room
    row, start = 26.0, 172.0

    def across(x: float) -> float:
        return start + (WIDTH - start - 16) * (x - left) / (right - left)

    height = row * (1 + len(others)) + 30
    parts = []
    for x in ticks(left, right, 4):
        parts.append(f'<path class="grid" d="M{across(x):.1f} 6V{height - 24:g}"/>')
        parts.append(f'<text class="middle" x="{across(x):.1f}" y="{height - 8:g}">{number(x)}</text>')
    parts.append(f'<path class="line s0" d="M{across(low):.1f} {row - 6:g}H{across(high):.1f}"/>')
    parts.append(f'<circle class="dot s0" cx="{across(value):.1f}" cy="{row - 6:g}" r="5"/>')
    parts.append(f'<text class="end strong" x="{start - 12:g}" y="{row - 2:g}">the network</text>')
    for n, (name, other) in enumerate(others, start=1):
        y = row * (n + 1) - 6
        parts.append(f'<path class="diamond s1" d="M{across(other):.1f} {y - 6:g}l6 6-6 6-6-6z"/>')
        parts.append(f'<text class="end" x="{start - 12:g}" y="{y + 4:g}">{escape(name)}</text>')
    return f'<figure class="chart">{_svg(height, parts, said)}</figure>'


def _svg(height: float, parts: Sequence[str], said: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH:g} {height:g}" role="img" aria-label="{escape(said)}">{"".join(parts)}</svg>'
