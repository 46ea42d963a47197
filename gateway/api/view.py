"""What the API needs to see of a running gateway, and nothing more. `gateway.app` offers it over the real parts.

Everything here is read on the event loop and must not wait; what may touch a disk is a coroutine.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from alerting.figures.figures import Figures
from alerting.ledger import JournalRow
from alerting.oncall.escalation import Ladder
from alerting.oncall.routing import Routing
from alerting.outbox import NotifierStatus
from alerting.overlays.hold import Hold, Kind
from alerting.overlays.overlays import Ask
from alerting.views import AlarmView
from gateway.annunciation import AnnunciatorAct, AnnunciatorStatus
from gateway.change.desk import Desk
from gateway.core.detectors.devices import OnlineShare
from gateway.core.detectors.group import GroupState
from gateway.core.learning import LearningAct, Lessons, Picture
from gateway.logs import LogLevel
from gateway.model.alarm import AlarmDefinition, Risk
from gateway.model.clock import Instant
from gateway.model.ports import DeviceStatus, SinkStatus
from gateway.model.quality import QualityArray
from gateway.model.site import Site
from gateway.model.stroke import Stroke
from gateway.model.text import Text
from gateway.store.history import Trend
from gateway.vigil.drill import Drill
from gateway.vigil.peers import PeerStatus
from gateway.vigil.selftest import Report


class Latest(Protocol):
    """The newest sample of every signal, shape (signals,). `gateway.core.bank.Bank.latest` is one."""

    value: NDArray[np.float64]  # engineering units, NaN where there is none
    quality: QualityArray
    wall_ns: NDArray[np.int64]  # the sample's own stamp, UTC; 0: never
    line_ns: NDArray[np.int64]  # time line, when the bytes arrived


@dataclass(frozen=True, slots=True)
class Part:
    """One part of the gateway itself: store, alarm file, clock, detection. `detail`: what is wrong, or how it is."""

    id: str
    name: Text
    ok: bool
    detail: Text = Text("", "")
    figures: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Health:
    """working: the gateway's own tasks make progress (what `/healthz` and the watchdog ask), else `reason` says which
    does not. A field device or a database that is away does not make it False."""

    version: str
    started_wall_ns: int
    working: bool
    clock_trusted: bool
    reason: Text = Text("", "")
    parts: tuple[Part, ...] = ()
    counters: Mapping[str, int] = field(default_factory=dict)


class Metric(Protocol):
    """One family of Prometheus samples. kind: "counter" or "gauge". samples: (labels, value)."""

    name: str
    kind: str
    help: str
    samples: Iterable[tuple[Mapping[str, str], float]]


class GatewayView(Protocol):
    site: Site
    latest: Latest
    logs: LogLevel
    desk: Desk | None  # where a change of the configuration is asked for
    public_host: str  # name under which readers of messages reach /ack; "": none

    def now(self) -> Instant: ...

    def alarms(self) -> Sequence[AlarmView]:
        """Every alarm that is not normal, in the order to look at them."""
        ...

    def risk_level(self) -> Risk: ...

    def watch_alarms(self, changed: Callable[[], None]) -> Callable[[], None]:
        """`changed` is called on the event loop after every change of any alarm. Returns what ends the watch."""
        ...

    async def acknowledge(self, alarm: str, who: str, comment: str) -> AlarmView:
        """The alarm after it; not `recorded` when the alarm file does not take it. CommandError when there is nothing
        to acknowledge."""
        ...

    def look(self, token: str) -> AlarmView:
        """The alarm that the link of a message is about. CommandError: forged, expired."""
        ...

    async def answer(self, who: str, comment: str, token: str, code: str) -> AlarmView:
        """Acknowledge with what stands in a message: the token of its link, or its code. CommandError: it does not
        fit, or was used."""
        ...

    def notifiers(self) -> Sequence[NotifierStatus]:
        """The ways out: what waits, what fails, how long messages and answers take."""
        ...

    async def test_notifier(self, notifier: str) -> Text | None:
        """Send a message that is marked as a test. None when it was taken, else why not. CommandError: unknown."""
        ...

    def lessons(self) -> Lessons:
        """How far the learning of every signal is."""
        ...

    def pictures(self, signal: int) -> Sequence[Picture]:
        """What was learnt of one signal; empty where nothing is."""
        ...

    async def teach(self, signal: str, act: LearningAct, who: str, why: str) -> bool:
        """Freeze, thaw or forget what was learnt; True when that is on disk. CommandError: it makes no sense now.
        LedgerError: it can not be recorded, and was not done."""
        ...

    def holds(self, kind: Kind) -> Sequence[Hold]:
        """What withholds effects now; the one that ends first comes first."""
        ...

    def covered(self, hold: Hold) -> Sequence[AlarmDefinition]:
        """The alarms of a hold, most urgent first."""
        ...

    async def hold(self, kind: Kind, ask: Ask) -> tuple[Hold, bool]:
        """Call nobody for the alarms of a target for a while; and whether that is on disk. CommandError: not allowed.
        LedgerError: it can not be recorded, and was not done."""
        ...

    async def end_hold(self, kind: Kind, target: str, who: str, why: str) -> tuple[Hold, bool]: ...

    def selftest(self) -> tuple[bool, Report | None]:
        """Whether one is under way, and the last report since our start."""
        ...

    def ask_selftest(self, who: str) -> None:
        """CommandError: there is no test signal, or a test is under way."""
        ...

    def drill(self) -> Drill | None:
        """The one that goes on."""
        ...

    async def drill_sheet(self) -> dict | None:
        """Of the latest drill, see gateway.vigil.sheet; None: there was none."""
        ...

    async def begin_drill(self, signals: Collection[str], who: str, why: str, for_s: float, target_s: float) -> None:
        """CommandError: not allowed. LedgerError: it can not be recorded, and was not begun."""
        ...

    async def inject(self, signal: str, value: float | None, for_s: float | None, who: str) -> float:
        """The value that the twin of the signal reads now."""
        ...

    async def end_drill(self, who: str, why: str) -> None: ...

    def heartbeats(self) -> Sequence[PeerStatus]:
        """Other gateways whose life this one watches."""
        ...

    def hear(self, peer: str) -> bool:
        """A sign of life of another gateway; False when this one does not know it."""
        ...

    def routing(self) -> Routing:
        """Who is called for what, as the site file has it."""
        ...

    def ladders(self) -> Sequence[Ladder]:
        """How far each alarm that stands has been told."""
        ...

    async def journal(self, limit: int, before: int | None, alarms: Collection[str]) -> Sequence[JournalRow]:
        """The newest rows first; only rows with a smaller position than `before`, where it is given, and only those
        about one of `alarms`, where there are any (a bypass is about its target, learning about its signal)."""
        ...

    def figures(self) -> Figures:
        """Of the alarms: rates, floods, chattering, times to acknowledge."""
        ...

    def annunciators(self) -> Sequence[AnnunciatorStatus]:
        """The sirens and beacons of the site."""
        ...

    async def annunciate(self, annunciator: str, act: AnnunciatorAct, who: str, why: str) -> None:
        """Arm, disarm or test it. CommandError: it makes no sense now. LedgerError: it can not be recorded, and was not
        done."""
        ...

    async def strokes(self) -> Sequence[Stroke]:
        """The proof-test log: shut-downs that were commanded, newest first."""
        ...

    async def explain(self, alarm: str, at_wall_ns: int | None, look_back_s: float) -> dict:
        """Why it stood, or not, at this instant (None: now), from the stored samples so long before. JSON-ready; the
        same as `davylamp explain --json`. CommandError when measured data do not explain it."""
        ...

    def groups(self) -> Sequence[GroupState]:
        """How far the commissioning of each group is, and where its members stand."""
        ...

    async def history(self, signals: Sequence[int], start_wall_ns: int, end_wall_ns: int,
                      max_points: int) -> Trend: ...

    def devices(self) -> Sequence[DeviceStatus]: ...

    def online(self) -> OnlineShare:
        """By what the detectors have heard of each device."""
        ...

    def sinks(self) -> Sequence[SinkStatus]: ...

    def health(self) -> Health: ...

    def metrics(self) -> Iterable[Metric]: ...
