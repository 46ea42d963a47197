"""Trend: at this pace the limit will be reached, and by when."""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from gateway.core.block import Block, Spans, chain
from gateway.core.detectors.detector import Detector, alarm_numbers
from gateway.core.detectors.limits import HIGH
from gateway.core.edges import Edges
from gateway.core.rows import Rows
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.signal import Signal
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence

POINTS = 12  # in a window
CONTRADICTIONS = 3  # of their 66 pairs that may go against the trend
LATEST = 2.0  # horizons: a forecast whose later end lies beyond says too little to begin
LEFT = 2.0  # horizons: a trend that needs longer is over
PERSISTENCE = 3  # points in a row must say so

_UNSET = -(2**61)
_TILE = 256  # signals judged at a time: bounds what a step allocates
_EARLIER, _LATER = np.triu_indices(POINTS, 1)
_RECENT = np.flatnonzero(_EARLIER >= POINTS // 2)
_MINUTE, _HOUR = 60.0, 3600.0


class Forecast(NamedTuple):
    """float64[m] each: slopes in units per second (slowest and fastest plausible, likeliest, that of the newer half of
    the points), and the level now."""

    slowest: NDArray[np.float64]
    likeliest: NDArray[np.float64]
    fastest: NDArray[np.float64]
    recent: NDArray[np.float64]
    level: NDArray[np.float64]


def forecast(value: NDArray[np.float64], ago: NDArray[np.float64]) -> Forecast:
    """Where m signals are going. value, ago: float64[POINTS, m], oldest first; ago in seconds before now.

    A rise of 0.5 per second, a point every 10 s, one of them wild:

    >>> ago = np.arange(120.0, 0.0, -10.0)[:, None]
    >>> value = 80.0 - 0.5 * ago
    >>> value[4] = 900.0
    >>> [round(float(part[0]), 1) for part in forecast(value, ago)]
    [-21.0, 0.5, 22.0, 0.5, 80.0]

    The wild point does not move the likeliest slope, but there is no certainty. Without it there is:

    >>> value[4] = 80.0 - 0.5 * ago[4]
    >>> [round(float(part[0]), 1) for part in forecast(value, ago)]
    [0.5, 0.5, 0.5, 0.5, 80.0]
    """
    slope = (value[_LATER] - value[_EARLIER]) / (ago[_EARLIER] - ago[_LATER])
    recent = np.sort(slope[_RECENT], axis=0)
    slope.sort(axis=0)
    pairs = slope.shape[0]
    likeliest = (slope[pairs // 2 - 1] + slope[pairs // 2]) / 2
    level = np.sort(value[-3:] + likeliest * ago[-3:], axis=0)[1]
    return Forecast(slope[CONTRADICTIONS], likeliest, slope[pairs - 1 - CONTRADICTIONS],
                    recent[recent.shape[0] // 2], level)


class Trends(Detector):
    """At this pace the value will reach a limit, and by when.

    Formula: the good samples of each twelfth of the window are averaged into a point (mean value, mean time). A block
    begins with its first good sample and is closed by the first good one a twelfth of the window later; then the newest
    12 points are judged. The slopes of all 66 pairs of them, in order, give the likeliest slope (their median,
    Theil-Sen) and what is plausible (the 4th smallest to the 4th largest, Sen's interval). With the gap between the
    limit and the level now (the median of the newest three points, each moved on to now), signs turned for L and LL,
    the condition begins when

        0 < gap <= fastest * horizon          the earliest plausible crossing lies within the horizon
        gap <= slowest * 2 * horizon          so the rise is significant, and the latest is not in the blue
        recent >= likeliest / 2               the newer half of the points goes on: a step is no trend

    (recent: median slope of the 15 pairs of the newer six points). It ends when three points in a row say that recent
    is not positive, or that the limit is more than two horizons away at that pace. At or beyond the limit nothing
    begins, for the limit's own alarm speaks; a trend that stands goes on standing until the rise is over. A silence
    longer than the window starts the points anew (a trend that stands waits for twelve new ones); a shorter one is only
    a longer base. Good samples only: a stale value has no known age and so no slope. All memory of a signal is its 12
    points and the block being filled.

    On a plant: "reaches 20 %LEL in 6-9 min": the time that is left for finding out, before the limit. The range is
    where the crossing lies if the pace stays as it is; nobody knows that, so a forecast is yellow at most and holds
    back no other alarm. A leak that takes seconds is the matter of ROC+ and H.

    Certainty: of independent noise without any trend, 12 points are in such order (at most 3 contradictions) once in
    1.4 million (351 of 12! orders; 7.3e-7), whatever its distribution. With n samples to a point and noise
    sigma, a rise of 12 * sigma / sqrt(n) within the window is taken as significant in half of the cases, one of 18 in
    93 %. A slower drift needs a longer window.

    Measured (window 5 min, horizon 10 min, a sample each second unless it says otherwise, seeded streams):

        false alarms, limit above the mean by ...           per signal and day
        white noise, 3 sigma; a sample each 15 s            0.001 (1 in 700 days)
        white noise, 12 sigma; a sample each 15 s           0 in 700
        noise with a memory of 10 s, 3 and 6 sigma          0 in 30
        noise with a memory of 1 min, 3 / 6 sigma           1.0 / 0.27
        noise with a memory of 5 min, 3 / 6 sigma           8.3 / 2.2
        gas head at rest: steps of 1, limit 4 steps up      0 in 20
        gas head: 2 %LEL that breathes, a spike each hour   0 in 20
        a daily swing that ends just below the limit        0 in 20
        twelve single spikes an hour to 4 times the limit   0 in 20
        steps to 0.6 of the limit and back, each hour       0 in 20
        approach to 0.75 of the limit, time constant 2 min  24: at each of the 24

        leak out of rest, noise 0.5, limit 20     announced after   before H (median of 100; earliest sample at H)
        0.01 per second                           1262 s            646 s
        0.02 per second                           300 s             664 s
        0.02 per second, read in steps of 1       300 s             636 s
        0.02 per second, through a T90 of 60 s    325 s             659 s
        0.05 per second                           225 s             160 s
        0.1 per second                            in half of them only, no sooner than H

    The window must be longer than honest ups and downs: what wanders for minutes *is* a trend over minutes, and no
    statistic on it alone can say that it will turn. Where the signal wanders within a few sigma of its limit, take a
    window of an hour, or none.

    Choice: least squares follows one wild sample, and the interval of an exponentially weighted slope holds for one
    distribution of noise only. With 16 points at the same nominal certainty a leak of 0.05 per second was seen 55 s
    sooner, and noise with a memory of 1 min gave ten times the false alarms.

    >>> slopes = forecast(np.array([0.0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11])[:, None],
    ...                   np.arange(300.0, 0.0, -25.0)[:, None])
    >>> gap = 20.0 - float(slopes.level[0])
    >>> round(gap / float(slopes.fastest[0])), round(gap / float(slopes.slowest[0]))  # seconds to reach 20
    (200, 200)

    Theil (1950), A rank-invariant method of linear and polynomial regression analysis; Sen (1968), Estimates of the
    regression coefficient based on Kendall's tau, JASA 63, 1379-1389.

    Delay: three to twelve points of the window, see the table. False alarms: see the table; white noise gives next to
    none, slow wandering near the limit many.

    Not for: signals that wander for as long as the window within a few sigma of their limit, batches that are filled
    every day (a level to its H), and leaks that take seconds.
    """

    name = "trend"

    def __init__(self, site: Site):
        self._signals = site.signals
        count = len(site.signals)
        self._alarm = alarm_numbers(site, Condition.TREND)
        self._watched = self._alarm >= 0
        self._all_watched = bool(self._watched.all())
        self._window, self._length = np.zeros(count, np.int64), np.zeros(count, np.int64)  # of the window, of a block
        self._horizon, self._limit, self._sign = np.zeros(count), np.full(count, np.inf), np.ones(count)
        for number, signal in enumerate(site.signals):
            if signal.trend is not None and (limit := signal.limit(signal.trend.to)) is not None:
                self._window[number] = round(signal.trend.window_s * NS)
                self._length[number] = round(signal.trend.window_s * NS / POINTS)
                self._horizon[number] = signal.trend.horizon_s
                self._sign[number] = 1.0 if signal.trend.to in HIGH else -1.0
                self._limit[number] = self._sign[number] * limit.value
        self._value = np.full((POINTS, count), np.nan)  # the points, oldest first: mean value and mean time of a block
        self._at = np.full((POINTS, count), _UNSET, np.int64)
        self._start = np.full(count, _UNSET, np.int64)  # the block that is being filled: its first sample
        self._samples = np.zeros(count, np.int64)
        self._sum = np.zeros(count)
        self._lag = np.zeros(count, np.int64)  # sum of the times since its start
        self._active = np.zeros(count, np.bool_)
        self._against = np.zeros(count, np.int64)  # points in a row that say that the trend is over
        self._end = self._start + self._length
        self._due = np.empty(count, np.bool_)

    def step(self, rows: Rows, edges: Edges) -> None:
        index, signal, value, line, wall = rows.index, rows.signal, rows.value, rows.line, rows.wall
        if not (rows.all_good and self._all_watched):
            row = np.flatnonzero(rows.good & self._watched[index])
            if not row.size:
                return
            index = signal = signal[row]
            value, line, wall = value[row], line[row], wall[row]
        due = np.greater_equal(line, self._end[index], out=self._due[:signal.shape[0]])
        if np.count_nonzero(due):
            if np.count_nonzero(due) == due.size:
                self._close(index, value, line, wall, edges)
            else:
                row = np.flatnonzero(due)
                self._close(signal[row], value[row], line[row], wall[row], edges)
        since = line - self._start[index]
        for array, term in ((self._samples, 1), (self._sum, value), (self._lag, since)):
            total = array[index]  # a view for a slice, else a copy
            total += term
            if not isinstance(index, slice):
                array[index] = total

    def sweep(self, block: Block, edges: Edges) -> None:
        for part, _, _ in block.good_parts(self._watched):
            self._sweep(part, edges)

    def state(self) -> dict[str, NDArray]:
        return {"value": self._value, "at": self._at, "start": self._start, "samples": self._samples,
                "sum": self._sum, "lag": self._lag, "active": self._active, "against": self._against}

    def restored(self) -> None:
        self._active &= self._watched
        np.add(self._start, self._length, out=self._end)

    def adopt(self, alarms: NDArray[np.int64]) -> None:
        self._active |= np.isin(self._alarm, alarms) & self._watched

    def _sweep(self, block: Block, edges: Edges) -> None:
        """All is good in it. When points end follows from the times alone, so that all of them are known at once, and
        all windows but those on the way to a limit are done with together."""
        s, line = block.signal, block.line
        closes = chain(line, self._end[s], self._length[s])
        spans = Spans.cut(closes)
        first, last, column = spans.first, spans.last, spans.column
        total = spans.sums(block.value, self._sum[s])
        samples = spans.stop - spans.start
        start = line[spans.start, column]
        since = np.concatenate([np.zeros_like(s)[None], np.cumsum(line - line[0], axis=0)])
        lag = since[spans.stop, column] - since[spans.start, column] - samples * (start - line[0, column])
        start[first] = self._start[s]
        lag[first] = self._lag[s] + since[spans.stop[first], column[first]] + samples[first] * (line[0] - start[first])
        samples[first] += self._samples[s]
        whole = np.ones(column.size, np.bool_)
        whole[last] = False  # goes on after the block
        piece = np.flatnonzero(whole)
        if piece.size:
            self._close_all(block, spans, piece, start, total, samples, lag, edges)
        self._start[s], self._end[s] = start[last], start[last] + self._length[s]
        self._samples[s], self._sum[s], self._lag[s] = samples[last], total[last], lag[last]

    def _close_all(self, block: Block, spans: Spans, piece, start, total, samples, lag, edges: Edges) -> None:
        """These pieces become points. The points of a signal, old and new, stand in a row; `own`: the new ones."""
        s, column, at = block.signal, spans.column[piece], (spans.stop[piece], spans.column[piece])
        lost = block.line[at] - start[piece] > self._window[s[column]]
        count = np.where(lost, np.maximum(samples[piece], 1), samples[piece])
        own = np.arange(piece.size) + POINTS * (column + 1)
        size = piece.size + POINTS * s.size
        old = np.ones(size, np.bool_)
        old[own] = False
        value, when = np.empty(size), np.empty(size, np.int64)
        value[old], when[old] = self._value[:, s].T.reshape(-1), self._at[:, s].T.reshape(-1)
        value[own] = np.where(lost, np.nan, total[piece] / count)
        when[own] = start[piece] + lag[piece] // count
        forgotten = np.full(size, -1)
        forgotten[own[lost]] = own[lost]
        forgotten = np.maximum.accumulate(forgotten)  # no point up to here is in a window; later columns lie beyond
        window = own - np.arange(POINTS - 1, -1, -1)[:, None]
        points = np.where(window <= forgotten[own], np.nan, value[window])
        newest = np.append(np.flatnonzero(np.diff(column)), piece.size - 1)
        closed = s[column[newest]]
        self._value[:, closed], self._at[:, closed] = points[:, newest], when[window[:, newest]]
        with np.errstate(over="ignore", invalid="ignore"):  # of absurd values nothing follows
            signal, line = s[column], block.line[at]
            points *= self._sign[signal]
            ago = (line - when[window]) / NS
            near = _may_reach(points, ago, self._horizon[signal], self._limit[signal])
            alert = np.zeros(self._active.size, np.bool_)
            alert[signal[near]] = True
            alert |= self._active
            odd = np.flatnonzero(alert[signal])
            nth = odd - np.searchsorted(column, column[odd])
            for turn in range(int(nth.max(initial=-1)) + 1):
                row = odd[nth == turn]
                row = row[near[row] | self._active[signal[row]] & ~np.isnan(points[0, row])]
                for place in range(0, row.size, _TILE):
                    tile = row[place:place + _TILE]
                    stamp = tuple(part[tile] for part in at)
                    self._judge(signal[tile], points[:, tile], ago[:, tile], block.value[stamp], line[tile],
                                block.wall[stamp], edges)

    def _close(self, index, value, line, wall, edges: Edges) -> None:
        """These samples are the first of a new block: the one before becomes a point, unless it lies too far back."""
        start, samples = self._start[index], self._samples[index]
        lost = line - start > self._window[index]
        if np.count_nonzero(lost):  # or never begun
            signal = _signals(index)[lost]
            self._value[:, signal], self._sum[signal] = np.nan, np.nan
            samples = np.maximum(samples, 1)
        for points, newest in ((self._value, self._sum[index] / samples),
                               (self._at, start + self._lag[index] // samples)):
            points[:-1, index] = points[1:, index]
            points[-1, index] = newest
        self._start[index], self._end[index] = line, line + self._length[index]
        self._samples[index], self._sum[index], self._lag[index] = 0, 0.0, 0
        with np.errstate(over="ignore", invalid="ignore"):  # of absurd values nothing follows
            self._look(index, value, line, wall, edges)

    def _look(self, index, value, line, wall, edges: Edges) -> None:
        """Judge those that have all their points and may be on their way to the limit, or were."""
        points = self._value[:, index] * self._sign[index]
        ago = (line - self._at[:, index]) / NS
        near = _may_reach(points, ago, self._horizon[index], self._limit[index])
        near |= self._active[index] & ~np.isnan(points[0])
        row = np.flatnonzero(near)
        for place in range(0, row.size, _TILE):
            tile = row[place:place + _TILE]
            self._judge(_signals(index)[tile], points[:, tile], ago[:, tile], value[tile], line[tile], wall[tile],
                        edges)

    def _judge(self, signal, points, ago, value, line, wall, edges: Edges) -> None:
        """Signals that have all their points."""
        horizon, active = self._horizon[signal], self._active[signal]
        seen = forecast(points, ago)
        gap = self._limit[signal] - seen.level
        heading = ((gap > 0) & (seen.fastest * horizon >= gap) & (seen.slowest * (LATEST * horizon) >= gap)
                   & (seen.recent >= seen.likeliest / 2))
        over = (seen.recent <= 0) | (seen.recent * (LEFT * horizon) < gap)
        against = np.where(active & over, self._against[signal] + 1, 0)
        self._against[signal] = against
        ended = np.flatnonzero(against >= PERSISTENCE)
        if ended.size:
            self._active[signal[ended]], self._against[signal[ended]] = False, 0
            edges.add(self._alarm[signal[ended]], False, value[ended], line[ended], wall[ended])
        for row in np.flatnonzero(heading & ~active).tolist():
            number = int(signal[row])
            self._active[number] = True
            edges.add(self._alarm[number], True, value[row], line[row], wall[row])
            note = _note(self._signals[number], float(seen.likeliest[row]),
                         float(gap[row] / seen.fastest[row]), float(gap[row] / seen.slowest[row]))
            edges.explain((Evidence(int(wall[row]), self._signals[number].id, float(value[row]), note),))


def _may_reach(points: NDArray[np.float64], ago: NDArray[np.float64], horizon: NDArray[np.float64],
               limit: NDArray[np.float64]) -> NDArray[np.bool_]:
    """False where no forecast can reach the limit, and where points are missing (NaN): no slope of a pair is steeper
    than the steepest between neighbours. This is what makes a plant at rest cheap."""
    slope = points[1:] - points[:-1]
    slope /= ago[:-1] - ago[1:]
    steepest = slope.max(axis=0)
    return (steepest > 0) & (points[-3:].max(axis=0) + steepest * (horizon + ago[-3]) >= limit)


def _signals(index: slice | NDArray[np.int64]) -> NDArray[np.int64]:
    return np.arange(index.start, index.stop) if isinstance(index, slice) else index


def _note(signal: Signal, slope: float, earliest_s: float, latest_s: float) -> Text:
    trend = signal.trend
    limit = signal.limit(trend.to)  # type: ignore[union-attr,arg-type]
    per, pace = (_HOUR, Text("h", "小时")) if trend.horizon_s > 2 * _HOUR else (_MINUTE, Text("min", "分钟"))
    rising = trend.to in HIGH
    return Text("{way} by {pace:g} {unit} per {per}; at this pace reaches {to} = {limit:g} {unit} {span}",
                "每{per}{way} {pace:g} {unit}；按此速度将在 {span}达到 {to} = {limit:g} {unit}").format(
        way=Text("rising", "上升") if rising else Text("falling", "下降"), pace=float(f"{slope * per:.2g}"), per=pace,
        unit=signal.unit, to=trend.to, limit=limit.value, span=_span(earliest_s, latest_s))


def _span(earliest_s: float, latest_s: float) -> Text:
    """Rounded outwards.

    >>> _span(371.0, 525.0)
    Text(en='in 6-9 min', zh='6-9 分钟后')
    >>> str(_span(41.2, 75.0)), str(_span(20.0, 410.0)), str(_span(9000.0, 15000.0))
    ('in 41-75 s', 'within 7 min', 'in 2-5 h')
    """
    unit_s, unit = ((1.0, Text("s", "秒")) if latest_s < 120 else (_MINUTE, Text("min", "分钟")) if latest_s < 7200
                    else (_HOUR, Text("h", "小时")))
    first, last = math.floor(earliest_s / unit_s), math.ceil(latest_s / unit_s)
    phrase = Text("in {first}-{last} {unit}", "{first}-{last} {unit}后") if first else Text("within {last} {unit}",
                                                                                          "{last} {unit}内")
    return phrase.format(first=first, last=last, unit=unit)
