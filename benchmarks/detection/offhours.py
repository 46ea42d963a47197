"""Load while shut down: six loads of a steel works, 60 days each in quarters of an hour, with working-hours load copied
onto idle stretches. Recall of the stretches against false alarms per signal and day, at most 0.05.

All detectors are causal with one configuration for all files and are silent for the first two weeks. *Cross-validated*:
the limit is the one of the best recall under the budget on two of the three periods, the score that of the third (the
two quantities of one period, which share their natural events, are never on both sides). As shipped: through the whole
bank, the alarm as it stands.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import data, detectors
from gateway.core import Bank
from gateway.core.bands import Bands
from gateway.core.starts import Starts
from gateway.model.area import Area
from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.learnt import Profile
from gateway.model.signal import Signal, SignalTable
from gateway.model.site import Site
from gateway.model.text import Text

BUDGET = 0.05  # false alarms per signal and day
LEARN = 14 * 96  # rows
LIMITS = 80
QUARTER_NS = 900 * NS
_EPOCH = np.datetime64("1970-01-01", "us")


class Loads:
    def __init__(self, files: list[data.Series]):
        self._score = data.scorer()
        self.files = [{"rel": file.name, "t": file.time, "lab": file.labels} for file in files]
        self.value = np.column_stack([file.value[:, 0] for file in files])
        began = np.column_stack([(file.time - _EPOCH).astype(np.int64) * 1000 for file in files]) - QUARTER_NS
        self.wall = began  # of the quarter that the row is the mean of; rows are stamped at its end
        hour = began // (3600 * NS)
        self.hour = (hour + 72) % 168  # of the week: the epoch was a Thursday
        starts = [str(file.time[0]) for file in files]
        self.periods = [[place for place, start in enumerate(starts) if start == period] for period in
                        sorted(set(starts))]

    def score(self, size: NDArray, limit: float, part) -> dict:
        return self._score.score_events([self.files[number] | {"s": size[:, number]} for number in part], limit)

    def best(self, size: NDArray, part) -> float:
        """The limit of the best recall within the budget; of several, the highest."""
        values = size[LEARN:, part]
        limits = np.unique(np.quantile(values[values > 0], 1 - np.geomspace(0.3, 2e-4, LIMITS)))
        told = [(self.score(size, limit, part), float(limit)) for limit in limits]
        kept = [one for one in told if one[0]["fa_per_point_day"] <= BUDGET] or told[-1:]
        return max(kept, key=lambda one: (one[0]["recall"], one[1]))[1]

    def cross_validated(self, size: NDArray) -> tuple[float, float]:
        """(recall, false alarms per signal and day) over all periods, each judged by a limit of the others."""
        found, events, false, days = 0.0, 0, 0, 0.0
        for judged in self.periods:
            fitted = [number for number in range(len(self.files)) if number not in judged]
            score = self.score(size, self.best(size, fitted), judged)
            found, events = found + score["recall"] * score["events"], events + score["events"]
            false, days = false + score["false_alarms"], days + score["point_days"]
        return found / events, false / days


def starts(loads: Loads) -> NDArray:
    """gateway.core.starts: height of each row. Nothing is doubted: that depends on the limit."""
    rows, count = loads.value.shape
    every, own, free = np.full(count, QUARTER_NS), np.arange(count), np.zeros(count, np.bool_)
    asked = Profile()
    bands = Bands(every)
    kernel = Starts(every, np.full(count, round(asked.idle_s * NS)), np.full(count, asked.above))
    size = np.zeros((rows, count))
    for row in range(rows):
        share = bands.step(own, loads.value[row], free)
        size[row] = kernel.step(own, share, np.full(count, row * QUARTER_NS), loads.hour[row], free)
    return size


def hourly(loads: Loads) -> NDArray:
    """Distance above the mean of the hour (of weekdays, Saturdays, Sundays) in its mean deviation, smoothed over four
    rows: the usual profile."""
    rows, count = loads.value.shape
    slot = np.minimum(np.maximum(loads.hour // 24 - 4, 0), 2) * 24 + loads.hour % 24
    mean, deviation, seen = np.zeros((72, count)), np.zeros((72, count)), np.zeros((72, count))
    size, smooth, own = np.zeros((rows, count)), np.zeros(count), np.arange(count)
    for row in range(rows):
        at = slot[row], own
        far = loads.value[row] - mean[at]
        above = np.where(seen[at] >= 8, np.maximum(far, 0) / (deviation[at] + 1e-3), 0)
        smooth += (above - smooth) / 4
        size[row] = smooth
        rate = np.maximum(1 / (seen[at] + 1), 0.02)
        mean[at] += rate * far
        deviation[at] += rate * (np.abs(far) - deviation[at])
        seen[at] += 1
    return size


def shipped(loads: Loads) -> NDArray:
    """Through the whole bank with the defaults: 1 while the alarm stands. A mean is judged with the first sample of the
    next quarter, so each row is told two rows of data at most after its own end."""
    count = loads.value.shape[1]
    signals = [Signal(f"P{number}", Text.same("load"), "power", "kW", "works", profile=Profile())
               for number in range(count)]
    site = Site("works", Text.same("works"), "UTC", "en", (Area("works", Text.same("works")),), SignalTable(signals))
    bank, own, size = Bank(site), np.arange(count), np.zeros(loads.value.shape)
    bank.begin(Instant(0, 0))
    for row, value in enumerate(loads.value):
        line = row * QUARTER_NS
        bank.step(Frame.of(own, value, Instant(line, line), wall_ns=loads.wall[row]))
        size[row] = [f"P{number}/profile" in bank.active for number in range(count)]
    assert not bank.failures
    return size


def run(quick: bool = False) -> list[dict]:
    loads, rows = Loads(data.files("offhours")), []
    plane = data.Plane.of(data.files("offhours"))

    def tell(name: str, recall: float, false: float, note: str, goal: bool = False) -> None:
        rows.append({"name": f"load while shut down, recall: {name}", "value": float(recall), "unit": "",
                     "target": ">= 0.70" if goal else None, "note": note})
        rows.append({"name": f"load while shut down, false alarms: {name}", "value": float(false),
                     "unit": "per signal and day", "target": "<= 0.05" if goal else None, "note": note})

    sizes = {"unusual hour of a start (gateway.core.starts)": starts(loads), "mean of the hour": hourly(loads),
             "rolling z": detectors.rolling_z(plane)[..., 0], "EWMA": detectors.ewma(plane)[..., 0]}
    for name, size in sizes.items():
        size[:LEARN] = 0
        tell(f"{name}, cross-validated", *loads.cross_validated(size), "limit from the other two periods",
             goal=name.startswith("unusual"))
    score = loads.score(shipped(loads), 0.5, range(len(loads.files)))
    tell("as shipped, whole bank", score["recall"], score["fa_per_point_day"],
         f"the limit was set on these files; {score['events']} events, median delay {score['median_delay_rows']:g} "
         f"quarters of an hour, {score['false_alarms']} false alarms")
    return rows
