"""The bank: all detectors of a site on all its signals, in lock-step. Frames in, Verdicts out, no I/O, no clock."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np

from gateway.core import roster
from gateway.core.availability import Availability
from gateway.core.block import Block, blocks, timely
from gateway.core.derived import Derived
from gateway.core.detectors.blind import Blind, Zone
from gateway.core.detectors.deadman import Deadman
from gateway.core.detectors.detector import Detector
from gateway.core.detectors.devices import Devices, OnlineShare
from gateway.core.detectors.group import Groups, GroupState
from gateway.core.detectors.load import Loads
from gateway.core.detectors.validity import Validity
from gateway.core.edges import Conditions, Edges, Outage, Outages
from gateway.core.gates import Gates
from gateway.core.guard import Failure, Guard
from gateway.core.instruments import Instruments
from gateway.core.latest import Latest
from gateway.core.learning import Holds, Learner, Learning
from gateway.core.risk import Risks
from gateway.core.rows import NEVER, Intake, Rows, extremes
from gateway.core.rules.watch import Watch
from gateway.core.snapshot import overlap, pack, transfer, unpack, unreadable
from gateway.model.clock import Instant
from gateway.model.condition import NOT_MEASURED
from gateway.model.frame import Frame
from gateway.model.site import Site
from gateway.model.verdict import Verdicts

_FEW = 4  # rounds: below this a block is not worth its overhead


class Bank:
    """All detectors of one site.

    `step` and `tick` return edges only: a condition began or ended, in order of line time; per alarm, edges alternate
    and their line times increase. What a delay or a deadman decides carries the instant of the deadline, so the same
    stream gives the same edges however it is cut into frames and however often `tick` is called, provided that time
    is not told (`tick`) ahead of samples still to come.

    Life: Bank(site), perhaps restore(snapshot) and step() over the frames stored after it, begin(now), perhaps
    adopt(what the alarm engine has standing), then step and tick.
    """

    def __init__(self, site: Site):
        self._site = site
        self._guarding = Guard()
        self._guard = self._guarding.call
        self._latest = Latest(len(site.signals))
        self._conditions = Conditions(site.alarms)
        self._outages = Outages()
        self._instruments = Instruments(site, self._latest)
        self._validity = Validity(site, self._outages, self._instruments)
        self._intake = Intake(*self._validity.range)
        self._deadman = Deadman(site, self._outages)
        self.availability = Availability(site, self._latest, self._deadman, self._validity)
        self._holds = Holds(site)
        chosen = tuple(roster.chosen(site, self._holds))
        loads = next((detector for detector in chosen if isinstance(detector, Loads)), None)
        self._derived = Derived(site, self._latest, loads)
        self._gates = Gates(site, self._latest, [gated for detector in chosen for gated in detector.gated()])
        learners = tuple(detector for detector in chosen if isinstance(detector, Learner))
        self._others = (self._deadman, *((self._gates,) if self._gates else ()),
                        *(detector for detector in chosen if detector not in learners))
        self._learning = Learning(learners, self._holds, self._conditions.active)
        self._detectors: tuple[Detector, ...] = (self._validity, *self._others, *learners)
        self._comparing = tuple(detector for detector in self._detectors if detector.settles)
        self._blind = Blind(site)
        self._devices = Devices(site)
        self._watch = Watch(site, self._latest, self._deadman, self._outages)
        self._risks = Risks(site)
        self._now_ns: int | None = None  # newest instant known, None before the first
        self._skew_ns: int | None = None  # wall minus line time of the gateway's clock, from `tick` and `begin`
        self.late_samples = 0  # older than the newest of their signal: not evaluated

    @property
    def latest(self) -> Latest:
        """The newest accepted sample of every signal, with its effective quality."""
        return self._latest

    @property
    def zones(self) -> tuple[Zone, ...]:
        """Per gas zone: how many detectors there are and how many work."""
        return self._blind.zones()

    @property
    def working_detectors(self) -> int:
        """Of all gas zones together."""
        return self._blind.working

    @property
    def groups(self) -> tuple[GroupState, ...]:
        """Per group of signals: how far its commissioning is, and where its members stand."""
        return tuple(state for learner in self._learning.learners if isinstance(learner, Groups)
                     for state in learner.states())

    @property
    def online(self) -> OnlineShare:
        """How many devices of the site give data."""
        return self._devices.share

    @property
    def learning(self) -> Learning:
        """What was learnt, and a person's hand on it. Acts belong between two steps."""
        return self._learning

    @property
    def failures(self) -> tuple[Failure, ...]:
        """Detectors that raised since the start. While any is `standing`, detection is not complete."""
        return self._guarding.failures

    @property
    def made(self) -> Frame:
        """The samples of derived signals that the last `step` made, to be stored beside what was received."""
        return self._derived.made

    @property
    def next_deadline_ns(self) -> int | None:
        """Line time at which `tick` is next needed; never too late, now and then too early. None: nothing waits."""
        deadline = min(self._watch.deadline_ns, self._risks.deadline_ns,
                       *(detector.deadline_ns for detector in self._detectors))
        return None if deadline == NEVER else deadline

    @np.errstate(over="ignore", invalid="ignore")  # of absurd values (1e308) nothing follows but their own limits
    def step(self, frame: Frame) -> Verdicts:
        """Evaluate a frame. Rows of one signal come oldest first; one older than the newest accepted is not used."""
        frame = self._derived.start(frame) if self._derived.levels else frame
        if not len(frame):
            return Verdicts.none()
        if self._now_ns is None:
            self._begin(int(frame.line_ns.min()))
        edges = self._edges(frame)
        pieces = self._guard(self._instruments.name, self._instruments.cut, frame) if self._instruments.linked else None
        if pieces is None:
            self._evaluate(frame, edges)
        else:
            for piece in pieces:
                self._expire(int(piece.line_ns.min()), edges)  # under the status that was known until now
                self._evaluate(self._guard(self._instruments.name, self._instruments.take, piece) or piece, edges)
        self._pass_time(edges)
        return self._publish(edges)

    def tick(self, now: Instant) -> Verdicts:
        """Time passes: deadmen, running on-delays, stroke times. May begin a condition, never ends one."""
        if self._now_ns is None:
            self._begin(now.line_ns)
        self._now_ns = max(self._now_ns, now.line_ns)
        self._skew_ns = now.wall_ns - now.line_ns
        edges = Edges(self._skew_ns)
        self._pass_time(edges)
        return self._publish(edges)

    def begin(self, now: Instant) -> None:
        """Live watching begins (again) now. Deadmen run from here; a delay that ran out unwatched starts again."""
        self._skew_ns = now.wall_ns - now.line_ns
        self._begin(now.line_ns)

    def stood_still(self, now: Instant) -> None:
        """The gateway itself did not look until now: silence is judged from here. Delays that run go on."""
        self._deadman.begin(now.line_ns)

    @property
    def active(self) -> frozenset[str]:
        """Ids of the alarms whose condition stands."""
        return frozenset(self._conditions.ids[number] for number in np.flatnonzero(self._conditions.active).tolist())

    def standing(self) -> Verdicts:
        """Every condition that stands, as the edge with which it began: for an alarm engine that lost its own state."""
        return self._conditions.standing()

    def adopt(self, alarms: Iterable[str]) -> None:
        """These alarms stand in the alarm engine. Those of which the bank knows nothing (no snapshot, or one of another
        version) are taken over, to be ended by the first good evidence; what no detector judges, and ids the site does
        not have, are passed over."""
        table = self._site.alarms
        numbers = [table.index(alarm) for alarm in alarms
                   if alarm in table and table[table.index(alarm)].condition not in NOT_MEASURED]
        self._adopt(np.array(numbers, np.int64))

    def snapshot(self) -> bytes:
        """All state as bytes, for `restore`."""
        arrays = {f"{owner}/{name}": array for owner, state in self._states() for name, array in state.items()}
        conditions = self._conditions
        arrays |= {"alarm/active": conditions.active, "alarm/line": conditions.line, "alarm/wall": conditions.wall,
                   "alarm/value": conditions.value}
        return pack({"signals": self._site.signals.ids, "alarms": conditions.ids, "rules": self._watch.state(),
                     "now": self._now_ns, "late": self.late_samples, "columns": self._columns()}, arrays)

    def restore(self, snapshot: bytes) -> None:
        """Take over the state of what still exists, by id. Call it on a fresh bank. SnapshotError leaves it fresh."""
        head, arrays = unpack(snapshot)
        try:  # all that can fail, before anything is written
            signals, alarms, late, now = head["signals"], head["alarms"], int(head["late"]), head["now"]
            there, here = overlap(signals, self._site.signals.ids)
            own = {owner: (*overlap(saved, ids), len(saved)) for owner, ids in self._columns().items()
                   for saved in [head.get("columns", {}).get(owner, ())]}
            self._watch.restore(head["rules"])
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            self._watch = Watch(self._site, self._latest, self._deadman, self._outages)
            raise unreadable(error) from error
        former = {detector.name: detector.formerly for detector in self._detectors}
        for owner, state in self._states():
            for name, live in state.items():
                kept = next((arrays[place] for place in _places(owner, former.get(owner, ()), name)
                             if place in arrays), None)
                transfer(kept, live, *own.get(owner, (there, here, len(signals))))
        conditions = self._conditions
        there, here = overlap(alarms, conditions.ids)
        for name, live in (("active", conditions.active), ("line", conditions.line), ("wall", conditions.wall),
                           ("value", conditions.value)):
            transfer(arrays.get(f"alarm/{name}"), live, there, here, len(alarms))
        self._latest.restored()
        self._instruments.restored()
        self._holds.stand(np.flatnonzero(conditions.active))
        if self._gates:
            self._gates.recall(now or 0)
        for detector in self._detectors:
            detector.restored()
        self._blind.restored(conditions.active)
        self._devices.restored(conditions.active)
        self._watch.restored()
        self.late_samples, self._now_ns = late, now
        if self._now_ns is not None:
            self._deadman.start(self._now_ns)  # signals that are new in this site
            self._adopt(np.flatnonzero(conditions.active))  # stands, but its state did not fit

    def _evaluate(self, frame: Frame, edges: Edges) -> None:
        for piece in self._pieces(frame):
            if self._gates:
                self._expire(int(piece.line_ns.min()), edges)  # under the gates as they stood until now
            part, position = len(edges.parts), edges.count
            self._take_in(piece, edges)
            for level in self._derived.levels:
                made = self._guard(level.name, self._derived.make, level)
                if made is not None:
                    self._take_in(made, edges)
            self._derived.settled()
            for detector in self._comparing:
                self._guard(detector.name, detector.settle, edges)
            if self._gates:
                said = len(edges.parts)
                self._guard(self._gates.name, self._gates.settle, edges)
                self._holds.take(edges.parts[said:])
            self._explain(edges, part, position)

    def _pieces(self, frame: Frame) -> Iterator[Frame]:
        for part in (self._guard(self._gates.name, self._gates.cut, frame) or [frame]) if self._gates else (frame,):
            yield from self._derived.cut(part) if self._derived.levels else (part,)

    def _take_in(self, frame: Frame, edges: Edges) -> None:
        newest_ns = self._latest.line_ns
        if (single := self._intake.one_round(frame)) is not None:
            taken, index = single
            if extremes(taken.line_ns)[0] < self._latest.newest_ns:
                late = taken.line_ns < newest_ns[index]
                if dropped := int(np.count_nonzero(late)):
                    self.late_samples += dropped
                    taken = taken.take(~late)
                    index = taken.signal.astype(np.int64)
            if len(taken):
                self._round(self._intake.rows(taken, index), edges)
            return
        kept = timely(frame, newest_ns)
        self.late_samples += len(frame) - len(kept)
        for block in blocks(kept, newest_ns.shape[0]):
            if len(block) < _FEW:
                for rows in block.rows():
                    self._round(rows, edges)
            else:
                self._sweep(block, edges)

    def _round(self, rows: Rows, edges: Edges) -> None:
        """One sample of each of some signals, as always when live."""
        self._now_ns = max(self._now_ns, rows.last_ns)  # type: ignore[type-var]
        said = len(edges.parts)
        self._guard("validity", self._validity.step, rows, edges)
        self._latest.take(rows)
        if self._derived.levels:
            self._derived.hear(rows)
        for detector in self._others:
            self._guard(detector.name, detector.step, rows, edges)
        if len(edges.parts) > said and self._learning.learners:
            self._holds.take(edges.parts[said:])
        for learner in self._learning.learners:
            self._guard(learner.name, learner.step, rows, edges)
        if self._watch.rules:
            self._guard("rules", self._watch.observe, rows)

    def _sweep(self, block: Block, edges: Edges) -> None:
        """Many samples of each of some signals, as when looking back: the same edges, much sooner."""
        self._now_ns = max(self._now_ns, block.last_ns)  # type: ignore[type-var]
        said = len(edges.parts)
        self._guard("validity", self._validity.sweep, block, edges)
        self._latest.sweep(block)
        if self._derived.levels:
            self._derived.hear(block)
        for detector in self._others:
            self._guard(detector.name, detector.sweep, block, edges)
        if self._learning.learners:
            self._learn(block, edges.parts[said:], edges)
        if self._watch.rules:
            self._guard("rules", self._watch.sweep, block)

    def _learn(self, block: Block, parts: list[tuple], edges: Edges) -> None:
        """Learners see the block in pieces: what holds them (`parts`) is known from its own round on."""
        done = 0
        for at, held in (*self._holds.turns(parts, block), (len(block), [])):
            if at > done:
                for learner in self._learning.learners:
                    self._guard(learner.name, learner.sweep, block.rounds(done, at), edges)
            self._holds.take(held)
            done = at

    def _pass_time(self, edges: Edges) -> None:
        """Bring everyone to the newest instant: deadlines first, then those who are told by others."""
        self._expire(self._now_ns, edges)
        if self._blind.unannounced:
            self._guard(self._blind.name, self._blind.announce, self._now_ns, edges)
        outages = self._outages.take() if self._outages.rows else []
        if self._watch.rules:
            part = len(edges.parts)
            self._guard("rules", self._settle_rules, outages, edges)
            self._guard("blind", self._blind.hear_of_tests, edges.parts[part:], self._outages)
        if outages:
            self._guard(self._devices.name, self._devices.settle, outages, edges)
        if outages or self._outages.rows:
            self.availability.changes += 1
            self._outages.rows += outages
            self._guard("blind", self._blind.settle, self._outages.take(), edges)

    def _expire(self, now: int, edges: Edges) -> None:
        part, position = len(edges.parts), edges.count
        for detector in self._detectors:
            if detector.deadline_ns <= now:
                self._guard(detector.name, detector.tick, now, edges)
        if len(edges.parts) > part and self._learning.learners:
            self._holds.take(edges.parts[part:])
        self._explain(edges, part, position)

    def _settle_rules(self, outages: list[Outage], edges: Edges) -> None:
        if news := self._watch.news(outages, self._now_ns):
            for rule in news:
                self._guard(f"rule {rule.id}", rule.settle, edges)
            self._watch.settled()
        if due := self._watch.due(self._now_ns):
            for rule in due:
                rule.refresh(self._latest)
                self._guard(f"rule {rule.id}", rule.fire, self._now_ns, edges)
            self._watch.settled()

    def _explain(self, edges: Edges, part: int, position: int) -> None:
        if self._instruments.linked and edges.count > position:
            self._guard(self._instruments.name, self._instruments.explain, edges, part, position)
        if self._gates and edges.count > position:
            self._guard(self._gates.name, self._gates.explain, edges, part, position)

    def _publish(self, edges: Edges) -> Verdicts:
        """What leaves the bank, and what several of them mean for their area."""
        verdicts = self._conditions.publish(edges)
        if not self._risks.concerned(verdicts, self._now_ns):
            return verdicts
        raised = Edges(edges.skew_ns)
        self._guard(self._risks.name, self._risks.settle, verdicts, self._now_ns, raised)
        return Verdicts.concat([verdicts, self._conditions.publish(raised)])

    def _begin(self, line_ns: int) -> None:
        self._now_ns = line_ns if self._now_ns is None else max(self._now_ns, line_ns)
        for detector in self._detectors:
            detector.begin(line_ns)
        self._watch.begin(line_ns)

    def _adopt(self, numbers: np.ndarray) -> None:
        for detector in self._detectors:
            detector.adopt(numbers)
        self._holds.stand(numbers)
        self._deadman.await_news(self._blind.adopt(numbers))
        self._deadman.await_news(self._devices.adopt(numbers))
        self._watch.adopt(numbers, self._now_ns or 0)
        self._conditions.active[numbers] = True
        self._risks.restored(self._conditions, self._now_ns or 0)

    def _edges(self, frame: Frame) -> Edges:
        """Without a clock (replay) the newest row's stamps stand for it."""
        skew = self._skew_ns
        return Edges(int(frame.wall_ns[-1]) - int(frame.line_ns[-1]) if skew is None else skew)

    def _columns(self) -> dict[str, tuple[str, ...]]:
        """By detector: ids of the last axis of its state, where they are not the signals."""
        return {detector.name: tuple(detector.columns) for detector in self._detectors if detector.columns is not None}

    def _states(self):
        yield "latest", self._latest.state()
        yield "blind", self._blind.state()
        yield self._devices.name, self._devices.state()
        yield self._instruments.name, self._instruments.state()
        yield "holds", self._holds.state()
        for detector in self._detectors:
            yield detector.name, detector.state()


def _places(owner: str, former: Sequence[str], name: str) -> list[str]:
    """Where the state of this name may stand in a snapshot."""
    return [f"{place}/{name}" for place in (owner, *former)]
