"""Stored frames to InfluxDB: own cursor, own retries, nothing dropped in silence.

What an answer means (measured on InfluxDB 1.6.7; other codes by the documents of 2.x and 3.x):

    2xx                 taken; the cursor moves on
    400, 422            some line is refused. Never retried as it is: the batch is bisected until the refused lines
                        stand alone, they are set aside in `<id>-refused.lp` with the server's reason, the rest goes
                        on. After PATIENCE such lines in one batch, a refused part is set aside whole (the server has
                        taken the good lines of it: measured on 1.6.7), or a batch that lies beyond the retention
                        policy would cost two requests for each of its lines
    413                 too large: halved
    401, 403, 404       credentials, database or bucket: a person must act. Data stays on disk, slow retry
    429, 503            busy: Retry-After is obeyed
    other, no answer    back-off with jitter up to max_backoff
"""

from __future__ import annotations

import asyncio
import logging
import random
import time
from pathlib import Path

from gateway.model.frame import Frame
from gateway.model.ports import Reader, SinkStatus
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.sinks.config import InfluxSettings
from gateway.sinks.endpoint import Answer, Endpoint, endpoint
from gateway.sinks.line_protocol import Encoder

log = logging.getLogger(__name__)

REFUSED_BYTES = 10_000_000  # the set-aside file is moved to .old at this size: at most two of them
PATIENCE = 32


class InfluxSink:
    """Reads the store at its own pace and posts. `run` works until cancelled."""

    def __init__(self, settings: InfluxSettings, site: Site, reader: Reader, folder: Path):
        self.id = settings.id
        self._settings, self._reader = settings, reader
        self._encoder = Encoder(site.id, site.signals)
        self._refused_file = folder / f"{settings.id}-refused.lp"
        self._endpoint: Endpoint | None = None
        self._trouble: Text | None = None
        self._refusal = ""  # the latest reason
        self._counters = dict.fromkeys(("written", "refused", "retries", "bytes", "requests"), 0)

    def status(self) -> SinkStatus:
        return SinkStatus(self.id, self._trouble is None, self._trouble or Text("", ""),
                          self._counters | {"lag": self._reader.lag_samples})

    async def run(self) -> None:
        try:
            self._endpoint = await asyncio.to_thread(endpoint, self._settings)
            while True:
                batch = await self._reader.take(self._settings.batch)
                started = time.monotonic()
                await self._deliver(batch.frame)
                self._reader.done(batch.position)
                if len(batch.frame) < self._settings.batch and not batch.historic:
                    await asyncio.sleep(max(0.0, self._settings.flush_interval - (time.monotonic() - started)))
        finally:
            if self._endpoint is not None:
                self._endpoint.close()

    async def _deliver(self, frame: Frame) -> None:
        """Until every line is taken or set aside."""
        todo, refusals = [await asyncio.to_thread(self._encoder.encode, frame)], 0
        while todo:
            lines = todo.pop()
            answer, count = await self._post(lines), lines.count(b"\n")
            if answer.taken:
                self._counters["written"] += count
            elif count > 1 and (refusals < PATIENCE or answer.status == 413):
                first, second = _halves(lines)
                todo += [second, first]
            else:
                refusals += 1
                self._counters["refused"] += count
                await asyncio.to_thread(self._set_aside, lines, answer)

    async def _post(self, lines: bytes) -> Answer:
        """Post until the server takes the lines or refuses them for good (400, 413, 422)."""
        assert self._endpoint is not None
        attempt = 0
        while True:
            answer = await asyncio.to_thread(self._endpoint.write, lines)
            self._counters["requests"] += 1
            self._counters["bytes"] += len(lines)
            if answer.taken or answer.status in (400, 413, 422):
                self._recovered()
                return answer
            self._failed(answer)
            self._counters["retries"] += 1
            await asyncio.sleep(self._pause(answer, attempt))
            attempt += 1

    def _pause(self, answer: Answer, attempt: int) -> float:
        longest = self._settings.max_backoff
        if answer.retry_after_s is not None:
            return min(answer.retry_after_s, longest)
        if answer.status in (401, 403, 404):
            return longest / 2 * (1 + random.random())
        return min(longest, 2.0 ** min(attempt, 20) * 0.5) * (0.5 + random.random() / 2)

    def _failed(self, answer: Answer) -> None:
        trouble = _explain(answer, self._settings)
        if self._trouble is None or self._trouble != trouble:
            log.warning("sink %s: %s", self.id, trouble)
        self._trouble = trouble

    def _recovered(self) -> None:
        if self._trouble is not None:
            log.info("sink %s: the database answers", self.id)
        self._trouble = None

    def _set_aside(self, line: bytes, answer: Answer) -> None:
        """Refused lines, with the reason above them, in a bounded file that a person can mend and import. A disk that
        does not take them must not keep the rest from being sent; the samples are in the store all the same."""
        reason = f"{answer.status} {answer.reason[:300]}"
        if reason != self._refusal:  # a database that refuses one line mostly refuses thousands, all for one reason
            log.warning("sink %s: the database refused (%s): %s", self.id, reason,
                        line[:200].decode("utf-8", "replace").strip())
        self._refusal = reason
        try:
            if self._refused_file.exists() and self._refused_file.stat().st_size > REFUSED_BYTES:
                self._refused_file.replace(self._refused_file.with_suffix(".lp.old"))
            with self._refused_file.open("ab") as file:
                file.write(f"# {reason}".replace("\n", " ").encode() + b"\n" + line)
        except OSError as error:
            log.error("sink %s: what the database refused can not be set aside: %s", self.id, error)


def _halves(lines: bytes) -> tuple[bytes, bytes]:
    rows = lines.splitlines(keepends=True)
    return b"".join(rows[:len(rows) // 2]), b"".join(rows[len(rows) // 2:])


def _explain(answer: Answer, settings: InfluxSettings) -> Text:
    """What the operator reads on the page: what the database said, and what to do."""
    where = settings.url
    if answer.status == 0:
        return Text(f"{where} does not answer ({answer.reason[:120]}): data is kept on disk and sent later",
                    f"{where} 无应答（{answer.reason[:120]}）：数据保留在本地磁盘，稍后补发")
    if answer.status in (401, 403):
        return Text(f"{where} refuses the credentials ({answer.status}): check token or user of sink {settings.id}",
                    f"{where} 拒绝访问（{answer.status}）：请检查 {settings.id} 的令牌或用户名密码")
    if answer.status == 404:
        place = settings.database or settings.bucket
        return Text(f"{where} does not know {place} (404): create it, or correct the sink's settings",
                    f"{where} 中不存在 {place}（404）：请创建，或更正该输出的配置")
    return Text(f"{where} is not taking data ({answer.status} {answer.reason[:120]}): kept on disk and sent later",
                f"{where} 暂不接收数据（{answer.status} {answer.reason[:120]}）：数据保留在本地磁盘，稍后补发")
