"""`davylamp journal export`: rows of the journal with the raw samples around their alarms, as a signed package."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np

from alerting.journal import export, package
from alerting.journal.chain import Examination
from alerting.journal.reader import examine, stretch
from alerting.journal.signing import own_key
from alerting.lifecycle import Event
from gateway import __version__
from gateway.data_folder import ALARM_FILE, TELEMETRY
from gateway.model.alarm import AlarmDefinition
from gateway.model.errors import CommandError, StoreError
from gateway.model.frame import Frame
from gateway.model.quality import code, severity
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.replay.run import needs
from gateway.store import Recording

Windows = dict[int, list[tuple[int, int]]]  # number of a signal -> stretches of wall time (UTC ns), apart and in order


@dataclass(frozen=True, slots=True)
class Asked:
    """alarm: only this one, None: all. around_ns: raw samples before and after each raise; 0: none."""

    start_wall_ns: int
    end_wall_ns: int
    alarm: AlarmDefinition | None
    around_ns: int
    form: str  # "csv" or "json"


@dataclass(frozen=True, slots=True)
class Exported:
    rows: int
    samples: int
    chain: Examination
    notes: tuple[Text, ...]


def write(site: Site, data: Path, asked: Asked, out: Path, now_wall_ns: int) -> Exported:
    """Everything into `out`, which must be new or empty. CommandError, LedgerError: what can not be read or written."""
    _fresh(out)
    path, key = data / ALARM_FILE, own_key(data)
    chain = examine(path)
    journal, samples = (f"{name}.{asked.form}" for name in ("journal", "samples"))
    rows = list(stretch(path, asked.start_wall_ns, asked.end_wall_ns, _about(asked.alarm)))
    export.write(out / journal, (export.described(previous, row, site.zone) for previous, row in rows))
    names, notes, count = [journal], [], 0
    if asked.around_ns:
        windows = _windows(site, (row for _, row in rows), asked.around_ns)
        try:
            found = _Counted(_samples(site, _recording(data, windows), windows) if windows else ())
            export.write(out / samples, found)
            names.append(samples)
            count = found.count
        except StoreError as error:
            notes.append(error.what)
    about = {
        "format": "davylamp journal export 1", "program": f"davylamp {__version__}",
        "site": {"id": site.id, "name": site.name.en, "name_zh": site.name.zh, "timezone": site.timezone},
        "made": export.stamp(now_wall_ns, UTC),
        "asked": {"from": _bound(asked.start_wall_ns), "to": _bound(asked.end_wall_ns),
                  "alarm": asked.alarm and asked.alarm.id, "samples_s": asked.around_ns / 1e9},
        "journal": {"rows": len(rows), "chain_rows": chain.rows, "chain_sound": chain.sound,
                    "chain_wrong": [fault.position for fault in chain.faults],
                    "head": {"position": chain.head[0], "hash": chain.head[1].hex()}},
        "samples": count}
    package.seal(out, names, about, key)
    return Exported(len(rows), count, chain, tuple(notes))


def _fresh(out: Path) -> None:
    try:
        out.mkdir(parents=True, exist_ok=True)
        used = any(out.iterdir())
    except OSError as error:
        raise CommandError(Text(f"the folder can not be written: {error.strerror}",
                                f"目录无法写入：{error.strerror}"), where=str(out),
                           fix=Text("give another folder with --out", "用 --out 指定其他目录")) from error
    if used:
        raise CommandError(Text("the folder is not empty", "目录不为空"), where=str(out),
                           fix=Text("give a new folder with --out: an export is never mixed with other files",
                                    "用 --out 指定新目录：导出文件不与其他文件混放"))


def _about(alarm: AlarmDefinition | None) -> Collection[str] | None:
    """What of the journal belongs to an alarm: also what was done to its signal or rule, and gaps of the journal."""
    return None if alarm is None else {alarm.id, alarm.origin, ""}


def _bound(wall_ns: int) -> str | None:
    return export.stamp(wall_ns, UTC) if abs(wall_ns) < 1 << 62 else None


def _windows(site: Site, rows: Iterable[Any], around_ns: int) -> Windows:
    """The signals that each raised alarm was judged by, around the raise."""
    wanted: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for row in rows:
        if row.kind != "transition" or json.loads(row.body)["event"] != Event.RAISE:
            continue
        definition = site.alarms.get(row.alarm)
        for signal in needs(site, definition) if definition is not None else ():
            wanted[site.signals.index(signal)].append((row.wall_ns - around_ns, row.wall_ns + around_ns))
    return {signal: _joined(stretches) for signal, stretches in wanted.items()}


def _joined(stretches: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for low, high in sorted(stretches):
        if found and low <= found[-1][1]:
            found[-1] = found[-1][0], max(high, found[-1][1])
        else:
            found.append((low, high))
    return found


def _recording(data: Path, windows: Windows) -> Recording:
    return Recording(data / TELEMETRY, min(parts[0][0] for parts in windows.values()),
                     max(parts[-1][1] for parts in windows.values()))


def _samples(site: Site, recording: Recording, windows: Windows) -> Iterator[dict[str, Any]]:
    """In the order in which they arrived. Wall and line time in ns: the line time orders them also where the wall clock
    was set."""
    for _, frame in recording.frames(site.signals):
        chosen = frame.take(_inside(frame, windows))
        for signal, value, quality, wall_ns, line_ns in zip(  # a row each: this is no hot path, it is read by people
                chosen.signal.tolist(), chosen.value.tolist(), chosen.quality.tolist(), chosen.wall_ns.tolist(),
                chosen.line_ns.tolist(), strict=True):
            yield {"time_local": export.stamp(wall_ns, site.zone), "time_utc": export.stamp(wall_ns, UTC),
                   "signal": site.signals[signal].id, "value": value if np.isfinite(value) else None,
                   "unit": site.signals[signal].unit, "severity": severity(quality),
                   "quality": code(quality).name.lower(), "quality_code": quality, "wall_ns": wall_ns,
                   "line_ns": line_ns}


def _inside(frame: Frame, windows: Windows) -> np.ndarray:
    chosen = np.zeros(len(frame), bool)
    for signal, parts in windows.items():
        bounds = np.array(parts, np.int64)
        own = np.flatnonzero(frame.signal == signal)
        wall = frame.wall_ns[own]
        part = np.searchsorted(bounds[:, 0], wall, "right") - 1
        chosen[own] = (part >= 0) & (wall <= bounds[np.maximum(part, 0), 1])
    return chosen


class _Counted:
    """Counts what passes through."""

    def __init__(self, rows: Iterable[dict[str, Any]]):
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[dict[str, Any]]:
        for row in self._rows:
            self.count += 1
            yield row
