"""Means of several signals put together: which spans are complete, and which wait for somebody."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

NO_SPAN = -(2**62)
_WAITING, _CLOSED, _HELD = range(3)
NUMBERS = 3


@dataclass(slots=True)
class Span:
    """number: the span's; mean: f8[m], NaN where a member is missing; held: not to be learnt from."""

    number: int
    mean: NDArray[np.float64]
    held: bool = False


class Assembly:
    """The spans of m signals that end their means (gateway.core.means) each with a sample of its own.

    A span is told when it is complete for all members, and at the latest when any member is two spans ahead: who has
    no mean of it by then is missing. Spans are told in order, each once. Between two instants there is one span at most
    that waits, the newest that any member has ended: nobody waits for an older one.
    """

    def __init__(self, reached: NDArray[np.int64], mean: NDArray[np.float64], numbers: NDArray[np.int64]):
        """The state, changed in place. reached: int64[m], the span in which each member ended its newest mean; mean:
        f8[m], of the span that waits; numbers: int64[NUMBERS]. A new one: see `forget`."""
        self._reached, self._mean, self._numbers = reached, mean, numbers

    def forget(self) -> None:
        self._reached[:], self._mean[:] = NO_SPAN, np.nan
        self._numbers[:] = NO_SPAN, NO_SPAN, 0

    def take(self, member: NDArray[np.int64], span: NDArray[np.int64], mean: NDArray[np.float64],
             held: NDArray[np.bool_], reached: NDArray[np.int64]) -> Iterator[Span]:
        """The means that distinct members end at one instant: of which span, in which span. What it completes."""
        numbers, waiting = self._numbers, {}
        if numbers[_WAITING] != NO_SPAN:
            number = int(numbers[_WAITING])
            waiting[number] = Span(number, self._mean.copy(), bool(numbers[_HELD]))
            numbers[_WAITING] = NO_SPAN
        self._reached[member] = reached
        for number in set(span.tolist()):
            if number > numbers[_CLOSED]:  # what comes later than that was given up
                own = span == number
                known = waiting.setdefault(number, Span(number, np.full(self._mean.shape, np.nan)))
                known.mean[member[own]] = mean[own]
                known.held |= bool(held[own].any())
        closed = max(int(self._reached.min()) - 1, int(self._reached.max()) - 2)
        numbers[_CLOSED] = max(int(numbers[_CLOSED]), closed)
        for number in sorted(waiting):
            if number <= closed:
                yield waiting[number]
            else:
                numbers[_WAITING], self._mean[:], numbers[_HELD] = number, waiting[number].mean, waiting[number].held
