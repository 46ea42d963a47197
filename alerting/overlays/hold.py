"""Holds: what a person asks for so that nobody is called for an alarm for a while. Bypass, shelving and out of service
are the three kinds; each has its own total table, and what is the same for all of them is here.

Nothing is withheld for ever:

- every hold has an owner, a reason and an end, at most `longest_s` away. It can not be prolonged: a second one is
  refused while the first stands, and when that ends, people are called for what is still active;
- while the gateway runs, the end is judged on the time line: a wall clock that is set changes nothing. After a restart
  both times must say that the end is to come, and agree on how long the hold has lasted; in doubt it is over;
- who was called for an alarm before the hold hears the rest: that it is taken, and that it is over.

P1 is held only with a second person's name (`approved`), for `longest_p1_s` at most (0: never), and those who would
be called are told of the beginning and of the end, as for P2. A blind gas zone and the gateway's own alarms are never
held. Names: see gateway.model.person. (ISA-18.2 / IEC 62682: shelving is limited in time,
authorised, recorded and always on view. The numbers are defaults of ours.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alerting.engine import COMMENT_LENGTH, NAME_LENGTH, clean
from alerting.overlays.tables import Act, Table, acts, states
from gateway.model.alarm import AlarmDefinition, AlarmTable, Priority
from gateway.model.clock import NS, Instant
from gateway.model.condition import NEVER_WITHHELD
from gateway.model.errors import CommandError
from gateway.model.nearest import did_you_mean
from gateway.model.text import Text

SHORTEST_S: Final = 1.0
AGREE_NS: Final = 60 * NS  # so much the two times may differ over a restart


class Kind(StrEnum):
    """The overlays; also the kind of their rows in the journal."""

    BYPASS = "bypass"
    SHELF = "shelve"
    OUT_OF_SERVICE = "out of service"
    SUPPRESSION = "suppression"  # by design: see alerting.overlays.suppression


@dataclass(frozen=True, slots=True)
class Hold:
    """What withholds effects. target: an alarm id, or what alarms are about (id of a signal or rule), which covers all
    of them; of a suppression its own id. who: owner; approved: the second person, "" where none was needed. Times in
    ns; trusted: the wall clock was, at the beginning. once: until the alarm has returned to normal.
    """

    kind: Kind
    target: str
    who: str
    why: str
    approved: str
    begun_line_ns: int
    begun_wall_ns: int
    until_line_ns: int
    until_wall_ns: int
    trusted: bool
    once: bool = False

    @classmethod
    def of(cls, kind: Kind, target: str, who: str, why: str, approved: str, for_s: float, at: Instant,
           once: bool = False) -> Hold:
        span = round(for_s * NS)
        return cls(kind, target, who, why, approved, at.line_ns, at.wall_ns, at.line_ns + span, at.wall_ns + span,
                   at.trusted, once)

    @property
    def reason(self) -> str:
        """For the record of an effect that did not take place."""
        return f"{self.kind} of {self.target} by {self.who}: {self.why}" if self.who else \
            f"{self.kind} {self.target}: {self.why}"

    def left_s(self, now: Instant) -> float:
        return max(self.until_line_ns - now.line_ns, 0) / NS

    def doubtful(self, now: Instant, longest_s: float) -> bool:
        """After a restart: is it over, or can nobody be sure that it is not?"""
        line, wall = now.line_ns - self.begun_line_ns, now.wall_ns - self.begun_wall_ns
        return (not (now.trusted and self.trusted) or line < 0 or wall < 0 or abs(line - wall) > AGREE_NS
                or now.line_ns >= self.until_line_ns or now.wall_ns >= self.until_wall_ns
                or self.left_s(now) > longest_s)


@dataclass(frozen=True, slots=True)
class Step:
    """What a hold did. alarms: what it covers, most urgent first. who, why: of the act; "" when nobody did it."""

    act: Act
    hold: Hold
    at: Instant
    alarms: tuple[AlarmDefinition, ...]
    who: str = ""
    why: str = ""

    @property
    def begins(self) -> bool:
        return self.act in (Act.BEGIN, Act.BEGIN_ONCE)


@dataclass(frozen=True, slots=True)
class Rules:
    """What one kind of hold is. longest_*: see above. always_approved: a second person for every priority.
    name, a, state: as it is called, with its article, and what an alarm is under it."""

    kind: Kind
    table: Table
    longest_s: float
    longest_p1_s: float
    name: Text
    a: Text
    state: Text
    always_approved: bool = False


class Holds:
    """All holds of one kind. Pure: no clock, no disk."""

    def __init__(self, alarms: AlarmTable, rules: Rules):
        self._alarms, self._rules = alarms, rules
        self._standing: dict[str, Hold] = {}

    def standing(self) -> tuple[Hold, ...]:
        """The one that ends first comes first."""
        return tuple(sorted(self._standing.values(), key=lambda hold: (hold.until_line_ns, hold.target)))

    def over(self, alarm: AlarmDefinition) -> Hold | None:
        """The hold under which this alarm stands; of several, the one that ends last."""
        if not self._standing or alarm.condition in NEVER_WITHHELD:
            return None
        found = [hold for target in {alarm.id, alarm.origin} if (hold := self._standing.get(target)) is not None]
        return max(found, key=lambda hold: hold.until_line_ns, default=None)

    def covered(self, target: str) -> tuple[AlarmDefinition, ...]:
        """The alarms of a target, most urgent first, with those that can not be held; none: there is no such target."""
        if (one := self._alarms.get(target)) is not None:
            return (one,)
        return tuple(sorted((alarm for alarm in self._alarms if alarm.origin == target),
                            key=lambda alarm: alarm.priority))

    def begin(self, target: str, who: str, why: str, for_s: float, approved: str, at: Instant, *, once: bool = False,
              active: Callable[[str], bool] = lambda alarm: True) -> Step:
        """once: until no alarm of the target is active any more. CommandError says what is missing or not allowed."""
        act = Act.BEGIN_ONCE if once else Act.BEGIN
        assert act in acts(self._rules.table), "only shelving has a one-shot"
        alarms = self.covered(target)
        who, why, approved = clean(who, NAME_LENGTH), clean(why, COMMENT_LENGTH), clean(approved, NAME_LENGTH)
        self._check_words(target, who, why)
        self._check_alarms(target, alarms)
        self._check_time(target, for_s, self._rules.longest_s)
        self._check_approval(target, alarms[0], who, approved, for_s)
        if self._rules.table[self._state(target), act].refused:
            raise CommandError(self._said("is {state} already; {a} is not prolonged", "已处于{state}状态；{a}不能延长"),
                               where=target,
                               fix=Text("end it first: people are then called for what is still active",
                                        "请先结束现有操作：仍在报警的告警届时会重新通知人员"))
        if once and not any(active(alarm.id) for alarm in alarms):
            raise CommandError(Text("is not active: shelving it once would be over at once",
                                    "当前未报警，单次搁置会立即结束"), where=target,
                               fix=Text("shelve it for a time", "请改用限时搁置"))
        hold = self._standing[target] = Hold.of(self._rules.kind, target, who, why, approved, for_s, at, once)
        return Step(act, hold, at, alarms, who, why)

    def end(self, target: str, who: str, why: str, at: Instant) -> Step:
        """CommandError: there is none, or no name given."""
        who, why = clean(who, NAME_LENGTH), clean(why, COMMENT_LENGTH)
        if not who:
            raise self._nameless(target)
        if self._rules.table[self._state(target), Act.END].refused:
            raise CommandError(self._said("is not {state}", "当前未处于{state}状态"), where=target,
                               fix=Text("look at the list again; it may have expired", "请重新查看列表，可能已到期"))
        return self._over(self._standing[target], Act.END, at, who, why)

    def expire(self, now: Instant) -> tuple[Step, ...]:
        """Those whose time is over."""
        due = [hold for hold in self._standing.values() if now.line_ns >= hold.until_line_ns]
        return tuple(self._over(hold, Act.EXPIRE, now) for hold in due)

    def normal(self, active: Callable[[str], bool], now: Instant) -> tuple[Step, ...]:
        """One-shots of which no alarm is active any more."""
        done = [hold for hold in self._standing.values()
                if hold.once and not any(active(alarm.id) for alarm in self.covered(hold.target))]
        return tuple(self._over(hold, Act.NORMAL, now) for hold in done)

    def restore(self, holds: Iterable[Hold], now: Instant) -> tuple[Step, ...]:
        """Take over what stood before a restart. Returns those that are over, in doubt too soon."""
        steps = []
        for hold in holds:
            if hold.target in self._standing:
                continue
            self._standing[hold.target] = hold
            if hold.doubtful(now, self._rules.longest_s) or not self.covered(hold.target):
                steps.append(self._over(hold, Act.EXPIRE, now))
        return tuple(steps)

    def _over(self, hold: Hold, act: Act, now: Instant, who: str = "", why: str = "") -> Step:
        assert self._rules.table[self._state(hold.target), act].state is states(self._rules.table)[0]
        del self._standing[hold.target]
        return Step(act, hold, now, self.covered(hold.target), who, why)

    def _state(self, target: str) -> StrEnum:
        """Of the table: that to which the beginning of the hold led, or the one in which everything begins."""
        table, hold = self._rules.table, self._standing.get(target)
        nothing = states(table)[0]
        return nothing if hold is None else table[nothing, Act.BEGIN_ONCE if hold.once else Act.BEGIN].state

    def _check_words(self, target: str, who: str, why: str) -> None:
        if not who:
            raise self._nameless(target)
        if not why:
            raise CommandError(self._said("{a} needs a reason", "{a}必须填写原因"), where=target,
                               fix=Text("say why nobody shall be called", "请说明为何不通知人员"))

    def _check_alarms(self, target: str, alarms: tuple[AlarmDefinition, ...]) -> None:
        if not alarms:
            hint = did_you_mean(target, {name for alarm in self._alarms for name in (alarm.id, alarm.origin)})
            raise CommandError(self._said(
                f"there is no alarm, signal or rule with this id that could be {{state}}{hint.en}",
                f"没有此编号的告警、信号或联锁规则可供{{state}}{hint.zh}"), where=target,
                               fix=Text("take the id from the page or the alarm list", "请从页面或告警列表中选取编号"))
        if any(alarm.condition in NEVER_WITHHELD for alarm in alarms):
            raise CommandError(self._said("a blind gas zone and the gateway's own alarms are never {state}",
                                          "气体检测失效告警和网关自身告警不允许{state}"), where=target,
                               fix=Text("remove the cause; acknowledge the alarm so that it calls nobody again",
                                        "请排除原因；确认告警后不再重复通知"))

    def _check_time(self, target: str, for_s: float, longest_s: float) -> None:
        if not SHORTEST_S <= for_s <= longest_s:  # a NaN is not
            raise CommandError(self._said(f"{{a}} lasts {SHORTEST_S:g} s to {_span(longest_s).en}",
                                          f"{{a}}时长应为 {SHORTEST_S:g} 秒至 {_span(longest_s).zh}"), where=target,
                               fix=Text("ask for less; begin a new one when it is over if it is still needed",
                                        "请缩短时长；到期后如仍需要可重新申请"))

    def _check_approval(self, target: str, worst: AlarmDefinition, who: str, approved: str, for_s: float) -> None:
        p1, alone = worst.priority is Priority.P1, not approved or approved.casefold() == who.casefold()
        if p1 and self._rules.longest_p1_s <= 0:
            raise CommandError(self._said("{alarm} is P1, and on this site no P1 alarm is {state}",
                                          "{alarm} 为 P1 告警，本站点不允许{state} P1 告警", worst), where=target,
                               fix=Text("name the less urgent alarms one by one", "请逐个指定较低优先级的告警"))
        if p1 and alone:
            raise CommandError(self._said("{alarm} is P1: {a} needs the approval of a second person",
                                          "{alarm} 为 P1 告警，{a}须经第二人批准", worst), where=target,
                               fix=Text("name who has approved it, or name the less urgent alarms one by one",
                                        "请填写批准人姓名，或逐个指定较低优先级的告警"))
        if self._rules.always_approved and alone:
            raise CommandError(self._said("{a} needs the approval of a second person", "{a}须经第二人批准"),
                               where=target, fix=Text("name who has approved it", "请填写批准人姓名"))
        if p1:
            self._check_time(worst.id, for_s, self._rules.longest_p1_s)

    def _nameless(self, target: str) -> CommandError:
        return CommandError(self._said("{a} needs a name", "{name}操作必须填写姓名"), where=target,
                            fix=Text("give the name of the person who answers for it", "请填写责任人姓名"))

    def _said(self, en: str, zh: str, alarm: AlarmDefinition | None = None) -> Text:
        rules = self._rules
        return Text(en, zh).format(name=rules.name, a=rules.a, state=rules.state, alarm=alarm.id if alarm else "")


def _span(seconds: float) -> Text:
    for unit, en, zh in ((86400, "d", "天"), (3600, "h", "小时"), (60, "min", "分钟")):
        if seconds >= unit * (2 if unit == 86400 else 1):
            return Text(f"{seconds / unit:g} {en}", f"{seconds / unit:g} {zh}")
    return Text(f"{seconds:g} s", f"{seconds:g} 秒")
