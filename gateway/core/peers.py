"""Signals of one kind in one area, and what the others read just before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.model.site import Site

MOST = 7  # peers that one signal is compared with
LEAST = 2  # peers whose median means something
_NEVER = -(2**62)


def groups(site: Site, watched: NDArray[np.bool_]) -> list[list[int]]:
    """Numbers of the watched signals that are of one kind and stand in one area, each group in order of the ids."""
    found: dict[tuple[str, str], list[int]] = {}
    for number, signal in enumerate(site.signals):
        if watched[number]:
            found.setdefault((signal.kind, signal.area), []).append(number)
    return [sorted(group, key=lambda number: site.signals[number].id) for group in found.values()]


def neighbours(site: Site, watched: NDArray[np.bool_]) -> NDArray[np.int64]:
    """int64[n, MOST]: the peers that each signal is compared with, those that follow it in its group; -1: none."""
    found = np.full((len(site.signals), MOST), -1, np.int64)
    for group in groups(site, watched):
        members = np.array(group, np.int64)
        count = min(len(group) - 1, MOST)
        following = np.arange(members.size)[:, None] + np.arange(1, count + 1)
        found[members, :count] = members[following % members.size]
    return found


class Peers:
    """n signals, v numbers of each. What is told of a signal at one instant is known to its peers later than that, so
    that the order in which signals of one instant are handled does not matter."""

    def __init__(self, site: Site, watched: NDArray[np.bool_], values: int):
        count = len(site.signals)
        self._members = neighbours(site, watched)
        self.has = (self._members >= 0).sum(axis=1) >= LEAST
        self.line = np.full((2, count), _NEVER, np.int64)  # newest and the one before
        self.value = np.full((2, values, count), np.nan)

    def middle(self, signal: NDArray[np.int64], line: NDArray[np.int64],
               since: NDArray[np.int64]) -> NDArray[np.float64]:
        """f8[v, k]: the medians of what peers were told from `since` on and before `line`; NaN of fewer than two."""
        members = self._members[signal]
        newest = self.line[0, members] < line[:, None]
        at = np.where(newest, self.line[0, members], self.line[1, members])
        known = (members >= 0) & (at >= since[:, None]) & (at < line[:, None])
        value = np.where(newest, self.value[0][:, members], self.value[1][:, members])
        value = np.where(known, value, np.inf)
        value.sort(axis=2)
        count = known.sum(axis=1)
        row = np.arange(signal.shape[0])
        middle = (value[:, row, np.maximum(count - 1, 0) // 2] + value[:, row, np.minimum(count // 2, MOST - 1)]) / 2.0
        middle[:, count < LEAST] = np.nan
        return middle

    def tell(self, signal: NDArray[np.int64], line: NDArray[np.int64], *values: NDArray[np.float64]) -> None:
        self.line[1, signal], self.value[1][:, signal] = self.line[0, signal], self.value[0][:, signal]
        self.line[0, signal], self.value[0][:, signal] = line, values

    def forget(self, signals: NDArray[np.int64]) -> None:
        self.line[:, signals] = _NEVER
        self.value[..., signals] = np.nan

    def state(self) -> dict[str, NDArray]:
        return {"peer line": self.line, "peer value": self.value}
