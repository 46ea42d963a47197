"""Points from a spreadsheet: register maps really come as one.

UTF-8 with or without BOM, UTF-16 (Excel's "Unicode text") or GBK (what Chinese Excel saves as CSV); separated by comma,
semicolon or tab. The first row that is neither blank nor a `#` comment holds the titles. Columns that say something of
the signal (name, kind, unit, limits ...) go to the signal, all others are keys of the point.
"""

from __future__ import annotations

import csv
import io
import tomllib
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path

from pydantic import BaseModel

from gateway.config.document import Location, Row, Spot, file_problem
from gateway.config.limit_sections import LimitsSection
from gateway.config.shape import keys
from gateway.config.signal_sections import SignalSection
from gateway.config.values import did_you_mean, nearest
from gateway.model.errors import Problem
from gateway.model.text import Text

SIGNAL = "signal"
_TABLES = ("limits", "labels", "trend", "status_values", "baseline", "profile", "load_state", "headcount", "still",
           "faults", "share")  # no cell holds one
LIMITS = tuple(key for key in keys(LimitsSection) if not key.startswith("DEV"))  # those need more than a number
ATTRIBUTES = (*(key for key in keys(SignalSection) if key not in ("id", *_TABLES)), "name_zh", *LIMITS)


@dataclass(frozen=True)
class PointRow:
    """One row: the point table, and what it says of the signal (empty: nothing)."""

    row: Row
    point: dict[str, str]
    attributes: dict[str, object]


@cache
def aliases() -> Mapping[str, str]:
    """Titles people write -> key."""
    tables = tomllib.loads(files("gateway.config").joinpath("columns.toml").read_text(encoding="utf-8"))
    return {title: key for table in tables.values() for title, key in table.items()}


def read_points(path: Path, point: type[BaseModel], asked_by: Spot,
                report: Callable[[Problem], None]) -> tuple[PointRow, ...]:
    """The rows of a points file. `point` is the model of one point; `asked_by` the `points_csv` key that names it.
    Problems go to `report`; after one that spoils the whole file there are no rows."""
    file = str(path)
    try:
        raw = path.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a NUL in the name
        report(file_problem(file, error, asked_by))
        return ()
    text = _decoded(raw)
    if text is None:
        report(Spot(file, "", "").problem(
            Text("this is not a text file (an Excel workbook?)", "这不是文本文件（可能是 Excel 工作簿）"),
            Text("in the spreadsheet, save it as CSV UTF-8", "在表格软件中另存为 CSV UTF-8 格式")))
        return ()
    records = _records(text)
    header = next(records, None)
    if header is None:
        report(Spot(file, "", "").problem(Text("the file holds no rows", "文件中没有数据行"),
                                          Text("the first row holds the column titles", "第一行应为列标题")))
        return ()
    columns = _columns(file, header, point, report)
    return tuple(_rows(file, columns, len(header[1]), records, report)) if columns is not None else ()


def _decoded(raw: bytes) -> str | None:
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "gb18030"]  # a superset of GBK
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        return None if "\0" in text or text.startswith("PK\x03\x04") else text
    return None


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """(row number as the spreadsheet shows it, cells), without blank rows and comments."""
    written = (line for line in text.splitlines() if line.strip(",;\t \"") and not line.lstrip('"').startswith("#"))
    separator = max(",;\t", key=next(written, "").count)
    for number, cells in enumerate(csv.reader(io.StringIO(text, newline=""), delimiter=separator), 1):
        cells = [cell.strip() for cell in cells]
        if any(cells) and not cells[0].startswith("#"):
            yield number, cells


def _columns(file: str, header: tuple[int, list[str]], point: type[BaseModel],
             report: Callable[[Problem], None]) -> dict[int, tuple[str, str]] | None:
    """Column number -> (key, title as written); None when a column that every point needs is missing."""
    number, titles = header
    known = _known_titles(point)
    columns: dict[int, tuple[str, str]] = {}
    meant: set[str | None] = set()  # by columns with a misspelt title
    for column, title in enumerate(titles):
        spot = Spot(file, f"row {number}", title)
        key = known.get(title) or known.get(title.casefold())
        if not title:
            continue
        if key is None:
            meant.add(known.get(nearest(title, known) or ""))
            hint = did_you_mean(title, known)
            report(spot.problem(Text(f"unknown column{hint.en}", f"未知的列{hint.zh}"),
                                Text("rename or delete the column", "修改列标题或删除该列")))
        elif any(key == other for other, _ in columns.values()):
            report(spot.problem(Text(f"there are two columns for {key}", f"{key} 有两列"),
                                Text("delete one of them", "删除其中一列")))
        else:
            columns[column] = (key, title)
    present = {key for key, _ in columns.values()}
    missing = [key for key in _required(point) if key not in present]
    for key in (key for key in missing if key not in meant):
        chinese = next((alias for alias, target in aliases().items() if target == key), key)
        report(Spot(file, f"row {number}", key).problem(
            Text(f"column {key} is missing", f"缺少列 {key}"),
            Text(f"add a column titled {key} or {chinese}", f"增加标题为 {key} 或 {chinese} 的列")))
    return None if missing else columns


def _known_titles(point: type[BaseModel]) -> dict[str, str]:
    """Every title that is understood -> key, in the order people should be offered them."""
    allowed = (SIGNAL, *(key for key in keys(point) if key != SIGNAL), *ATTRIBUTES)
    titles = {key: key for key in allowed}
    titles |= {key.casefold(): key for key in allowed if key not in LIMITS}
    titles |= {limit.casefold(): limit for limit in LIMITS}
    return titles | {alias: key for alias, key in aliases().items() if key in allowed}


def _required(point: type[BaseModel]) -> list[str]:
    return [key for key, field in keys(point).items() if field.is_required()]


def _rows(file: str, columns: Mapping[int, tuple[str, str]], width: int, records: Iterator[tuple[int, list[str]]],
          report: Callable[[Problem], None]) -> Iterator[PointRow]:
    titles: dict[Location, str] = {_place(key): title for key, title in columns.values()}
    for number, cells in records:
        written = {key: cells[column] for column, (key, _) in columns.items() if column < len(cells) and cells[column]}
        row = Row(file, number, written.get(SIGNAL, ""), titles)
        if any(cells[width:]):
            report(row.spot(()).problem(
                Text("the row has more cells than there are titles", "该行的单元格多于列标题"),
                Text("delete the extra cells; a text that holds the separator belongs in quotes",
                     "删除多余单元格；含分隔符的文本要加引号")))
        yield PointRow(row,
                       {key: unicodedata.normalize("NFKC", cell) for key,
                        cell in written.items() if key not in ATTRIBUTES},
                       _attributes(written))


def _place(key: str) -> Location:
    """Where a column ends up inside the table it belongs to."""
    return ("limits", key) if key in LIMITS else ("name", "zh") if key == "name_zh" else (key,)


def _attributes(written: Mapping[str, str]) -> dict[str, object]:
    said: dict[str, object] = {key: unicodedata.normalize("NFKC", cell) for key, cell in written.items()
                               if key in ATTRIBUTES and key not in LIMITS and key not in ("name", "name_zh")}
    names = {key: written[key] for key in ("name", "name_zh") if key in written}
    if len(names) == 2:
        said["name"] = {"en": written["name"], "zh": written["name_zh"]}
    elif names:
        said["name"] = next(iter(names.values()))
    limits = {key: unicodedata.normalize("NFKC", written[key]) for key in LIMITS if key in written}
    return said | ({"limits": limits} if limits else {})
