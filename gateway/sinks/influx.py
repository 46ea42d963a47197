"""A database of the InfluxDB family as a sink: each stream with a task and a cursor, nothing dropped in silence.

Streams of one class of retention go into one database (gateway.sinks.outlet); where the site file names no other for
raw samples, all of them into the same.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Sequence
from pathlib import Path

from gateway.model.ports import SinkStatus
from gateway.model.text import Text
from gateway.sinks.answers import conflict
from gateway.sinks.config import InfluxSettings
from gateway.sinks.endpoint import Answer, endpoint
from gateway.sinks.erasure import AGAIN_S, EVERY_S, UNABLE, Erasure
from gateway.sinks.outlet import Outlet
from gateway.sinks.stream import Samples, Stream

log = logging.getLogger(__name__)

REFUSED_BYTES = 10_000_000  # the set-aside file is moved to .old at this size: at most two of them


class InfluxSink:
    """`run` works until cancelled. samples: the raw ones; others: what else is sent, the most urgent first. erasure:
    what is not kept as long as the rest."""

    def __init__(self, settings: InfluxSettings, samples: Samples, others: Sequence[Stream], folder: Path,
                 erasure: Erasure | None = None):
        self.id = settings.id
        self._settings, self._samples = settings, samples
        self._streams = (*others, samples)
        self._refused_file, self._refused_lock = folder / f"{settings.id}-refused.lp", threading.Lock()
        self._outlets: dict[str, Outlet] = {}  # by database or bucket
        self._refusal = ""  # the latest reason
        self._conflict: Text | None = None
        self._erasure = erasure if erasure is not None and erasure.asked_for else None
        self._unable: Text | None = None  # to delete
        self._counters = dict.fromkeys(("written", "refused", "retries", "bytes", "requests"), 0)

    def status(self) -> SinkStatus:
        trouble = next((outlet.trouble for outlet in self._outlets.values() if outlet.trouble is not None), None)
        return SinkStatus(self.id, trouble is None, trouble or self._conflict or self._unable or Text("", ""),
                          self._counters | {"lag": self._samples.lag})

    async def run(self) -> None:
        try:
            for stream in self._streams:
                place = self._settings.place(stream.retention)
                if place not in self._outlets:
                    ready = await asyncio.to_thread(endpoint, self._settings, place)
                    self._outlets[place] = Outlet(self._settings, place, ready, self._counters, self._set_aside)
            async with asyncio.TaskGroup() as tasks:
                for urgency, stream in enumerate(self._streams):
                    tasks.create_task(self._send(stream, urgency))
                if self._erasure is not None:
                    tasks.create_task(self._erase(self._erasure))
        finally:
            for outlet in self._outlets.values():
                outlet.close()
            self._outlets = {}

    async def _send(self, stream: Stream, urgency: int) -> None:
        outlet = self._outlets[self._settings.place(stream.retention)]
        while True:
            parcel = await stream.take()
            await outlet.deliver(parcel.lines, urgency)
            parcel.done()

    async def _erase(self, erasure: Erasure) -> None:
        while True:
            due = erasure.due()
            answers = [await self._outlets[self._settings.place(one.measurement.retention)].erase(one) for one in due]
            refused = next((answer for answer in answers if 400 <= answer.status < 500), None)
            unable = None if refused is None else UNABLE.format(place=self._settings.url, status=refused.status,
                                                                reason=refused.reason[:120])
            if unable is not None and unable != self._unable:
                log.warning("sink %s: %s", self.id, unable)
            self._unable = unable
            done = bool(due) and all(answer.taken for answer in answers)
            await asyncio.sleep(EVERY_S if done else AGAIN_S)

    def _set_aside(self, line: bytes, answer: Answer) -> None:
        """Refused lines, with the reason above them, in a bounded file that a person can mend and import. A disk that
        does not take them must not keep the rest from being sent; what they say is in our own store all the same."""
        reason = f"{answer.status} {answer.reason[:300]}"
        with self._refused_lock:
            if reason != self._refusal:  # a database that refuses one line mostly refuses thousands, all for one reason
                log.warning("sink %s: the database refused (%s): %s", self.id, reason,
                            line[:200].decode("utf-8", "replace").strip())
            self._refusal, self._conflict = reason, conflict(answer, self._settings.url) or self._conflict
            try:
                if self._refused_file.exists() and self._refused_file.stat().st_size > REFUSED_BYTES:
                    self._refused_file.replace(self._refused_file.with_suffix(".lp.old"))
                with self._refused_file.open("ab") as file:
                    file.write(f"# {reason}".replace("\n", " ").encode() + b"\n" + line)
            except OSError as error:
                log.error("sink %s: what the database refused can not be set aside: %s", self.id, error)
