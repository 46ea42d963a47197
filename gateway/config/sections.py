"""The tables of the site file as pydantic models. The text under a key is its entry in the reference."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WrapValidator, model_validator

from gateway.config.values import (
    NONE,
    Advice,
    AlarmName,
    Condition,
    Conditions,
    Deadman,
    Duration,
    Formula,
    From,
    Id,
    Ids,
    Name,
    Number,
    PositiveDuration,
    Size,
    TimeZone,
    Urgency,
    Whole,
    Width,
    all_of,
    any_of,
    expected,
)
from gateway.model.alarm import Priority, Risk
from gateway.model.rules import Test
from gateway.model.site import ONLINE_TARGET
from gateway.model.text import Text


class Section(BaseModel):
    """Read once, never changed; a key nobody knows is an error; NaN and infinity are not numbers."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


class SiteSection(Section):
    id: Id
    """Short id of the site, used in topics, tags and file names."""
    name: Name
    """What people call the site."""
    timezone: TimeZone
    """IANA name, such as `Asia/Shanghai`. Every time a person sees is in it; stored times are UTC."""
    language: Literal["en", "zh"] = "en"
    """Language of the page when it is first opened, and of notices where only one language fits."""
    online_target: Annotated[Number, Field(ge=0, le=100)] = ONLINE_TARGET
    """Share of devices online that is aimed at, in per cent: shown beside the share that is."""
    online_below: Annotated[Number, Field(gt=0, le=100)] | None = None
    """`too few devices online` (P2) is raised while fewer per cent of the devices give data. Default: no such alarm."""
    latitude: Annotated[Number, Field(ge=-90, le=90)] | None = None
    """Degrees north, WGS 84, for the map of a region. With `longitude`."""
    longitude: Annotated[Number, Field(ge=-180, le=180)] | None = None
    """Degrees east, WGS 84."""
    contact: Annotated[str, Field(max_length=120)] = ""
    """Whom a regulator calls: name and telephone. Shown in the region overview."""

    @model_validator(mode="after")
    def _whole_place(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError(Text("a place on the map needs `latitude` and `longitude`",
                                  "地图位置需同时给出 `latitude` 和 `longitude`"), Text(
                "give both, or neither", "请同时填写两项，或都不填"))
        return self


class EscalationSection(Section):
    blue: Annotated[Whole, Field(ge=2)] = 4
    """So many points of one kind at blue or above raise the area to yellow (P3)."""
    yellow: Annotated[Whole, Field(ge=2)] = 3
    """So many at yellow or above raise it to orange (P2)."""
    orange: Annotated[Whole, Field(ge=2)] = 2
    """So many at orange or above raise it to red (P1)."""


class AreaSection(Section):
    id: Id
    """Id that signals and rules refer to."""
    name: Name
    """What people call this part of the site."""
    risk: EscalationSection | None = None
    """Add up the alarms of this area: several points of one kind raise its level, as GB 39496 asks of tailings ponds.
    `{}`: with the numbers below. Default: not."""


class LimitSection(Section):
    value: Number | None = None
    """Set point in the unit of the signal."""
    priority: Urgency | None = None
    """Default: HH and LL `P1`, H and L `P2`, ROC and DEV `P3`."""
    risk: Risk | None = None
    """Four-colour risk level. Default: HH and LL `red`, H and L `orange`, ROC and DEV `yellow`."""
    deadband: Width | None = None
    """The alarm ends only when the value is back by this much. Default: of the kind; for ROC and DEV a fifth of
    `value`."""
    on_delay: Duration | None = None
    """The condition must hold this long first. Default: that of the kind."""
    off_delay: Duration | None = None
    """The condition must be over this long before the alarm ends. Default: that of the kind."""
    latch: bool | None = None
    """The alarm stays until somebody acknowledges it. Default: `false`, but `true` for HH of a gas detector."""
    only_while: Condition | None = None
    """The limit counts only while this holds, such as `"P-101.run == 1"`; also while that is not known. Never for a gas
    detector."""


class RateSection(LimitSection):
    value: Annotated[Number, Field(gt=0)] | None = None
    """Largest change of the signal in its unit per `per`; a positive number for rising and falling alike."""
    per: Literal["s", "min", "h"] = "s"
    """Time unit of `value` and of `deadband`."""
    window: PositiveDuration = 10.0
    """The rate is taken over this time; at least twice the period of the source."""


class DeviationSection(LimitSection):
    value: Annotated[Number, Field(gt=0)] | None = None
    """Largest distance from the reference, in the unit of the signal; a positive number above and below alike."""
    reference: Annotated[From | None, Field(alias="from")] = None
    """What the signal is compared with: a set point such as `20`, a signal such as `"T-2"`, or the median of several
    such as `["T-2", "T-3", "T-4"]`, of which more than half must be good."""


NO_LIMIT = RateSection.model_construct()  # `H = "none"`: the limit of the kind does not apply; compared by identity


def _limit(value: Any, handler: Callable[[Any], LimitSection]) -> LimitSection:
    """`H = 20` is short for `H = { value = 20 }`; a spreadsheet cell is the short form."""
    if value == NONE:
        return NO_LIMIT
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise ValueError(expected(value, _LIMIT), _LIMIT_FIX) from None
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        value = {"value": value}
    if not isinstance(value, (dict, LimitSection)):
        raise ValueError(expected(value, _LIMIT), _LIMIT_FIX)
    return handler(value)


_LIMIT = Text("a limit", "限值")
_LIMIT_FIX = Text('write a number such as 20, a table such as { value = 20, priority = "P2" }, or "none"',
                  '填写数字（例如 20）、表（例如 { value = 20, priority = "P2" }）或 "none"')
Limit = Annotated[LimitSection, WrapValidator(_limit)]
Rate = Annotated[RateSection, WrapValidator(_limit)]
Deviation = Annotated[DeviationSection, WrapValidator(_limit)]


class LimitsSection(Section):
    HH: Limit | None = None
    """High-high."""
    H: Limit | None = None
    """High."""
    L: Limit | None = None
    """Low."""
    LL: Limit | None = None
    """Low-low."""
    rate_up: Annotated[Rate | None, Field(alias="ROC+")] = None
    """Rising too fast."""
    rate_down: Annotated[Rate | None, Field(alias="ROC-")] = None
    """Falling too fast."""
    deviation_up: Annotated[Deviation | None, Field(alias="DEV+")] = None
    """Too far above a reference, such as `{ value = 5, from = "T-2" }`."""
    deviation_down: Annotated[Deviation | None, Field(alias="DEV-")] = None
    """Too far below a reference."""

    def given(self) -> dict[str, LimitSection]:
        """The limits that are written here, by the name a person writes ("H", "ROC+" ...)."""
        return {LimitsSection.model_fields[name].alias or name: value for name in LimitsSection.model_fields
                if (value := getattr(self, name)) is not None}


NO_LIMITS = LimitsSection.model_construct()  # `limits = "none"`: deliberately without limits; compared by identity


def _limits(value: Any, handler: Callable[[Any], LimitsSection]) -> LimitsSection:
    return NO_LIMITS if value == NONE else handler(value)


Limits = Annotated[LimitsSection, WrapValidator(_limits)]


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
    by_shift: dict[int, Annotated[Whole, Field(ge=0)]] = {}
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
    labels: dict[int, Name] = {}
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


class RuleSection(Section):
    id: Id
    """Id of the rule and of its alarm."""
    name: Name | None = None
    """Title of the alarm. Default: by the type of the rule, with the name of the area."""
    area: str | None = None
    """Default: the area of the first signal in the rule."""
    priority: Urgency | None = None
    """Default: `P2` for an interlock and for work without video, `P1` for a vote and for shut-down verification."""
    risk: Risk | None = None
    """Default: `orange` for an interlock and for work without video, `red` for a vote and for shut-down
    verification."""
    guidance: Advice = Text("", "")
    """What to do; shown with the alarm. Or a table, as in a kind."""


def _voters(members: tuple[Test, ...]) -> tuple[Test, ...]:
    if len(members) < 2:
        raise ValueError(Text("a vote with a single member", "表决只有一个成员"),
                         Text("add members; for one detector alone its limits are enough",
                              "增加成员；仅一个探测器时，使用其限值即可"))
    signals = [test.signal for test in members]
    if twice := ", ".join(signal for signal, count in Counter(signals).items() if count > 1):
        raise ValueError(Text(f"members listed twice: {twice}", f"重复列出的成员：{twice}"),
                         Text("one detector has one vote: delete one of them", "一个探测器只有一票：删除其中一个"))
    return members


class SideSection(Section):
    any: Conditions | None = None
    """One of these must be true."""
    all: Conditions | None = None
    """All of these must be true."""

    @model_validator(mode="after")
    def _one_of_both(self) -> SideSection:
        if (self.any is None) is (self.all is None):
            raise ValueError(Text("expected either any or all", "应填写 any 或 all 之一"),
                             Text("write { any = [...] } or { all = [...] }; a rule that needs both is two rules",
                                  "写成 { any = [...] } 或 { all = [...] }；两者都需要时请写成两条规则"))
        return self

    @property
    def tests(self) -> tuple[Test, ...]:
        return self.any or self.all or ()

    @property
    def every(self) -> bool:
        return self.all is not None


class InterlockSection(RuleSection):
    type: Literal["interlock"]
    """While one thing is so, another must be so too: gas high and fan on, load and "running", hot work and a permit."""
    when: Annotated[SideSection, BeforeValidator(any_of)]
    """True, by good or uncertain evidence, it makes the rule count. A list or a single test means any of them."""
    requires: Annotated[SideSection, BeforeValidator(all_of)]
    """Must then be true with good quality; bad, stale or silent is not fulfilled. A list means all of them."""
    on_delay: Duration = 5.0
    """So long not fulfilled before the alarm; interruptions shorter than this do not start it anew."""
    off_delay: Duration = 5.0
    """So long in order again before it ends."""


class VoteSection(RuleSection):
    type: Literal["vote"]
    """So many of several detectors say the same. Comes on top of the detectors' own alarms."""
    members: Annotated[Conditions, AfterValidator(_voters)]
    """One test for each detector, such as `"GD-01 >= 20"`."""
    m: Annotated[Whole, Field(ge=1)]
    """So many of them must be true."""
    degraded: Literal["trip", "lower"] = "trip"
    """What a bad, uncertain or silent member counts for. `trip`: as a vote. `lower`: it leaves the vote, and `m` sinks
    with it: 2oo3 becomes 1oo2, then 1oo1. With all members bad the vote alarms in either case."""
    bad_after: Duration = 10.0
    """So long bad before `vote degraded` is announced, and before the vote alarms for members being bad."""
    on_delay: Duration = 2.0
    """So long agreed before the alarm."""
    off_delay: Duration = 30.0
    """So long not agreed before it ends."""


class WorkWithoutVideoSection(RuleSection):
    type: Literal["work_without_video"]
    """Work goes on in an area whose camera does not see it."""
    work: Conditions
    """Any of these true, with good quality, means that work goes on."""
    video: Conditions
    """All of these must be true, with good quality, or there is no video."""
    on_delay: Duration = 60.0
    """So long without video before the alarm."""
    off_delay: Duration = 5.0
    """So long in order again before it ends."""


class ShutdownVerificationSection(RuleSection):
    type: Literal["shutdown_verification"]
    """A commanded shut-down must be seen to happen."""
    command: Condition
    """True: the certified system has commanded the shut-down."""
    feedback: Conditions
    """One for each valve; true, with good quality, means that this valve is seen to be shut."""
    stroke_time: PositiveDuration
    """Longest time from command to feedback."""
    effect: Conditions | None = None
    """What the shut valves must bring about in the process, such as `"FT-101.flow < 1"`; all of them, with good
    quality. A limit switch may lie, the process does not. Needs `effect_time`."""
    effect_time: PositiveDuration | None = None
    """Longest time from the last feedback to the effect."""
    test: Condition | None = None
    """True while the valves are being tested. A test is judged like a real shut-down, and told apart in the log of
    `davylamp proof-tests`."""
    proof_test_interval: PositiveDuration | None = None
    """Every valve should be seen to close in time at least this often, such as `"180d"`; what is overdue raises an
    alarm, and `davylamp proof-tests` lists it."""


def _some(value: float) -> float:
    if not value:
        raise ValueError(Text("a response of 0 is none", "响应幅度不能为 0"),
                         Text("write how far the reading must rise, or a negative number if it must fall",
                              "填写读数应上升的幅度；应下降时填负数"))
    return value


class ResponseTestSection(RuleSection):
    type: Literal["response_test"]
    """A known stimulus must be answered: the bump test of a gas detector, the functional check of any instrument."""
    signal: str
    """The signal that must respond."""
    stimulus: Condition
    """True while the stimulus is there: `"GD-01.status == 6"` where the instrument says that it is being calibrated, or
    a switch of the calibrator, or a marker sent over MQTT."""
    by: Annotated[float, AfterValidator(_some)]
    """So far the reading must move from where it was, in the unit of the signal; negative: it must fall."""
    within: PositiveDuration
    """Longest time from the stimulus to that. For a gas detector its T90, and the time that the gas needs to get
    there."""
    proof_test_interval: PositiveDuration | None = None
    """It should be seen to respond at least this often, such as `"15d"`; what is overdue raises an alarm."""


RULES: dict[str, type[RuleSection]] = {
    "interlock": InterlockSection, "work_without_video": WorkWithoutVideoSection, "vote": VoteSection,
    "shutdown_verification": ShutdownVerificationSection, "response_test": ResponseTestSection}


class StoreSection(Section):
    folder: str = "data"
    """Where measured data, alarms and snapshots are kept. Relative: from the folder of the site file."""
    max_size: Annotated[Size, Field(ge=1_000_000)] = 2_000_000_000
    """The oldest measured data is deleted above this. Alarm records are never deleted."""
    max_age: PositiveDuration = 2_592_000.0
    """Measured data older than this is deleted."""
    minutes_max_size: Annotated[Size, Field(ge=10_000_000)] = 4_000_000_000
    """The oldest minutes (mean, lowest, highest of each signal) are deleted above this."""
    minutes_max_age: PositiveDuration = 63_072_000.0
    """Minutes older than this are deleted: two years."""
    commit_interval: Annotated[PositiveDuration, Field(le=5)] = 3.0
    """Measured data that nobody waits for is made durable (fdatasync) this often: what a power cut can cost. Every
    commit wears the card. What a broker has to be acknowledged is committed within half a second, what begins an
    alarm at once."""


class AnnunciatorSection(Section):
    id: Id
    """Id of the siren or beacon."""
    name: Name
    """What people call it, and where it is."""
    output: str
    """Id of the contact that it hangs on: under `outputs` of a Modbus device. Nothing is written to it until a person
    has armed it (`davylamp annunciator`)."""
    priorities: Annotated[tuple[Urgency, ...], Field(min_length=1)] = (Priority.P1,)
    """Alarms of these priorities drive it."""
    areas: Ids = ()
    """Only alarms of these areas. Default: of all."""
    until: Literal["acknowledged", "ended"] = "acknowledged"
    """`acknowledged`: until a person has taken the alarm, also when its condition has ended; for a siren. `ended`:
    while the alarm is active, also when somebody has taken it; for a beacon."""
    longest: PositiveDuration = 600.0
    """One alarm drives it at most so long. The next one drives it again."""


Reminder = Annotated[PositiveDuration, Field(ge=60, le=86400)]


class ReAlarmSection(Section):
    P1: Reminder = 300.0
    """Of P1. Where `[oncall]` has a further step to come, that calls instead."""
    P2: Reminder = 1800.0
    """Of P2."""
    P3: Reminder = 28800.0
    """Of P3."""


class ReAlarmAcknowledgedSection(Section):
    P1: Reminder | None = None
    """Of P1. Default: not."""
    P2: Reminder | None = None
    """Of P2. Default: not."""
    P3: Reminder | None = None
    """Of P3. Default: not."""


class AlarmsSection(Section):
    base_url: Annotated[str, Field(pattern=r"^https?://\S+$")] | None = None
    """Address under which the receiver of a notice reaches the page; notices then carry a link."""
    bypass_max: Annotated[PositiveDuration, Field(le=86400)] = 28800.0
    """Longest time for which a person may bypass an alarm, at most a day. Every bypass ends; none is prolonged."""
    bypass_p1_max: Annotated[Duration, Field(le=28800)] = 3600.0
    """The same for P1, which also needs the name of a second person; at most 8 h. `"0s"`: P1 is never bypassed."""
    shelve_max: Annotated[PositiveDuration, Field(le=86400)] = 28800.0
    """Longest time for which a person may shelve an alarm, at most a day."""
    shelve_p1_max: Annotated[Duration, Field(le=3600)] = 0.0
    """The same for P1, which also needs the name of a second person; at most 1 h. Default: P1 is never shelved."""
    out_of_service_max: Annotated[PositiveDuration, Field(le=90 * 86400)] = 30 * 86400.0
    """Longest time for which an alarm may be out of service, at most 90 days; always with a second person."""
    out_of_service_p1_max: Annotated[Duration, Field(le=86400)] = 28800.0
    """The same for P1, at most a day. `"0s"`: P1 is never out of service."""
    suppress_offline: bool = True
    """The alarm of a silent device speaks for its signals: their `no data`, `reading not valid` and `reads lost` call
    nobody meanwhile."""
    re_alarm: ReAlarmSection = ReAlarmSection()
    """So long after the last call, people are called again for an alarm that stands and nobody has acknowledged."""
    re_alarm_acknowledged: ReAlarmAcknowledgedSection = ReAlarmAcknowledgedSection()
    """The same for an alarm that is acknowledged and still stands; it stays acknowledged."""
    guidance: dict[AlarmName, Advice] = {}
    """What to do about a kind of alarm, by its condition (`HH`, `deadman`, `blind`, `shutdown`), by `video` (no video,
    no work), or by the id of an alarm of the gateway (`"gateway/store"`); `all`: of every alarm, for its emergency card
    or contact. Signals, kinds and rules may say more; what nobody says, the catalogue of alarms does."""
    operators: Annotated[Whole, Field(ge=1, le=100)] = 1
    """People who share the alarms at one time: the alarm figures are per person, and a flood is one for each of them.
    """
