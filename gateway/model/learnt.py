"""What may be learnt of a signal, and how far what was learnt is trusted."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.alarm import Priority, Risk
from gateway.model.condition import FAULT_KINDS, Condition
from gateway.model.text import Text


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
