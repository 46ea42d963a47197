"""A person's hand on what was learnt, over bank, snapshot and alarm file; and what a bypass means for learning."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import numpy as np

from alerting.ledger import Record
from alerting.overlays.hold import Hold
from alerting.service import AlarmService
from gateway.core.bank import Bank
from gateway.core.learning import LearningAct
from gateway.model.clock import Clock
from gateway.model.person import is_verified
from gateway.model.site import Site
from gateway.pipeline import Pipeline

SAVED_WITHIN_S = 5.0  # later, and a person is told that it is not saved yet


class Teaching:
    def __init__(self, site: Site, bank: Bank, alarms: AlarmService, clock: Clock):
        self._site, self._bank, self._alarms, self._clock = site, bank, alarms, clock

    async def act(self, pipeline: Pipeline, signal: str, act: LearningAct, who: str, why: str) -> bool:
        """Freeze, thaw or forget what was learnt of a signal: first recorded, then done, then saved. Returns whether it
        is saved; else it is done, and a crash may undo it. CommandError: it makes no sense now. LedgerError: it can not
        be recorded, and was not done."""
        number, now = self._site.signals.index(signal), self._clock.now()
        self._bank.learning.check(act, number, signal)
        await self._alarms.record(Record("learning", signal, now.wall_ns, {
            "act": act, "who": who, "why": why, "verified": is_verified(who), "line_ns": now.line_ns}))
        saved = asyncio.Event()
        pipeline.teach(act, number, saved.set)
        try:
            async with asyncio.timeout(SAVED_WITHIN_S):
                await saved.wait()
        except TimeoutError:
            return False
        return True

    def hold(self, holds: Iterable[Hold]) -> None:
        """What is measured while a person has put an alarm aside is not learnt: the signal itself, that of the alarm,
        those that the rule tests."""
        signals, held = self._site.signals, set()
        for hold in holds:
            alarm = self._site.alarms.get(hold.target)
            origin = hold.target if alarm is None else alarm.origin
            held |= {origin, *(test.signal for rule in self._site.rules if rule.id == origin for test in rule.tests)}
        numbers = sorted(signals.index(signal) for signal in held if signal in signals)
        self._bank.learning.holds.bypass(np.array(numbers, np.int64), self._clock.now().line_ns)
