"""Signals, kinds and groups in the site file: what is learnt of them, and what faults they may
have. The text under a key is its entry in the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, WrapValidator, model_validator

from gateway.config.limit_sections import Limits
from gateway.config.section import Section
from gateway.config.values import (
    NONE,
    Advice,
    Condition,
    Deadman,
    Duration,
    Formula,
    Id,
    Ids,
    Name,
    Number,
    PositiveDuration,
    Urgency,
    Whole,
    Width,
)
from gateway.model.alarm import Priority, Risk
from gateway.model.text import Text


def _mild(value: Any) -> Any:
    if value in (Risk.RED, Risk.ORANGE):
        raise ValueError(Text(f'a forecast is never above yellow, got "{value}"',
                              f'预测性告警不得高于黄色，实际为 "{value}"'),
                         Text('write "yellow" or "blue"; red and orange belong to the limit itself',
                              '填写 "yellow" 或 "blue"；红色和橙色由限值本身给出'))
    return value


class TrendSection(Section):
    to: Literal["HH", "H", "L", "LL"] = "H"
    """The limit of the same signal that may be reached."""
    horizon: PositiveDuration = 600.0
    """Warn when the limit may be reached within this time."""
    window: PositiveDuration = 300.0
    """The pace is taken over this time. At least twelve periods of the source, and longer than honest ups and downs."""
    priority: Urgency | None = None
    """Default: `P3`."""
    risk: Annotated[Literal["yellow", "blue"], BeforeValidator(_mild)] = "yellow"
    """Four-colour risk level; a forecast is never above yellow."""


NO_TREND = TrendSection.model_construct()  # `trend = "none"`: that of the kind does not apply; compared by identity


def _trend(value: Any, handler: Callable[[Any], TrendSection]) -> TrendSection:
    return NO_TREND if value == NONE else handler(value)


class StatusSection(Section):
    normal: Annotated[tuple[Whole, ...], Field(min_length=1)]
    """The reading counts. The instrument's own alarm states (level 1, level 2) belong here too."""
    fault: tuple[Whole, ...] = ()
    """The instrument calls itself failed: `reading not valid`."""
    out_of_service: tuple[Whole, ...] = ()
    """Inhibited, calibrating, warming up, in maintenance, disabled: `out of service`, and no limit begins."""
    over_range: tuple[Whole, ...] = ()
    """More than the instrument can measure: `reading not valid`; of a gas detector HH and H begin."""

    @property
    def listed(self) -> tuple[int, ...]:
        return (*self.normal, *self.fault, *self.out_of_service, *self.over_range)

    @model_validator(mode="after")
    def _each_once(self) -> StatusSection:
        if twice := ", ".join(str(value) for value, count in Counter(self.listed).items() if count > 1):
            raise ValueError(Text(f"listed twice: {twice}", f"重复列出：{twice}"),
                             Text("a status number has one meaning: delete it from one of the lists",
                                  "一个状态值只有一种含义：从其中一个列表中删除"))
        return self


def _hint(value: Any) -> Any:
    if value in (Risk.RED, Risk.ORANGE):
        raise ValueError(Text(f'unusual behaviour is never above yellow, got "{value}"',
                              f'读数异常类告警不得高于黄色，实际为 "{value}"'),
                         Text('write "yellow" or "blue"; red and orange belong to limits and interlocks',
                              '填写 "yellow" 或 "blue"；红色和橙色由限值和联锁给出'))
    return value


def _not_urgent(value: Any) -> Any:
    if value in ("P1", "P2"):
        raise ValueError(Text(f'unusual behaviour is P3 at most, got "{value}"',
                              f'读数异常类告警的优先级最高为 P3，实际为 "{value}"'),
                         Text('write "P3" or "P4"', '填写 "P3" 或 "P4"'))
    return value


class BaselineSection(Section):
    every: PositiveDuration = 300.0
    """Means over this time are judged. The shorter, the more false alarms per day."""
    learn: PositiveDuration = 86400.0
    """Nothing is said before so much good data, and not before 200 means."""
    hold: PositiveDuration = 7200.0
    """An alarm stands at least this long, and until the signal is usual again."""
    blunt: Annotated[float, Field(ge=1, le=10)] = 1.5
    """1 is the finest; 2 needs deviations twice as large."""
    priority: Annotated[Urgency, BeforeValidator(_not_urgent)] | None = None
    """`P3` or `P4`. Default: `P4`."""
    risk: Annotated[Literal["yellow", "blue"], BeforeValidator(_hint)] = "blue"
    """Four-colour risk level; statistics alone are never above yellow."""


