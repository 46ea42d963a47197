"""Recordings and events from CSV: a spreadsheet, another logger, an export.

    time,GD-03,ESD.cmd          first column `time`, then signal ids; an empty cell: no sample
    2026-09-21T08:00:00Z,1.5,0  ISO 8601 with its zone, or seconds (ms, us, ns) since 1970; zones may be mixed
    2026-09-21T16:00:01+08:00,1.6,

A column titled `GD-03 quality` says how good the samples of GD-03 are: a name or a number of gateway.model.quality;
empty: good. A bad sample needs no value.

Values are in engineering units. A gap is silence: deadmen run through it. Signals without a column are not judged.
"""

from __future__ import annotations

import csv
import math
import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from pathlib import Path

import numpy as np

from gateway.config.values import did_you_mean
from gateway.model.alarm import AlarmTable
from gateway.model.errors import ConfigError, DavylampError, Problem
from gateway.model.frame import Frame
from gateway.model.quality import Quality, is_bad
from gateway.model.signal import SignalTable
from gateway.model.text import Text
from gateway.model.units import parse_duration
from gateway.replay.count import WITHIN_S, LabelledEvent
from gateway.store import EVER

TIME = "time"
QUALITY = " quality"  # what the title of a column of qualities ends with
_ROWS = 1_000  # of one frame
_EMPTY = float(np.nextafter(-np.inf, 0))  # an empty cell: no sample. A number that nobody measures
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NUMBER = re.compile(r"\d+(\.\d*)?")
_OLDEST = 10**8  # s, 1973: a smaller number is a count or a date without dashes, not a time
_UNITS = ((10**11, 10**9), (10**14, 10**6), (10**17, 10**3), (10**20, 1))  # below this it counts in so many ns
_ZONE = Text("write the time with its zone, e.g. 2026-09-21T16:00:00+08:00 or 2026-09-21T08:00:00Z, or as seconds "
             "since 1970",
             "时间须带时区，如 2026-09-21T16:00:00+08:00 或 2026-09-21T08:00:00Z，或写成 1970 年以来的秒数")


class CsvRecording:
    """A CSV file, read as often as asked. known: the ids that may stand in its head, of every site it is run through.

    ConfigError names each unknown column, or the row and column that can not be read.
    skip_unknown: such columns are left out instead.
    notes: what was passed over, for the person who asked.
    """

    def __init__(self, path: Path, known: Iterable[str], start_wall_ns: int = EVER[0], end_wall_ns: int = EVER[1], *,
                 skip_unknown: bool = False):
        self._path, self._start, self._end = path, start_wall_ns, end_wall_ns
        self.notes: list[Text] = []
        self._sheet = Sheet(path)
        self._columns: dict[str, int] = {}  # id -> place of its values, and of their qualities
        self._qualities: dict[str, int] = {}
        self._head(tuple(known), skip_unknown)

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(self._columns)

    def frames(self, signals: SignalTable) -> Iterator[tuple[bool, Frame]]:
        present = [id for id in self._columns if id in signals]
        number = np.array([signals.index(id) for id in present], np.int32)
        places = [self._columns[id] for id in present]
        judged = [(column, self._qualities[id], id) for column, id in enumerate(present) if id in self._qualities]
        times: list[int] = []
        cells: list[list[float]] = []
        said: list[tuple[int, int, int]] = []  # row and column of a sample whose quality is given, and that
        for row, time, found in self._rows():
            if not self._start <= time <= self._end:
                continue
            said += ((len(times), column, self._quality(row, found[place], id))
                     for column, place, id in judged if found[place])
            times.append(time)
            cells.append(self._values(row, [found[place] for place in places], present))
            if len(times) == _ROWS:
                yield False, _frame(number, times, cells, said)
                times, cells, said = [], [], []
        if times:
            yield False, _frame(number, times, cells, said)

    def _head(self, known: tuple[str, ...], skip_unknown: bool) -> None:
        problems = []
        titles = self._sheet.titles
        for place, title in enumerate(titles):
            subject = title.removesuffix(QUALITY)
            columns = self._columns if subject == title else self._qualities
            if title == TIME or not title:
                continue
            if subject in columns:
                problems.append(self._sheet.problem(
                    self._sheet.head_row, title, Text("there are two columns for this signal", "该信号有两列"),
                    Text("delete one of them", "删除其中一列")))
            elif subject in known and subject in titles:
                columns[subject] = place
            elif subject in known:
                problems.append(self._sheet.problem(
                    self._sheet.head_row, title, Text("a quality without a column of values", "有质量列但没有数值列"),
                    Text("add the column {id}, or delete this one", "请增加 {id} 列，或删除该列").format(id=subject)))
            elif not skip_unknown:
                hint = did_you_mean(title, known)
                problems.append(self._sheet.problem(
                    self._sheet.head_row, title,
                    Text(f"no signal of the site has this id{hint.en}", f"站点中没有此编号的信号{hint.zh}"),
                    Text("rename or delete the column, or leave such columns out with --skip-unknown",
                         "修改列标题或删除该列，或用 --skip-unknown 忽略此类列")))
        if not self._columns and not problems:
            problems.append(self._sheet.problem(
                self._sheet.head_row, "", Text("there is no column of a signal", "没有任何信号列"),
                Text("beside `time`, title the columns with signal ids of the site file",
                     "除 `time` 外，各列标题须为站点文件中的信号编号")))
        if problems:
            raise ConfigError(tuple(problems))

    def _rows(self) -> Iterator[tuple[int, int, list[str]]]:
        """(row number, wall time, cells), in order of time."""
        last, width = EVER[0], len(self._sheet.titles)
        for row, cells, torn in self._sheet.rows():
            if len(cells) != width:
                if torn and len(cells) < width:
                    note = Text(f"{self._path}, row {row}: half a line at the end was left out",
                                f"{self._path} 第 {row} 行：末尾的半行已忽略")
                    if note not in self.notes:
                        self.notes.append(note)
                    return
                raise self._sheet.error(row, "", Text(
                    f"{len(cells)} cells where the head has {width}", f"有 {len(cells)} 格，而表头为 {width} 格"),
                    Text("make the row as long as the head; an empty cell means: no sample",
                         "使该行与表头等长；空格表示无数据"))
            time = self._sheet.time(row, cells)
            if time < last:
                raise self._sheet.error(row, TIME, Text("time runs backwards here", "此处时间倒退"),
                                        Text("sort the rows by time", "按时间排序各行"))
            last = time
            yield row, time, cells

    def _values(self, row: int, cells: list[str], ids: list[str]) -> list[float]:
        try:
            return [float(cell) if cell else _EMPTY for cell in cells]
        except ValueError:
            cell, id = next((cell, id) for cell, id in zip(cells, ids, strict=True) if cell and not _is_number(cell))
            raise self._sheet.error(
                row, id, Text("`{cell}` is not a number", "`{cell}` 不是数字").format(cell=cell[:40]),
                Text("write a number with a decimal point, or leave the cell empty where there is no sample",
                     "请写数字（小数点用“.”），无数据时留空")) from None

    def _quality(self, row: int, cell: str, id: str) -> int:
        try:
            return Quality(int(cell)) if cell.isdecimal() else Quality[cell.upper()]
        except (ValueError, KeyError):
            raise self._sheet.error(
                row, id + QUALITY, Text("`{cell}` is not a quality{hint}", "`{cell}` 不是质量码{hint}").format(
                    cell=cell[:40], hint=did_you_mean(cell.upper(), Quality.__members__)),
                Text("write one of {names}, or its number; leave the cell empty for good",
                     "请写 {names} 之一或其数字；正常时留空").format(names=", ".join(Quality.__members__))) from None


