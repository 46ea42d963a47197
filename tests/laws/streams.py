"""Sites that exercise one detector each, and random streams that make them work: noise, jumps, gaps, lies."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from gateway.core import Bank
from gateway.model.alarm import Priority, Risk
from gateway.model.area import Escalation
from gateway.model.clock import NS, Instant
from gateway.model.condition import FAULT_KINDS, Condition
from gateway.model.expression import Expression
from gateway.model.frame import Frame
from gateway.model.group import Group
from gateway.model.learnt import Baseline, Faults, LoadState, Profile, Share
from gateway.model.quality import Quality
from gateway.model.rules import (
    Degraded,
    Interlock,
    ResponseTest,
    ShutdownVerification,
    Side,
    Test,
    Vote,
    WorkWithoutVideo,
)
from gateway.model.signal import Device, HeadCount, Limit, Reference, StatusLink, Still, Trend
from gateway.model.site import Site
from gateway.model.text import Text
from tests.core.plant import gas, limit, signal, site

Q = Quality
_LIES = (Q.UNCERTAIN_STALE, Q.UNCERTAIN, Q.UNCERTAIN_SENSOR, Q.BAD_COMM_LOST, Q.BAD_SENSOR, Q.BAD_DEVICE, Q.BAD_RANGE,
         Q.GOOD)


_SAYS = np.array([3, 3, 7, 4, 8, 5, 4, 0, 0, 1, 0, 0, 2, 0, 4, 7, 3, 6, 5, 4.5, 0])  # by level, 5 wide


_REST = {0: Text.same("at rest")}


def _six(make) -> list:
    return [make(f"S{n}", n) for n in range(6)]


def _limits(name, n):
    return signal(name, limit("HH", 80, off_delay_s=n % 3), limit("H", 60, deadband=5, on_delay_s=n % 4, off_delay_s=2),
                  limit("L", 40, deadband=n), limit("LL", 20, on_delay_s=1.5))


def _response():
    """One head says that it is being calibrated."""
    says = StatusLink("S4", normal=(0, 1, 2), fault=(3,), out_of_service=(4, 5, 6), over_range=(7,))
    heads = [gas(f"S{n}", low=0.0, high=90.0, status=says if n == 1 else None) for n in range(4)]
    rules = [ResponseTest(f"test-{n}", Text.same("test"), "tank_farm", f"S{n}", Test.parse(stimulus), by, within,
                          proof_test_interval_s=86_400.0 if n == 0 else None)
             for n, (stimulus, by, within) in enumerate((("S5 > 55", 9.0, 3.0), ("S4 >= 4", 6.0, 2.0),
                                                         ("S5 > 45", -25.0, 6.0)))]
    return site(*heads, signal("S4", deadman_s=4.0), signal("S5", deadman_s=6.0), rules=rules)


def _shutdown():
    rule = ShutdownVerification("esd", Text.same("esd"), "tank_farm", Test.parse("S0 > 55"),
                                (Test.parse("S1 >= 45"), Test.parse("S2 <= 55")), stroke_time_s=3.0)
    return site(*_six(lambda name, n: signal(name, deadman_s=6.0 if n == 1 else None)), rules=[rule])


def _effect():
    """Two shut-downs that overlap, with what they must bring about; the second knows tests."""
    rules = [ShutdownVerification("effect", Text.same("effect"), "tank_farm", Test.parse("S0 > 45"),
                                  (Test.parse("S1 >= 40"),), stroke_time_s=4.0, effect=(Test.parse("S2 <= 60"),),
                                  effect_time_s=3.0),
             ShutdownVerification("tested", Text.same("tested"), "tank_farm", Test.parse("S1 > 50"),
                                  (Test.parse("S3 >= 30"), Test.parse("S4 <= 80")), stroke_time_s=3.0,
                                  effect=(Test.parse("S0 < 65"), Test.parse("S5 > 25")), effect_time_s=6.0,
                                  test=Test.parse("S2 > 50"))]
    return site(*_six(lambda name, n: signal(name, deadman_s=6.0 if n in (2, 3) else None)), rules=rules)


def _interlock():
    rules = [WorkWithoutVideo("video", Text.same("video"), "tank_farm", (Test.parse("S0 > 60"), Test.parse("S1 > 60")),
                              (Test.parse("S2 >= 45"), Test.parse("S3 != 50")), on_delay_s=2.0, off_delay_s=1.5),
             WorkWithoutVideo("at-once", Text.same("at-once"), "tank_farm", (Test.parse("S4 > 50"),),
                              (Test.parse("S5 > 50"),), on_delay_s=0.0, off_delay_s=0.0),
             *(Interlock(f"{when}-{requires}", Text.same(when), "tank_farm",
                         Side((Test.parse("S0 > 55"), Test.parse("S1 < 50")), when == "all"),
                         Side((Test.parse("S3 > 50"), Test.parse("S4 <= 45")), requires == "all"), on_s, off_s)
               for when, requires, on_s, off_s in (("any", "any", 1, 0), ("any", "all", 4, 2), ("all", "any", 2, 3),
                                                   ("all", "all", 6, 1)))]
    return site(*_six(lambda name, n: signal(name, deadman_s=4.0 if n == 2 else None)), rules=rules)


def _vote():
    """Limits of the members' own beside it: see the law about them."""
    def vote(name, m, members, **settings):
        return Vote(name, Text.same(name), "tank_farm", tuple(map(Test.parse, members)), m, **settings)

    heads = _six(lambda name, n: gas(name, limit("H", 60, deadband=2, on_delay_s=n % 2), low=0.0, high=90.0,
                                     deadman_s=3.0 + n if n % 2 else None))
    return site(*heads, rules=[
        vote("2oo3", 2, ("S0 >= 60", "S1 >= 60", "S2 >= 60"), bad_after_s=2, on_delay_s=1, off_delay_s=2),
        vote("2oo3-lower", 2, ("S0 >= 60", "S1 >= 60", "S2 >= 60"), degraded=Degraded.LOWER, bad_after_s=3,
             on_delay_s=0, off_delay_s=1),
        vote("1oo2-lower", 1, ("S3 > 75", "S4 < 25"), degraded=Degraded.LOWER, bad_after_s=1, on_delay_s=2,
             off_delay_s=0),
        vote("3oo6", 3, [f"S{n} > 50" for n in range(6)], bad_after_s=0, on_delay_s=3, off_delay_s=3)])