NO_BASELINE = BaselineSection.model_construct()  # `baseline = "none"`: that of the kind does not apply


def _baseline(value: Any, handler: Callable[[Any], BaselineSection]) -> BaselineSection:
    return NO_BASELINE if value == NONE else handler(value)


class ProfileSection(Section):
    every: PositiveDuration = 900.0
    """Means over this time are judged."""
    learn: PositiveDuration = 14 * 86400.0
    """Nothing is said before so much good data; at least a week, for every hour of it must have been seen."""
    idle: PositiveDuration = 7200.0
    """It begins anew only after it was idle this long; an alarm ends when it was. Longer than breaks at work."""
    above: Annotated[float, Field(ge=0.05, le=0.9)] = 0.3
    """It runs where it is above this share of its usual range."""
    blunt: Annotated[float, Field(ge=0.5, le=4)] = 1.0
    """Larger: fewer alarms, only for hours that are more unusual still."""
    priority: Annotated[Urgency, BeforeValidator(_not_urgent)] | None = None
    """`P3` or `P4`. Default: `P4`."""
    risk: Annotated[Literal["yellow", "blue"], BeforeValidator(_hint)] = "blue"
    """Four-colour risk level; statistics alone are never above yellow. A rule on a declared status may be red."""

    @model_validator(mode="after")
    def _some_means_while_idle(self) -> ProfileSection:
        if self.idle < 2 * self.every:
            raise ValueError(Text(f"idle ({self.idle:g} s) is shorter than two means ({self.every:g} s each)",
                                  f"idle（{self.idle:g} 秒）短于两个均值（各 {self.every:g} 秒）"),
                             Text("idle = \"2h\" with every = \"15min\" is usual",
                                  "通常填写 idle = \"2h\"、every = \"15min\""))
        return self


NO_PROFILE = ProfileSection.model_construct()  # `profile = "none"`: that of the kind does not apply


def _profile(value: Any, handler: Callable[[Any], ProfileSection]) -> ProfileSection:
    return NO_PROFILE if value == NONE else handler(value)


class FaultsSection(Section):
    types: Annotated[tuple[Literal["stuck", "wrapped", "drift", "spike", "dropout", "saturated"], ...],
                     Field(min_length=1)] = ("stuck", "wrapped", "drift", "spike", "dropout", "saturated")
    """Which faults are looked for. `stuck` here is learnt; a signal that has `stuck_reads` keeps to those."""
    every: PositiveDuration = 60.0
    """Means over this time are compared. The shorter, the sooner a fault is seen, and the more false alarms a day."""
    window: PositiveDuration = 2880.0
    """A covered probe is judged over this time, a creeping level over ten of it; at least six times `every`."""
    learn: PositiveDuration = 86400.0
    """What must be learnt says nothing before so much good data, and not before 200 means."""
    hold: PositiveDuration = 7200.0
    """`spikes or noise` and `sensor drifts` stand at least this long after the last sign."""
    blunt: Annotated[float, Field(ge=1, le=10)] = 1.5
    """1 is the finest; 2 needs signs twice as large."""


NO_FAULTS = FaultsSection.model_construct()  # `faults = "none"`: those of the kind do not apply


def _faults(value: Any, handler: Callable[[Any], FaultsSection]) -> FaultsSection:
    return NO_FAULTS if value == NONE else handler(value)


