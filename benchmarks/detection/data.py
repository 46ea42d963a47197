"""The labelled data and its scorer, where they are present: `../shared/bench/detection` beside the repository.

Nothing of either is kept here: the scorer is imported from where it lies, the data is read from there.
"""

from __future__ import annotations

import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parents[2].parent / "shared" / "bench" / "detection"


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """One file. time datetime64[us][rows], value f8[rows, columns] (NaN: missing), labels as the scorer reads them."""

    name: str
    time: NDArray[np.datetime64]
    value: NDArray[np.float64]
    labels: object


@dataclass(frozen=True, slots=True, eq=False)
class Plane:
    """All columns of all files side by side, so that detectors run over them in lock-step; NaN after a file's end.

    value f8[longest, columns], hour int64[longest, columns], and for each file its columns and its number of rows
    """

    value: NDArray[np.float64]
    hour: NDArray[np.int64]
    columns: tuple[slice, ...]
    rows: tuple[int, ...]

    @classmethod
    def of(cls, files: list[Series]) -> Plane:
        width = sum(file.value.shape[1] for file in files)
        value = np.full((max(file.value.shape[0] for file in files), width), np.nan)
        hour = np.zeros(value.shape, np.int64)
        columns, start = [], 0
        for file in files:
            column = slice(start, start + file.value.shape[1])
            value[:len(file.time), column] = file.value
            hour[:len(file.time), column] = (file.time.astype("datetime64[h]").astype(np.int64) % 24)[:, None]
            columns.append(column)
            start = column.stop
        return cls(value, hour, tuple(columns), tuple(len(file.time) for file in files))


def present() -> bool:
    return (FOLDER / "score.py").is_file()


def scorer() -> ModuleType:
    spec = importlib.util.spec_from_file_location("detection_score", FOLDER / "score.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def files(name: str) -> list[Series]:
    """All files of a set, in order of their names."""
    score, root = scorer(), FOLDER / name
    labels = json.loads((root / "labels.json").read_text())
    found = []
    for file in sorted(labels):
        _, rows = score.read_csv(root / "data" / file)
        value = np.array([[float(cell) if cell not in ("", "nan") else np.nan for cell in row[1:]] for row in rows])
        found.append(Series(file, score.ts_([row[0] for row in rows]), value, labels[file]))
    return found
