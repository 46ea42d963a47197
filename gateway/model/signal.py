"""What is measured: signals, and what each is watched for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from gateway.model.alarm import Priority, Risk
from gateway.model.condition import Condition
from gateway.model.expression import Expression
from gateway.model.learnt import Baseline, Faults, LoadState, Profile, Share
from gateway.model.rules import Test
from gateway.model.text import Text

SELFTEST = "selftest"  # id of the signal through which the gateway tests itself


@dataclass(frozen=True, slots=True)
class Reference:
    """What a deviation is measured from: a fixed value, one signal, or the median of several peers."""

    value: float | None = None
    signals: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.value:g}" if self.value is not None else ", ".join(self.signals)


@dataclass(frozen=True, slots=True)
class Limit:
    """One set point.

    value      engineering units; for ROC+/ROC- units per second, for DEV+/DEV- the distance from the reference, both
               positive numbers in both directions
    deadband   the condition ends only when the value is back by this much (same unit as value)
    on_delay_s, off_delay_s   the condition must hold (must have ended) this long, on the time line
    latch      stays active after the process is back to normal until a person resets it by acknowledging
    window_s   only for ROC: the rate is taken over this time
    reference  only for DEV: what the value is compared with
    only_while nothing begins while this is false by good and current evidence; never for a gas detector
    """

    condition: Condition
    value: float
    priority: Priority
    risk: Risk
    deadband: float = 0.0
    on_delay_s: float = 0.0
    off_delay_s: float = 0.0
    latch: bool = False
    window_s: float = 0.0
    reference: Reference | None = None
    only_while: Test | None = None


@dataclass(frozen=True, slots=True)
class HeadCount:
    """How many people a count may show. See gateway.core.detectors.headcount.

    most       the strictest limit: of an unknown kind of shift, and of all where there are no kinds
    shift      id of the signal that gives the kind of shift; by_shift: its value -> how many are allowed
    exempt     ids of counts of people whom the limit does not count
    faces      id of a second count of the same people: MISMATCH. None: there is none
    handover   true while shifts change: nothing new begins, for handover_s at most
    """

    most: int
    shift: str | None = None
    by_shift: dict[float, int] = field(default_factory=dict)
    exempt: tuple[str, ...] = ()
    faces: str | None = None
    handover: Test | None = None
    handover_s: float = 7200.0
    on_delay_s: float = 60.0
    off_delay_s: float = 0.0
    priority: Priority = Priority.P2
    risk: Risk = Risk.ORANGE


@dataclass(frozen=True, slots=True)
class Still:
    """A position, zone or count of moves that must change by more than `by` within after_s while `only_while` holds."""

    after_s: float
    by: float = 0.0
    only_while: Test | None = None
    priority: Priority = Priority.P3
    risk: Risk = Risk.YELLOW


@dataclass(frozen=True, slots=True)
class StatusLink:
    """Where an instrument says how it is, beside its reading, and what its numbers mean. What each of them does to the
    reading is in gateway.core.instruments; a number that stands nowhere here is not trusted.

    signal          id of the status signal
    normal          the reading counts (also while the instrument's own alarm stands)
    fault           the instrument calls itself failed
    out_of_service  inhibit, calibration, warm-up, maintenance, disabled: the reading is not process gas
    over_range      more than the instrument can measure
    """

    signal: str
    normal: tuple[int, ...]
    fault: tuple[int, ...] = ()
    out_of_service: tuple[int, ...] = ()
    over_range: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Trend:
    """Warn before a limit is reached.

    to         the limit (H, HH, L or LL) of the same signal that is approached
    horizon_s  warn when it may be reached within this time
    window_s   the pace is taken over this time
    risk       yellow or blue: a forecast is not a measurement
    """

    to: Condition
    horizon_s: float
    window_s: float
    priority: Priority = Priority.P3
    risk: Risk = Risk.YELLOW


@dataclass(frozen=True, slots=True)
class Signal:
    """One measured quantity.

    kind       key of the catalogue of kinds, e.g. "combustible_gas": gives ceilings and defaults
    low, high  measuring range in engineering units; a value outside (beyond a small tolerance, see
               docs/decisions/range-tolerance.md) is BAD_RANGE. None: no range check
    loop_ma    the points of this signal give a 4-20 mA current: drivers scale it onto low..high (`scaling`), and the
               limits of NAMUR NE 43 apply to it (needs low and high)
    deadman_s  longest time without a new successful sample before the signal is announced as lost. None: not watched
    stuck_reads  so many successful reads of one value, once the signal has shown motion, raise `stuck`. None: off
    faults     which other faults of its sensor are looked for. None: none
    gas        a gas detector: its loss makes its area (partly) blind
    labels     for switches and enumerations: value -> what the page shows, e.g. {0: "closed", 1: "open"}
    status     the instrument's own word on this reading. None: it gives none
    derived    calculated from other signals and read from no device. None: measured
    keep_s     its samples and minutes are kept no longer than this, such as of people. None: as long as all others
    """

    id: str
    name: Text
    kind: str
    unit: str
    area: str
    low: float | None = None
    high: float | None = None
    loop_ma: bool = False
    deadman_s: float | None = None
    stuck_reads: int | None = None
    decimals: int = 1
    gas: bool = False
    limits: tuple[Limit, ...] = ()
    labels: dict[int, Text] = field(default_factory=dict)
    fault_priority: Priority = Priority.P3  # of all sensor faults; at least P2 for a gas detector
    trend: Trend | None = None  # needs the limit it leads to
    baseline: Baseline | None = None
    status: StatusLink | None = None
    derived: Expression | LoadState | None = None
    profile: Profile | None = None
    faults: Faults | None = None
    headcount: HeadCount | None = None
    still: Still | None = None
    share: Share | None = None
    guidance: Text | None = None  # of its limit alarms; what it leaves out is as its kind says
    keep_s: float | None = None

    def __post_init__(self) -> None:
        if self.trend is not None and self.limit(self.trend.to) is None:
            raise ValueError(f"{self.id} has a trend to {self.trend.to} and no such limit")

    def limit(self, condition: Condition) -> Limit | None:
        """The limit of this condition, where the signal has one."""
        return next((limit for limit in self.limits if limit.condition == condition), None)

    @property
    def holds_over_range(self) -> bool:
        """A gas detector whose reading beyond its range no HH holds until a person acknowledges it."""
        top = self.limit(Condition.HIGH_HIGH)
        return self.gas and self.high is not None and not (top is not None and top.latch)

    def scaling(self, scale: float, offset: float) -> tuple[float, float]:
        """Scale and offset from what a device sends to engineering units, from those of its point. They are the same,
        but for a current loop, whose point gives mA: 4 mA is `low`, 20 mA is `high`."""
        if not self.loop_ma or self.low is None or self.high is None:
            return scale, offset
        per_ma = (self.high - self.low) / 16
        return scale * per_ma, self.low + (offset - 4) * per_ma


@dataclass(frozen=True, slots=True)
class Device:
    """What goes silent together: one slave on a line, one publisher. id: "SOURCE/DEVICE". signals: ids of its own."""

    id: str
    signals: tuple[str, ...]


class SignalTable(Sequence[Signal]):
    """The signals of a site, numbered. The number is what travels in a Frame."""

    def __init__(self, signals: Sequence[Signal]):
        self._signals = tuple(signals)
        self._index = {signal.id: number for number, signal in enumerate(self._signals)}
        if len(self._index) != len(self._signals):
            raise ValueError("duplicate signal id")

    def __len__(self) -> int:
        return len(self._signals)

    def __getitem__(self, number):  # int -> Signal, slice -> tuple
        return self._signals[number]

    def __iter__(self) -> Iterator[Signal]:
        return iter(self._signals)

    def __contains__(self, key: object) -> bool:
        return key in self._index if isinstance(key, str) else key in self._signals

    def index(self, signal: str, *_: int) -> int:  # type: ignore[override]
        """The number of a signal id. KeyError when unknown."""
        return self._index[signal]

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._index)

    def measured(self, signal: str) -> tuple[str, ...]:
        """The measured signals that a derived one comes from, through any number of steps; a measured one itself."""
        found: dict[str, None] = {}
        todo = [signal]
        while todo:
            derived = self._signals[self._index[name := todo.pop()]].derived
            if derived is None:
                found[name] = None
            else:
                todo += reversed(derived.inputs)
        return tuple(found)
