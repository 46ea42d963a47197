"""How many messages a broker sends before it waits for acknowledgements: its window (mosquitto: max_inflight_messages,
20 unless configured). No version of MQTT tells it to us, and it decides when the disk has to hurry: a broker whose
window is full sends nothing more, and detection goes blind until we acknowledge; one whose window is not full can wait
for the next ordinary commit, which spares the card. So it is learnt:

    a further message came while n waited                 its window is larger than n: certain
    nothing waited at the broker when n were acknowledged n did not fill it, nor would twice as many: likely
    something did                                         n fills it: certain after three times

All this only of messages that come freely: what a broker held back it may send in one go, beyond its window (mosquitto
2.0.11 does). See docs/decisions/mqtt-acknowledge-after-commit.md. Times are ns of the line clock.
"""

from __future__ import annotations

from gateway.model.clock import NS

BURST_OVER_NS = NS // 50  # nothing came for so long: the broker may be waiting for us
UNSURE_NS = round(1.2 * NS)  # the same where the window was probably not full; devices that speak once a second go on
LONGEST_NS = round(3.5 * NS)  # longer than the default commit interval: an ordinary commit comes first
_SURE = 3  # looks that agree


class Window:
    """Of one connection."""

    def __init__(self):
        self.waiting = 0  # messages not yet acknowledged
        self._filled = 0  # so many were when the newest came
        self._certain = self._likely = 0  # so many do not fill it
        self._full: int | None = None
        self._sure = 0
        self._free = self._were_free = False  # what comes, and what was acknowledged last, was not held back
        self._first_ns = self._last_ns = 0

    def arrived(self, now_ns: int, backlog: bool = False) -> None:
        """backlog: what waited for our session comes first, all in one go."""
        if not self.waiting:
            self._first_ns = now_ns
        self._last_ns = now_ns
        if backlog:
            self._free = False
        elif self._free:
            self._certain = max(self._certain, self.waiting)
            if self.waiting == self._full:
                self._full, self._sure = None, 0
        self.waiting += 1
        self._filled = self.waiting

    def acknowledged(self, count: int, now_ns: int) -> int:
        """Returns how many messages may have filled the window: worth a look (`looked`) whether more waited at the
        broker. 0: nothing can be learnt from this acknowledgement."""
        filled, quiet = self._filled, now_ns - self._last_ns >= BURST_OVER_NS
        self.waiting = max(0, self.waiting - count)
        self._first_ns = now_ns
        if not quiet and self.waiting:
            self._free = True  # more came while all these waited
        if self.waiting or not (quiet or self.is_full(filled)):
            return 0
        self._were_free, self._free = self._free, False  # until we have looked
        return filled

    def looked(self, filled: int, held: int) -> None:
        """`held` messages waited at the broker when `filled` had just been acknowledged."""
        free, self._free = self._were_free, not held
        if held and (free or filled == self._full):
            self._sure = min(2 * _SURE, self._sure + 1) if filled == self._full else 1
            self._full = filled
            self._certain, self._likely = min(self._certain, filled - 1), min(self._likely, filled - 1)
        elif not held and free:
            if filled == self._full:
                self._sure -= 1
                if self._sure > 0:
                    return
                self._full = None
            likely = 2 * filled  # or to learn it would take hundreds of commits
            self._likely = max(self._likely, likely if self._full is None else min(likely, self._full - 1))

    def is_full(self, waiting: int) -> bool:
        """So many are known to fill it."""
        return self._full is not None and waiting >= self._full and self._sure >= _SURE

    def hurry_ns(self) -> int | None:
        """When the disk has to hurry unless something changes; None: nothing waits."""
        if not self.waiting:
            return None
        if self.is_full(self.waiting):
            return self._last_ns
        if self._free and self.waiting <= self._certain:
            return self._first_ns + LONGEST_NS
        sure = not self._free or self.waiting > self._likely
        return min(self._first_ns + LONGEST_NS, self._last_ns + (BURST_OVER_NS if sure else UNSURE_NS))
