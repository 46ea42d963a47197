"""Alarms in single series: the Numenta Anomaly Benchmark (our part of it), standard and low-FP profile.

All detectors rest alike after an alarm. Limits are set by an equal budget of alarms per feature; cross-validated means:
limits and budget from one half of the files, score of the other half; mean over 16 such halves.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import SimpleNamespace

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import data, detectors
from gateway.core.baseline import Recipe

PROFILES = ("standard", "reward_low_FP_rate", "reward_low_FN_rate")
GRID = np.geomspace(0.1, 60, 96)  # of limits
BUDGETS = (2, 3, 4, 5, 7, 10, 15, 20, 30)  # alarms of one feature in 10,000 rows
HALVINGS = 8
GOALS = {"standard": ">= 68", "reward_low_FP_rate": ">= 60"}  # for files that nothing was fitted on


class Corpus:
    def __init__(self, files: list[data.Series]):
        self._score = data.scorer()
        self.rows = [len(file.time) for file in files]
        self.probation = [min(int(0.15 * rows), 750) for rows in self.rows]
        self._files = [{"rel": file.name, "t": file.time, "lab": file.labels} for file in files]

    def score(self, alarms: Callable[[int], NDArray], part: Sequence[int]) -> dict[str, float]:
        """NAB scores of some files; `alarms(file)` gives the rows of its alarms."""
        told = []
        for number in part:
            hit = np.zeros(self.rows[number])
            hit[alarms(number)] = 1.0
            told.append(self._files[number] | {"s": hit})
        options = SimpleNamespace(optimize=False, threshold=0.5, per_file=False)
        return self._score.score_nab(told, options, {})[0]

    def budgets(self, size: NDArray, rest: int) -> NDArray:
        """int[features, files, limits]: how many alarms each feature alone would raise at each limit of GRID."""
        count = np.zeros((size.shape[2], len(self.rows), GRID.size), np.int64)
        for feature in range(size.shape[2]):
            for number in range(len(self.rows)):
                own = size[self.probation[number]:self.rows[number], number, feature]
                for place, limit in enumerate(GRID):
                    count[feature, number, place] = len(rested(np.flatnonzero(own >= limit), rest))
                    if not count[feature, number, place]:
                        break
        return count

    def limits(self, count: NDArray, part: Sequence[int], budget: float) -> NDArray:
        """f8[features]: the limits at which each feature raises `budget` alarms in 10,000 rows of these files."""
        share = 1e4 * count[:, part].sum(1) / sum(self.rows[number] for number in part)
        return np.array([GRID[np.flatnonzero(np.append(own[:-1] <= budget, True))[0]] for own in share])


def rested(unusual: NDArray[np.int64], rest: int, start: int = 0) -> list[int]:
    """Unusual rows from `start` on, with at least `rest` rows from one to the next."""
    kept: list[int] = []
    while (place := np.searchsorted(unusual, start)) < unusual.size:
        kept.append(int(unusual[place]))
        start = kept[-1] + rest
    return kept


def by_limits(corpus: Corpus, size: NDArray, limits: NDArray, rest: int) -> Callable[[int], list[int]]:
    def alarms(number: int) -> list[int]:
        height = (size[:corpus.rows[number], number] / limits).max(axis=1)
        return rested(np.flatnonzero(height >= 1), rest, corpus.probation[number])
    return alarms


def halves(count: int) -> list[tuple[NDArray, NDArray]]:
    random = np.random.default_rng(0)
    orders = [random.permutation(count) for _ in range(HALVINGS)]
    cut = [(order[:count // 2], order[count // 2:]) for order in orders]
    return cut + [(other, one) for one, other in cut]


def merit(score: dict[str, float]) -> float:
    return score["standard"] + score["reward_low_FP_rate"]


def cross_validated(corpus: Corpus, size: NDArray, rest: int, cuts: list[tuple[NDArray, NDArray]]) -> dict[str, float]:
    count, scores = corpus.budgets(size, rest), []
    for fitted, judged in cuts:
        settings = [corpus.limits(count, fitted, budget) for budget in BUDGETS]
        best = max(settings, key=lambda limits: merit(corpus.score(by_limits(corpus, size, limits, rest), fitted)))
        scores.append(corpus.score(by_limits(corpus, size, best, rest), judged))
    return {profile: float(np.mean([score[profile] for score in scores])) for profile in PROFILES}


def tuned(corpus: Corpus, size: NDArray, rest: int) -> dict[str, float]:
    """On the very files that are scored: what a detector can reach here, no evidence of anything."""
    count, every = corpus.budgets(size, rest), range(len(corpus.rows))
    return max((corpus.score(by_limits(corpus, size, corpus.limits(count, every, budget), rest), every)
                for budget in BUDGETS), key=merit)


def run(quick: bool = False) -> list[dict]:
    files, recipe = data.files("nab"), Recipe()
    corpus, plane = Corpus(files), data.Plane.of(files)
    every, cuts = range(len(files)), halves(len(files))[:2 if quick else None]
    size, begins, _ = detectors.baseline(plane, recipe)
    simple = {"rolling z": detectors.rolling_z(plane), "EWMA": detectors.ewma(plane)}
    rows = []

    def tell(name: str, score: dict[str, float], note: str, goals: dict[str, str], against=None) -> None:
        rows.extend({"name": f"NAB {profile}: {name}", "value": score[profile], "unit": "points of 100",
                     "target": goals.get(profile), "note": note, "against": against and against[0],
                     "ratio": against and score[profile] / against[1][profile]} for profile in PROFILES)

    best_simple = None
    for name, own in simple.items():
        score = cross_validated(corpus, own, recipe.rest, cuts)
        tell(f"{name}, cross-validated", score, "limit from the other half of the files", {})
        tell(f"{name}, tuned here", tuned(corpus, own, recipe.rest), "limit from these files", {})
        if best_simple is None or merit(score) > merit(best_simple[1]):
            best_simple = (f"{name}, cross-validated", score)
    tell("baseline, cross-validated", cross_validated(corpus, size, recipe.rest, cuts),
         "limits and budget from the other half of the files", GOALS, best_simple)
    tell("baseline, shipped limits", corpus.score(by_limits(corpus, size, np.array(recipe.limits), recipe.rest), every),
         "limits from these files; alarm again after each rest while it lasts", {})
    for blunt in (1.5, 2.0):
        tell(f"baseline, blunter by {blunt:g}", corpus.score(by_limits(
            corpus, size, blunt * np.array(recipe.limits), recipe.rest), every), "all limits so many times as high", {})
    tell("baseline, an alarm stands while it lasts", corpus.score(lambda number: np.flatnonzero(
        begins[:corpus.rows[number], number]), every), "limits from these files", {})
    rows.append({"name": "NAB series: alarms of the baseline, true and false", "unit": "per 10,000 samples",
                 "value": 1e4 * np.count_nonzero(begins) / sum(corpus.rows)})
    return rows
