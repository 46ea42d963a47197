"""The site file as read from disk: tables, and where each of them was written."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from gateway.config.lines import line_numbers
from gateway.model.errors import Problem
from gateway.model.text import Text
from gateway.model.trouble import reason

Location = tuple[str | int, ...]


class Spot(NamedTuple):
    """Where something was written: which file, which table or row, which key."""

    file: str
    place: str
    key: str

    def problem(self, what: Text, fix: Text, severity: str = "error") -> Problem:
        return Problem(self.file, self.place, self.key, what, fix, severity)

    def seen_from(self, other: Spot) -> Text:
        """`signals[3] "GD-03" (line 40)` for the text of a problem at `other`, with the file if it is another one."""
        file = "" if self.file == other.file else f"{self.file}, "
        return Text(file + self.place, file + localised(self.place))


def localised(place: str) -> str:
    """A place for Chinese readers. It reads the same in both languages but for rows, lines and columns."""
    place = re.sub(r"\brow (\d+)", r"第 \1 行", place)
    place = re.sub(r" ?\(line (\d+)\)", r"（第 \1 行）", place)
    return re.sub(r"\bline (\d+)(?:, column (\d+))?", lambda at: f"第 {at[1]} 行" + (f"第 {at[2]} 列" if at[2] else ""),
                  place)


@dataclass(frozen=True)
class Row:
    """One row of a points file. `titles`: location inside the row -> the column title as written."""

    file: str
    number: int  # as the spreadsheet shows it
    name: str
    titles: Mapping[Location, str]

    def spot(self, location: Location) -> Spot:
        known = next((location[:end] for end in range(len(location), 0, -1) if location[:end] in self.titles), None)
        title = self.titles[known] if known else ".".join(map(str, location))
        return Spot(self.file, f'row {self.number} "{self.name}"' if self.name else f"row {self.number}", title)


@dataclass(frozen=True)
class Override:
    """A value given when the gateway was started, in place of the one in the file."""

    key: str

    def spot(self, location: Location) -> Spot:
        return Spot("command line", "", ".".join((self.key, *map(str, location))))


@dataclass(frozen=True)
class Document:
    """The tables of a site file. `rows`: what was not written in this file, by its path in `data`."""

    file: str
    data: dict
    lines: Mapping[Location, int] = field(default_factory=dict)
    rows: dict[Location, Row | Override] = field(default_factory=dict)

    def override(self, dotted: str, value: object) -> Problem | None:
        """Put `value` in place of what the file says: "api.port", or "sources.gas.port" by the id of a list element."""
        node, path = self.data, ()
        *parents, last = dotted.split(".")
        for part in parents:
            if isinstance(node, dict):
                path = (*path, part)
                if part not in node:
                    node[part] = {}
                    self.rows[path] = Override(".".join(map(str, path)))
                node = node[part]
            elif isinstance(node, list) and (number := _element(node, part)) is not None:
                node, path = node[number], (*path, number)
            else:
                node = None
        if not isinstance(node, dict):
            return Override(dotted).spot(()).problem(
                Text("there is no such place in the site file", "站点文件中没有该位置"),
                Text("write TABLE.KEY, or LIST.ID.KEY", "写成 表.键 或 列表.标识.键"))
        node[last] = value
        self.rows[(*path, last)] = Override(dotted)
        return None

    def spot(self, location: Location) -> Spot:
        """Where `location` was written. Parts that are not in the file (tags of a union) are passed over; the last
        part may be a key that is missing."""
        for end in range(len(location), 0, -1):
            if location[:end] in self.rows:
                return self.rows[location[:end]].spot(location[end:])
        node: Any = self.data
        path: list[str | int] = []
        steps: list[tuple[str | int, object]] = []
        for number, part in enumerate(location):
            if holds(node, part):
                node = node[part]
                path.append(part)
                steps.append((part, node))
            elif number == len(location) - 1 and isinstance(part, str) and isinstance(node, dict):
                steps.append((part, None))
        segments = _segments(steps)
        key = ""
        if segments and not isinstance(steps[-1][1], dict):
            key = segments.pop()
        known = next((end for end in range(len(path), 0, -1) if tuple(path[:end]) in self.lines), 0)
        line = self.lines[tuple(path[:known])] if known else None
        place = "".join(segments).strip(" .")
        return Spot(self.file, f"{place} (line {line})".strip() if line else place, key.strip(" ."))


def _element(nodes: list, name: str) -> int | None:
    """The list element with this id, or with this number."""
    return next((number for number, node in enumerate(nodes)
                 if name == str(number) or (isinstance(node, dict) and node.get("id") == name)), None)


def children(node: object) -> Iterable[tuple[str | int, object]]:
    """What a table holds by key, a list by number, anything else not at all."""
    return node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()


def holds(node: object, part: str | int) -> bool:
    """Is there something at this key of a table, or at this place of a list?"""
    if isinstance(node, dict):
        return part in node
    return isinstance(node, list) and isinstance(part, int) and part < len(node)


def _segments(steps: list[tuple[str | int, object]]) -> list[str]:
    """[("sources", [..]), (0, {..}), ("id", "x")] -> ['sources[0] "gas"', 'id']"""
    segments: list[str] = []
    for part, node in steps:
        if isinstance(part, int) and segments:
            segments[-1] += f"[{part}]"
        else:
            segments.append(f".{part}" if segments and not segments[-1].endswith(("]", '"')) else f" {part}")
        if isinstance(node, dict):
            name = node.get("id", node.get("signal"))
            if isinstance(part, int) and isinstance(name, str):
                segments[-1] += f' "{name}"'
    return segments


class Unreadable(Exception):
    """The file can not be read as TOML at all; carries the one problem there is to tell."""

    def __init__(self, problem: Problem):
        self.problem = problem
        super().__init__(problem.what.en)


def read_document(path: Path) -> Document:
    """Read and parse a site file. Raises Unreadable."""
    file = str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise Unreadable(file_problem(file, error)) from error
    try:
        text = raw.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise Unreadable(Spot(file, f"line {line}", "").problem(
            Text("the file is not UTF-8 text", "文件不是 UTF-8 文本"),
            Text("save it as UTF-8 in your editor (a Chinese Windows editor may have saved it as GBK/ANSI)",
                 "在编辑器中另存为 UTF-8 编码（Windows 中文编辑器可能存成了 GBK/ANSI）"))) from error
    try:
        data = tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError, or Python's own about an integer of thousands of digits
        raise Unreadable(_syntax_problem(file, text, str(error))) from error
    document = Document(file, data, line_numbers(text))
    if (location := _oversize(data)) is not None:
        raise Unreadable(document.spot(location).problem(
            Text("the number does not fit into 64 bits", "数字超出 64 位范围"),
            Text("write a smaller number", "填写较小的数字")))
    return document


def _oversize(node: object, path: Location = ()) -> Location | None:
    """TOML integers have 64 bits; Python's have no end, and arithmetic on them fails in odd places."""
    if isinstance(node, int):
        return path if not -(2**63) <= node < 2**63 else None
    below = (_oversize(child, (*path, key)) for key, child in children(node))
    return next((found for found in below if found is not None), None)


