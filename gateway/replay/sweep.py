"""Many settings of a limit in one run: copies of the signal, one for each setting, beside the others in the same bank.

    GD-03.H=18:26:0.5             the set point from 18 to 26 in steps of 0.5
    GD-03.H.on_delay=0:10:2       one of its times, in seconds; or its deadband
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from gateway.config.values import did_you_mean
from gateway.model.condition import Condition
from gateway.model.errors import CommandError
from gateway.model.frame import Frame
from gateway.model.signal import Limit, Signal, SignalTable
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.replay.count import Count, LabelledEvent, Score, counts, score
from gateway.replay.run import Outcome, Recorded

MOST = 1_000  # settings of one sweep
KEYS = {"": "value", "value": "value", "deadband": "deadband", "on_delay": "on_delay_s", "off_delay": "off_delay_s"}
_RANGE = re.compile(r"([^:]+):([^:]+):([^:]+)")
_AREA = "sweep"  # a place of their own: copies neither see nor blind a gas zone
_SHAPE = Text("write it as SIGNAL.LIMIT=FROM:TO:STEP, e.g. GD-03.H=18:26:0.5 or GD-03.H.on_delay=0:10:2",
              "写法为 信号.限值=起:止:步长，例如 GD-03.H=18:26:0.5 或 GD-03.H.on_delay=0:10:2")


@dataclass(frozen=True, slots=True)
class Sweep:
    """field: of Limit. settings: in the unit of the field, ascending, the present one among them."""

    signal: str
    condition: Condition
    field: str
    present: float
    settings: tuple[float, ...]

    @property
    def alarm(self) -> str:
        return f"{self.signal}/{self.condition}"

    def copy(self, setting: float) -> str:
        """Id of the signal that stands for this setting."""
        return f"{self.alarm} {self.field}={setting:g}"


@dataclass(frozen=True, slots=True)
class Result:
    """What one setting would have done. score: against events, where there are any."""

    setting: float
    count: Count
    score: Score | None


def parse(text: str, site: Site) -> Sweep:
    """CommandError says what is wrong with it."""
    name, _, span = text.partition("=")
    ids = sorted((id for id in site.signals.ids if name.startswith(f"{id}.")), key=len, reverse=True)
    if not ids:
        raise _error(text, Text("no signal of the site{hint}", "站点中没有此信号{hint}").format(
            hint=did_you_mean(name.rpartition(".")[0], site.signals.ids)), _SHAPE)
    limits = {f"{id}.{limit.condition}": (id, limit) for id in ids
              for limit in site.signal(id).limits}
    place = next((place for place in limits if f"{name}.".startswith(f"{place}.")), None)
    if place is None:
        raise _error(text, Text("the signal has no such limit", "该信号没有此限值"), Text(
            "take one that the site file sets: {limits}", "请使用站点文件中已设置的限值：{limits}").format(
            limits=", ".join(limits) or "-"))
    (id, limit), key = limits[place], name[len(place) + 1:]
    if key not in KEYS:
        raise _error(text, Text("a limit has no setting `{key}`{hint}", "限值没有设置项 `{key}`{hint}").format(
            key=key, hint=did_you_mean(key, [key for key in KEYS if key])), _SHAPE)
    present = getattr(limit, KEYS[key])
    return Sweep(id, limit.condition, KEYS[key], present, _settings(text, span, present))


def swept(site: Site, sweeps: Sequence[Sweep]) -> Site:
    """Of the site only what the sweeps need: a copy of the signal, with this one limit, for every setting."""
    copies = []
    for sweep in sweeps:
        signal = site.signal(sweep.signal)
        limit = signal.limit(sweep.condition)
        assert limit is not None, "parse sees to that"
        copies += (_copy(signal, sweep.copy(setting), replace(limit, **{sweep.field: setting}))
                   for setting in sweep.settings)
    beside = [_quiet(site.signal(id)) for id in _beside(site.signals, copies)]
    return replace(site, signals=SignalTable([*beside, *copies]), rules=(), devices=(), online_below=None)


class Copied:
    """A recording in which every swept signal stands once for each of its copies."""

    def __init__(self, recorded: Recorded, site: Site, sweeps: Sequence[Sweep]):
        """site: the whole one."""
        self._recorded, self._site = recorded, site
        self._copies = {sweep.copy(setting): sweep.signal for sweep in sweeps for setting in sweep.settings}

    @property
    def ids(self) -> frozenset[str]:
        known = self._recorded.ids
        return known | {copy for copy, signal in self._copies.items() if signal in known}

    def frames(self, signals: SignalTable) -> Iterator[tuple[bool, Frame]]:
        numbers: dict[int, list[int]] = {}  # of a signal of the whole site: those that take its samples
        for id in signals.ids:
            numbers.setdefault(self._site.signals.index(self._copies.get(id, id)), []).append(signals.index(id))
        takers = {signal: np.array(own, np.int32) for signal, own in numbers.items()}
        for begins, frame in self._recorded.frames(self._site.signals):
            spread = _spread(frame, takers)
            if len(spread):
                yield begins, spread


def results(outcome: Outcome, sweep: Sweep, events: Sequence[LabelledEvent] | None) -> tuple[Result, ...]:
    """Of a run of `swept`, in order of the settings. Events that name another alarm are none of its business."""
    found = counts(outcome)
    about = None if events is None else [event for event in events if event.alarm in ("", sweep.alarm)]
    rows = []
    for setting in sweep.settings:
        copy = f"{sweep.copy(setting)}/{sweep.condition}"
        count = replace(found.get(copy, Count(copy)), alarm=sweep.alarm)
        own = replace(outcome, occurrences=tuple(replace(one, alarm=sweep.alarm) for one in outcome.occurrences
                                                 if one.alarm == copy))
        rows.append(Result(setting, count, None if about is None else score(own, about)))
    return tuple(rows)


def _copy(signal: Signal, id: str, limit: Limit) -> Signal:
    return Signal(id, signal.name, signal.kind, signal.unit, _AREA, signal.low, signal.high, signal.loop_ma,
                  decimals=signal.decimals, gas=signal.gas, limits=(limit,), status=signal.status,
                  derived=signal.derived)


def _quiet(signal: Signal) -> Signal:
    """Judged for its quality, and no more."""
    return Signal(signal.id, signal.name, signal.kind, signal.unit, _AREA, signal.low, signal.high, signal.loop_ma,
                  signal.deadman_s, decimals=signal.decimals, status=signal.status, derived=signal.derived)


def _beside(signals: SignalTable, copies: Sequence[Signal]) -> tuple[str, ...]:
    """What the copies refer to, and what that refers to."""
    found: dict[str, None] = {}
    todo = list(copies)
    while todo:
        signal = todo.pop()
        for id in (*(signal.derived.inputs if signal.derived else ()),
                   *((signal.status.signal,) if signal.status else ())):
            if id not in found:
                found[id] = None
                todo.append(signals[signals.index(id)])
    return tuple(found)


def _spread(frame: Frame, takers: dict[int, np.ndarray]) -> Frame:
    rows, numbers = [], []
    for signal, own in takers.items():
        row = np.flatnonzero(frame.signal == signal)
        rows.append(np.tile(row, own.shape[0]))
        numbers.append(np.repeat(own, row.shape[0]))
    row = np.concatenate(rows)
    order = np.argsort(row, kind="stable")  # as they came, all copies of a sample together
    row = row[order]
    return Frame.from_columns(np.concatenate(numbers)[order], frame.value[row], frame.quality[row], frame.wall_ns[row],
                              frame.line_ns[row])


def _settings(text: str, span: str, present: float) -> tuple[float, ...]:
    found = _RANGE.fullmatch(span)
    try:
        first, last, step = (float(part) for part in found.groups()) if found else (0.0, 0.0, 0.0)
        count = math.floor((last - first) / step + 1e-9) + 1
    except (ValueError, ZeroDivisionError, OverflowError):
        raise _error(text, Text("not a range of numbers", "不是数值范围"), _SHAPE) from None
    if count < 1 or step < 0:
        raise _error(text, Text("the range is empty", "范围为空"), _SHAPE)
    if count > MOST:
        raise _error(text, Text(f"{count} settings; at most {MOST} are tried at once",
                                f"共 {count} 个设置，一次最多 {MOST} 个"),
                     Text("take a larger step", "请增大步长"))
    return tuple(sorted({round(first + place * step, 9) for place in range(count)} | {present}))


def _error(text: str, what: Text, fix: Text) -> CommandError:
    return CommandError(what, where=f"--sweep {text}", fix=fix)
