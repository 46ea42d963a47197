"""A small depot of real model objects, and a gateway view over it that keeps everything in memory."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from alerting.engine import AlarmEngine, AlarmState
from alerting.figures.figures import Figures
from alerting.ledger import JournalRow
from alerting.oncall.escalation import Ladder
from alerting.oncall.routing import Routing
from alerting.outbox import NotifierStatus
from alerting.overlays.hold import Hold, Kind
from alerting.overlays.overlays import Ask, Overlays
from alerting.slips import Claim, Seal
from alerting.views import AlarmView, in_order, risk_level
from gateway.annunciation import AnnunciatorAct, AnnunciatorStatus, Armed
from gateway.api.view import Health, Part
from gateway.core.bank import Bank
from gateway.core.detectors.devices import OnlineShare
from gateway.core.detectors.group import GroupState
from gateway.core.learning import LearningAct, Lessons, Picture
from gateway.logs import LogLevel
from gateway.model.alarm import AlarmDefinition, Priority, Risk
from gateway.model.annunciator import Annunciator
from gateway.model.area import Area
from gateway.model.clock import NS, Clock, Instant, ManualClock
from gateway.model.condition import Condition
from gateway.model.errors import CommandError
from gateway.model.frame import Frame
from gateway.model.guidance import Guidance
from gateway.model.learnt import Baseline
from gateway.model.peer import Peer
from gateway.model.ports import DeviceStatus, SinkStatus
from gateway.model.quality import Quality
from gateway.model.rules import ShutdownVerification, Test, WorkWithoutVideo
from gateway.model.signal import Limit, Signal, SignalTable, StatusLink
from gateway.model.site import Site
from gateway.model.stroke import Stroke
from gateway.model.text import Text
from gateway.model.verdict import Edge, Evidence, Verdicts
from gateway.replay.explain import explain
from gateway.replay.explain_words import explain_json
from gateway.store.history import History, Trend
from gateway.vigil.drill import LONGEST_S, SHORTEST_S, Drill
from gateway.vigil.peers import Peers, PeerStatus
from gateway.vigil.selftest import Report, Station
from tests.alerting.oncall.people import ROUTING

AREAS = (Area("tank_farm", Text("Tank farm", "储罐区")), Area("pump_house", Text("Pump house", "泵房")),
         Area("loading_bay", Text("Loading bay", "装车台")))
GAS_LIMITS = (Limit(Condition.HIGH_HIGH, 40.0, Priority.P1, Risk.RED, latch=True),
              Limit(Condition.HIGH, 20.0, Priority.P2, Risk.ORANGE),
              Limit(Condition.RATE_UP, 0.5, Priority.P3, Risk.YELLOW, window_s=10.0))
OPEN_CLOSED = {0: Text("open", "开"), 1: Text("closed", "关")}


def gas(number: int, area: str) -> Signal:
    return Signal(f"GD-0{number}", Text("combustible gas", "可燃气体"), "combustible_gas", "%LEL", area, 0.0, 100.0,
                  deadman_s=5.0, stuck_reads=30, gas=True, limits=GAS_LIMITS, fault_priority=Priority.P2,
                  status=StatusLink("GD.status", normal=(0,), out_of_service=(4,)))


def site(extra: Sequence[Signal] = (), language: str = "en", timezone: str = "Asia/Shanghai") -> Site:
    signals = SignalTable((
        gas(1, "tank_farm"), gas(2, "tank_farm"), gas(3, "tank_farm"), gas(4, "pump_house"), gas(5, "pump_house"),
        gas(6, "loading_bay"),
        Signal("T-101.level", Text("tank T-101 level", "T-101 储罐液位"), "level", "m", "tank_farm", 0.0, 12.0,
               decimals=2, limits=(Limit(Condition.HIGH, 10.8, Priority.P2, Risk.YELLOW),
                                   Limit(Condition.LOW, 1.2, Priority.P3, Risk.BLUE))),
        Signal("VAP.T", Text("vapour temperature", "气相温度"), "temperature", "°C", "tank_farm", -40.0, 120.0,
               baseline=Baseline(every_s=10.0, learn_s=1000.0, hold_s=600.0)),
        Signal("XV-101.closed", Text("valve XV-101 closed", "阀门 XV-101 关到位"), "switch", "", "tank_farm",
               labels=OPEN_CLOSED, decimals=0),
        Signal("XV-102.closed", Text("valve XV-102 closed", "阀门 XV-102 关到位"), "switch", "", "tank_farm",
               labels=OPEN_CLOSED, decimals=0),
        Signal("P-101.P", Text("pump P-101 power", "P-101 泵功率"), "power", "kW", "pump_house", 0.0, 30.0,
               deadman_s=10.0),
        Signal("LINE.p", Text("line pressure", "管线压力"), "pressure", "MPa", "pump_house", 0.0, 1.6, loop_ma=True,
               decimals=3, limits=(Limit(Condition.HIGH, 1.2, Priority.P2, Risk.ORANGE),)),
        Signal("GD.status", Text("gas controller", "气体控制器"), "status", "", "pump_house", decimals=0,
               labels={4: Text("inhibited", "屏蔽")}),
        Signal("CAM-pump.fps", Text("pump house camera", "泵房摄像机帧率"), "frame_rate", "fps", "pump_house"),
        *extra))
    rules = (
        ShutdownVerification("esd-north", Text("North shut-off: valve not seen to close", "北区切断：阀门未确认关闭"),
                             "tank_farm", Test.parse("XV-101.closed == 1"), (Test.parse("XV-102.closed == 1"),), 8.0,
                             guidance=Text("Close XV-102 by hand; keep the ESD pressed.",
                                           "手动关闭 XV-102，保持 ESD 按下。")),
        WorkWithoutVideo("work-without-video-pump", Text("Pump house: work without video", "泵房：无视频仍在作业"),
                         "pump_house", (Test.parse("P-101.P > 2.0"),), (Test.parse("CAM-pump.fps >= 1"),)))
    guidance = {"combustible_gas": Guidance(
        "Leave the zone cross-wind; stop hot work and vehicles; confirm the shut-down.",
        "沿侧风方向撤离；停止动火作业和车辆通行；确认切断已执行。",
        contact=Text("Control room **8001**\n- fire brigade 119", "中控室 **8001**\n- 消防 119"),
        card=Text("[Gas card](http://cards.example/gas) <img src=x> [no](javascript:alert(1))",
                  "[气体应急处置卡](http://cards.example/gas)"))}
    return Site("depot", Text("North depot", "北区油库"), timezone, language, AREAS, signals, rules, guidance,
                peers=(Peer("office", Text("Office", "办公室"), 60.0),))


@dataclass
class Columns:
    value: np.ndarray
    quality: np.ndarray
    wall_ns: np.ndarray
    line_ns: np.ndarray


@dataclass
class Counted:
    name: str
    kind: str
    help: str
    samples: tuple


@dataclass(frozen=True, slots=True)
class Remembered:
    """The frames of a MemoryGateway as a recording."""

    gateway: MemoryGateway

    @property
    def ids(self) -> frozenset[str]:
        return frozenset(signal.id for signal in self.gateway.site.signals if not signal.derived)

    def frames(self, signals: SignalTable) -> Iterator[tuple[bool, Frame]]:
        return ((place == 0, frame) for place, frame in enumerate(self.gateway.frames))


class MemoryGateway:
    """A GatewayView over arrays and lists. Tests set its attributes; `raise_alarm` and `feed` are shorthands."""

    def __init__(self, here: Site | None = None, clock: Clock | None = None):
        self.site = here or site()
        self.clock = clock or ManualClock(line_ns=1_000 * NS)
        n = len(self.site.signals)
        self.logs = LogLevel("warning")
        self.latest = Columns(np.full(n, np.nan), np.full(n, int(Quality.BAD_WAITING), np.uint16),
                              np.zeros(n, np.int64), np.zeros(n, np.int64))
        self.engine = AlarmEngine(self.site.alarms)
        self.overlays = Overlays(self.site, self.engine.state)
        self.bank = Bank(self.site)
        self.drilled: Drill | None = None
        self.asked = ""
        self.sheet: dict | None = None
        self.injected: list[tuple] = []
        self.peers = Peers(self.site.peers, self.site.alarms, self.clock.now())
        self.learning = self.bank.learning
        self.unrecorded: set[str] = set()
        self.rows: list[JournalRow] = []
        self.log: list[Stroke] = []
        self.armed: Armed | None = None
        self.frames: list[Frame] = []
        self.watchers: list[Callable[[], None]] = []
        self.device_list: list[DeviceStatus] = []
        self.sink_list: list[SinkStatus] = []
        self.metric_list: list = []
        self.desk = None
        self.public_host = "gateway.example"
        self.seal = Seal(b"k" * 32, "depot")
        self.notifier_list: list[NotifierStatus] = []
        self.figured = Figures(self.site.alarms)
        self.climbed: list[Ladder] = []
        self.condition = Health("0.1.0", self.clock.now().wall_ns, True, True, parts=(
            Part("store", Text("Store", "本地存储"), True, Text("12 MB of 2 GB", "12 MB / 2 GB")),
            Part("ledger", Text("Alarm file", "告警文件"), True)))

    def now(self) -> Instant:
        return self.clock.now()

    def feed(self, signal: str, value: float, quality: int = Quality.GOOD) -> None:
        self.take(Frame.of(self.site.signals.index(signal), value, self.now(), quality))

    def take(self, frame: Frame) -> None:
        for name in ("value", "quality", "wall_ns", "line_ns"):
            getattr(self.latest, name)[frame.signal] = getattr(frame, name)
        self.frames.append(frame)

    def raise_alarm(self, alarm: str, value: float = math.nan, evidence: tuple[Evidence, ...] = (), *,
                    recorded: bool = True) -> None:
        self._edge(alarm, True, value, evidence)
        (self.unrecorded.discard if recorded else self.unrecorded.add)(alarm)
        self.changed()

    def end_alarm(self, alarm: str) -> None:
        self._edge(alarm, False, math.nan, ())
        self.changed()

    def _edge(self, alarm: str, active: bool, value: float, evidence: tuple[Evidence, ...]) -> None:
        now = self.now()
        edge = Edge(self.site.alarms.index(alarm), active, value, now.line_ns, now.wall_ns, evidence)
        for transition in self.engine.apply(Verdicts.from_edges([edge])).transitions:
            self.figured.take(transition)

    def learn(self, signal: str, seconds: float) -> None:
        """A sample of 20 to 21 each 5 s, through the bank."""
        for place in range(round(seconds / 5)):
            at = self.clock.advance(5)
            self.bank.step(Frame.of(self.site.signals.index(signal), 20.0 + place % 3 / 2, at))

    def changed(self) -> None:
        for watcher in self.watchers:
            watcher()

    def alarms(self) -> Sequence[AlarmView]:
        return in_order(self._view(state) for state in self.engine.standing())

    def _view(self, state: AlarmState) -> AlarmView:
        definition = self.site.alarms.get(state.alarm)
        assert definition is not None
        return AlarmView.of(definition, state, recorded=state.alarm not in self.unrecorded,
                            withheld=self.overlays.over(definition))

    def risk_level(self) -> Risk:
        return risk_level(alarm.definition for alarm in self.alarms())

    def watch_alarms(self, changed: Callable[[], None]) -> Callable[[], None]:
        self.watchers.append(changed)
        return lambda: self.watchers.remove(changed)

    async def acknowledge(self, alarm: str, who: str, comment: str) -> AlarmView:
        for transition in self.engine.acknowledge(alarm, who, comment, self.now()).transitions:
            self.figured.take(transition)
        self.rows.append(JournalRow(len(self.rows) + 1, "acknowledge", alarm, self.now().wall_ns, {"who": who}, "00"))
        self.changed()
        return self._view(self.engine.state(alarm))

    def look(self, token: str) -> AlarmView:
        claim = self.seal.read(token, self.now().wall_ns)
        return self._view(self.engine.state(claim.alarm))

    async def answer(self, who: str, comment: str, token: str, code: str) -> AlarmView:
        if token:
            return await self.acknowledge(self.look(token).definition.id, who, comment)
        waiting = [Claim(view.definition.id, view.occurrence, view.raised_wall_ns) for view in self.alarms()]
        return await self.acknowledge(self.seal.find(code, waiting, self.now().wall_ns).alarm, who, comment)

    def notifiers(self) -> Sequence[NotifierStatus]:
        return self.notifier_list

    async def test_notifier(self, notifier: str) -> Text | None:
        known = {one.notifier: one for one in self.notifier_list}
        if notifier not in known:
            raise CommandError(Text("there is no notifier with this id", "没有此编号的通知渠道"), where=notifier)
        return known[notifier].failing

    def lessons(self) -> Lessons:
        return self.learning.lessons()

    def pictures(self, signal: int) -> Sequence[Picture]:
        return self.learning.pictures(signal)

    async def teach(self, signal: str, act: LearningAct, who: str, why: str) -> bool:
        row, now = self.site.signals.index(signal), self.now()
        self.learning.check(act, row, signal)
        self.rows.append(JournalRow(len(self.rows) + 1, "learning", signal, now.wall_ns, {"act": act}, "00"))
        self.learning.act(act, np.array([row]), now.line_ns)
        return True

    def holds(self, kind: Kind) -> Sequence[Hold]:
        return self.overlays.standing(kind)

    def covered(self, hold: Hold) -> Sequence[AlarmDefinition]:
        return self.overlays.covered(hold)

    async def hold(self, kind: Kind, ask: Ask) -> tuple[Hold, bool]:
        step = self.overlays.begin(kind, ask, self.now())
        self.changed()
        return step.hold, True

    async def end_hold(self, kind: Kind, target: str, who: str, why: str) -> tuple[Hold, bool]:
        step = self.overlays.end(kind, target, who, why, self.now())
        self.changed()
        return step.hold, True

    def selftest(self) -> tuple[bool, Report | None]:
        stations = Station("stored", 0.1), Station("raised", None)
        return bool(self.asked), Report(self.now().wall_ns, "Li", stations, "raised")

    def ask_selftest(self, who: str) -> None:
        if self.asked:
            raise CommandError("a self-test is under way")
        self.asked = who

    def drill(self) -> Drill | None:
        return self.drilled

    async def drill_sheet(self) -> dict | None:
        return self.sheet

    async def begin_drill(self, signals: Collection[str], who: str, why: str, for_s: float, target_s: float) -> None:
        if self.drilled is not None:
            raise CommandError("a drill is going on already")
        if not SHORTEST_S <= for_s <= LONGEST_S:
            raise CommandError("no such time")
        self.drilled = Drill(who, why, tuple(signals), target_s, self.now(), self.now().later(for_s))

    async def inject(self, signal: str, value: float | None, for_s: float | None, who: str) -> float:
        self.injected.append((signal, value, who))
        return 0.0 if value is None else value

    async def end_drill(self, who: str, why: str) -> None:
        self.drilled = None

    def heartbeats(self) -> Sequence[PeerStatus]:
        return self.peers.status(self.now())

    def hear(self, peer: str) -> bool:
        if known := peer in self.peers:
            self.peers.heard(peer, "HTTP", self.now())
        return known

    def routing(self) -> Routing:
        return ROUTING

    def ladders(self) -> Sequence[Ladder]:
        return self.climbed

    async def journal(self, limit: int, before: int | None, alarms: Collection[str]) -> Sequence[JournalRow]:
        return [row for row in reversed(self.rows) if (before is None or row.position < before)
                and (not alarms or row.alarm in alarms)][:limit]

    async def explain(self, alarm: str, at_wall_ns: int | None, look_back_s: float) -> dict:
        return explain_json(explain(self.site, self.site.alarms.get(alarm), Remembered(self), at_wall_ns))

    def groups(self) -> Sequence[GroupState]:
        return self.bank.groups

    def figures(self) -> Figures:
        return self.figured

    def annunciators(self) -> Sequence[AnnunciatorStatus]:
        return (AnnunciatorStatus(Annunciator("siren", Text("Siren", "警笛"), "K1"), self.armed, False, None, False),)

    async def annunciate(self, annunciator: str, act: AnnunciatorAct, who: str, why: str) -> None:
        if self.armed is not None:
            raise CommandError(Text("it is armed already", "已处于启用状态"), where=annunciator)
        self.armed = Armed(who, why, self.now().wall_ns)

    async def strokes(self) -> Sequence[Stroke]:
        return self.log

    async def history(self, signals: Sequence[int], start_wall_ns: int, end_wall_ns: int, max_points: int) -> Trend:
        gathered = History(signals, start_wall_ns, end_wall_ns, max_points, len(self.site.signals))
        for frame in self.frames:
            gathered.add(frame)
        return gathered.trend()

    def devices(self) -> Sequence[DeviceStatus]:
        return self.device_list

    def online(self) -> OnlineShare:
        return self.bank.online

    def sinks(self) -> Sequence[SinkStatus]:
        return self.sink_list

    def health(self) -> Health:
        return self.condition

    def metrics(self) -> Sequence[Counted]:
        return self.metric_list