class Sheet:
    """A CSV file with a head, UTF-8 (with or without BOM), UTF-16 or GBK; comma, semicolon or tab; `#` comments."""

    def __init__(self, path: Path):
        self.path = path
        try:
            with path.open("rb") as file:
                start = file.read(1 << 16)
        except OSError as error:
            raise DavylampError(
                Text(f"the file can not be read: {error.strerror}", f"文件无法读取：{error.strerror}"),
                where=str(path), fix=Text("check the path and its rights", "检查路径和读取权限")) from error
        self._encoding = _encoding(start)
        self._separator = ","
        self._separator = max(",;\t", key=lambda one: next((text.count(one) for text in self._lines()
                                                            if text.strip(",;\t \r\n") and text[0] != "#"), 0))
        self.head_row, self.titles = next(self._records(), (1, []))
        if TIME not in self.titles:
            raise self.error(self.head_row, "", Text("the head has no column `time`", "表头没有 `time` 列"), Text(
                "the first row holds the titles: time, then the others, separated by commas; save it as CSV UTF-8",
                "首行应为列标题：time 及其他列，以逗号分隔；请保存为 CSV UTF-8 格式"))

    def rows(self) -> Iterator[tuple[int, list[str], bool]]:
        """(row number as a spreadsheet shows it, cells, whether it is the last and has no line end)."""
        records = self._records()
        next(records, None)
        whole = self._ends_with_a_line()
        before = next(records, None)
        for record in records:
            yield *before, False
            before = record
        if before is not None:
            yield *before, not whole

    def cell(self, cells: Sequence[str], title: str) -> str:
        place = self.titles.index(title) if title in self.titles else len(cells)
        return cells[place] if place < len(cells) else ""

    def time(self, row: int, cells: Sequence[str]) -> int:
        """UTC ns."""
        text = self.cell(cells, TIME)
        try:
            return stamp(text)
        except ValueError:
            what = (Text(f"`{text}` has no zone", f"`{text}` 没有时区") if _is_time(text)
                    else Text(f"`{text[:40]}` is not a time", f"`{text[:40]}` 不是时间"))
            raise self.error(row, TIME, what, _ZONE) from None

    def problem(self, row: int, column: str, what: Text, fix: Text) -> Problem:
        return Problem(str(self.path), f"row {row}", column, what, fix)

    def error(self, row: int, column: str, what: Text, fix: Text) -> ConfigError:
        return ConfigError((self.problem(row, column, what, fix),))

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        try:
            for number, cells in enumerate(csv.reader(self._lines(), delimiter=self._separator), 1):
                if any(map(str.strip, cells)) and not cells[0].lstrip().startswith("#"):
                    yield number, list(map(str.strip, cells))
        except csv.Error as error:
            raise self._not_text(error) from error

    def _lines(self) -> Iterator[str]:
        try:
            with self.path.open(encoding=self._encoding, newline="") as file:
                yield from file
        except UnicodeError as error:
            raise self._not_text(error) from error

    def _not_text(self, error: Exception) -> DavylampError:
        return DavylampError(Text(f"this is not a CSV text file: {error}", f"这不是 CSV 文本文件：{error}"),
                             where=str(self.path), fix=Text("save it as CSV UTF-8", "另存为 CSV UTF-8 格式"))

    def _ends_with_a_line(self) -> bool:
        with self.path.open("rb") as file:
            file.seek(max(0, self.path.stat().st_size - 4))
            return file.read().rstrip(b"\0")[-1:] in (b"\n", b"\r")


