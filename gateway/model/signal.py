"""What is measured: signals, the limits set on them, and the areas they stand in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from gateway.model.alarm import Priority, Risk
from gateway.model.expression import Expression
from gateway.model.rules import Test
from gateway.model.text import Text

SELFTEST = "selftest"  # id of the signal through which the gateway tests itself


class Condition(StrEnum):
    """What an alarm is about. The first eight are limits on a signal (ISA-18.2 alarm types); see gateway.core."""

    HIGH_HIGH = "HH"
    HIGH = "H"
    LOW = "L"
    LOW_LOW = "LL"
    RATE_UP = "ROC+"  # rate of change, rising
    RATE_DOWN = "ROC-"
    DEVIATION_UP = "DEV+"  # too far above a reference: a set point, another signal or its peers
    DEVIATION_DOWN = "DEV-"
    DEADMAN = "deadman"  # no new successful sample for too long
    STUCK = "stuck"  # the raw value has not moved over N successful reads
    INVALID = "invalid"  # outside the measuring range, a 4-20 mA loop fault, or the instrument calls itself failed
    WRAPPED = "wrapped"  # the probe is covered: its motion is gone, while it goes on answering
    DRIFT = "drift"  # the level creeps away, has jumped and stayed, or the zero is below zero
    SPIKE = "spike"  # single reads jump, or the reading trembles like electrical noise
    DROPOUT = "dropout"  # reads are lost again and again
    SATURATED = "saturated"  # the reading stands at a stop
    OVER_RANGE = "over-range"  # gas beyond the range of its detector, where no HH holds it
    INHIBIT = "inhibit"  # the instrument says that it is inhibited, calibrating, warming up or switched off
    TREND = "trend"  # at its present pace the value will reach a limit
    ANOMALY = "anomaly"  # unlike what was learnt of this signal: a hint, never danger by itself
    PROFILE = "profile"  # begins to run at an hour of the week at which it hardly ever did
    GROUP = "group"  # several signals of one machine are not as they were at commissioning
    LOAD = "load"  # takes more or less of another load than it used to
    HEADCOUNT = "headcount"  # more people than the kind of shift allows
    FULL = "full"  # as many as it allows
    MISMATCH = "mismatch"  # two counts of the same people differ
    STILL = "still"  # a card that does not move
    ONLINE = "online"  # too few of the site's devices give data
    VOTE = "vote"  # so many of several detectors say the same
    DEGRADED = "degraded"  # a member of a vote is not good
    RISK = "risk"  # several alarms of one kind in an area make a higher level of risk
    BLIND = "blind"  # a gas zone without any working detector
    INTERLOCK = "interlock"  # two things that must not be true together
    SHUTDOWN = "shutdown"  # a commanded shut-down that was not verified
    OVERDUE = "overdue"  # a proof test that was not passed for too long
    RESPONSE = "response"  # a known stimulus, such as test gas, that was not answered
    GATEWAY = "gateway"  # the gateway about itself


LIMIT_CONDITIONS = (Condition.HIGH_HIGH, Condition.HIGH, Condition.LOW, Condition.LOW_LOW, Condition.RATE_UP,
                    Condition.RATE_DOWN, Condition.DEVIATION_UP, Condition.DEVIATION_DOWN)
# What makes the risk of an area: what was measured against a limit or a rule. Never statistics and forecasts, never
# faults of instruments, nothing that is itself made of other alarms, and no counts of people: see
# docs/explanation/people.md.
RISK_CONDITIONS = frozenset({*LIMIT_CONDITIONS, Condition.OVER_RANGE, Condition.INTERLOCK, Condition.SHUTDOWN})
NOT_MEASURED = frozenset({Condition.GATEWAY, Condition.OVERDUE})  # judged by no detector


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
class Baseline:
    """Learn what is usual for a signal, and say what is not. See gateway.core.baseline.

    every_s   means over this time are judged, not single samples
    learn_s   nothing is said before so much good data
    hold_s    an alarm stands at least this long, and until the signal is usual again
    blunt     how many times what would be unusual at the finest setting
    risk      yellow or blue, priority P3 or P4: statistics alone are no evidence of danger
    """

    every_s: float = 300.0
    learn_s: float = 86400.0
    hold_s: float = 7200.0
    blunt: float = 1.5
    priority: Priority = Priority.P4
    risk: Risk = Risk.BLUE

    def __post_init__(self) -> None:
        if self.risk not in (Risk.YELLOW, Risk.BLUE) or self.priority < Priority.P3:
            raise ValueError("a statistical anomaly is never above yellow, nor more urgent than P3")


FAULT_KINDS = (Condition.STUCK, Condition.WRAPPED, Condition.DRIFT, Condition.SPIKE, Condition.DROPOUT,
               Condition.SATURATED)
SUSPECTED = frozenset({Condition.WRAPPED, Condition.DRIFT, Condition.SPIKE})  # of them, what only statistics say


@dataclass(frozen=True, slots=True)
class Faults:
    """Which faults of the sensor itself are looked for, by what it does. See gateway.core.detectors: faults, frozen,
    dropout.

    kinds     of FAULT_KINDS. STUCK here: by what was learnt, where the signal has no `stuck_reads`
    every_s   means over this time are compared, and what is usual from sample to sample is learnt per such span
    window_s  a covered probe is judged over this time; a drift over ten of it
    learn_s   nothing that must be learnt is said before so much good data
    hold_s    spike and drift stand at least this long after the last sign
    blunt     how many times what would be a sign at the finest setting
    """

    kinds: frozenset[Condition] = frozenset(FAULT_KINDS)
    every_s: float = 60.0
    window_s: float = 2880.0
    learn_s: float = 86400.0
    hold_s: float = 7200.0
    blunt: float = 1.5

    def __post_init__(self) -> None:
        if odd := self.kinds - set(FAULT_KINDS):
            raise ValueError(f"no faults of a sensor: {', '.join(sorted(odd))}")


@dataclass(frozen=True, slots=True)
class Profile:
    """Learn at which hours of the week a load or a flow begins to run, and say when it begins at others. See
    gateway.core.starts.

    every_s   means over this time are judged, not single samples
    learn_s   nothing is said before so much good data
    idle_s    it runs anew only after it has been idle this long
    above     it runs where it is above this share of its usual range
    blunt     how many times what would be unusual at the finest setting
    risk      yellow or blue, priority P3 or P4: statistics alone are no evidence of danger
    """

    every_s: float = 900.0
    learn_s: float = 14 * 86400.0
    idle_s: float = 7200.0
    above: float = 0.3
    blunt: float = 1.0
    priority: Priority = Priority.P4
    risk: Risk = Risk.BLUE

    def __post_init__(self) -> None:
        if self.risk not in (Risk.YELLOW, Risk.BLUE) or self.priority < Priority.P3:
            raise ValueError("a start at an unusual hour is never above yellow, nor more urgent than P3")


@dataclass(frozen=True, slots=True)
class Share:
    """Learn what share of another load this one takes, and say when it drifts. See gateway.core.detectors.share.

    of        id of the other load: the main meter, or the production that this machine serves
    up, down  how much more and how much less than usual is a drift, as shares of the usual one
    every_s   means over this time are compared
    learn_s   nothing is said before so much good data while the other load runs
    above     it runs where it is above this share of its usual range
    risk      yellow or blue, priority P3 or P4: statistics alone are no evidence of danger
    """

    of: str
    up: float = 0.3
    down: float = 0.3
    every_s: float = 1800.0
    learn_s: float = 3 * 86400.0
    above: float = 0.3
    priority: Priority = Priority.P4
    risk: Risk = Risk.BLUE

    def __post_init__(self) -> None:
        if self.risk not in (Risk.YELLOW, Risk.BLUE) or self.priority < Priority.P3:
            raise ValueError("a share that drifts is never above yellow, nor more urgent than P3")


STOPPED, MAINTENANCE, RUNNING = 0.0, 1.0, 2.0
STATE_LABELS = {0: Text("stopped", "停机"), 1: Text("maintenance", "检修"), 2: Text("running", "运行")}


@dataclass(frozen=True, slots=True)
class LoadState:
    """The state of a machine by its electrical load: 0 stopped, 1 maintenance, 2 running. See
    gateway.core.detectors.load.

    load      id of the signal of the load; one load has one state
    levels    (idle, full) of the load, in its unit. None: learnt
    every_s, learn_s   means over this time are learnt from; no state is known before so much good data
    stopped   up to this share of the way from idle to full it is stopped
    running   from this share on it runs
    band      a state is left only when the share is this far beyond its bound
    """

    load: str
    levels: tuple[float, float] | None = None
    every_s: float = 900.0
    learn_s: float = 14 * 86400.0
    stopped: float = 0.15
    running: float = 0.4
    band: float = 0.05

    def __post_init__(self) -> None:
        if self.levels is not None and not self.levels[0] < self.levels[1]:
            raise ValueError(f"the idle level of {self.load} is not below its full level")
        if not 0 <= self.stopped + self.band < self.running - self.band:
            raise ValueError(f"the bands of {self.load} overlap")

    @property
    def inputs(self) -> tuple[str, ...]:
        return (self.load,)

    @property
    def text(self) -> str:
        return f"load state of [{self.load}]"

    def __str__(self) -> str:
        return self.text


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
class Escalation:
    """So many points of one kind at a level of risk, or above it, put their area one level higher (in the manner of
    GB 39496: 4 blue make yellow, 3 yellow make orange, 2 orange make red). See gateway.core.risk."""

    blue: int = 4
    yellow: int = 3
    orange: int = 2

    @property
    def steps(self) -> tuple[tuple[Risk, int, Risk], ...]:
        """(points at this level, how many, the level that they make), from the lowest."""
        return ((Risk.BLUE, self.blue, Risk.YELLOW), (Risk.YELLOW, self.yellow, Risk.ORANGE),
                (Risk.ORANGE, self.orange, Risk.RED))


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the site: a tank farm, a pump house, a gas zone. escalation None: its alarms are not added up."""

    id: str
    name: Text
    escalation: Escalation | None = None


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