def _status():
    """Four gas heads, the last two with one status; a status with a deadman of its own; a reading that is no gas."""
    def link(name):
        return StatusLink(name, normal=(0, 1, 2), fault=(3,), out_of_service=(4, 5), over_range=(7,))

    limits = limit("H", 60, deadband=5, on_delay_s=1.5, off_delay_s=1), limit("HH", 80), limit("ROC+", 5, window_s=4)
    heads = [gas(f"S{n}", *limits, low=0.0, high=90.0, deadman_s=3.0 + n, stuck_reads=4, area=f"zone-{n // 2}",
                 status=link(f"W{min(n, 2)}")) for n in range(4)]
    words = [signal(f"W{n}", deadman_s=4.0 if n == 1 else None) for n in range(4)]
    return site(*heads, signal("S4", limit("H", 60, deadband=3), low=0.0, high=90.0, status=link("W3")), *words)


def _deviation(name, n):
    """From a set point, another signal (S1 and S2 from each other), two peers, and all the others; S5 has none."""
    up, down = ((Reference(50.0), Reference(signals=("S1",))), (Reference(signals=("S2",)), Reference(signals=("S0",))),
                (Reference(signals=("S1",)), Reference(70.0)), (Reference(signals=("S4", "S5")),) * 2,
                (Reference(signals=("S0", "S1", "S2", "S3", "S5")), Reference(signals=("S5", "S3", "S2"))),
                (None, None))[n]
    limits = () if up is None else (limit("DEV+", 15, deadband=n, on_delay_s=n % 3, reference=up),
                                    limit("DEV-", 10 + n, off_delay_s=n % 2 * 1.5, reference=down))
    return signal(name, *limits, deadman_s=2.5 + n if n in (1, 4, 5) else None)