def read_events(path: Path, alarms: Sequence[AlarmTable]) -> tuple[LabelledEvent, ...]:
    """CSV with the columns time, name and perhaps within (a duration, "10min") and alarm (an id of a site)."""
    sheet = Sheet(path)
    known = (TIME, "name", "within", "alarm")
    problems = [sheet.problem(sheet.head_row, title, Text("unknown column{hint}", "未知的列{hint}").format(
        hint=did_you_mean(title, known)), Text("the columns are time, name, within and alarm",
                                               "可用的列为 time、name、within、alarm"))
                for title in sheet.titles if title not in known]
    if "name" not in sheet.titles:
        problems.append(sheet.problem(sheet.head_row, "name", Text("the column is missing", "缺少该列"),
                                      Text("give every event a name", "请为每个事件命名")))
    if problems:
        raise ConfigError(tuple(problems))
    return tuple(_event(sheet, row, cells, alarms) for row, cells, _ in sheet.rows())


def stamp(text: str, zone: tzinfo | None = None) -> int:
    """UTC ns of an ISO 8601 time with zone or of a number since 1970. `zone`: of a time that does not say its own.
    ValueError."""
    if len(text) == 10 and text.isdecimal():  # seconds: what most files have
        return int(text) * 10**9
    if _NUMBER.fullmatch(text):
        number = Decimal(text)
        if number < _OLDEST:
            raise ValueError("not a time")
        for below, unit in _UNITS:
            if number < below:
                return int(number * unit)
    at = datetime.fromisoformat(text)
    if at.tzinfo is None:
        if zone is None:
            raise ValueError("no zone")
        at = at.replace(tzinfo=zone)
    return (at - _EPOCH) // timedelta(microseconds=1) * 1000


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_time(text: str) -> bool:
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _encoding(start: bytes) -> str:
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        start[:-3].decode("utf-8")  # without what may be half a character
    except UnicodeDecodeError as error:
        if error.end < len(start) - 6:
            return "gb18030"
    return "utf-8-sig"


def _frame(number: np.ndarray, times: list[int], cells: list[list[float]],
           said: list[tuple[int, int, int]]) -> Frame:
    value = np.array(cells, np.float64).reshape(len(times), len(number))
    value[~np.isfinite(value)] = math.nan
    quality = np.where(np.isnan(value), np.uint16(Quality.BAD_PAYLOAD), np.uint16(Quality.GOOD))
    for row, column, told in said:
        if is_bad(told):
            value[row, column], quality[row, column] = math.nan, told
        elif math.isfinite(value[row, column]) and value[row, column] != _EMPTY:
            quality[row, column] = told
    rows, columns = np.nonzero(value != _EMPTY)
    value, quality, time = value[rows, columns], quality[rows, columns], np.array(times, np.int64)[rows]
    return Frame.from_columns(number[columns], value, quality, time, time.copy())


def _event(sheet: Sheet, row: int, cells: Sequence[str], alarms: Sequence[AlarmTable]) -> LabelledEvent:
    within, alarm = sheet.cell(cells, "within"), sheet.cell(cells, "alarm")
    known = [definition.id for table in alarms for definition in table]
    if alarm and alarm not in known:
        raise sheet.error(row, "alarm", Text("there is no alarm {alarm}{hint}", "没有告警 {alarm}{hint}").format(
            alarm=alarm, hint=did_you_mean(alarm, known)), Text("take the id from the page or from `davylamp replay`",
                                                                "请从页面或 `davylamp replay` 的输出中选取编号"))
    try:
        seconds = parse_duration(within) if within else WITHIN_S
    except ValueError:
        raise sheet.error(row, "within", Text(f"`{within}` is not a duration", f"`{within}` 不是时长"),
                          Text('write it as "30s", "10min" or "1h"', '请写成 "30s"、"10min" 或 "1h"')) from None
    return LabelledEvent(sheet.cell(cells, "name") or f"row {row}", sheet.time(row, cells), seconds, alarm)


