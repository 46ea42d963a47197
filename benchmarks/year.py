"""The data folder of a gateway after months of work, made in minutes: an archive of every minute of every signal, rows
of the site and of the gateway, and an alarm file with fifty alarms a day.

What a signal did in four hours is taken from a small stock of noise with one decimal place; its packed values are
used again for other times, so that a year of 1,000 signals is written as fast as the disk takes it.
"""

from __future__ import annotations

import json
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from alerting.engine import AlarmEngine
from alerting.ledger import AlarmLedger, Work, transition_record
from gateway.data_folder import ALARM_FILE, ARCHIVE_FILE
from gateway.model.clock import NS
from gateway.model.site import Site
from gateway.model.verdict import Edge, Verdicts
from gateway.sinks.schema import MINUTE
from gateway.store.archive import SPAN, Archive
from gateway.store.columns import pack_integers
from gateway.store.hours import Hours
from gateway.store.minutes import MINUTE_NS, Minutes

DAY: Final = 1_440
_STOCK: Final = 64
_HEAD: Final = 4  # bytes of a pack before its first column
_ALARMS: Final = 50  # a day


@dataclass(frozen=True, slots=True)
class _Noise:
    """Four hours of one signal. rest: its packed columns but for minute and signal, which every use has of its own."""

    minutes: Minutes
    hours: Hours
    rest: bytes

    @classmethod
    def of(cls, rng: np.random.Generator) -> _Noise:
        mean = np.round(np.cumsum(rng.normal(0, 0.3, SPAN)) + 40, 1)
        spread = np.round(rng.random(SPAN), 1)
        minute = np.arange(SPAN)
        found = Minutes(minute, np.zeros(SPAN, np.int32), mean, mean - spread, mean + spread, mean,
                        minute * MINUTE_NS + 59 * NS, np.full(SPAN, 60), np.zeros(SPAN, np.int64),
                        np.zeros(SPAN, np.uint16))
        packed = found.pack()
        own = len(pack_integers(found.minute)) + len(pack_integers(found.signal))
        return cls(found, Hours.of(found), packed[_HEAD + own:])

    def packed(self, span: int, signal: int) -> bytes:
        return b"".join((SPAN.to_bytes(_HEAD, "little"), pack_integers(self.minutes.minute + span * SPAN),
                         pack_integers(np.full(SPAN, signal, np.int32)), self.rest))


