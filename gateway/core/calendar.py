"""Which hour of the local week is it on the time line? What people do, they do by the clock on their wall."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from gateway.model.clock import NS

HOURS_OF_WEEK = 168
_QUARTER_S = 900  # every zone changes its offset at a quarter of an hour
_TOLERANCE_NS = 60 * NS
_STEADY = 4  # so many times in succession a clock must say the same before it is believed
_REMEMBERED = 256  # quarters of an hour
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Calendar:
    """Local hours of the week, per signal, 3 numbers of state each.

    The hour is that of line time plus an offset, in the site's zone (daylight saving time included). The offset is
    wall less line time as the signal's own samples say, taken over when trusted clocks have said the same, within a
    minute, four times in succession. So a wall clock that jumps about changes nothing, one that was set right is
    followed after four looks, and one that is not trusted is never asked. Before the first agreement line time itself
    is taken for UTC.
    """

    def __init__(self, zone: ZoneInfo, count: int):
        self._zone = zone
        self._hours: dict[int, int] = {}  # by quarter of an hour since the epoch
        self._offset, self._said = np.zeros(count, np.int64), np.zeros(count, np.int64)
        self._times = np.zeros(count, np.int64)

    def hour(self, signal: NDArray[np.int64], line_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """int64[k]: 0 is Monday 00:00-01:00, 167 is Sunday 23:00-24:00."""
        quarter, back = np.unique((line_ns + self._offset[signal]) // (_QUARTER_S * NS), return_inverse=True)
        return np.array([self._hour(number) for number in quarter.tolist()], np.int64)[back]

    def look(self, signal: NDArray[np.int64], line_ns: NDArray[np.int64], wall_ns: NDArray[np.int64],
             trusted: NDArray[np.bool_]) -> None:
        """A sample of each of k distinct signals and what its clock said. trusted: bool[k]."""
        signal, offset = signal[trusted], (wall_ns - line_ns)[trusted]
        same = np.abs(offset - self._said[signal]) <= _TOLERANCE_NS
        times = np.where(same, self._times[signal] + 1, 1)
        self._said[signal], self._times[signal] = offset, np.minimum(times, _STEADY)
        steady = times >= _STEADY
        self._offset[signal[steady]] = offset[steady]

    def state(self) -> dict[str, NDArray]:
        return {"offset": self._offset, "said": self._said, "times": self._times}

    def _hour(self, quarter: int) -> int:
        if (known := self._hours.get(quarter)) is None:
            if len(self._hours) >= _REMEMBERED:
                self._hours.clear()
            local = (_EPOCH + timedelta(seconds=quarter * _QUARTER_S)).astimezone(self._zone)
            known = self._hours[quarter] = local.weekday() * 24 + local.hour
        return known
