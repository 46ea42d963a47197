"""One event stream for all who look: every frame is rendered once, and once more without people where somebody looks
who is told of functions only (gateway.api.discretion); the same bytes go to everyone else.

A frame goes out once per `period_s` (with the signals that changed; it is the page's heartbeat, so it goes out even
when nothing did) and soon after an alarm changed. Nothing is rendered while nobody looks. A frame is one server-sent
event whose data is a JSON object; what is in it replaces what the page knew, what is not in it has not changed:

    t_ms, time, trusted  wall clock of the gateway; always there
    hello    true in the first frame of a viewer: it holds everything
    signals  {i: index in the site's list, v: value or null, q: quality code, a: age in ms or null}, columns
    learning {i: index in the site's list, c: see present.lesson_columns}, columns; only what has changed
    alarms   see present.alarm_list
    status   see present.status

A viewer that does not keep up has `backlog` frames waiting for it and is then dropped and counted; a page that is
dropped connects again and gets a complete first frame. More than `limit` viewers are refused and counted.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Collection

import numpy as np
import orjson
from starlette.types import Receive, Scope, Send

from gateway.api import present
from gateway.api.answer import encode, refusal
from gateway.api.discretion import Discretion
from gateway.api.view import GatewayView, Latest
from gateway.model.text import Text

log = logging.getLogger(__name__)

ALARM_PAUSE_S = 0.1  # an alarm flood is shown in steps of this length
RETRY_MS = 1000
ASKED_EVERY_S = 5.0  # whether the viewer may still look
_HEAD, _END = b"data: ", b"\n\n"
_COLUMNS = ("signals", "learning")  # numbers only
_FLOAT_LIMIT = 1e15  # larger values are sent as they are: rounding them could overflow


class Viewer:
    """The bounded queue `page viewer` of one connection. Full: the viewer is too slow and is let go."""

    def __init__(self, backlog: int, discreet: bool):
        self.discreet = discreet
        self._frames: asyncio.Queue[bytes] = asyncio.Queue(backlog)
        self.over = asyncio.Event()
        self.slow = False

    def offer(self, frame: bytes) -> None:
        try:
            self._frames.put_nowait(frame)
        except asyncio.QueueFull:
            self.slow = True
            self.over.set()

    async def next(self) -> bytes:
        return await self._frames.get()


class Broadcast:
    def __init__(self, view: GatewayView, *, names: Callable[[], Collection[str]] = tuple, period_s: float = 1.0,
                 limit: int = 32, backlog: int = 16):
        """names: of those who have an account."""
        self._view, self._period, self._limit, self._backlog = view, period_s, limit, backlog
        self._names = names
        self._viewers: set[Viewer] = set()
        self._task: asyncio.Task | None = None
        self._closed = False
        self._alarm_changed = asyncio.Event()
        self._scale = 10.0 ** np.array([signal.decimals for signal in view.site.signals], np.float64)
        self._known = _Known(len(view.site.signals))
        self._taught = np.full(len(view.site.signals), -1, np.int16)  # what was told last of the learning
        self._hello: bytes | None = None
        self.counters = {"frames": 0, "refused": 0, "dropped": 0, "failures": 0}

    @property
    def viewers(self) -> int:
        return len(self._viewers)

    def join(self, discreet: bool = False) -> Viewer | None:
        """A viewer with its first, complete frame; None when there are too many, or the gateway is stopping."""
        if self._closed or len(self._viewers) >= self._limit:
            self.counters["refused"] += 1
            return None
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="page stream")
        viewer = Viewer(self._backlog, discreet)
        self._hello = self._hello or self._complete()
        viewer.offer(self._hushed(self._hello) if discreet else self._hello)
        self._viewers.add(viewer)
        return viewer

    def leave(self, viewer: Viewer) -> None:
        self._viewers.discard(viewer)

    def close(self) -> None:
        """End every stream; nobody can join any more."""
        self._closed = True
        for viewer in self._viewers:
            viewer.over.set()
        if self._task is not None:
            self._task.cancel()

    async def _run(self) -> None:
        unwatch = self._view.watch_alarms(self._alarm_changed.set)
        try:
            await self._beat()
        except Exception:  # last line of defence: a page that is not fed must show that it is not
            self.counters["failures"] += 1
            log.exception("the page's event stream failed; viewers are disconnected and may come back")
        finally:
            unwatch()
            self._task = None
            self._hello = None
            for viewer in self._viewers:
                viewer.over.set()

    async def _beat(self) -> None:
        clock = asyncio.get_running_loop().time
        due = clock()
        while self._viewers:
            self._publish(self._regular())
            due = max(due + self._period, clock())
            while (wait := due - clock()) > 0:
                try:
                    async with asyncio.timeout(wait):
                        await self._alarm_changed.wait()
                except TimeoutError:
                    break
                self._alarm_changed.clear()
                self._publish(self._alarms())
                await asyncio.sleep(ALARM_PAUSE_S)

    def _publish(self, frame: bytes) -> None:
        self._hello = None
        self.counters["frames"] += 1
        hushed = self._hushed(frame) if any(viewer.discreet for viewer in self._viewers) else frame
        for viewer in [*self._viewers]:
            viewer.offer(hushed if viewer.discreet else frame)
            if viewer.slow:
                self.counters["dropped"] += 1
                self._viewers.discard(viewer)

    def _hushed(self, frame: bytes) -> bytes:
        discretion, found = Discretion.of(self._view, self._names()), orjson.loads(frame.removeprefix(_HEAD))
        return _HEAD + encode({key: content if key in _COLUMNS else discretion.without_people(content)
                               for key, content in found.items()}) + _END

    # what the frames hold

    def _complete(self) -> bytes:
        every = np.arange(len(self._view.site.signals))
        return self._event(hello=True, signals=self._signals(every), learning=self._learning(every),
                           alarms=present.alarm_list(self._view),
                           status=present.status(self._view))

    def _regular(self) -> bytes:
        rows = self._known.changed(self._view.latest)
        taught = present.lesson_columns(self._view.lessons())
        news = np.flatnonzero(taught != self._taught)
        self._taught = taught
        learning = {"learning": {"i": news, "c": taught[news]}} if news.size else {}
        return self._event(signals=self._signals(rows), status=present.status(self._view), **learning)

    def _alarms(self) -> bytes:
        return self._event(alarms=present.alarm_list(self._view))

    def _signals(self, rows: np.ndarray) -> dict:
        latest = self._view.latest
        value, scale = latest.value[rows], self._scale[rows]
        with np.errstate(invalid="ignore", over="ignore"):
            value = np.where(np.abs(value) < _FLOAT_LIMIT, np.rint(value * scale) / scale, value)
        age = np.rint(present.ages_s(latest, self._view.now())[rows] * 1e3)
        return {"i": rows, "v": value, "q": latest.quality[rows] & np.uint16(0xFF), "a": age}

    def _learning(self, rows: np.ndarray) -> dict:
        return {"i": rows, "c": present.lesson_columns(self._view.lessons())[rows]}

    def _event(self, **content: object) -> bytes:
        now = self._view.now()
        head = {"t_ms": now.wall_ns // 1_000_000, "trusted": now.trusted,
                "time": present.local_time(now.wall_ns, self._view.site.zone)}
        return _HEAD + encode(head | content) + _END


class _Known:
    """The samples that were sent last, to tell which have changed."""

    def __init__(self, n: int):
        self._value, self._quality, self._line = np.zeros(n, np.int64), np.zeros(n, np.uint16), np.zeros(n, np.int64)

    def changed(self, latest: Latest) -> np.ndarray:
        """Rows that have changed since the last call, int64."""
        bits = np.ascontiguousarray(latest.value).view(np.int64)  # so that NaN equals NaN
        rows = np.flatnonzero((latest.line_ns != self._line) | (bits != self._value)
                              | (latest.quality != self._quality))
        self._value[rows], self._quality[rows] = bits[rows], latest.quality[rows]
        self._line[rows] = latest.line_ns[rows]
        return rows


class EventStream:
    """The ASGI answer that sends a viewer its frames until either side ends it."""

    def __init__(self, broadcast: Broadcast, allowed: Callable[[], bool] = lambda: True,
                 discreet: bool = False):
        """allowed: may it go on? Asked again and again. discreet: without people."""
        self._broadcast, self._allowed, self._discreet = broadcast, allowed, discreet

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        viewer = self._broadcast.join(self._discreet)
        if viewer is None:
            full = refusal(503, Text("too many pages are open", "打开的页面过多"), where="/api/v1/events",
                           fix=Text("close pages that are not needed", "请关闭不需要的页面"), retryable=True)
            await full(scope, receive, send)
            return
        await send({"type": "http.response.start", "status": 200, "headers": [
            (b"content-type", b"text/event-stream; charset=utf-8"), (b"cache-control", b"no-store")]})
        ends = [asyncio.create_task(task) for task in (_pump(viewer, send), _gone(receive), viewer.over.wait(),
                                                       self._forbidden(viewer))]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._broadcast.leave(viewer)
            for task in ends:
                task.cancel()
            await asyncio.gather(*ends, return_exceptions=True)
        if viewer.over.is_set() and not viewer.slow:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


    async def _forbidden(self, viewer: Viewer) -> None:
        while True:
            if not self._allowed():
                viewer.over.set()
                return
            await asyncio.sleep(ASKED_EVERY_S)


async def _pump(viewer: Viewer, send: Send) -> None:
    await send({"type": "http.response.body", "body": b"retry: %d\n\n" % RETRY_MS, "more_body": True})
    while True:
        await send({"type": "http.response.body", "body": await viewer.next(), "more_body": True})


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
