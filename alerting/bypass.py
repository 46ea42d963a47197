"""Bypasses: a person says that nobody shall be called for an alarm for a while. The first overlay over the life of an
alarm (alerting.lifecycle), with a total table of its own.

The state lives on under a bypass: the alarm is raised, shown, acknowledged, journalled, and counts for the risk level.
Only effects are withheld, and each with its reason. Nothing is withheld for ever:

- every bypass has an owner, a reason and an end, at most `longest_s` away. It can not be prolonged: a second one is
  refused while the first stands, and when that ends, people are called for what is still active;
- while the gateway runs, the end is judged on the time line: a wall clock that is set changes nothing. After a restart
  both times must say that the end is to come, and agree on how long the bypass has lasted; in doubt it is over;
- what is told to people at the beginning of an alarm that was raised *before* the bypass is told to the end: they hear
  of the acknowledgement, and that it is over.

P1 is bypassed only with a second person's name (`approved`), for `longest_p1_s` at most (0: never), and those who would
be called are told of the beginning and of the end, as for P2. A blind gas zone and the gateway's own alarms are never
bypassed. Names are as given, not verified until there are accounts. (ISA-18.2 / IEC 62682: shelving is limited in time,
authorised, recorded and always on view. The numbers are defaults of ours.)
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from alerting.engine import COMMENT_LENGTH, NAME_LENGTH, clean
from gateway.model.alarm import AlarmDefinition, AlarmTable, Priority
from gateway.model.clock import NS, Instant
from gateway.model.errors import CommandError
from gateway.model.signal import Condition
from gateway.model.text import Text

LONGEST_S: Final = 8 * 3600.0
LONGEST_P1_S: Final = 3600.0
SHORTEST_S: Final = 1.0
AGREE_NS: Final = 60 * NS  # so much the two times may differ over a restart
NEVER_BYPASSED: Final = frozenset({Condition.GATEWAY, Condition.BLIND})


class Overlay(StrEnum):
    OPEN = "open"  # effects reach people
    BYPASSED = "bypassed"


class Act(StrEnum):
    BEGIN = "begin"
    END = "end"  # by a person
    EXPIRE = "expire"  # by time, or by doubt after a restart


class Effect(StrEnum):
    WITHHOLD = "withhold"  # from now on nobody is called
    RECALL = "recall"  # people are called for what is still active and nobody has taken
    JOURNAL = "journal"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Answer:
    state: Overlay
    effects: frozenset[Effect] = frozenset()


TABLE: dict[tuple[Overlay, Act], Answer] = {
    (Overlay.OPEN, Act.BEGIN): Answer(Overlay.BYPASSED, frozenset({Effect.WITHHOLD, Effect.JOURNAL})),
    (Overlay.OPEN, Act.END): Answer(Overlay.OPEN, frozenset({Effect.REFUSE})),
    (Overlay.OPEN, Act.EXPIRE): Answer(Overlay.OPEN),
    (Overlay.BYPASSED, Act.BEGIN): Answer(Overlay.BYPASSED, frozenset({Effect.REFUSE})),
    (Overlay.BYPASSED, Act.END): Answer(Overlay.OPEN, frozenset({Effect.RECALL, Effect.JOURNAL})),
    (Overlay.BYPASSED, Act.EXPIRE): Answer(Overlay.OPEN, frozenset({Effect.RECALL, Effect.JOURNAL})),
}


@dataclass(frozen=True, slots=True)
class Bypass:
    """target: an alarm id, or what alarms are about (id of a signal or rule), which covers all of them. who: owner;
    approved: the second person, "" where none was needed. Times in ns; trusted: the wall clock was, at the beginning.
    """

    target: str
    who: str
    why: str
    approved: str
    begun_line_ns: int
    begun_wall_ns: int
    until_line_ns: int
    until_wall_ns: int
    trusted: bool

    def covers(self, alarm: AlarmDefinition) -> bool:
        return self.target in (alarm.id, alarm.origin) and alarm.condition not in NEVER_BYPASSED

    def left_s(self, now: Instant) -> float:
        return max(self.until_line_ns - now.line_ns, 0) / NS


@dataclass(frozen=True, slots=True)
class Step:
    """What a bypass did. who, why: of the act; "" when time did it."""

    act: Act
    bypass: Bypass
    at: Instant
    who: str = ""
    why: str = ""


class Bypasses:
    """All bypasses of a site. Pure: no clock, no disk."""

    def __init__(self, alarms: AlarmTable, longest_s: float = LONGEST_S, longest_p1_s: float = LONGEST_P1_S):
        self._alarms, self._longest_s, self._longest_p1_s = alarms, longest_s, longest_p1_s
        self._standing: dict[str, Bypass] = {}

    def standing(self) -> tuple[Bypass, ...]:
        """The one that ends first comes first."""
        return tuple(sorted(self._standing.values(), key=lambda bypass: (bypass.until_line_ns, bypass.target)))

    def over(self, alarm: AlarmDefinition) -> Bypass | None:
        """The bypass under which this alarm stands; of several, the one that ends last."""
        if not self._standing:
            return None
        found = [bypass for target in {alarm.id, alarm.origin} if (bypass := self._standing.get(target)) is not None
                 and bypass.covers(alarm)]
        return max(found, key=lambda bypass: bypass.until_line_ns, default=None)

    def covered(self, target: str) -> tuple[AlarmDefinition, ...]:
        """The alarms of a target, most urgent first, with those that can not be bypassed. CommandError: unknown."""
        if (one := self._alarms.get(target)) is not None:
            return (one,)
        found = tuple(sorted((alarm for alarm in self._alarms if alarm.origin == target),
                             key=lambda alarm: alarm.priority))
        if not found:
            raise CommandError(Text("there is no alarm, signal or rule with this id that could be bypassed",
                                    "没有此编号的告警、信号或联锁规则可供旁路"), where=target,
                               fix=Text("take the id from the page or the alarm list", "请从页面或告警列表中选取编号"))
        return found

    def begin(self, target: str, who: str, why: str, for_s: float, approved: str, at: Instant) -> Step:
        """CommandError says what is missing or not allowed."""
        alarms = self.covered(target)
        who, why, approved = clean(who, NAME_LENGTH), clean(why, COMMENT_LENGTH), clean(approved, NAME_LENGTH)
        self._check_words(target, who, why)
        self._check_alarms(target, alarms)
        self._check_time(target, for_s, self._longest_s)
        if alarms[0].priority is Priority.P1:
            self._check_p1(target, alarms[0], who, approved, for_s)
        if Effect.REFUSE in TABLE[self._state(target), Act.BEGIN].effects:
            raise CommandError(Text("is bypassed already; a bypass is not prolonged", "已处于旁路状态；旁路不能延长"),
                               where=target,
                               fix=Text("end it first: people are then called for what is still active",
                                        "请先结束现有旁路：仍在报警的告警届时会重新通知人员"))
        span = round(for_s * NS)
        bypass = Bypass(target, who, why, approved, at.line_ns, at.wall_ns, at.line_ns + span, at.wall_ns + span,
                        at.trusted)
        self._standing[target] = bypass
        return Step(Act.BEGIN, bypass, at, who, why)

    def end(self, target: str, who: str, why: str, at: Instant) -> Step:
        """CommandError: not bypassed, or no name given."""
        who, why = clean(who, NAME_LENGTH), clean(why, COMMENT_LENGTH)
        if not who:
            raise _nameless(target)
        if Effect.REFUSE in TABLE[self._state(target), Act.END].effects:
            raise CommandError(Text("is not bypassed", "当前未被旁路"), where=target,
                               fix=Text("see `davylamp bypass --list`; it may have expired",
                                        "请查看 `davylamp bypass --list`，旁路可能已到期"))
        return Step(Act.END, self._standing.pop(target), at, who, why)

    def expire(self, now: Instant) -> tuple[Step, ...]:
        """Those whose time is over."""
        due = [bypass for bypass in self._standing.values() if now.line_ns >= bypass.until_line_ns]
        return tuple(self._over(bypass, now) for bypass in due)

    def restore(self, bypasses: Iterable[Bypass], now: Instant) -> tuple[Step, ...]:
        """Take over what stood before a restart. Returns those that are over, in doubt too soon."""
        steps = []
        for bypass in bypasses:
            if bypass.target in self._standing:
                continue
            self._standing[bypass.target] = bypass
            if _doubtful(bypass, now, self._longest_s) or not self._known(bypass.target):
                steps.append(self._over(bypass, now))
        return tuple(steps)

    def _over(self, bypass: Bypass, now: Instant) -> Step:
        del self._standing[bypass.target]
        return Step(Act.EXPIRE, bypass, now)

    def _state(self, target: str) -> Overlay:
        return Overlay.BYPASSED if target in self._standing else Overlay.OPEN

    def _known(self, target: str) -> bool:
        return target in self._alarms or any(alarm.origin == target for alarm in self._alarms)

    def _check_words(self, target: str, who: str, why: str) -> None:
        if not who:
            raise _nameless(target)
        if not why:
            raise CommandError(Text("a bypass needs a reason", "旁路必须填写原因"), where=target,
                               fix=Text("say why nobody shall be called", "请说明为何不通知人员"))

    def _check_alarms(self, target: str, alarms: tuple[AlarmDefinition, ...]) -> None:
        never = next((alarm for alarm in alarms if alarm.condition in NEVER_BYPASSED), None)
        if never is not None:
            raise CommandError(Text("a blind gas zone and the gateway's own alarms are never bypassed",
                                    "气体检测失效告警和网关自身告警不允许旁路"), where=target,
                               fix=Text("remove the cause; acknowledge the alarm so that it calls nobody again",
                                        "请排除原因；确认告警后不再重复通知"))

    def _check_time(self, target: str, for_s: float, longest_s: float) -> None:
        if not SHORTEST_S <= for_s <= longest_s:  # a NaN is not
            raise CommandError(Text(f"a bypass lasts {SHORTEST_S:g} s to {_hours(longest_s).en}",
                                    f"旁路时长应为 {SHORTEST_S:g} 秒至 {_hours(longest_s).zh}"), where=target,
                               fix=Text("ask for less; begin a new one when it is over if it is still needed",
                                        "请缩短时长；到期后如仍需要可重新申请"))

    def _check_p1(self, target: str, alarm: AlarmDefinition, who: str, approved: str, for_s: float) -> None:
        if self._longest_p1_s <= 0:
            raise CommandError(Text(f"{alarm.id} is P1, and this site bypasses no P1 alarm",
                                    f"{alarm.id} 为 P1 告警，本站点不允许旁路 P1 告警"), where=target,
                               fix=Text("name the less urgent alarms one by one", "请逐个指定较低优先级的告警"))
        if not approved or approved.casefold() == who.casefold():
            raise CommandError(Text(f"{alarm.id} is P1: its bypass needs the approval of a second person",
                                    f"{alarm.id} 为 P1 告警，旁路须经第二人批准"), where=target,
                               fix=Text("name who has approved it, or bypass the less urgent alarms one by one",
                                        "请填写批准人姓名，或逐个旁路较低优先级的告警"))
        self._check_time(alarm.id, for_s, self._longest_p1_s)


def _doubtful(bypass: Bypass, now: Instant, longest_s: float) -> bool:
    """After a restart: is it over, or can nobody be sure that it is not?"""
    line, wall = now.line_ns - bypass.begun_line_ns, now.wall_ns - bypass.begun_wall_ns
    return (not (now.trusted and bypass.trusted) or line < 0 or wall < 0 or abs(line - wall) > AGREE_NS
            or now.line_ns >= bypass.until_line_ns or now.wall_ns >= bypass.until_wall_ns
            or bypass.left_s(now) > longest_s)


def _nameless(target: str) -> CommandError:
    return CommandError(Text("a bypass needs a name", "旁路操作必须填写姓名"), where=target,
                        fix=Text("give the name of the person who answers for it", "请填写责任人姓名"))


def _hours(seconds: float) -> Text:
    hours = seconds / 3600
    return Text(f"{hours:g} h", f"{hours:g} 小时") if hours >= 1 else Text(f"{seconds / 60:g} min",
                                                                           f"{seconds / 60:g} 分钟")


def grid() -> str:
    """The table as Markdown, one row per state, one column per act; "-": nothing changes."""
    lines = ["| state | " + " | ".join(Act) + " |", "|---" * (len(Act) + 1) + "|"]
    for state in Overlay:
        cells = []
        for act in Act:
            answer = TABLE[state, act]
            shown = ", ".join(effect for effect in Effect if effect in answer.effects and effect is not Effect.JOURNAL)
            cells.append("refused" if Effect.REFUSE in answer.effects else
                         "-" if answer.state is state else f"{answer.state} / {shown}")
        lines.append(f"| {state} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


if __name__ == "__main__":  # what docs/explanation/alarms.md shows; a test compares the two
    print(grid())
