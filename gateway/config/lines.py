"""On which line of a TOML text each table and key stands. tomllib does not say, and people ask.

The text is known to be valid TOML (tomllib has read it), so this reader only has to tell strings, comments, brackets
and keys apart.
"""

from __future__ import annotations

import re
from bisect import bisect_right

Path = tuple[str | int, ...]

_STRING = re.compile(r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\])*"|\'[^\']*\'', re.DOTALL)
_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BLANK = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}#\n]*")


def line_numbers(text: str) -> dict[Path, int]:
    """Path of every table, list element and key -> its line, counted from 1."""
    return _Reader(text).read()


class _Reader:
    def __init__(self, text: str):
        self._text = text
        self._at = 0
        self._starts = [match.end() for match in re.finditer("\n", text)]
        self._lines: dict[Path, int] = {}
        self._lengths: dict[Path, int] = {}  # of arrays of tables

    def read(self) -> dict[Path, int]:
        table: Path = ()
        self._skip(_SPACE)
        while self._at < len(self._text):
            if self._text[self._at] == "[":
                table = self._header()
            else:
                self._pair(table)
            self._skip(_SPACE)
        return self._lines

    def _header(self) -> Path:
        here, array = self._at, self._text.startswith("[[", self._at)
        self._at += 2 if array else 1
        *parents, last = self._keys()
        self._at += 2 if array else 1
        path: Path = ()
        for key in parents:
            path = self._newest((*path, key))
            self._note(path, here)
        path = (*path, last)
        if array:
            self._note(path, here)
            self._lengths[path] = self._lengths.get(path, 0) + 1
        path = self._newest(path)
        self._note(path, here)
        return path

    def _newest(self, path: Path) -> Path:
        """An array of tables means its newest element."""
        return (*path, self._lengths[path] - 1) if path in self._lengths else path

    def _pair(self, table: Path) -> None:
        here = self._at
        path = table
        for key in self._keys():
            path = (*path, key)
            self._note(path, here)
        self._at += 1  # =
        self._skip(_BLANK)
        self._value(path)

    def _value(self, path: Path) -> None:
        opening = self._text[self._at]
        if opening == "[":
            self._items(path, "]", self._element)
        elif opening == "{":
            self._items(path, "}", lambda path, _: self._pair(path))
        elif string := _STRING.match(self._text, self._at):
            self._at = string.end()
        else:
            self._skip(_SCALAR)

    def _items(self, path: Path, closing: str, item) -> None:
        self._at += 1
        self._skip(_SPACE)
        number = 0
        while self._text[self._at] != closing:
            item(path, number)
            number += 1
            self._skip(_SPACE)
            if self._text[self._at] == ",":
                self._at += 1
                self._skip(_SPACE)
        self._at += 1

    def _element(self, path: Path, number: int) -> None:
        self._note((*path, number), self._at)
        self._value((*path, number))

    def _keys(self) -> list[str]:
        """A dotted key; stops at the `=` or `]` after it."""
        keys = []
        while True:
            self._skip(_BLANK)
            if bare := _BARE.match(self._text, self._at):
                keys.append(bare[0])
                self._at = bare.end()
            else:
                quoted = _STRING.match(self._text, self._at)
                assert quoted is not None, "not valid TOML"
                keys.append(quoted[0][1:-1])
                self._at = quoted.end()
            self._skip(_BLANK)
            if self._text[self._at] != ".":
                return keys
            self._at += 1

    def _skip(self, pattern: re.Pattern[str]) -> None:
        self._at = pattern.match(self._text, self._at).end()  # type: ignore[union-attr]  # all of them match nothing

    def _note(self, path: Path, offset: int) -> None:
        self._lines.setdefault(path, bisect_right(self._starts, offset) + 1)
