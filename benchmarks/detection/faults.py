"""Sensor faults injected into real signals: the typed detectors, run through the bank itself, row by row.

A row is a sample and a mean at once (one a second, means over one second); a missing value is a lost read, and ten of
them a silence. What is compared: the alarms that begin. No detector knows a file: every signal is alone in its area and
has the same settings. `offload` is no fault of a sensor (working hours copied onto idle ones): the profile of the week
looks for it, on all files alike, in the time of their stamps.

Cross-validated: `BLUNT` of each kind of alarm is chosen on the files of one half of the origins (a sensor, not a file:
all parts of one series stay together) and judged on the other half; mean over 16 such halves.
"""

from __future__ import annotations

import re

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection import data, detectors
from gateway.core import Bank
from gateway.core.baseline import Recipe
from gateway.model.area import Area
from gateway.model.clock import NS
from gateway.model.condition import Condition
from gateway.model.frame import Frame
from gateway.model.learnt import Faults, Profile
from gateway.model.quality import Quality
from gateway.model.signal import Signal, SignalTable
from gateway.model.site import Site
from gateway.model.text import Text

LEARN, HOLD, WINDOW, LOST = 400, 110, 48, 10  # rows
BLUNT = (0.8, 0.9, 1.0, 1.15, 1.3, 1.5, 2.0)
SHIPPED = 1.5
PROFILE_BLUNT = 1.5
REST = 110  # rows, of the simple detectors after an alarm
HALVINGS = 8
PRICE = 0.04  # of one false alarm in 10,000 rows, in mean recall
GRID = np.geomspace(2, 100, 40)
LEARNT = (Condition.STUCK, Condition.WRAPPED, Condition.DRIFT, Condition.SPIKE, Condition.SATURATED)
GOALS = {"stuck": ">= 0.98", "dropout": ">= 0.98", "wrapped": ">= 0.85", "drift": ">= 0.6"}

Alarms = list[NDArray[np.int64]]  # of each file: rows at which an alarm begins


def alarms_of(files: list[data.Series], signals: list[Signal],
              time: list[NDArray[np.int64]]) -> dict[Condition, Alarms]:
    """Alarms of a bank with one signal for each file, by condition. time: of its rows, ns."""
    areas = tuple(Area(signal.area, signal.name) for signal in signals)
    site = Site("bench", Text.same("bench"), "UTC", "en", areas, SignalTable(signals))
    bank, found = Bank(site), {}
    for row in range(max(len(file.time) for file in files)):
        there = np.array([number for number, file in enumerate(files) if row < len(file.time)], np.int32)
        value = np.array([files[number].value[row, 0] for number in there])
        quality = np.where(np.isnan(value), np.uint16(Quality.BAD_COMM_LOST), np.uint16(Quality.GOOD))
        line = np.array([time[number][row] for number in there], np.int64)
        for edge in bank.step(Frame.from_columns(there, value, quality.astype(np.uint16), line.copy(), line)):
            alarm = site.alarms[edge.alarm]
            number = site.signals.index(alarm.origin)
            if edge.active and row < len(files[number].time):
                found.setdefault(alarm.condition, [[] for _ in files])[number].append(row)
    if bank.failures:
        raise RuntimeError(f"a detector failed: {bank.failures}")
    return {condition: [np.array(rows, np.int64) for rows in lists] for condition, lists in found.items()}


def typed(files: list[data.Series], blunt: float) -> dict[Condition, Alarms]:
    faults = Faults(every_s=1.0, window_s=float(WINDOW), learn_s=float(LEARN), hold_s=float(HOLD), blunt=blunt)
    signals = [Signal(f"S{number}", Text.same(file.name), "any", "", f"A{number}", deadman_s=float(LOST), faults=faults)
               for number, file in enumerate(files)]
    return alarms_of(files, signals, [np.arange(1, len(file.time) + 1) * NS for file in files])


def weekly(files: list[data.Series]) -> dict[Condition, Alarms]:
    signals = [Signal(f"S{number}", Text.same(file.name), "any", "", f"A{number}", profile=Profile(blunt=PROFILE_BLUNT))
               for number, file in enumerate(files)]
    return alarms_of(files, signals, [file.time.astype("datetime64[ns]").astype(np.int64) for file in files])


class Corpus:
    def __init__(self, files: list[data.Series]):
        self._score = data.scorer()
        self._files = [{"rel": file.name, "t": file.time, "lab": file.labels} for file in files]
        self.origin = [re.sub(r"_\d+\.csv$", "", file.name) for file in files]

    def score(self, alarms: Alarms, part=None) -> dict:
        told = []
        for number in range(len(self._files)) if part is None else part:
            hit = np.zeros(len(self._files[number]["t"]))
            hit[alarms[number]] = 1.0
            told.append(self._files[number] | {"s": hit})
        return self._score.score_events(told, 0.5)


def together(parts: list[Alarms]) -> Alarms:
    return [np.unique(np.concatenate(rows)) for rows in zip(*parts, strict=True)]


