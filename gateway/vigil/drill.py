"""Drills: a person lets chosen signals seem to leave their limits, and sees who is told when, and who answers.

A drill has an owner, a reason and an end of its own at most `LONGEST_S` away. A restart ends it: in doubt it is over.
At its end every injected condition ends and what nobody acknowledged is closed, so that nothing of it is left.

All that happens is in the journal: kind "drill", alarm "drill": {"act": "begin", "inject", "end"}, and what is there of
every alarm, for those of the twins ("drill/..."): transitions, routing, deliveries. The result sheet is made from
those rows alone.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from alerting.engine import COMMENT_LENGTH, NAME_LENGTH, clean
from alerting.ledger import JournalRow, Record
from alerting.service import AlarmService
from gateway.model.alarm import DRILL
from gateway.model.clock import Clock, Instant
from gateway.model.errors import CommandError, DavylampError
from gateway.model.person import is_verified
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Edge, Verdicts
from gateway.vigil.twins import Twins, calm, drillable, worst

log = logging.getLogger(__name__)

KIND: Final = "drill"
LONGEST_S: Final = 8 * 3600.0
SHORTEST_S: Final = 1.0
STEP_S: Final = 0.2
ROWS: Final = 5000  # of the journal, for one sheet


@dataclass(frozen=True, slots=True)
class Drill:
    """signals: real ids. target_s: people should have acknowledged after so long."""

    who: str
    why: str
    signals: tuple[str, ...]
    target_s: float
    begun: Instant
    until: Instant


class Drills:
    """All methods belong to the event loop of the alarm service."""

    def __init__(self, site: Site, alarms: AlarmService, clock: Clock):
        self._site, self._alarms, self._clock = site, alarms, clock
        self._twins: Twins | None = None
        self._back: dict[str, int] = {}  # signal -> line time at which it returns to normal
        self.standing: Drill | None = None

    async def run(self) -> None:
        """Until cancelled."""
        await self._restarted()
        while True:
            now = self._clock.now()
            if self.standing is None:
                await self._close("", Text("the drill is over", "演练已结束"))
            elif now.line_ns >= self.standing.until.line_ns:
                await self.end("", "time limit")
            else:
                self._step(now)
            await asyncio.sleep(STEP_S if self.standing is not None else 1.0)

    async def begin(self, signals: Collection[str], who: str, why: str, for_s: float, target_s: float) -> Drill:
        """CommandError: what is missing or not allowed. LedgerError: it can not be recorded, and was not begun."""
        who, why = clean(who, NAME_LENGTH), clean(why, COMMENT_LENGTH)
        signals = tuple(dict.fromkeys(signals))
        if self.standing is not None:
            raise CommandError(Text("a drill is going on already", "已有演练正在进行"), where=KIND,
                               fix=Text("end it first", "请先结束当前演练"))
        _check_words(who, why)
        if not signals:
            raise CommandError(Text("a drill needs signals", "演练须指定信号"), where=KIND,
                               fix=Text("name the signals that are to seem in alarm", "请指定要模拟报警的信号"))
        for signal in signals:
            self._check_signal(signal)
        if not (SHORTEST_S <= for_s <= LONGEST_S and SHORTEST_S <= target_s <= LONGEST_S):  # a NaN is not
            raise CommandError(Text("a drill, and the time to acknowledge, last 1 s to 8 h",
                                    "演练时长和确认时限应为 1 秒至 8 小时"), where=KIND,
                               fix=Text("ask for another time", "请修改时长"))
        now = self._clock.now()
        drill = Drill(who, why, signals, target_s, now, now.later(for_s))
        twins = Twins(self._site, signals)
        await self._alarms.record(Record(KIND, KIND, now.wall_ns, {
            "act": "begin", "who": who, "why": why, "verified": is_verified(who), "signals": list(signals),
            "target_s": target_s, "until_wall_ns": drill.until.wall_ns}))
        twins.begin(now)
        self._twins, self._back, self.standing = twins, {}, drill
        return drill

    async def inject(self, signal: str, value: float | None, for_s: float | None, who: str) -> float:
        """The twin of a signal reads this from now on, and is calm again after for_s (None: at the end of the drill).
        value None: just beyond its most urgent limit. Returns the value."""
        drill, who = self._going_on(), clean(who, NAME_LENGTH)
        _check_words(who, "-")
        if signal not in drill.signals:
            raise CommandError(Text(f"{signal} does not take part in the drill", f"{signal} 不在本次演练范围内"),
                               where=KIND, fix=Text(f"choose one of {', '.join(drill.signals)}",
                                                    f"可选：{'、'.join(drill.signals)}"))
        value = worst(self._site.signal(signal)) if value is None else value
        if not math.isfinite(value) or (for_s is not None and not SHORTEST_S <= for_s <= LONGEST_S):
            raise CommandError(Text("the value is no number, or the time is not 1 s to 8 h",
                                    "数值无效，或时长不在 1 秒至 8 小时之间"), where=signal,
                               fix=Text("write another one", "请修改"))
        now = self._clock.now()
        await self._alarms.record(Record(KIND, KIND, now.wall_ns, {
            "act": "inject", "who": who, "verified": is_verified(who), "signal": signal, "value": value,
            "for_s": for_s}))
        self._going_on()  # it may have ended while the disk was waited for
        self._twins.set({signal: value})
        self._back.pop(signal, None)
        if for_s is not None:
            self._back[signal] = now.later(for_s).line_ns
        self._step(self._clock.now())
        return value

    async def end(self, who: str, why: str = "") -> None:
        """End it; works without the alarm file, too. who "": time, or a restart."""
        drill, who, why = self._going_on(), clean(who, NAME_LENGTH), clean(why, COMMENT_LENGTH)
        self.standing = self._twins = None
        self._tell_end(who, why)
        await self._close(who, Text("the drill is over", "演练已结束"))
        log.info("the drill of %s is over", drill.who)

    async def rows(self) -> list[JournalRow]:
        """Of the latest drill, oldest first, from its "begin"; empty when there was none. LedgerError when the journal
        can not be read."""
        twins = [alarm.id for alarm in self._site.alarms if alarm.exercise == DRILL]
        found = await self._alarms.history(ROWS, None, [KIND, *twins])
        last = next((place for place, row in enumerate(found) if _act(row) == "begin"), None)
        return [] if last is None else found[last::-1]

    # -- inside

    def _step(self, now: Instant) -> None:
        for signal, back_ns in tuple(self._back.items()):
            if now.line_ns >= back_ns:
                del self._back[signal]
                self._twins.set({signal: calm(self._site.signal(signal))})
        self._alarms.apply(self._twins.step(now))

    async def _close(self, who: str, why: Text) -> None:
        """End what still stands of a drill that is over, and take what nobody took."""
        left = [view for view in self._alarms.views() if view.definition.exercise == DRILL]
        now = self._clock.now()
        edges = [Edge(self._site.alarms.index(view.definition.id), False, math.nan, now.line_ns, now.wall_ns)
                 for view in left if view.state.condition]
        if edges:
            self._alarms.apply(Verdicts.from_edges(edges))
        for view in left:
            if self._alarms.view(view.definition.id).state.waits:
                await self._alarms.acknowledge(view.definition.id, who or "davylamp", f"{why.en} / {why.zh}")

    async def _restarted(self) -> None:
        """A drill that was going on when the gateway stopped is over."""
        try:
            if (rows := await self.rows()) and not any(_act(row) == "end" for row in rows):
                self._tell_end("", "restart")
        except DavylampError as error:
            log.warning("whether a drill was going on is not known: %s", error)

    def _tell_end(self, who: str, why: str) -> None:
        self._alarms.note(Record(KIND, KIND, self._clock.now().wall_ns, {
            "act": "end", "who": who, "why": why, "verified": is_verified(who)}))

    def _going_on(self) -> Drill:
        if self.standing is None:
            raise CommandError(Text("no drill is going on", "当前没有演练"), where=KIND,
                               fix=Text("begin one: davylamp drill begin", "请先开始演练：davylamp drill begin"))
        return self.standing

    def _check_signal(self, signal: str) -> None:
        if signal not in self._site.signals:
            raise CommandError(Text("the site has no such signal", "站点没有此信号"), where=signal,
                               fix=Text("take the id from the site file or the page", "请从站点文件或页面中选取编号"))
        if not drillable(self._site.signal(signal)):
            raise CommandError(Text("it has no limit on its value that could be drilled", "该信号没有可供演练的限值"),
                               where=signal, fix=Text("choose one with H, HH, L or LL",
                                                      "请选择设有 H、HH、L 或 LL 的信号"))


def _act(row: JournalRow) -> str:
    return row.body.get("act", "") if row.kind == KIND else ""


def _check_words(who: str, why: str) -> None:
    if not who or not why:
        raise CommandError(Text("a drill needs a name and a reason", "演练必须填写姓名和原因"), where=KIND,
                           fix=Text("say who answers for it, and why", "请填写责任人和原因"))
