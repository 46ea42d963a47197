"""What waits to be written: frames in order, bounded in bytes of memory. When full, the oldest is dropped and counted.

How long it waits decides how fast a card wears out: a commit of few bytes costs the medium 20 KB and more. So

    nobody waits for it     the commit interval
    it began an alarm       not at all: what an accident looked like is on the medium before its power fails
    a person waits, or      not from then on (`nudge`)
    a broker that sends no
    more until then
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from gateway.model.frame import Frame

_SAMPLE = 30  # bytes of one row in a frame's columns
_FRAME = 1000  # bytes of a frame's objects


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    start: int  # position of the first sample
    frame: Frame
    on_durable: Callable[[], None] | None

    @property
    def end(self) -> int:
        return self.start + len(self.frame)

    @property
    def cost(self) -> int:
        return _FRAME + _SAMPLE * len(self.frame)


class WriteQueue:
    """Filled on the event loop, emptied by the writer thread."""

    def __init__(self, size: int):
        self.dropped_samples = 0
        self.position = 0  # of the next sample
        self._size = size
        self._cost = 0  # of waiting and taken together
        self._waiting: deque[Entry] = deque()
        self._taken: list[Entry] = []
        self._changed = threading.Condition()
        self._samples = 0
        self._urgent = False
        self._closed = False

    def append(self, frame: Frame, on_durable: Callable[[], None] | None, urgent: bool = False) -> int:
        with self._changed:
            entry = Entry(self.position, frame, on_durable)
            self.position = entry.end
            self._waiting.append(entry)
            self._cost += entry.cost
            self._samples += len(frame)
            self._drop()
            self._urgent |= urgent
            if len(self._waiting) == 1 or self._hurry:
                self._changed.notify()
        return entry.end

    def _drop(self) -> None:
        """What the writer has in hand is not dropped: it may be durable in a moment."""
        while self._cost > self._size and len(self._waiting) > 1:
            oldest = self._waiting.popleft()
            self._cost -= oldest.cost
            self._samples -= len(oldest.frame)
            self.dropped_samples += len(oldest.frame)

    @property
    def _hurry(self) -> bool:
        return self._urgent or self._closed or self._cost > self._size // 2

    def wait(self, seconds: float | None) -> None:
        """Until there is something to write, `nudge`, or the time is over."""
        with self._changed:
            if not self._waiting and not self._closed:
                self._changed.wait(seconds)

    def gather(self, seconds: float) -> None:
        """Let more come, so long as nothing of it is urgent, the queue is not half full, and it is not closing."""
        end = time.monotonic() + seconds
        with self._changed:
            while not self._hurry and (left := end - time.monotonic()) > 0:
                self._changed.wait(left)
            self._urgent = False

    def take(self) -> list[Entry]:
        """All that waits. It counts against the size until `written` or `give_back`."""
        with self._changed:
            self._taken = list(self._waiting)
            self._waiting.clear()
            return self._taken

    def written(self) -> None:
        with self._changed:
            self._cost -= sum(entry.cost for entry in self._taken)
            self._samples -= sum(len(entry.frame) for entry in self._taken)
            self._taken = []

    def give_back(self) -> None:
        """The disk did not take it: it waits again, oldest first to be dropped."""
        with self._changed:
            self._waiting.extendleft(reversed(self._taken))
            self._taken = []
            self._drop()

    def discard(self) -> None:
        """What was taken can not be written at all: drop it and count it."""
        lost = sum(len(entry.frame) for entry in self._taken)
        self.written()
        self.dropped_samples += lost

    def rebase(self, position: int) -> None:
        """The store holds more than was known when the waiting frames were numbered: number them behind it."""
        with self._changed:
            first = self._waiting[0].start if self._waiting else self.position
            if (shift := position - first) > 0:
                self._waiting = deque(Entry(one.start + shift, one.frame, one.on_durable) for one in self._waiting)
                self.position += shift

    def nudge(self, urgent: bool = False) -> None:
        """There is something to do beside the frames. urgent: somebody waits for it."""
        with self._changed:
            self._urgent |= urgent
            self._changed.notify()

    def close(self) -> None:
        """No more waiting: the writer ends when it has tried what is here."""
        with self._changed:
            self._closed = True
            self._changed.notify()

    @property
    def closed(self) -> bool:
        return self._closed

    @property
    def empty(self) -> bool:
        return not self._waiting and not self._taken

    @property
    def samples(self) -> int:
        return self._samples

    @property
    def fill(self) -> float:
        """0 to 1."""
        return min(1.0, self._cost / self._size)
