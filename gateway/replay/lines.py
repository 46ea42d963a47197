"""Recordings from InfluxDB line protocol: an export of a database that a gateway has filled (gateway.sinks.schema).

    telemetry,area=tank_farm,kind=combustible_gas,signal=GD-03,site=depot value=1.5,quality=0i 1790000000000000000

Exports are written series by series: the whole file is read into columns and put in order of time. Stamps may be in s,
ms, us or ns. A line without `value` is a bad sample; one without `quality` is good. Lines of other measurements, and of
other sites, are left out and counted.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from gateway.config.values import did_you_mean
from gateway.model.errors import ConfigError, DavylampError, Problem
from gateway.model.frame import Frame
from gateway.model.quality import Flag, Quality, is_bad
from gateway.model.signal import SignalTable
from gateway.model.text import Text
from gateway.replay.table import stamp
from gateway.sinks import schema
from gateway.store import EVER

_SAMPLES = 16_384  # of one frame
_LINE = re.compile(r'(?P<series>(?:\\.|[^ \\])+) (?P<fields>(?:\\.|"(?:\\.|[^"\\])*"|[^ "\\])+)(?: (?P<time>-?\d+))?')
_FIELD = re.compile(r'([^=,]+)=("(?:\\.|[^"\\])*"|[^,]*)(?:,|$)')
_SPLIT = re.compile(r"(?<!\\),")
_ESCAPED = re.compile(r"\\([,= ])")
_TRUTH = dict.fromkeys(("t", "T", "true", "True", "TRUE"), 1.0) | dict.fromkeys(
    ("f", "F", "false", "False", "FALSE"), 0.0)


def is_line_protocol(start: str) -> bool:
    """Whether a file that begins like this is one."""
    first = next((line for line in start.splitlines() if line.strip() and not line.startswith("#")), "")
    found = _LINE.fullmatch(first.strip())
    return found is not None and "=" in found["fields"]


class LineRecording:
    """A line protocol file, read once. known: ids of the signals of every site it is run through.

    ConfigError names every signal that is not known, or the line that can not be read.
    skip_unknown: such signals are left out instead. site: lines of other sites are left out.
    notes: what was passed over, for the person who asked.
    """

    def __init__(self, path: Path, known: Iterable[str], start_wall_ns: int = EVER[0], end_wall_ns: int = EVER[1], *,
                 site: str = "", skip_unknown: bool = False):
        self._path, self._known, self._site = path, tuple(known), site
        self._place: dict[str, int] = {}  # id -> number in the columns
        self._unknown: dict[str, None] = {}
        self._left_out = 0
        self.notes: list[Text] = []
        columns = self._read()
        if self._unknown and not skip_unknown:
            raise ConfigError(tuple(self._problem("", id, Text(
                f"no signal of the site has this id{did_you_mean(id, self._known).en}",
                f"站点中没有此编号的信号{did_you_mean(id, self._known).zh}"), Text(
                    "leave such signals out with --skip-unknown", "可用 --skip-unknown 忽略此类信号"))
                for id in self._unknown))
        if self._left_out:
            self.notes.append(Text(
                f"{path}: {self._left_out} line(s) without a signal of this site were left out",
                f"{path}：忽略了 {self._left_out} 行不属于本站点信号的数据"))
        signal, value, quality, time = columns
        order = np.argsort(time, kind="stable")
        order = order[(time[order] >= start_wall_ns) & (time[order] <= end_wall_ns)]
        self._columns = tuple(column[order] for column in (signal, value, quality, time))

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(self._place)

    def frames(self, signals: SignalTable) -> Iterator[tuple[bool, Frame]]:
        number = np.array([signals.index(id) if id in signals else -1 for id in self._place], np.int32)
        signal, value, quality, time = self._columns
        for first in range(0, time.shape[0], _SAMPLES):
            part = slice(first, first + _SAMPLES)
            own = number[signal[part]]
            row = np.flatnonzero(own >= 0)
            if row.size:
                yield False, Frame.from_columns(own[row], value[part][row], quality[part][row], time[part][row],
                                                time[part][row])

    def _read(self) -> tuple[np.ndarray, ...]:
        signal, value, quality, time = [], [], [], []
        series: dict[str, int] = {}  # series -> number of its signal, -1: left out
        for line_number, line in self._lines():
            found = _LINE.fullmatch(line)
            if found is None:
                raise self._error(line_number, Text("this is not line protocol", "不符合行协议格式"), _SHAPE)
            if found["time"] is None:
                raise self._error(line_number, Text("the line has no time", "该行没有时间戳"), _SHAPE)
            own = series.get(found["series"])
            if own is None:
                own = series[found["series"]] = self._signal(found["series"])
            if own < 0:
                self._left_out += 1
                continue
            number, said = self._sample(line_number, found["fields"])
            signal.append(own)
            value.append(number)
            quality.append(said)
            time.append(self._time(line_number, found["time"]))
        return (np.array(signal, np.int64), np.array(value, np.float64), np.array(quality, np.uint16),
                np.array(time, np.int64))

    def _lines(self) -> Iterator[tuple[int, str]]:
        """(number, line) of every line that says something; half a line at the end is left out."""
        try:
            with self._path.open(encoding="utf-8") as file:
                for number, line in enumerate(file, 1):
                    whole = line.endswith("\n")
                    line = line.strip()
                    if not line or line.startswith("#"):
                        continue
                    if not whole and ((torn := _LINE.fullmatch(line)) is None or torn["time"] is None):
                        self.notes.append(Text(f"{self._path}, line {number}: half a line at the end was left out",
                                               f"{self._path} 第 {number} 行：末尾的半行已忽略"))
                        return
                    yield number, line
        except UnicodeError as error:
            raise DavylampError(Text(f"this is not a text file: {error}", f"这不是文本文件：{error}"),
                                where=str(self._path), fix=_SHAPE) from error

    def _signal(self, series: str) -> int:
        measurement, *tags = _SPLIT.split(series)
        told = {key: _ESCAPED.sub(r"\1", said) for key, _, said in (tag.partition("=") for tag in tags)}
        id = told.get("signal")
        foreign = self._site and told.get("site", self._site) != self._site
        if measurement != schema.TELEMETRY.name or id is None or foreign:
            return -1
        if id not in self._known:
            self._unknown[id] = None
            return -1
        return self._place.setdefault(id, len(self._place))

    def _sample(self, line: int, fields: str) -> tuple[float, int]:
        told = dict(_FIELD.findall(fields))
        try:
            number = _number(told[schema.VALUE]) if schema.VALUE in told else math.nan
            said = int(told.get(schema.QUALITY, "0i").removesuffix("i"))
            Quality(said)
        except ValueError as error:
            raise self._error(line, Text(f"not a number or not a quality: {error}", f"数值或质量码无效：{error}"),
                              _SHAPE) from None
        if not math.isfinite(number):
            number = math.nan
            if not is_bad(said):
                said = Quality.BAD if schema.VALUE not in told else Quality.BAD_PAYLOAD
        untrusted = _TRUTH.get(told.get(schema.CLOCK_UNTRUSTED, "f"), 0.0)
        return number, said | (Flag.CLOCK_NOT_TRUSTED if untrusted else 0)

    def _time(self, line: int, text: str) -> int:
        try:
            return int(text) if len(text) == 19 else stamp(text)
        except ValueError:
            raise self._error(line, Text(f"`{text}` is not a time", f"`{text}` 不是时间"), _SHAPE) from None

    def _error(self, line: int, what: Text, fix: Text) -> ConfigError:
        return ConfigError((self._problem(f"line {line}", "", what, fix),))

    def _problem(self, place: str, key: str, what: Text, fix: Text) -> Problem:
        return Problem(str(self._path), place, key, what, fix)


_SHAPE = Text("write each line as telemetry,signal=GD-03 value=1.5,quality=0i 1790000000000000000",
              "每行格式应为 telemetry,signal=GD-03 value=1.5,quality=0i 1790000000000000000")


def _number(text: str) -> float:
    """ValueError."""
    return _TRUTH[text] if text in _TRUTH else float(text.removesuffix("i").removesuffix("u"))
