"""Pictures as SVG, readable in black and white: every colour has its place in the order and its word in the legend."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import date
from typing import Final

import numpy as np
from markupsafe import Markup, escape
from numpy.typing import NDArray

WIDTH: Final = 680
_LEFT: Final = 62
RED, ORANGE, YELLOW, BLUE, GREEN, GREY, INK = (
    "#c1272d", "#e8751a", "#f0c419", "#3a6ea5", "#3f8f5b", "#d4d4d4", "#333")
_MOST_LABELS: Final = 12


def bars(days: Sequence[date], counts: NDArray[np.int64], colours: Sequence[str], legend: Sequence[str],
         known: NDArray[np.bool_], no_data: str) -> Markup:
    """Stacked bars, one for each day. counts: days x colours. known: of which days there is data; the others are grey,
    and the legend says `no_data`."""
    height, top = 150, 22
    most = max(int(counts.sum(1).max(initial=0)), 1)
    step = (WIDTH - _LEFT - 8) / len(days)
    grey = ((*colours, GREY), (*legend, no_data)) if not known.all() else (colours, legend)
    parts = [_legend(*grey), _axis(top, height, 0, most), _dates(days, step, height + 14)]
    parts += [_box(_LEFT + day * step, top, step * 0.86, height - top, GREY) for day in np.flatnonzero(~known).tolist()]
    for day, row in enumerate(counts.tolist()):
        base = 0
        for count, colour in zip(row, colours, strict=True):
            if count:
                tall = (height - top) * count / most
                parts.append(_box(_LEFT + day * step, height - (height - top) * base / most - tall, step * 0.86, tall,
                                  colour))
                base += count
    return _svg(height + 22, parts)


def line(days: Sequence[date], values: NDArray[np.float64], limits: Sequence[tuple[str, float]], unit: str) -> Markup:
    """A value for each day (NaN: a hole) against set points."""
    height, top = 110, 14
    known = [value for value in (*values.tolist(), *(limit for _, limit in limits)) if not math.isnan(value)]
    low, high = min([0.0, *known]), max(known, default=1.0) * 1.08 or 1.0
    step = (WIDTH - _LEFT - 40) / len(days)

    def y(value: float) -> float:
        return height - (height - top) * (value - low) / (high - low)

    parts = [_axis(top, height, low, high, unit), _dates(days, step, height + 14)]
    for label, limit in limits:
        parts.append(Markup('<line x1="{}" x2="{}" y1="{:.1f}" y2="{:.1f}" stroke="{}" stroke-dasharray="5 3"/>'
                            '<text x="{}" y="{:.1f}" fill="{}">{}</text>').format(
            _LEFT, WIDTH - 38, y(limit), y(limit), RED, WIDTH - 34, y(limit) + 3, RED, f"{label} {limit:g}"))
    for day, value in enumerate(values.tolist()):
        if not math.isnan(value):
            over = any(value >= limit for label, limit in limits if label.startswith("H"))
            parts.append(_box(_LEFT + day * step, min(y(value), y(0) - 1), step * 0.7, max(y(0) - y(value), 1),
                              RED if over else BLUE))
    return _svg(height + 22, parts)


def strips(days: Sequence[date], rows: Sequence[tuple[str, NDArray[np.float64]]], colours: Sequence[str],
           legend: Sequence[str]) -> Markup:
    """One strip for each row; each day is filled from below by its shares (days x colours, of 1), the rest is empty."""
    tall, top = 22, 20
    step = (WIDTH - _LEFT - 68) / len(days)
    parts = [_legend(colours, legend)]
    for number, (name, shares) in enumerate(rows):
        y = top + number * (tall + 8)
        parts.append(Markup('<text x="0" y="{}">{}</text>').format(y + 15, name))
        parts.append(Markup('<rect x="{}" y="{}" width="{:.1f}" height="{}" fill="none" stroke="#999"/>').format(
            _LEFT + 60, y, step * len(days), tall))
        for day, shares_of in enumerate(shares.tolist()):
            base = 0.0
            for share, colour in zip(shares_of, colours, strict=True):
                if share > 0:
                    parts.append(_box(_LEFT + 60 + day * step, y + tall * (1 - base - share), step, tall * share,
                                      colour))
                    base += share
    bottom = top + len(rows) * (tall + 8)
    parts.append(_dates(days, step, bottom + 8, _LEFT + 60))
    return _svg(bottom + 14, parts)


def _svg(height: float, parts: Sequence[Markup]) -> Markup:
    return Markup('<svg viewBox="0 0 {} {:.0f}" role="img" font-size="10" fill="{}">{}</svg>').format(
        WIDTH, height, INK, Markup("").join(parts))


def _box(x: float, y: float, width: float, height: float, colour: str) -> Markup:
    return Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.2f}" height="{:.1f}" fill="{}"/>').format(
        x, y, width, height, colour)


def _axis(top: float, height: float, low: float, high: float, unit: str = "") -> Markup:
    return Markup('<line x1="{0}" x2="{0}" y1="{1}" y2="{2}" stroke="#999"/><line x1="{0}" x2="{3}" y1="{2}" y2="{2}" '
                  'stroke="#999"/><text x="{4}" y="{5}" text-anchor="end">{6}</text>'
                  '<text x="{4}" y="{2}" text-anchor="end">{7}</text>').format(
        _LEFT, top, height, WIDTH - 8, _LEFT - 4, top + 8, f"{high:.3g} {unit}".strip(), f"{low:.3g}")


def _dates(days: Sequence[date], step: float, y: float, left: float = _LEFT) -> Markup:
    every = -(-len(days) // _MOST_LABELS)
    return Markup("").join(Markup('<text x="{:.1f}" y="{}">{}</text>').format(
        left + number * step, y, f"{day:%m-%d}") for number, day in enumerate(days) if number % every == 0)


def _legend(colours: Sequence[str], names: Sequence[str]) -> Markup:
    parts, x = [], float(_LEFT)
    for colour, name in zip(colours, names, strict=True):
        parts.append(Markup('<rect x="{:.0f}" y="2" width="10" height="10" fill="{}" stroke="#777"/>'
                            '<text x="{:.0f}" y="11">{}</text>').format(x, colour, x + 14, escape(name)))
        x += 28 + 7 * sum(2 if ord(letter) > 255 else 1 for letter in name)
    return Markup("").join(parts)