def fill(folder: Path, site: Site, end_minute: int, days: int) -> None:
    """A folder in which nothing is yet. end_minute: since 1970, of the end; a whole number of spans."""
    archive = Archive(folder / ARCHIVE_FILE, site.signals)
    archive.open()
    archive.close()
    rng = np.random.default_rng(1)
    stock = [_Noise.of(rng) for _ in range(_STOCK)]
    with closing(sqlite3.connect(folder / ARCHIVE_FILE, isolation_level=None)) as file:
        file.execute("PRAGMA synchronous = OFF")
        numbers = [number for (number,) in file.execute("SELECT number FROM signal ORDER BY number")]
        spans = range((end_minute - days * DAY) // SPAN, end_minute // SPAN)
        for number in numbers:  # in the order of the file
            file.execute("BEGIN")
            file.executemany("INSERT INTO span VALUES (?, ?, ?)", (
                (number, span, _chosen(stock, number, span).packed(span, number)) for span in spans))
            file.execute("COMMIT")
        file.execute("BEGIN")
        for span in spans:
            _hours(file, span, numbers, stock)
        file.executemany("INSERT INTO row (measurement, wall_ns, tags, fields) VALUES (?, ?, ?, ?)", (
            (measurement, minute * MINUTE_NS, json.dumps({"site": site.id}), _deflated(fields))
            for minute in range(end_minute - days * DAY, end_minute)
            for measurement, fields in (("site", _site(len(numbers), minute)), ("gateway", _gateway(minute)))))
        file.execute("COMMIT")
        file.execute("INSERT OR REPLACE INTO cursor VALUES ('compact', ?)", (end_minute,))
    _alarms(folder / ALARM_FILE, site, end_minute, days)


def lines(site: Site, minute: int, end_minute: int) -> Iterator[bytes]:
    """The same for a database: minutes of signals as line protocol, signal by signal, and rows of site and gateway."""
    rng = np.random.default_rng(1)
    stock = [_Noise.of(rng).minutes for _ in range(_STOCK)]
    at = [f" {one * MINUTE_NS}" for one in range(minute, end_minute)]
    for number, signal in enumerate(site.signals):
        noise = stock[number % _STOCK]
        head = f"{MINUTE.name},area={signal.area},kind={signal.kind},signal={signal.id},site={site.id} "
        told = zip(noise.mean.tolist(), noise.low.tolist(), noise.high.tolist(), strict=True)
        fields = [f"{head}mean={mean},min={low},max={high},last={mean},count=60i,bad=0i,quality=0i"
                  for mean, low, high in told]
        yield "\n".join(fields[place % SPAN] + stamp for place, stamp in enumerate(at)).encode()
    for measurement, one in (("site", _site(len(site.signals), 0)), ("gateway", _gateway(0))):
        told = ",".join(f"{key}={_line_value(value)}" for key, value in one.items())
        yield "\n".join(f"{measurement},site={site.id} {told}{stamp}" for stamp in at).encode()


def _line_value(value: Any) -> str:
    if isinstance(value, str):
        return f'"{value}"'
    return f"{value}i" if isinstance(value, int) and not isinstance(value, bool) else str(value).lower()


def _chosen(stock: list[_Noise], number: int, span: int) -> _Noise:
    return stock[(number * 7 + span) % _STOCK]


def _hours(file: sqlite3.Connection, span: int, numbers: list[int], stock: list[_Noise]) -> None:
    chosen = [_chosen(stock, number, span).hours for number in numbers]
    hours = Hours.joined([replace(found, hour=found.hour + span * SPAN // 60,
                                  signal=np.full(len(found), number, np.int32))
                          for number, found in zip(numbers, chosen, strict=True)])
    file.execute("INSERT INTO hours VALUES (?, ?)", (span, hours.pack()))


def _site(signals: int, minute: int) -> dict[str, Any]:
    return {"risk": 0, "red": 0, "orange": 0, "yellow": 0, "blue": 0, "unacknowledged": 0, "signals": signals,
            "signals_online": signals - minute % 3, "devices": 40, "devices_online": 40, "online_ratio": 1.0, "gas": 2,
            "people": minute % 5, "load": 2, "video": 2, "shutoff": 2, "name_en": "Benchmark", "name_zh": "基准"}


def _gateway(minute: int) -> dict[str, Any]:
    return {"version": "1.0", "config": "0123456789abcdef", "uptime_s": minute * 60.0, "cpu_s": minute * 0.6,
            "rss_bytes": 85_000_000, "disk_free_bytes": 10**10, "store_bytes": 10**9, "bytes_written": minute * 10**5,
            "samples": minute * 60_000, "waiting": 0, "lag_samples": 0, "evicted": 0, "dropped": 0, "refused": 0,
            "restarts": 0, "faults": 0, "hung": False, "clock_untrusted": False, "clock_steps": 0}


def _deflated(fields: dict[str, Any]) -> bytes:
    return zlib.compress(json.dumps(fields, ensure_ascii=False, separators=(",", ":"), sort_keys=True).encode(), 6)


def _alarms(path: Path, site: Site, end_minute: int, days: int) -> None:
    """Fifty alarms a day, each for ten minutes."""
    engine, ledger = AlarmEngine(site.alarms), AlarmLedger(path)
    ledger.open()
    for minute in range(end_minute - days * DAY, end_minute, DAY // _ALARMS):
        alarm = minute * 7919 % len(site.alarms)
        for active, at in ((True, minute), (False, minute + 10)):
            changes = engine.apply(Verdicts.from_edges([Edge(alarm, active, 1.0, at * MINUTE_NS, at * MINUTE_NS)]))
            ledger.commit(Work({state.alarm: state for state in changes.states},
                               [transition_record(transition) for transition in changes.transitions]))
    ledger.close()