class Watched(Section):
    """What a kind gives to its signals and a signal may say for itself."""

    unit: str | None = None
    """Engineering unit, as shown. Fixed for the kinds that have ceilings."""
    decimals: Annotated[Whole, Field(ge=0, le=9)] | None = None
    """Digits shown after the point."""
    deadman: Deadman | None = None
    """Longest time without a new successful sample before `no data` is raised; `"none"`: deliberately not watched
    (never for a gas detector)."""
    keep: Annotated[PositiveDuration, Field(ge=86400)] | None = None
    """Its samples and minutes are kept no longer than this, at least a day: for what is told of people. Nobody is told
    of older ones, they leave the disk soon after, and databases are asked to delete theirs. Default: as long as all
    others; `head_count` 90 days, `person_flag` and a signal with `still` (the card of a person) 30 days: defaults of
    ours, from no standard."""
    stuck_reads: Annotated[Whole, Field(ge=2)] | None = None
    """So many successful readings without a change, after the signal has moved, raise `reading stuck`. Default: off."""
    fault_priority: Urgency | None = None
    """Priority of `no data`, `reading stuck`, `reading not valid` and `out of service`; `P2` or more urgent for a gas
    detector."""
    limits: Limits | None = None
    """Table of limits by name; `"none"`: deliberately without limits."""
    trend: Annotated[TrendSection, WrapValidator(_trend)] | None = None
    """Warn before a limit is reached, such as `{ to = "H", horizon = "10min" }`; `"none"`: not, though the kind says
    so."""
    status_values: StatusSection | None = None
    """What the numbers of the status signal mean, from the manual of the instrument. A signal that says it for itself
    says all of it."""
    baseline: Annotated[BaselineSection, WrapValidator(_baseline)] | None = None
    """Learn what is usual for it and report `unusual behaviour`, such as `{ every = "10min" }`; `{}`: the defaults;
    `"none"`: not, though the kind says so. Not for switches and counters."""
    profile: Annotated[ProfileSection, WrapValidator(_profile)] | None = None
    """Learn at which hours of the week this load or flow begins to run and report `runs at an unusual hour`; `{}`: the
    defaults; `"none"`: not, though the kind says so."""
    faults: Annotated[FaultsSection, WrapValidator(_faults)] | None = None
    """Look for faults of the sensor itself: covered, drifting, spiking, pinned, dropping out; `{}`: the defaults;
    `"none"`: not, though the kind says so. Not for switches and counters."""


class KindSection(Watched):
    name: Name | None = None
    """What people call this kind of quantity. A kind that is not in the catalogue needs `name` and `unit`."""
    gas: bool | None = None
    """A gas detector: its loss is at least `P2` and can make its area blind; deadman `"10s"` unless said otherwise.
    Fixed for kinds of the catalogue."""
    deadband: Width | None = None
    """Dead band of the limits H, HH, L and LL of this kind."""
    on_delay: Duration | None = None
    """On-delay of all limits of this kind."""
    off_delay: Duration | None = None
    """Off-delay of all limits of this kind."""
    guidance: Advice | None = None
    """What to do; shown with every limit alarm of this kind. Or a table with one or more of `action` (what to do),
    `cause`, `consequence` (when nobody acts), `card` (emergency card: its address or text) and `contact`, each a text
    or `{ en, zh }`; what it leaves out is as in the catalogue. `**bold**`, lists (`- `) and `[links](https://...)`
    are rendered on the page."""


class ShareSection(Section):
    of: str
    """Id of the other load: the main meter, or the production that this machine serves."""
    up: Annotated[float, Field(gt=0, le=10)] = 0.3
    """So much more than usual is a drift, as a share of the usual ratio: 0.3 is 30 %."""
    down: Annotated[float, Field(gt=0, le=1)] = 0.3
    """So much less than usual is a drift."""
    every: PositiveDuration = 1800.0
    """Means over this time are compared; the same for all shares of one load."""
    learn: PositiveDuration = 3 * 86400.0
    """Nothing is said before so much good data while the other load runs."""
    above: Annotated[float, Field(ge=0.05, le=0.9)] = 0.3
    """The other load runs where it is above this share of its usual range."""
    priority: Annotated[Urgency, BeforeValidator(_not_urgent)] | None = None
    """`P3` or `P4`. Default: `P4`."""
    risk: Annotated[Literal["yellow", "blue"], BeforeValidator(_hint)] = "blue"
    """Four-colour risk level; statistics alone are never above yellow."""


