"""Tables for the terminal."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator


def table(rows: list[list[str]]) -> Iterator[str]:
    """Columns in line, Chinese letters counted as two."""
    widths = [max(map(_width, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell + " " * (width - _width(cell)) for cell, width in zip(row, widths, strict=True)).rstrip()


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
