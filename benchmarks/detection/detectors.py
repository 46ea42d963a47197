"""What is compared. Every detector is causal, has one configuration for all files, and gives sizes; a size at or over
its limit is unusual.

A size is f4[rows, columns, features]; 0 where there is no sample and in the first rows of a file.
"""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

from benchmarks.detection.data import Plane
from gateway.core.baseline import Baseline, Recipe

WINDOW = 200  # of the rolling z-score, and the warm-up of all detectors
EWMA_RATE = 0.01
TRAINING = 400  # rows of a test bed that are known to be sound


def baseline(plane: Plane, recipe: Recipe) -> tuple[NDArray, NDArray[np.bool_], NDArray[np.bool_]]:
    """gateway.core.baseline, row by row: sizes (before the warm-up too); bool[rows, columns] an alarm
    begins; bool[rows, columns] an alarm stands."""
    count = plane.value.shape[1]
    kernel = Baseline(count, recipe)
    limits = np.array(recipe.limits)
    size = np.zeros((*plane.value.shape, limits.size), np.float32)
    begins, stands = np.zeros(plane.value.shape, np.bool_), np.zeros(plane.value.shape, np.bool_)
    now = np.zeros(count, np.bool_)
    for row, value in enumerate(plane.value):
        there = np.flatnonzero(np.isfinite(value))
        if there.size:
            height = kernel.step(there, there, value[there], plane.hour[row, there])
            begin, end = kernel.alarms(there, height)
            begins[row, there] = begin
            now[there[begin]] = True
            now[there[end]] = False
            size[row, there] = kernel.sizes(slice(0, there.size)).T * limits
        stands[row] = now
    return size, begins, stands


def rolling_z(plane: Plane) -> NDArray:
    """Distance from the mean of the last 200 samples, in their standard deviations."""
    size = np.zeros((*plane.value.shape, 1), np.float32)
    for column, value in enumerate(plane.value.T):
        window = sliding_window_view(value[:-1], WINDOW)
        known = np.isfinite(window)
        count = np.maximum(known.sum(1), 1)
        mean = np.where(known, window, 0).sum(1) / count
        spread = np.sqrt((np.where(known, window - mean[:, None], 0) ** 2).sum(1) / count)
        distance = np.abs(value[WINDOW:] - mean)
        size[WINDOW:, column, 0] = np.nan_to_num(distance / np.where(spread > 0, spread, np.inf))
    return size


def ewma(plane: Plane) -> NDArray:
    """Distance from an exponentially weighted mean, in the standard deviation that is followed alike; rate 0.01."""
    size = np.zeros((*plane.value.shape, 1), np.float32)
    count = np.zeros(plane.value.shape[1])
    mean, variance = np.zeros_like(count), np.zeros_like(count)
    for row, value in enumerate(plane.value):
        there = np.isfinite(value)
        distance = np.where(there, value, mean) - mean
        size[row, :, 0] = np.where((variance > 0) & (count >= WINDOW),
                                   np.abs(distance) / np.sqrt(np.where(variance > 0, variance, 1)), 0)
        rate = there * np.maximum(EWMA_RATE, 1 / (count + 1))
        mean += rate * distance
        variance += rate * ((1 - rate) * distance ** 2 - variance)
        count += there
    return size


def commissioned(plane: Plane) -> NDArray:
    """Distance from the median of a sound training period, in its median absolute deviation (as a standard deviation)
    plus a tenth of its standard deviation; exponentially weighted mean with rate 0.1. Learnt once, then frozen: for
    machines that are commissioned, and where the alarm shall stand as long as the fault does."""
    training = plane.value[:TRAINING]
    middle = np.median(training, axis=0)
    spread = 1.4826 * np.median(np.abs(training - middle), axis=0) + 0.1 * training.std(axis=0) + 1e-9
    distance = np.abs(plane.value - middle) / spread
    size = np.zeros((*plane.value.shape, 1), np.float32)
    smooth = distance[:TRAINING].mean(axis=0)
    for row, now in enumerate(distance):
        smooth = smooth + 0.1 * (np.nan_to_num(now) - smooth)
        size[row, :, 0] = smooth
    return size
