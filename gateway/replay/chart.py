"""A small plot for the terminal: one curve, its limits, the samples that were not good."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Mapping, Sequence

import numpy as np

WIDTH, HEIGHT = 64, 9  # characters
_CURVE, _LIMIT, _NOT_GOOD = "●", "╌", "x"


def chart(at: Sequence[float], value: Sequence[float], good: Sequence[bool], limits: Mapping[str, float],
          ends: tuple[str, str], decimals: int) -> list[str]:
    """Lines of text. at: times in any unit, ascending; value: NaN where there is none; limits: name -> value; ends:
    what stands below the first and the last time. A column shows the whole range of its samples; a row of `x` below the
    curve marks columns with samples that were not good. Limits that lie far outside are left out."""
    times, values = np.asarray(at, np.float64), np.asarray(value, np.float64)
    known = np.isfinite(values)
    if not known.any():
        return []
    low, high = float(values[known].min()), float(values[known].max())
    span = high - low
    near = {name: limit for name, limit in limits.items() if low - 2 * span <= limit <= high + 2 * span}
    low, high = min([low, *near.values()]), max([high, *near.values()])
    if high == low:
        low, high = low - 0.5, high + 0.5
    canvas = np.full((HEIGHT, WIDTH), " ")
    labels = {0: f"{high:.{decimals}f}", HEIGHT - 1: f"{low:.{decimals}f}"}
    for name, limit in sorted(near.items(), key=lambda one: one[1]):
        row = _row(limit, low, high)
        canvas[row] = _LIMIT
        labels[row] = f"{name} {limit:.{decimals}f}"
    column = _column(times)
    for place in np.unique(column[known]):
        inside = values[known & (column == place)]
        canvas[_row(float(inside.max()), low, high):_row(float(inside.min()), low, high) + 1, place] = _CURVE
    not_good = np.full(WIDTH, " ")
    not_good[column[~np.asarray(good, np.bool_)]] = _NOT_GOOD
    wide = max(map(columns, labels.values()))
    left = [" " * (wide - columns(labels.get(row, ""))) + labels.get(row, "") for row in range(HEIGHT)]
    lines = [f"  {label} {'┤' if label.strip() else '│'}{''.join(row)}"
             for label, row in zip(left, canvas, strict=True)]
    blank = " " * (wide + 3)
    if _NOT_GOOD in not_good:
        lines.append(f"{blank}│{''.join(not_good)}")
    lines.append(f"{blank}└{'─' * WIDTH}")
    lines.append(f"{blank} {ends[0]}{ends[1].rjust(WIDTH - len(ends[0]))}")
    return lines


def columns(text: str) -> int:
    """Of a terminal: a Chinese character takes two."""
    return sum(2 if unicodedata.east_asian_width(char) in "WF" else 1 for char in text)


def _row(value: float, low: float, high: float) -> int:
    return round((high - value) / (high - low) * (HEIGHT - 1))


def _column(times: np.ndarray) -> np.ndarray:
    span = float(times[-1] - times[0])
    if span <= 0 or not math.isfinite(span):
        return np.zeros(times.shape, np.int64)
    return np.minimum((times - times[0]) / span * WIDTH, WIDTH - 1).astype(np.int64)