def _gated(name, n):
    """S4 and S5 are gates, S5 with a range; S4 has a deadman, S5 none; S3 is its own gate."""
    if n > 3:
        return signal(name, deadman_s=2.0 if n == 4 else None, low=None if n == 4 else 20.0, high=80.0)
    test = [Test.parse(text) for text in ("S4 > 55", "S5 <= 45", "S4 != 50", "S3 >= 40")][n]
    return signal(name, limit("H", 60, deadband=5, on_delay_s=n % 3, off_delay_s=n % 2, only_while=test),
                  limit("HH", 75, only_while=Test.parse("S5 > 40")), limit("LL", 20, on_delay_s=1.0),
                  limit("L", 40, on_delay_s=1.5, deadband=2, only_while=test),
                  limit("ROC+", 5, window_s=4 + n, deadband=1, on_delay_s=n % 2, only_while=test),
                  limit("DEV-", 10, deadband=n, reference=Reference(50.0), only_while=test))


def _wired():
    """A device of three, of which one is not watched; one of two; one of one."""
    watched = site(*_six(lambda name, n: signal(name, deadman_s=None if n == 2 else 1.0 + n % 3)))
    return replace(watched, devices=(Device("a/1", ("S0", "S1", "S2")), Device("a/2", ("S3", "S4")),
                                     Device("b/1", ("S5",))), online_below=60.0)


def _people(name, n):
    """S0 by the shift kinds of S3 (of which the streams know none for long: levels in whole tens), S1 without kinds."""
    rule = {0: HeadCount(40, "S3", {float(level): 45 + level % 30 for level in range(30, 71)}, ("S4",), "S1",
                         Test.parse("S5 > 60"), 9.0, on_delay_s=2.0, off_delay_s=1.0),
            1: HeadCount(50, exempt=("S4", "S2"), on_delay_s=0.0),
            2: HeadCount(60, faces="S1", handover=Test.parse("S5 <= 45"), handover_s=4.0, on_delay_s=1.5)}.get(n)
    return signal(name, headcount=rule, deadman_s=None if n in (0, 1) else 2.0 + n)


def _card(name, n):
    test = (None, Test.parse("S5 > 45"), Test.parse("S4 <= 60"), Test.parse("S5 != 50"))
    return signal(name, still=None if n > 3 else Still(4.0 + n, by=3.0 + n, only_while=test[n]),
                  deadman_s=2.0 if n == 5 else None)


def _trend(name, n):
    """Short windows, so that the streams have something to say; S5 has none."""
    to = ("H", "HH", "L", "LL", "H")[n % 5]
    bar = limit(to, 75 + n if to in ("H", "HH") else 25 - n)
    return signal(name, bar, trend=Trend(bar.condition, 10.0 + n, 12.0 + 6 * n) if n < 5 else None)


def _derived():
    """Every operation, sums of sums, inputs with and without a deadman, and limits, faults and a rule on what comes
    out. The stream gives samples of the derived signals too: nobody listens to them."""
    raw = _six(lambda name, n: signal(name, deadman_s=3.0 + 4 * n if n < 3 else None, stuck_reads=3,
                                      low=5.0 if n == 4 else None, high=95.0 if n == 4 else None))
    made = {
        "volume": "[S0] * 1.5 - 30", "net": "[volume] - [S1]", "mean": "mean([S0], [S1], [S2])",
        "other": "[S3] * 0.5 + 20", "ratio": "[S0] / ([S1] - 50)", "root": "sqrt([S2] - 40) * 10",
        "chosen": "[S3] if 40 < [S4] <= 70 else max([S5], [S4]) - min([S0], 20)",
        "any": "60 * ([S0] > 70 or [S1] > 70 or [S4] > 80)", "all": "60 * ([S2] < 60 and not [S4] == 50 and [S5] != 0)",
        "odd": "clip([S1] ** 2 / 50, 0, 100) % 90 + abs(-[any]) / 10",
        "late": "median([net], [mean], [ratio], 55) + log(exp([S5] / 50)) + sum([S3], -[S3])",
    }
    signals = [signal(name, limit("H", 60, deadband=2, on_delay_s=n % 3, off_delay_s=1), limit("L", 40 - 4 * n),
                      deadman_s=4.0 + n if n % 2 else None, stuck_reads=3, high=90.0 if n == 3 else None,
                      trend=Trend(Condition.HIGH, 10.0, 12.0) if n == 0 else None, derived=Expression.parse(text))
               for n, (name, text) in enumerate(made.items())]
    rule = WorkWithoutVideo("made", Text.same("made"), "tank_farm", (Test.parse("mean > 55"), Test.parse("S5 > 80")),
                            (Test.parse("net < 30"), Test.parse("all > 0")), on_delay_s=1.0, off_delay_s=0.5)
    return site(*raw, *signals, rules=[rule])


