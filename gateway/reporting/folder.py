"""The data folder of a gateway, or a copy of it, as the source of a report. Nothing is written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from heapq import merge
from pathlib import Path
from typing import Any, Final

import numpy as np

from alerting import proof
from alerting.engine import Transition
from alerting.journal import reader
from alerting.journal.chain import Row
from alerting.journal.times import Times, true_time
from alerting.ledger import JournalRow, transition_of
from alerting.lifecycle import Event, State
from gateway.data_folder import ALARM_FILE, ARCHIVE_FILE
from gateway.model.errors import CommandError, LedgerError, StoreError
from gateway.model.site import Site
from gateway.model.stroke import Stroke
from gateway.model.text import Text
from gateway.reporting.source import Act, Chain, Standing, Stretch
from gateway.store.archive import Archive
from gateway.store.minutes import MINUTE_NS

_STEP: Final = "transition"
_NO_ACT: Final = frozenset({_STEP, proof.KIND, "delivery", "routing", "given up", "recall", "run"})
_SHOWN: Final = 200  # characters of a change


class Folder:
    def __init__(self, site: Site, folder: Path):
        self._site, self._ledger = site, folder / ALARM_FILE
        self._archive = Archive(folder / ARCHIVE_FILE, site.signals)
        self.name = Text("data folder of the gateway", "网关数据目录")
        self._notes: list[Text] = []
        self._unreadable = 0
        if not self._ledger.exists() and not self._archive.path.exists():
            raise CommandError(Text("no gateway has run here: there are neither alarms nor minutes",
                                    "此处没有网关数据：既无告警文件也无分钟数据"), where=str(folder), fix=Text(
                "give the data folder of the gateway, or a copy of it, with --data",
                "用 --data 指定网关的数据目录或其副本"))
        self._minutes = self._usable(self._archive.look, StoreError)
        self._journal = self._usable(lambda: reader.head(self._ledger), LedgerError)
        stretches = Times(self._ledger).read() if self._journal else ()
        self._moved = [one for one in stretches if one.corrections]  # rows that were stamped before the time was known

    def _usable(self, look, error: type[StoreError | LedgerError]) -> bool:
        """A file that can not be read takes only its own part of the report with it."""
        try:
            look()
        except error as problem:
            self._notes.append(Text(problem.message("en"), problem.message("zh")))
            return False
        return True

    def since(self) -> int | None:
        return self._archive.first("gateway") if self._minutes else None

    def last(self) -> int | None:
        return self._archive.last("gateway") if self._minutes else None

    def standing(self, start_ns: int) -> list[Standing]:
        if not self._journal:
            return []
        found = ({step.alarm: step for step in self.steps(0, start_ns)}.values() if self._moved else
                 self._steps(reader.last_before(self._ledger, _STEP, start_ns)))
        return [Standing(step.alarm, step.occurrence, step.raised_wall_ns, step.new.active) for step in found
                if step.new is not State.NORMAL]

    def steps(self, start_ns: int, end_ns: int) -> Iterator[Transition]:
        if self._journal:
            rows = reader.of_kind(self._ledger, _STEP, start_ns, end_ns)
            yield from self._steps(self._dated(rows, start_ns, end_ns, _STEP))

    def _dated(self, rows: Iterator[Row], start_ns: int, end_ns: int, kind: str | None = None) -> Iterator[Row]:
        """These rows of a time, in the order of the journal. What was stamped before the time was known is in it by its
        true time, and not by its stamp."""
        right = (row for row in self._put_right() if start_ns <= row.wall_ns < end_ns and kind in (None, row.kind))
        return merge((row for row in rows if not any(one.begin <= row.position < one.end for one in self._moved)),
                     right, key=lambda row: row.position)

    def _put_right(self) -> Iterator[Row]:
        for stretch in self._moved:
            for row in reader.after(self._ledger, stretch.begin - 1, stretch.end - stretch.begin):
                try:
                    wall_ns, _ = true_time((stretch,), row.position, row.wall_ns, json.loads(row.body))
                except (ValueError, AttributeError, TypeError):  # whoever needs its body says that it can not be read
                    wall_ns = row.wall_ns
                yield row._replace(wall_ns=wall_ns)

    def _steps(self, rows: Iterator[Row]) -> Iterator[Transition]:
        raised: dict[tuple[str, int], int] = {}
        for row in rows:
            try:
                step = transition_of(row.alarm, row.wall_ns, json.loads(row.body))
            except (ValueError, KeyError, TypeError):  # somebody has tampered with it: the chain names it
                self._unreadable += 1
                continue
            if step.event is Event.RAISE:
                raised[step.alarm, step.occurrence] = step.wall_ns
            yield replace(step, raised_wall_ns=raised.get((step.alarm, step.occurrence), step.raised_wall_ns))

    def strokes(self, end_ns: int) -> list[Stroke]:
        found = []
        rows = self._dated(reader.of_kind(self._ledger, proof.KIND, 0, end_ns), 0, end_ns, proof.KIND)
        for row in rows if self._journal else ():
            try:
                found.append(JournalRow(*row[:4], json.loads(row.body), row.hash.hex()))
                proof.strokes(found[-1:])
            except (ValueError, KeyError, TypeError):
                del found[-1:]
                self._unreadable += 1
        return proof.strokes(reversed(found))

    def acts(self, start_ns: int, end_ns: int) -> list[Act]:
        found = []
        rows = self._dated(reader.between(self._ledger, start_ns, end_ns), start_ns, end_ns)
        for row in rows if self._journal else ():
            if row.kind not in _NO_ACT:
                try:
                    found.append(_act(row, json.loads(row.body)))
                except (ValueError, KeyError, TypeError, AttributeError):
                    self._unreadable += 1
        return found

    def rows(self, measurement: str, start_ns: int, end_ns: int) -> list[tuple[int, dict[str, Any]]]:
        if not self._minutes:
            return []
        return [(row.wall_ns, dict(row.fields)) for row in self._archive.rows(measurement, start_ns, end_ns)]

    def stretch(self, start_ns: int, end_ns: int) -> Stretch:
        signals = len(self._site.signals)
        hours = self._archive.hours(start_ns, end_ns)
        high, low = np.full(signals, np.nan), np.full(signals, np.nan)
        np.fmax.at(high, hours.signal, hours.high)
        np.fmin.at(low, hours.signal, hours.low)
        count, bad = (np.bincount(hours.signal, column, signals).astype(np.int64)
                      for column in (hours.count, hours.bad))
        return Stretch(hours.grid(signals, start_ns // MINUTE_NS, end_ns // MINUTE_NS), high, low, count, bad)

    def chain(self) -> Chain | None:
        if not self._journal:
            return None
        examination = reader.examine(self._ledger)
        position, head = examination.head
        first = reader.hash_at(self._ledger, 1)
        return Chain(examination, None if first is None else (1, first.hex()),
                     (position, head.hex()) if position else None)

    def notes(self) -> list[Text]:
        unreadable = [Text(f"{self._unreadable} rows of the journal can not be read and are not counted",
                           f"日志中有 {self._unreadable} 行无法读取，未计入")] if self._unreadable else []
        return [*self._notes, *unreadable]


def _act(row: Row, body: dict[str, Any]) -> Act:
    passed = not body["failed"] if row.kind == "selftest" else None
    who = body.get("who") or body.get("owner") or body.get("asked_by") or ""
    subject = body.get("signal") or " ".join(body.get("signals", ())) or row.alarm if row.kind == "drill" else row.alarm
    return Act(row.kind, subject, str(body.get("act", "")), row.wall_ns, who, body.get("why") or "", passed,
               _detail(body) if row.kind == "configuration" else "")


def _detail(body: dict[str, Any]) -> str:
    """"value: 20 > 25"; an item that is new or gone says so by an empty side."""
    if "changes" in body:
        return f"{len(body['changes'])} x"
    old, new = body.get("old") or {}, body.get("new") or {}
    if bool(old) != bool(new):
        return "+" if new else "-"
    text = "; ".join(f"{key}: {old.get(key, '-')} → {new.get(key, '-')}" for key in old | new)
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "…"