class LoadStateSection(Section):
    load: str
    """Id of the signal of the load, such as the active power of the machine."""
    idle: Number | None = None
    """Its level while nothing is produced. Default: learnt, as is `full`; give both where a rule must count from the
    first day."""
    full: Number | None = None
    """Its level at full production."""
    every: PositiveDuration = 900.0
    """Means over this time are learnt from."""
    learn: PositiveDuration = 14 * 86400.0
    """The state is not known before so much good data, and not before the load was seen both idle and full."""
    stopped: Annotated[float, Field(ge=0, le=1)] = 0.15
    """Up to this share of the way from idle to full it is stopped."""
    running: Annotated[float, Field(ge=0, le=1)] = 0.4
    """From this share on it runs; between the two it is maintenance."""
    band: Annotated[float, Field(ge=0, le=0.5)] = 0.05
    """A state is left only when the share is this far beyond its bound."""

    @model_validator(mode="after")
    def _levels_and_bands(self) -> LoadStateSection:
        if (self.idle is None) is not (self.full is None):
            raise ValueError(Text("idle and full belong together", "idle 和 full 须同时填写"),
                             Text("give both, or neither: then both are learnt",
                                  "两者都填写，或都不填写（由系统学习）"))
        if self.idle is not None and self.full is not None and self.idle >= self.full:
            raise ValueError(Text(f"idle ({self.idle:g}) is not below full ({self.full:g})",
                                  f"idle（{self.idle:g}）不低于 full（{self.full:g}）"),
                             Text("idle is the level while nothing is produced", "idle 为不生产时的负荷水平"))
        if self.stopped + self.band >= self.running - self.band:
            raise ValueError(Text(f"no room between stopped ({self.stopped:g}) and running ({self.running:g}) with a "
                                  f"band of {self.band:g}",
                                  f"stopped（{self.stopped:g}）与 running（{self.running:g}）"
                                  f"之间放不下 {self.band:g} 的回差"),
                             Text("stopped = 0.15, running = 0.4 and band = 0.05 are usual",
                                  "通常为 stopped = 0.15、running = 0.4、band = 0.05"))
        return self


def _load_state(value: Any, handler: Callable[[Any], LoadStateSection]) -> LoadStateSection:
    """`load_state = "MILL.P"` is short for `load_state = { load = "MILL.P" }`."""
    return handler({"load": value} if isinstance(value, str) else value)


class HeadCountSection(Section):
    most: Annotated[Whole, Field(ge=0)] | None = None
    """So many people may be there. Beside `by_shift`: where the kind of shift is not known or not listed, unless a
    limit there is stricter."""
    shift: str | None = None
    """Signal that gives the kind of shift, as a number."""
    by_shift: dict[int, Annotated[Whole, Field(ge=0)]] = Field(default_factory=dict)
    """Kind of shift -> how many may be there, such as `{ 1 = 25, 2 = 8 }`. Of an unknown kind the strictest applies."""
    exempt: Ids = ()
    """Counts of people whom the limit does not count (visitors with limited stay). One that is not good counts as 0."""
    faces: str | None = None
    """A second count of the same people, such as by camera: `cards and people differ` when they do."""
    handover: Condition | None = None
    """True while shifts change: nothing new begins meanwhile."""
    handover_for: PositiveDuration = 7200.0
    """For so long at most, however long the signal says so."""
    on_delay: Duration = 60.0
    """So long above the limit before the alarm."""
    off_delay: Duration = 0.0
    """So long within it again before it ends."""
    priority: Urgency = Priority.P2
    """Of `too many people`; the limit just reached is `P4`, a difference of counts `P3`."""
    risk: Risk = Risk.ORANGE
    """Four-colour risk level of `too many people`."""


class StillSection(Section):
    after: PositiveDuration
    """Without a move for so long."""
    by: Annotated[Number, Field(ge=0)] = 0.0
    """A change of more than this is a move; above the noise of the position."""
    only_while: Condition | None = None
    """The bearer is present, such as `"CARD-7.present == 1"`; also while that is not known."""
    priority: Urgency = Priority.P3
    """Of the alarm."""
    risk: Risk = Risk.YELLOW
    """Four-colour risk level."""