def file_problem(file: str, error: OSError | ValueError, spot: Spot | None = None) -> Problem:
    what = (Text(f"file {file} not found", f"找不到文件 {file}") if isinstance(error, FileNotFoundError)
            else Text("file {file} can not be read: {why}", "无法读取文件 {file}：{why}").format(
                file=file, why=reason(error)))
    return (spot or Spot(file, "", "")).problem(what, Text("check the path and the permissions of the file",
                                                           "检查路径和文件权限"))


_SYNTAX: tuple[tuple[str, str], ...] = (
    (r"Cannot overwrite a value|Duplicate inline table key", "同一个键写了两次"),
    (r"Cannot declare \(?(.*?)\)? twice", "同一个表声明了两次"),
    (r"Cannot mutate immutable namespace|Cannot redefine namespace", "不能再次扩展已写完的表或数组"),
    (r"Expected '=' after a key", "键的后面应为 ="),
    (r"Expected '\]' at the end of a table", "表头缺少结尾的 ]"),
    (r"Expected ']]' at the end of an array", "表头缺少结尾的 ]]"),
    (r"Unclosed array", "数组缺少结尾的 ]"),
    (r"Unclosed inline table", "行内表缺少结尾的 }"),
    (r"Unterminated string|Illegal character '\\n'", "文本缺少结尾的引号"),
    (r"Unescaped '\\' in a string|Invalid hex value", "双引号文本中的反斜杠需要写成 \\\\"),
    (r"Invalid initial character for a key part", "键名的首字符无效"),
    (r"Invalid value", "值无效"),
    (r"Invalid statement", "无法识别该行"),
    (r"Invalid date or datetime", "日期或时间无效"),
    (r"Escaped character is not a Unicode", "转义字符无效"),
    (r"An object other than list|There is no nest", "与前面的同名键冲突"),
    (r"Expected newline or end of document", "一行只能写一个键"),
    (r"Illegal character|Found invalid character", "含有不允许的字符"),
    (r"^Expected", "缺少必要的符号"),
    (r"^Exceeds the limit", "数字过长"),
)
_WIDE = {"“": '"', "”": '"', "‘": "'", "’": "'", "＝": "=", "，": ",", "［": "[", "］": "]", "【": "[", "】": "]",
         "｛": "{", "｝": "}",
         "＂": '"', "：": ":", "　": "space"}


def _syntax_problem(file: str, text: str, message: str) -> Problem:
    at = re.search(r" \(at (?:line (\d+), column (\d+)|end of document)\)$", message)
    line = int(at[1]) if at and at[1] else text.count("\n") + 1
    place = f"line {line}, column {at[2]}" if at and at[1] else f"line {line}"
    english = message[: at.start()] if at else message
    chinese = next((chinese for pattern, chinese in _SYNTAX if re.search(pattern, english)), english)
    written = re.sub(r'"[^"]*"|#.*', "", text.split("\n")[line - 1])  # without texts and comment
    wide = next((character for character in written if character in _WIDE), None)
    if wide is not None:
        fix = Text(f"the line has a full-width {wide} ; type the half-width {_WIDE[wide]} instead",
                   f"该行含有全角字符 {wide} ，请改为半角 {'空格' if wide == '　' else _WIDE[wide]}")
    elif "\\" in english:
        fix = Text("put a path with backslashes into single quotes", "含反斜杠的路径请用单引号")
    else:
        fix = Text("TOML is written key = value, text in quotes, tables as [name] or [[list]]; see the line before",
                   "TOML 的写法是 键 = 值，文本加引号，表写作 [名称] 或 [[列表]]；请检查该行及上一行")
    return Spot(file, place, "").problem(
        Text(f"not valid TOML: {english}", f"TOML 语法错误：{chinese}"), fix)