def merit(result: dict) -> float:
    return result["macro_recall"] - PRICE * result["fa_per_10k_rows"]


def chosen(corpus: Corpus, found: dict[float, dict[Condition, Alarms]], part) -> dict[Condition, float]:
    """BLUNT of each condition, one after the other, twice, that is best on these files."""
    best = dict.fromkeys(LEARNT, 1.0)
    for _ in range(2):
        for condition in LEARNT:
            best[condition] = max(BLUNT, key=lambda blunt: merit(
                corpus.score(mixed(found, best | {condition: blunt}), part)))
    return best


def mixed(found: dict[float, dict[Condition, Alarms]], blunt: dict[Condition, float]) -> Alarms:
    rest = found[1.0].items()
    return together([*(found[blunt[kind]][kind] for kind in LEARNT if kind in found[blunt[kind]]),
                     *(alarms for kind, alarms in rest if kind not in LEARNT)])


def halves(corpus: Corpus, count: int) -> list[tuple[list[int], list[int]]]:
    random, names, cuts = np.random.default_rng(0), sorted(set(corpus.origin)), []
    for _ in range(count):
        one = set(random.permutation(names)[:len(names) // 2])
        sides = ([], [])
        for number, origin in enumerate(corpus.origin):
            sides[origin in one].append(number)
        cuts += [sides, sides[::-1]]
    return cuts


def mean_of(results: list[dict]) -> dict:
    kinds = sorted({kind for result in results for kind in result["by_type"]})
    return {"macro_recall": float(np.mean([result["macro_recall"] for result in results])),
            "fa_per_10k_rows": float(np.mean([result["fa_per_10k_rows"] for result in results])),
            "by_type": {kind: {"recall": float(np.mean([result["by_type"][kind]["recall"] for result in results
                                                        if kind in result["by_type"]]))} for kind in kinds}}


def simple(files: list[data.Series], size: NDArray, corpus: Corpus, budget: float) -> Alarms:
    """One size, with the lowest limit on GRID that keeps to the budget of false alarms on these very files."""
    alarms: Alarms = []
    for limit in GRID:
        alarms = []
        for number, file in enumerate(files):
            rows = np.flatnonzero(size[:len(file.time), number, 0] >= limit)
            alarms.append(rows[np.diff(rows, prepend=-REST - 1) > REST])
        if corpus.score(alarms)["fa_per_10k_rows"] <= budget:
            break
    return alarms


def run(quick: bool = False) -> list[dict]:
    files = data.files("faults")
    corpus, plane = Corpus(files), data.Plane.of(files)
    blunts = (1.0, SHIPPED) if quick else BLUNT
    week = weekly(files)
    found = {blunt: typed(files, blunt) | week for blunt in blunts}
    rows: list[dict] = []

    def tell(name: str, result: dict, note: str, goals: bool = False) -> None:
        rows.append({"name": f"faults: {name}, mean recall of the kinds", "value": result["macro_recall"], "unit": "",
                     "target": ">= 0.85" if goals else None, "note": note})
        rows.append({"name": f"faults: {name}, false alarms", "value": result["fa_per_10k_rows"],
                     "unit": "per 10,000 rows", "target": "<= 2" if goals else None, "note": note})
        rows.extend({"name": f"faults: {name}, recall of {kind}", "value": own["recall"], "unit": "",
                     "target": GOALS.get(kind) if goals else None, "note": note}
                    for kind, own in result["by_type"].items())

    if not quick:
        judged = [corpus.score(mixed(found, chosen(corpus, found, fitted)), other)
                  for fitted, other in halves(corpus, HALVINGS)]
        tell("typed detectors, cross-validated", mean_of(judged), "blunt of each kind from the other half of the "
             "origins", goals=True)
    for blunt in blunts if quick else (1.0, 1.15, 1.3, SHIPPED, 2.0):
        tell(f"typed detectors, blunt {blunt:g}", corpus.score(together(list(found[blunt].values()))),
             "one setting for all files; the limits were set on these files")
    for kind, alarms in found[1.0].items():
        result = corpus.score(alarms)
        told = ", ".join(f"{name} {own['recall']:.2f}" for name, own in result["by_type"].items() if own["recall"])
        rows.append({"name": f"faults: false alarms of `{kind}` alone, blunt 1", "value": result["fa_per_10k_rows"],
                     "unit": "per 10,000 rows", "note": f"finds {told or 'nothing'}"})
    for name, size in (("rolling z", detectors.rolling_z(plane)), ("EWMA", detectors.ewma(plane))):
        tell(name, corpus.score(simple(files, size, corpus, 2.0)), "limit from these files, 2 false alarms per 10,000")
    begins = detectors.baseline(plane, Recipe())[1]
    tell("adaptive baseline", corpus.score([np.flatnonzero(begins[:count, number])
                                            for number, count in enumerate(plane.rows)]), "as set for NAB")
    return rows