class SignalSection(Watched):
    id: Id
    """Tag number. Everything else refers to it; it is stored with every value, so do not change it later."""
    kind: str
    """Name of a kind: one of the catalogue below, or one that this file adds under `[kinds]`."""
    name: Name | None = None
    """What it measures. Default: the name of its kind."""
    area: str | None = None
    """Id of the area it stands in. May be left out where the site has one area only."""
    low: Number | None = None
    """Lower end of the measuring range; a value below it is not valid."""
    high: Number | None = None
    """Upper end of the measuring range; a value above it is not valid."""
    loop_ma: bool = False
    """A 4-20 mA loop: the source scales it so that 4 mA is `low` and 20 mA is `high`; NAMUR NE 43 limits apply."""
    status_signal: str | None = None
    """Id of the signal in which the instrument says how it is (normal, fault, inhibited ...); needs `status_values`.
    `"none"`: deliberately without."""
    expression: Formula | None = None
    """Calculated from other signals, and bound by no source: `"[T-101.level] * 78.5"`. Signals stand in square
    brackets; what else may be written, and what bad values do: [derived signals](../explanation/derived-signals.md)."""
    load_state: Annotated[LoadStateSection, WrapValidator(_load_state)] | None = None
    """The state of a machine by its electrical load: 0 stopped, 1 maintenance, 2 running; bound by no source. An id,
    such as `"MILL.P"`, or a table; kind `load_state`. See [load](../explanation/load.md)."""
    share: ShareSection | None = None
    """Learn what share of another load this one takes and report `share of the load has changed`, such as
    `{ of = "MAIN.P", down = 0.5 }`."""
    headcount: HeadCountSection | None = None
    """How many people this count may show, by the kind of shift; see below."""
    still: StillSection | None = None
    """Raise `does not move` for a card (its position, zone or count of moves), such as `{ after = "30min" }`."""
    guidance: Advice | None = None
    """What to do; shown with every limit alarm of this signal. What it leaves out is as its kind says; a table as in a
    kind, such as `{ contact = "Control room, 8001" }`."""
    labels: dict[int, Name] = Field(default_factory=dict)
    """For switches and states: what to show for a value, such as `{ 0 = "closed", 1 = "open" }`."""

    @property
    def calculated(self) -> bool:
        """Made by the gateway from other signals, and read from no device."""
        return self.expression is not None or self.load_state is not None


LEAST_COMMISSIONING = 100  # spans; fewer do not tell how a signal wanders


class GroupSection(Section):
    id: Id
    """Id of the group; its alarm is `ID/group`."""
    name: Name
    """What people call the machine."""
    area: str | None = None
    """Default: the area of the first signal."""
    signals: Annotated[tuple[str, ...], Field(min_length=2)]
    """Ids of its signals: what should keep its level while the machine runs (flow, pressure, current, vibration,
    temperatures). Not switches, and nothing that follows a demand."""
    every: PositiveDuration = 60.0
    """Means over this time are learnt and judged; a deviation is seen within about ten of them."""
    learn: PositiveDuration = 86400.0
    """Commissioning: so much time with good values of all signals is learnt from, once. The machine runs as it should
    meanwhile, in all its usual states. At least a hundred means."""
    hold: PositiveDuration = 300.0
    """An alarm stands at least this long."""
    after: PositiveDuration = 3600.0
    """What little is left of a fault that has ended (a motor that is still warm) is borne so long."""
    blunt: Annotated[float, Field(ge=0.5, le=10)] = 1.0
    """2 needs deviations twice as large."""
    priority: Annotated[Urgency, BeforeValidator(_not_urgent)] | None = None
    """`P3` or `P4`. Default: `P4`."""
    risk: Annotated[Literal["yellow", "blue"], BeforeValidator(_hint)] = "blue"
    """Four-colour risk level; statistics alone are never above yellow."""

    @model_validator(mode="after")
    def _possible(self) -> GroupSection:
        if twice := ", ".join(id for id, count in Counter(self.signals).items() if count > 1):
            raise ValueError(Text(f"listed twice: {twice}", f"重复列出：{twice}"),
                             Text("a signal is a member once: delete it", "一个信号只列一次：删除重复项"))
        if self.learn < LEAST_COMMISSIONING * self.every:
            raise ValueError(
                Text(f"commissioning is too short: learn ({self.learn:g} s) holds {self.learn / self.every:.0f} means "
                     f"of every ({self.every:g} s), and {LEAST_COMMISSIONING} are needed",
                     f"投运学习期过短：learn（{self.learn:g} 秒）只含 {self.learn / self.every:.0f} 个 every"
                     f"（{self.every:g} 秒）均值，至少需要 {LEAST_COMMISSIONING} 个"),
                Text(f"lengthen learn to at least {LEAST_COMMISSIONING * self.every:g} s, or shorten every",
                     f"将 learn 延长到至少 {LEAST_COMMISSIONING * self.every:g} 秒，或缩短 every"))
        return self