def _load():
    """Learnt and given levels, a load that is calculated, a limit that holds the learning, rules on states."""
    loads = _six(lambda name, n: signal(name, *([limit("H", 90)] if n == 0 else []), deadman_s=6.0 if n == 1 else None))
    total = signal("sum", derived=Expression.parse("[S4] + [S5]"))
    asked = [LoadState("S0", every_s=0.5, learn_s=8.0), LoadState("S1", every_s=2.0, learn_s=12.0, band=0.02),
             LoadState("S2", (20.0, 80.0)), LoadState("S3", (0.0, 90.0), stopped=0.3, running=0.6, band=0.1),
             LoadState("sum", every_s=1.0, learn_s=10.0)]
    bars = limit("H", 2.0, on_delay_s=1.0), limit("L", 0.0, off_delay_s=1.0)
    states = [signal(f"M{n}", *(bars if one.levels else ()), deadman_s=5.0 if n in (0, 2) else None, derived=one)
              for n, one in enumerate(asked)]
    rules = [Interlock(f"fan-{n}", Text.same("fan"), "tank_farm", Side((Test.parse(f"M{n} >= 2"),)),
                       Side((Test.parse(f"M{other} >= 1"),)), on_delay_s=n / 2, off_delay_s=1.0)
             for n, other in enumerate([2, 3, 0, 1, 0])]
    return site(*loads, total, *states, rules=rules)


def _faults(name, n):
    """Short windows and blunt edges, so that noise has something to say; five are peers, S5 is a gas head."""
    asked = Faults(frozenset(FAULT_KINDS) if n != 1 else frozenset({Condition.WRAPPED, Condition.DRIFT}), 0.5 + n % 2,
                   window_s=6.0 * (0.5 + n % 2), learn_s=8.0 + n, hold_s=2.0 + n, blunt=0.3 + n / 10)
    if n == 5:
        return gas(name, low=50.0, high=1000.0, deadman_s=None, faults=asked)
    return signal(name, low=0.0, high=95.0, deadman_s=3.0 if n % 2 else None, stuck_reads=3 if n == 3 else None,
                  faults=None if n == 4 else asked)


def _risk():
    """Two areas, two kinds, every colour, and statistics that must not count."""
    def point(name, n):
        limits = (Limit(Condition.HIGH, 55, Priority.P2, (Risk.BLUE, Risk.YELLOW, Risk.ORANGE)[n % 3], off_delay_s=n),
                  Limit(Condition.HIGH_HIGH, 75, Priority.P1, (Risk.YELLOW, Risk.ORANGE, Risk.RED)[n % 3]))
        return replace(signal(name, *limits, area="north" if n < 8 else "south", low=0.0, high=95.0, deadman_s=4.0,
                              baseline=Baseline(0.5, learn_s=8.0, hold_s=3.0, blunt=1.0) if n % 2 else None),
                       kind="gas" if n % 4 else "level")

    signals = [point(f"S{n}", n) for n in range(12)]
    rules = [Interlock(f"lock-{n}", Text.same(f"lock-{n}"), "south", Side((Test.parse(f"S{n} > 50"),)),
                       Side((Test.parse(f"S{n + 1} < 50"),)), n, 0, risk=Risk.ORANGE) for n in range(3)]
    plain = site(*signals, rules=rules)
    return replace(plain, areas=tuple(replace(area, escalation=Escalation(3, 2, 2) if area.id == "north"
                                              else Escalation(2, 2, 3)) for area in plain.areas))


