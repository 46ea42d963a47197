"""A machine whose alarm shall stand as long as its fault: SKAB, a water circuit with 8 sensors, 17 runs at 1 Hz.

F1 of rows *and* false-alarm rate of rows (FAR); flagging every row gives an F1 of 0.70. The first 400 rows of a run are
its commissioning. One configuration for all runs; the bound of each detector is the one of the best F1 with at most
20 % FAR. Cross-validated: the bound from some files, all figures from the others; over 16 halves (mean), and over the
three kinds of experiment (valve1, valve2, other; the rows of all three counted together).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import data, detectors
from benchmarks.detection.nab import halves
from gateway.core import Bank
from gateway.core.baseline import Recipe as BaselineRecipe
from gateway.core.group import PLANES, Ensemble, Recipe
from gateway.model.area import Area
from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.group import Group
from gateway.model.signal import Signal, SignalTable
from gateway.model.site import Site
from gateway.model.text import Text

MOST_FALSE = 20.0  # % of sound rows
BOUNDS = 120
SPAN_S, LEARN = 3, 133  # commissioning of 399 s
GROUP = Recipe(learn=LEARN)
Told = list[NDArray[np.bool_]]  # per file: rows in alarm


class Bench:
    """Scores of whole families of alarms: `told[bound][file]`, a bool per row."""

    def __init__(self, files: list[data.Series]):
        self._score = data.scorer()
        self.files = [{"rel": file.name, "t": file.time, "lab": file.labels, "cp": None} for file in files]
        kinds = [file.name.split("/")[0] for file in files]
        self.kinds = [([n for n, own in enumerate(kinds) if own != kind],
                       [n for n, own in enumerate(kinds) if own == kind]) for kind in dict.fromkeys(kinds)]
        self.halves = halves(len(files))
        self._sound = [~self._labelled(number) for number in range(len(files))]

    def _labelled(self, number: int) -> NDArray[np.bool_]:
        file = self.files[number]
        labelled = np.zeros(len(file["t"]), np.bool_)
        for start, stop in file["lab"]["anomaly"]:
            labelled[start:stop] = True
        return labelled

    def score(self, told: Told, part: Sequence[int] | None = None) -> dict:
        part = range(len(self.files)) if part is None else part
        return self._score.score_skab([self.files[number] | {"s": told[number].astype(float)} for number in part], 0.5)

    def counts(self, family: list[Told]) -> NDArray[np.int64]:
        """int[bounds, files, 4]: rows rightly and wrongly in alarm, labelled, sound."""
        warm = slice(detectors.TRAINING, None)
        return np.array([[((on[warm] & ~sound[warm]).sum(), (on[warm] & sound[warm]).sum(), (~sound[warm]).sum(),
                           sound[warm].sum()) for on, sound in zip(told, self._sound, strict=True)] for told in family])

    @staticmethod
    def figures(counts: NDArray[np.int64]) -> tuple[NDArray, NDArray]:
        """F1 and FAR (%) of counts[..., 4]."""
        hit, false, labelled, sound = np.moveaxis(counts, -1, 0)
        return 2 * hit / (labelled + hit + false), 100 * false / sound

    def best(self, counts: NDArray[np.int64], part: Sequence[int]) -> int:
        f1, far = self.figures(counts[:, part].sum(axis=1))
        return int(np.argmax(np.where(far <= MOST_FALSE, f1, -far)))

    def over_halves(self, counts: NDArray[np.int64], cuts) -> tuple[float, float]:
        told = [self.figures(counts[self.best(counts, fitted), judged].sum(axis=0)) for fitted, judged in cuts]
        return float(np.mean([f1 for f1, _ in told])), float(np.mean([far for _, far in told]))

    def over_kinds(self, counts: NDArray[np.int64]) -> tuple[float, float]:
        f1, far = self.figures(sum(counts[self.best(counts, fitted), judged].sum(axis=0)
                                   for fitted, judged in self.kinds))
        return float(f1), float(far)


def ensembles(files: list[data.Series], recipe: Recipe) -> Told:
    """gateway.core.group on means over 3 s, each judged with the first row of a later one."""
    told = []
    for file in files:
        number = file.time.astype("datetime64[s]").astype(np.int64) // SPAN_S
        starts = np.flatnonzero(np.diff(number, prepend=number[0] - 1))
        means = np.add.reduceat(file.value, starts) / np.diff(starts, append=len(number))[:, None]
        state = np.zeros((PLANES, means.shape[1] + 1))
        ensemble = Ensemble(state[:, :-1], state[:, -1], recipe)
        on, all_there = np.zeros(len(number), np.bool_), np.ones(means.shape[1], np.bool_)
        for place in range(len(starts) - 1):
            if ensemble.learnt:
                ensemble.judge(means[place], all_there)
            else:
                ensemble.learn(means[place], place > 0 and number[starts[place]] == number[starts[place - 1]] + 1)
            on[starts[place + 1]:] = ensemble.standing
        told.append(on)
    return told


def banks(files: list[data.Series]) -> Told:
    """The same through the whole bank of a site with one group, row by row."""
    told = []
    for file in files:
        ids = tuple(f"S{column}" for column in range(file.value.shape[1]))
        group = Group("rig", Text.same("rig"), "rig", ids, float(SPAN_S), float(SPAN_S * LEARN), float(SPAN_S))
        site = Site("skab", Text.same("skab"), "UTC", "en", (Area("rig", Text.same("rig")),),
                    SignalTable([Signal(id, Text.same(id), "any", "", "rig") for id in ids]), groups=(group,))
        bank, on = Bank(site), np.zeros(len(file.time), np.bool_)
        seconds = file.time.astype("datetime64[s]").astype(np.int64).tolist()
        for row, (second, value) in enumerate(zip(seconds, file.value, strict=True)):
            bank.step(Frame.of(range(len(ids)), value, Instant(second * NS, second * NS)))
            on[row] = "rig/group" in bank.active
        assert not bank.failures
        told.append(on)
    return told


def over(size: list[NDArray]) -> list[Told]:
    """A family: the same sizes over many bounds."""
    values = np.concatenate([own[detectors.TRAINING:] for own in size])
    return [[own >= bound for own in size] for bound in np.unique(np.quantile(values, np.linspace(0.2, 0.995, BOUNDS)))]


def run(quick: bool = False) -> list[dict]:
    files = data.files("skab")
    bench, plane = Bench(files), data.Plane.of(files)
    cuts, rows = bench.halves[:2 if quick else None], []

    def tell(name: str, f1: float, far: float, note: str, goal: bool = False) -> None:
        rows.append({"name": f"SKAB F1: {name}", "value": f1, "unit": "", "target": ">= 0.86" if goal else None,
                     "note": note})
        rows.append({"name": f"SKAB false-alarm rate: {name}", "value": far, "unit": "% of sound rows",
                     "target": "<= 20" if goal else None, "note": note})

    def tell_as_it_is(name: str, told: Told, note: str) -> None:
        score = bench.score(told)
        tell(name, score["F1"], score["FAR"], f"{note}; missed-alarm rate {score['MAR']:.1f} %; events: recall "
             f"{score['event_recall']:.2f}, {score['event_fa_per_hour']:.2f} false alarms per hour, median delay "
             f"{score['event_median_delay_rows'] or 0:.0f} rows")

    def largest(size: NDArray) -> list[NDArray]:
        return [size[:count, columns].max(axis=(1, 2))
                for count, columns in zip(plane.rows, plane.columns, strict=True)]

    def sweep(recipe: Recipe) -> list[Told]:
        return [ensembles(files, replace(recipe, bound=float(bound)))
                for bound in np.geomspace(0.75, 60.0, 12 if quick else 80)]

    for name, make in (
        ("rolling z", lambda: over(largest(detectors.rolling_z(plane)))),
        ("EWMA", lambda: over(largest(detectors.ewma(plane)))),
        ("frozen after commissioning, largest sensor", lambda: over(largest(detectors.commissioned(plane)))),
        ("group without regard to memory", lambda: sweep(replace(GROUP, memory=0.0))),
        ("group that ends only near the usual", lambda: sweep(replace(GROUP, residue=0.0))),
        ("group", lambda: sweep(GROUP)),
    ):
        family, goal = make(), name == "group"
        counts = bench.counts(family)
        tell(f"{name}, cross-validated over halves", *bench.over_halves(counts, cuts), "bound from the other half",
             goal)
        tell(f"{name}, cross-validated over kinds", *bench.over_kinds(counts), "bound from the other kinds", goal)
        if not goal:
            best = bench.best(counts, range(len(files)))
            tell_as_it_is(f"{name}, tuned here", family[best], "no evidence of anything")
    told = banks(files)
    for one, other in zip(told, ensembles(files, GROUP), strict=True):
        assert np.array_equal(one, other), "the bank does what the kernel does"
    tell_as_it_is("group in a site, through the bank", told, f"the bound it has, {GROUP.bound:g}, was chosen here")
    stands = detectors.baseline(plane, BaselineRecipe())[2]
    tell_as_it_is("adaptive baseline, an alarm stands while it lasts",
                  [stands[:count, columns].any(axis=1)
                   for count, columns in zip(plane.rows, plane.columns, strict=True)],
                  "nothing of it was set on this data; it adapts, so it does not stand while a fault lasts")
    return rows
