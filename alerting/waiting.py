"""The letters that wait for one way out, in the order in which they go: most urgent first, then oldest.

Adding, taking and giving way cost a binary search, however many wait. When too many do, the least urgent, then oldest
gives way, a drill before all else; a real P1 never does. What gave way is counted in one more letter for each reader
and priority ("17 more: see the page"), which goes after those that still wait.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from alerting.bundle import LEFT_OUT, left_out
from gateway.model.alarm import Priority
from gateway.model.ports import Notice


@dataclass(slots=True, eq=False)
class Letter:
    """One notice that waits. line_ns: when it was made. due: on the loop's clock; `Waiting` sorts by it, so it only
    changes while the letter is in hand. alone: refused in a bundle, to be tried by itself. copy: another channel asked
    for it."""

    notice: Notice
    priority: Priority
    order: int
    line_ns: int
    attempts: int = 0
    due: float = 0.0
    alone: bool = False
    fell_back: bool = False
    copy: bool = False

    @property
    def urgency(self) -> tuple[bool, int, int]:
        """A drill is never before anything real."""
        return self.drill, self.priority, self.order

    @property
    def drill(self) -> bool:
        return bool(self.notice.payload.get("exercise"))


@dataclass(slots=True)
class Gates:
    """From when on letters may go, on the loop's clock. fresh: a P1 that was never tried; tried: any other P1."""

    fresh: float
    tried: float
    others: float


@dataclass(slots=True)
class _Lane:
    """Letters behind the same gate."""

    due: list[tuple] = field(default_factory=list)  # (urgency, key, letter): most urgent first
    later: list[tuple] = field(default_factory=list)  # (due, key, letter): earliest first

    def add(self, letter: Letter) -> None:
        insort(self.later, (letter.due, letter.notice.key, letter))

    def remove(self, letter: Letter) -> None:
        for kept, entry in ((self.later, (letter.due, letter.notice.key)), (self.due, _place(letter)[:2])):
            at = bisect_left(kept, entry)
            if at < len(kept) and kept[at][-1] is letter:
                del kept[at]
                return

    def ripen(self, now: float) -> None:
        ripe = bisect_left(self.later, (now, "\U0010ffff"))
        for *_, letter in self.later[:ripe]:
            insort(self.due, _place(letter))
        del self.later[:ripe]

    def opens(self, gate: float) -> float | None:
        """When the first of them may go."""
        if self.due:
            return gate
        return max(self.later[0][0], gate) if self.later else None


_FRESH: Final = "fresh"
_TRIED: Final = "tried"
_OTHERS: Final = "others"


class Waiting:
    """A letter is in line, or in hand while it is tried; `letters` has both."""

    def __init__(self) -> None:
        self.letters: dict[str, Letter] = {}
        self._lanes = {name: _Lane() for name in (_FRESH, _TRIED, _OTHERS)}
        self._yielding: dict[tuple[bool, Priority], OrderedDict[str, Letter]] = {}  # who gives way, oldest first
        self._sums: dict[tuple, Letter] = {}  # of those that gave way, not yet tried

    def add(self, letter: Letter) -> None:
        self.letters[letter.notice.key] = letter
        self._lane(letter).add(letter)
        self._may_yield(letter)

    def first(self, now: float, gates: Gates) -> Letter | None:
        """The one to go now. It stays in line until `take`."""
        heads = []
        for name, lane in self._lanes.items():
            if getattr(gates, name) <= now:
                lane.ripen(now)
                heads += lane.due[:1]
        return min(heads)[-1] if heads else None

    def company(self) -> Iterator[Letter]:
        """Those that are due now and are no P1, most urgent first; after `first`."""
        return (entry[-1] for entry in self._lanes[_OTHERS].due)

    def opens(self, gates: Gates) -> float | None:
        """When the first one may go; None: nothing waits."""
        found = [at for name, lane in self._lanes.items() if (at := lane.opens(getattr(gates, name))) is not None]
        return min(found, default=None)

    def take(self, letters: Iterable[Letter]) -> None:
        """In hand from now on."""
        for letter in letters:
            self._lane(letter).remove(letter)
            if self._sums.get(_reader(letter)) is letter:
                del self._sums[_reader(letter)]  # its number is being told
                self._may_yield(letter)

    def put_back(self, letter: Letter) -> None:
        self._lane(letter).add(letter)

    def close(self, letter: Letter) -> None:
        """Out of the line, or out of hand."""
        del self.letters[letter.notice.key]
        self._lane(letter).remove(letter)
        self._yielding.get((letter.drill, letter.priority), {}).pop(letter.notice.key, None)

    def all_due(self) -> None:
        """What is in line, at once."""
        for lane in self._lanes.values():
            for *_, letter in lane.later:
                letter.due = 0.0
                insort(lane.due, _place(letter))
            lane.later.clear()

    def beyond(self, capacity: int) -> Letter | None:
        """The one that has to give way, if one has to."""
        if len(self.letters) - len(self._sums) <= capacity:
            return None
        kinds = [kind for kind, letters in self._yielding.items() if letters]
        return next(iter(self._yielding[max(kinds)].values())) if kinds else None

    def count(self, gone: Letter, order: int) -> None:
        """It gave way: say so in the letter that tells how many did. order: where a new one of these stands."""
        number = gone.notice.payload.get(LEFT_OUT, 1)
        told = self._sums.get(_reader(gone))
        if told is not None:
            told.notice = left_out(told.notice, told.notice.payload[LEFT_OUT] + number, told.priority)
            return
        notice = left_out(replace(gone.notice, key=f"more:{gone.notice.key}"), number, gone.priority)
        told = Letter(notice, gone.priority, order, gone.line_ns, alone=True, fell_back=True)
        self.letters[notice.key] = self._sums[_reader(told)] = told
        self._lane(told).add(told)

    def _may_yield(self, letter: Letter) -> None:
        if letter.priority is not Priority.P1 or letter.drill:
            self._yielding.setdefault((letter.drill, letter.priority), OrderedDict())[letter.notice.key] = letter

    def _lane(self, letter: Letter) -> _Lane:
        if letter.priority is not Priority.P1:
            return self._lanes[_OTHERS]
        return self._lanes[_TRIED if letter.attempts else _FRESH]


def _place(letter: Letter) -> tuple:
    return letter.urgency, letter.notice.key, letter


def _reader(letter: Letter) -> tuple:
    return letter.notice.to, letter.notice.language, letter.drill, letter.priority