def _groups():
    """Six signals, in one to three groups each; limits and a range hold the learning of some."""
    signals = _six(lambda name, n: signal(name, *[limit("H", 80, deadband=2)] * (n == 0), low=2.0 if n == 1 else None,
                                          deadman_s=6.0 if n == 3 else None))
    groups = [Group(f"G{n}", Text.same(f"G{n}"), "tank_farm", tuple(members.split()), every_s=1.0 + n % 3 / 2,
                    learn_s=8.0 + 4 * n, hold_s=1.0 + n % 3, after_s=5.0 + 5 * n, blunt=0.04 + n / 50)
              for n, members in enumerate(("S0 S1", "S3 S2 S4", "S5 S0", "S1 S3", "S4 S5"))]
    return replace(site(*signals), groups=tuple(groups))


SITES = {
    "limits": site(*_six(_limits)),
    "over-range": site(*_six(lambda name, n: gas(name, limit("H", 60, deadband=2), limit("HH", 80, off_delay_s=1),
                                                 low=0.0, high=90.0, deadman_s=None))),
    "rate": site(*_six(lambda name, n: signal(name, limit("ROC+", 5, window_s=4 + n, deadband=1, off_delay_s=n % 2),
                                              limit("ROC-", 5, window_s=4 + n, on_delay_s=n % 3)))),
    "rates over different windows": site(*_six(lambda name, n: signal(name, limit("ROC+", 4, window_s=4),
                                                                      limit("ROC-", 3, window_s=12, deadband=1)))),
    "devices": _wired(),
    "headcount": site(*_six(_people)),
    "still": site(*_six(_card)),
    "gates": site(*_six(_gated)),
    "deviation": site(*_six(_deviation)),
    "deadman": site(*_six(lambda name, n: signal(name, deadman_s=1.0 + n))),
    "trend": site(*_six(_trend)),
    "anomaly": site(*_six(lambda name, n: signal(name, baseline=None if n == 5 else Baseline(
        0.5 + n % 3, learn_s=12.0 + n, hold_s=3.0 + n, blunt=1.0 + n / 10)))),
    "learning": site(*_six(lambda name, n: signal(name, limit("H", 75, deadband=2, on_delay_s=n % 2), low=2.0,
                                                  high=98.0, deadman_s=4.0, stuck_reads=4, baseline=Baseline(
        0.5 + n % 3, learn_s=12.0 + n, hold_s=3.0 + n)))),
    "profile": site(*_six(lambda name, n: signal(name, profile=None if n == 5 else Profile(
        0.5 + n % 3, learn_s=9.0 + n, idle_s=1.5 + n, above=0.2 + n / 10, blunt=0.05 + n / 50)))),
    "load": _load(),
    "group": _groups(),
    "share": site(*_six(lambda name, n: signal(name, *([limit("H", 90)] if n < 2 else []), share=None if n % 3 == 0 else
        Share(f"S{n - n % 3}", up=n / 10, down=0.1 + n / 20, every_s=0.5 + n // 3, learn_s=5.0 + n, above=n / 20)))),
    "stuck": site(*_six(lambda name, n: gas(name, stuck_reads=3 + n, low=10.0, high=1000.0) if n % 2
                        else signal(name, stuck_reads=3))),
    "stuck by its peers": site(*_six(lambda name, n: signal(name, stuck_reads=4 + n, labels=_REST if n < 4 else {}))),
    "sensor faults": site(*_six(_faults)),
    "validity": site(*_six(lambda name, n: signal(name, low=20.0, high=80.0, loop_ma=n % 2 == 0))),
    "blind": site(*_six(lambda name, n: gas(name, low=20.0, high=80.0, deadman_s=2.0 + n, area=f"zone-{n % 2}",
                                              kind="oxygen" if n == 5 else "any"))),
    "status": _status(),
    "derived": _derived(),
    "interlock": _interlock(),
    "vote": _vote(),
    "risk": _risk(),
    "response": _response(),
    "shutdown": _shutdown(),
    "shutdown with effect": _effect(),
}


@dataclass(frozen=True)
class Moment:
    """All rows received at one instant."""

    line_ns: int
    signal: tuple[int, ...]
    value: tuple[float, ...]
    quality: tuple[int, ...]


@lru_cache
def stream(site: Site, seed: int, length: int = 160) -> list[Moment]:
    """Random walks over 0..100 with jumps and rests, 12 % of the samples not good, signals that fall silent for a
    while. A status signal says what _SAYS makes of its level; one with labels hardly ever moves; a signal with a trend
    drifts to and fro. All instants differ."""
    random = np.random.default_rng(seed)
    count = len(site.signals)
    level = random.uniform(30, 70, count)
    words = {signal.status.signal for signal in site.signals if signal.status is not None}
    says = np.array([name in words for name in site.signals.ids])
    drifts = np.array([signal.trend is not None for signal in site.signals])
    rests = np.array([bool(signal.labels) for signal in site.signals])
    pace = np.ones(count)
    absent_until = np.zeros(count)
    now, moments = 0.0, []
    for _ in range(length):
        now += float(random.choice([0.25, 0.5, 1.0, 1.0, 1.0, 5.0], p=[.1, .2, .3, .2, .15, .05]))
        move = random.random(count)
        drifted = level + pace
        level = np.where(move < 0.3, level, np.where(move < 0.9, level + random.normal(0, 6, count),
                                                     random.uniform(0, 100, count)))
        if drifts.any():
            drifted += random.normal(0, 0.3, count)
            turned = (drifted < 5) | (drifted > 95) | (random.random(count) < 0.01)
            pace = np.where(turned, np.where(drifted > 50, -1, 1) * random.uniform(0.5, 3, count), pace)
            level = np.where(drifts, drifted, level)
        level = np.round(np.clip(level, 0, 100), 1)
        start = random.random(count) < 0.03
        absent_until[start] = now + random.uniform(2, 12)
        told = np.where(says, _SAYS[(level // 5).astype(int)], np.where(rests, level > 97, level))
        present = np.flatnonzero((absent_until <= now) & (random.random(count) < 0.9))
        random.shuffle(present)
        if not present.size:
            continue
        value, quality = told[present].copy(), np.zeros(present.size, np.uint16)
        for row in np.flatnonzero(random.random(present.size) < 0.12):
            quality[row] = random.choice([int(q) for q in _LIES])
            if random.random() < 0.4:
                value[row] = random.choice([np.nan, np.inf, -np.inf, 0.0])
        moments.append(Moment(round(now * NS), tuple(present.tolist()), tuple(value.tolist()), tuple(quality.tolist())))
    return moments


def frame(moments: list[Moment], wall: int = 0) -> Frame:
    """The moments as one frame. Values go in as they are, also a NaN that claims to be good."""
    line = np.array([moment.line_ns for moment in moments for _ in moment.signal], np.int64)
    column = {name: np.array([x for moment in moments for x in getattr(moment, name)])
              for name in ("signal", "value", "quality")}
    return Frame.from_columns(column["signal"].astype(np.int32), column["value"].astype(np.float64),
                              column["quality"].astype(np.uint16), line + wall, line)


def fresh(site: Site) -> Bank:
    bank = Bank(site)
    bank.begin(Instant(0, 0))
    return bank


def run(bank: Bank, site: Site, moments: list[Moment], *, end: bool = True) -> list[tuple[int, str, bool]]:
    """Step by step, then a last tick. Edges as (line_ns, alarm, active), sorted."""
    verdicts = [bank.step(frame([moment])) for moment in moments]
    if end:
        verdicts.append(bank.tick(last(moments)))
    return edges(bank, site, verdicts)


def last(moments: list[Moment]) -> Instant:
    line = moments[-1].line_ns + 100 * NS
    return Instant(line, line)


def edges(bank: Bank, site: Site, verdicts) -> list[tuple[int, str, bool]]:
    assert not bank.failures
    return sorted((edge.line_ns, site.alarms[edge.alarm].id, edge.active) for one in verdicts for edge in one)
