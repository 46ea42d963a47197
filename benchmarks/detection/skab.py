"""A machine whose alarm shall stand as long as its fault: SKAB, F1 of rows *and* false-alarm rate of rows.

Size: the largest of the 8 sensors. The limit of each detector is the one of the best F1 with at most 20 % false alarm
rate; cross-validated means: limit from one half of the files, F1 and rate of the other; mean over 16 halves. Flagging
every row gives an F1 of 0.70.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import data, detectors
from benchmarks.detection.nab import halves
from gateway.core.baseline import Recipe

MOST_FALSE = 20.0  # % of sound rows
LIMITS = 120


class Bench:
    def __init__(self, files: list[data.Series]):
        self._score = data.scorer()
        self._files = [{"rel": file.name, "t": file.time, "lab": file.labels, "cp": None} for file in files]

    def score(self, size: list[NDArray], limit: float, part) -> dict:
        return self._score.score_skab([self._files[number] | {"s": size[number]} for number in part], limit)

    def best(self, size: list[NDArray], part) -> float:
        """The limit of the best F1 under the false-alarm rate; the rarest alarm where none keeps it."""
        values = np.concatenate([size[number][detectors.TRAINING:] for number in part])
        limits = np.unique(np.quantile(values, np.linspace(0.2, 0.995, LIMITS)))
        told = [(self.score(size, limit, part), float(limit)) for limit in limits]
        kept = [one for one in told if one[0]["FAR"] <= MOST_FALSE] or told[-1:]
        return max(kept, key=lambda one: one[0]["F1"])[1]


def run(quick: bool = False) -> list[dict]:
    files = data.files("skab")
    bench, plane, every = Bench(files), data.Plane.of(files), range(len(files))
    cuts, rows = halves(len(files))[:2 if quick else None], []

    def largest(size: NDArray) -> list[NDArray]:
        return [size[:count, columns].max(axis=(1, 2))
                for count, columns in zip(plane.rows, plane.columns, strict=True)]

    def tell(name: str, f1: float, far: float, note: str, goal: bool = False) -> None:
        rows.append({"name": f"SKAB F1: {name}", "value": f1, "unit": "", "target": ">= 0.86" if goal else None,
                     "note": note})
        rows.append({"name": f"SKAB false-alarm rate: {name}", "value": far, "unit": "% of sound rows",
                     "target": "<= 20" if goal else None, "note": note})

    for name, detector in (("rolling z", detectors.rolling_z), ("EWMA", detectors.ewma),
                           ("commissioned", detectors.commissioned)):
        size = largest(detector(plane))
        scores = [bench.score(size, bench.best(size, fitted), judged) for fitted, judged in cuts]
        tell(f"{name}, cross-validated", float(np.mean([score["F1"] for score in scores])),
             float(np.mean([score["FAR"] for score in scores])), "limit from the other half of the files",
             name == "commissioned")
        limit = bench.best(size, every)
        score = bench.score(size, limit, every)
        tell(f"{name}, tuned here", score["F1"], score["FAR"], f"limit {limit:.3g}; events: recall "
             f"{score['event_recall']:.2f}, {score['event_fa_per_hour']:.2f} false alarms per hour")
    stands = detectors.baseline(plane, Recipe())[2]
    size = [stands[:count, columns].any(axis=1).astype(float)
            for count, columns in zip(plane.rows, plane.columns, strict=True)]
    score = bench.score(size, 0.5, every)
    tell("baseline, an alarm stands while it lasts", score["F1"], score["FAR"],
         f"nothing of it was set on this data; events: recall {score['event_recall']:.2f}, "
         f"{score['event_fa_per_hour']:.2f} false alarms per hour. It adapts, so it does not stand while a fault lasts")
    return rows
