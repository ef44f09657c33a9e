"""Plots as SVG text, to stand inside an HTML page: bars, lines and a waterfall. No script, no font, no network.

Every label is escaped. Colours are classes of the page's style sheet, so that it decides how a plot looks in the dark.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from kgqa.evaluation.markup import escape

WIDTH = 460
_LEFT, _RIGHT, _TOP, _BOTTOM = 48, 14, 14, 40
_BAR = 18
_LABEL_CHARACTERS = 26


@dataclass(frozen=True, slots=True)
class Series:
    """Points of one run, in order of x. `area` sizes the marks, from 0 to 1 each, in place of a line through them."""

    name: str
    points: tuple[tuple[float, float], ...]
    area: tuple[float, ...] = ()


def bar_chart(names: Sequence[str], series: Sequence[tuple[str, Sequence[float | None]]], *, title: str) -> str:
    """Return horizontal bars of values in [0, 1], a group a name and a bar a series that has a value.

    Shape: each series has as many values as there are names.
    """
    left = min(190, 10 + int(6.4 * max((len(_short(name)) for name in names), default=0)))
    present = [[place for place, (_, v) in enumerate(series) if v[row] is not None] for row in range(len(names))]
    depth = sum(_BAR * len(places) + 8 for places in present)
    height = _TOP + depth + 24
    width = WIDTH - left - 46
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + tick * width
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{height - 24}"/>')
        parts.append(_text(x, height - 8, f"{tick:g}", anchor="middle"))
    top = _TOP + 4
    for row, (name, places) in enumerate(zip(names, present, strict=True)):
        parts.append(_text(left - 6, top + _BAR * len(places) / 2 + 3, _short(name), anchor="end", full=name))
        for line, place in enumerate(places):
            run, values = series[place]
            value, y = values[row] or 0.0, top + line * _BAR
            length = max(0.0, min(1.0, value)) * width
            parts.append(
                f'<rect class="fill{place % 4}" x="{left}" y="{y:.1f}" width="{length:.1f}" height="{_BAR - 3}" rx="2">'
                f"<title>{escape(f'{name}, {run}: {value:.3f}')}</title></rect>"
            )
            parts.append(_text(left + length + 4, y + 11, f"{value:.2f}"))
        top += _BAR * len(places) + 8
    return _svg(WIDTH, height, parts, title)


def line_chart(
    series: Sequence[Series],
    *,
    title: str,
    x_label: str,
    y_label: str,
    x_max: float = 1.0,
    y_max: float = 1.0,
    diagonal: bool = False,
) -> str:
    """Return lines over [0, x_max] and [0, y_max]; with `diagonal` also the line on which both are equal."""
    height = 300
    width, depth = WIDTH - _LEFT - _RIGHT, height - _TOP - _BOTTOM

    def place(x: float, y: float) -> tuple[float, float]:
        return _LEFT + min(x / x_max, 1.0) * width, _TOP + (1 - min(y / y_max, 1.0)) * depth

    parts = []
    for tick in ticks(x_max):
        x, _ = place(tick, 0)
        parts.append(f'<line class="grid" x1="{x:.1f}" y1="{_TOP}" x2="{x:.1f}" y2="{_TOP + depth}"/>')
        parts.append(_text(x, _TOP + depth + 15, f"{tick:g}", anchor="middle"))
    for tick in ticks(y_max):
        _, y = place(0, tick)
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + width}" y2="{y:.1f}"/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{tick:g}", anchor="end"))
    if diagonal:
        (x1, y1), (x2, y2) = place(0, 0), place(x_max, y_max)
        parts.append(f'<line class="ideal" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>')
    for number, one in enumerate(series):
        points = [place(x, y) for x, y in one.points]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        label = f"<title>{escape(one.name)}</title>"
        parts.append(f'<polyline class="line{number % 4}" points="{joined}">{label}</polyline>')
        for (x, y), (told_x, told_y), area in zip(points, one.points, one.area, strict=False):
            told = f"{one.name}: {told_x:.2f}, {told_y:.2f} ({area:.0%} of questions)"
            radius = 2 + 9 * math.sqrt(area)
            parts.append(
                f'<circle class="fill{number % 4} mark" cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}">'
                f"<title>{escape(told)}</title></circle>"
            )
    parts.append(_text(_LEFT + width / 2, height - 6, x_label, anchor="middle"))
    middle = _TOP + depth / 2
    parts.append(
        f'<text class="axis" x="12" y="{middle:.1f}" text-anchor="middle" '
        f'transform="rotate(-90 12 {middle:.1f})">{escape(y_label)}</text>'
    )
    return _svg(WIDTH, height, parts, title)


def waterfall(stages: Sequence[str], values: Sequence[float], *, title: str) -> str:
    """Return a column a stage, as high as its value, with what was lost since the one before above it.

    Values are in [0, 1] and start from a loss against 1.0.
    """
    height, depth = 260, 190
    width = (WIDTH - _LEFT - _RIGHT) / max(len(stages), 1)
    parts = []
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _TOP + 10 + (1 - tick) * depth
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{WIDTH - _RIGHT}" y2="{y:.1f}"/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{tick:g}", anchor="end"))
    before = 1.0
    for number, (stage, value) in enumerate(zip(stages, values, strict=True)):
        x = _LEFT + number * width + 5
        y, y_before = (_TOP + 10 + (1 - score) * depth for score in (value, before))
        parts.append(
            f'<rect class="fill0" x="{x:.1f}" y="{y:.1f}" width="{width - 10:.1f}" height="{value * depth:.1f}" rx="2">'
            f"<title>{escape(f'{stage}: {value:.3f}')}</title></rect>"
        )
        if y - y_before > 0.5:
            parts.append(
                f'<rect class="lost" x="{x:.1f}" y="{y_before:.1f}" width="{width - 10:.1f}" '
                f'height="{y - y_before:.1f}"><title>{escape(f"lost: {before - value:.3f}")}</title></rect>'
            )
        centre = x + width / 2 - 5
        parts.append(_text(centre, y + 14 if value > 0.1 else y - 4, f"{value:.3f}", anchor="middle", kind="inside"))
        if before - value > 0.0005:
            parts.append(_text(centre, y_before - 3, f"−{before - value:.3f}", anchor="middle", kind="loss"))
        parts.append(_text(centre, _TOP + depth + 28, stage, anchor="middle"))
        before = value
    return _svg(WIDTH, height, parts, title)


def histogram(values: Iterable[float], *, title: str, x_label: str, n_bins: int = 40) -> str:
    """Return how many values fall into each of equal bins, up to the 99th percentile; what is above is in the last."""
    found = sorted(values)
    if not found:
        return ""
    top = max(found[math.ceil(0.99 * len(found)) - 1], 1e-9)
    counts = [0] * n_bins
    for value in found:
        counts[min(n_bins - 1, int(value / top * n_bins))] += 1
    height, depth = 240, 240 - _TOP - _BOTTOM
    width = WIDTH - _LEFT - _RIGHT
    parts = []
    for tick in ticks(max(counts)):
        y = _TOP + (1 - tick / max(counts)) * depth
        parts.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_LEFT + width}" y2="{y:.1f}"/>')
        parts.append(_text(_LEFT - 6, y + 4, f"{tick:g}", anchor="end"))
    for place, count in enumerate(counts):
        tall = count / max(counts) * depth
        low, high = place * top / n_bins, (place + 1) * top / n_bins
        parts.append(
            f'<rect class="fill0" x="{_LEFT + place * width / n_bins:.1f}" y="{_TOP + depth - tall:.1f}" '
            f'width="{max(width / n_bins - 1, 1):.1f}" height="{tall:.1f}">'
            f"<title>{escape(f'{low:.0f} to {high:.0f}: {count}')}</title></rect>"
        )
    for tick in ticks(top):
        parts.append(_text(_LEFT + tick / top * width, _TOP + depth + 15, f"{tick:g}", anchor="middle"))
    parts.append(_text(_LEFT + width / 2, height - 6, x_label, anchor="middle"))
    return _svg(WIDTH, height, parts, title)


def ticks(top: float) -> list[float]:
    """Return round numbers from 0 to at most `top`, about five of them."""
    if top <= 0:
        return [0.0]
    rough = top / 4
    unit = 10 ** math.floor(math.log10(rough))
    step = next(factor * unit for factor in (1, 2, 2.5, 5, 10) if factor * unit >= rough - 1e-12)
    return [round(place * step, 10) for place in range(int(top / step + 1e-9) + 1)]


def _short(name: str) -> str:
    return name if len(name) <= _LABEL_CHARACTERS else name[: _LABEL_CHARACTERS - 1] + "…"


def _text(x: float, y: float, text: str, *, anchor: str = "start", full: str = "", kind: str = "axis") -> str:
    title = f"<title>{escape(full)}</title>" if full and full != text else ""
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{title}{escape(text)}</text>'


def _svg(width: float, height: float, parts: Sequence[str], title: str) -> str:
    return (
        f'<svg role="img" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}" height="{height:.0f}">'
        f"<title>{escape(title)}</title>{''.join(parts)}</svg>"
    )
