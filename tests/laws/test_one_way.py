"""Safety is one-way: each sentence of the law, on random streams."""

from __future__ import annotations

import re
from dataclasses import replace
from itertools import pairwise, product

import numpy as np
import pytest

from alerting.engine import AlarmEngine
from alerting.lifecycle import Event
from alerting.message import compose
from gateway.model.condition import Condition
from gateway.model.quality import Quality
from gateway.model.rules import Interlock, Side, Test, Vote
from gateway.model.site import Site
from gateway.model.text import Text
from tests.core.plant import gas, signal, site
from tests.laws.streams import SITES, frame, fresh, run, stream

SEEDS = range(3)
every_seed = pytest.mark.parametrize("seed", SEEDS)


def related(site: Site) -> bool:
    return bool(site.rules) or any(area.escalation for area in site.areas)


def unrelated(site: Site) -> Site:
    """The same signals, and nothing that relates them."""
    return replace(site, rules=(), areas=tuple(replace(area, escalation=None) for area in site.areas))


@pytest.mark.parametrize("name", [name for name, site in SITES.items() if related(site)])
@every_seed
def test_votes_and_rules_add_alarms_and_withhold_none(name, seed):
    """Votes, gates, groups and aggregation may add an alarm or raise its level, never withhold a member's own limit
    alarm: every alarm of the signals comes and goes as if there were no rules. A zone may be blind for longer with
    them (a head that did not see its test gas guards nothing), never for less."""
    whole, alone = SITES[name], unrelated(SITES[name])
    zones = {alarm.id for alarm in alone.alarms if alarm.condition is Condition.BLIND}
    own = {alarm.id for alarm in alone.alarms} - zones
    both, plain = run(fresh(whole), whole, stream(whole, seed)), run(fresh(alone), alone, stream(whole, seed))
    assert [edge for edge in both if edge[1] in own] == [edge for edge in plain if edge[1] in own]
    steps = sorted({when for when, *_ in plain})
    for zone, (when, after) in product(zones, pairwise(steps)):
        if after > when + 1:  # what is over within its own instant stood for nobody
            assert _stands(both, zone, when) or not _stands(plain, zone, when), f"{zone} at {when}"
    assert any(active for _, alarm, active in both if alarm not in own), "the rules had something to say"


def _stands(edges, alarm: str, when: int) -> bool:
    """Whether it stood just after `when`."""
    return [active for at, which, active in edges if which == alarm and at <= when][-1:] == [True]


def _at_once() -> Site:
    """Two of three, and a requirement, without delays: what stands depends on the latest samples only."""
    vote = Vote("vote", Text.same("vote"), "tank_farm", tuple(Test.parse(f"S{n} >= 60") for n in range(3)), 2,
                bad_after_s=0, on_delay_s=0, off_delay_s=0)
    interlock = Interlock("lock", Text.same("lock"), "tank_farm", Side((Test.parse("S5 > 40"),)),
                          Side(tuple(Test.parse(f"S{n} < 60") for n in range(5)), every=True), 0, 0)
    return site(*(gas(f"S{n}", low=0.0, high=90.0) for n in range(3)), *(signal(f"S{n}", deadman_s=4.0)
                for n in (3, 4, 5)), rules=[vote, interlock])


@pytest.mark.parametrize("name", SITES)
def test_every_verdict_carries_priority_risk_and_a_reason_with_numbers(name):
    """In English and Chinese, as a person is told it. The line with site and time does not count."""
    site = SITES[name]
    bank, engine, told = fresh(site), AlarmEngine(site.alarms), set()
    for moment in stream(site, 0):
        for one in engine.apply(bank.step(frame([moment]))).transitions:
            definition = site.alarms.get(one.alarm)
            if one.event is not Event.RAISE or definition.condition in told:
                continue
            told.add(definition.condition)
            notice = compose(site, definition, one).payload
            assert notice["priority"] in ("P1", "P2", "P3", "P4")
            assert notice["risk"] in ("red", "orange", "yellow", "blue")
            for language, passed in (("en", ("Site", "Priority")), ("zh", ("站点", "优先级"))):
                reason = [line for line in notice["text"][language].splitlines()[1:] if not line.startswith(passed)]
                spoken = " ".join(_CLOCK.sub("", line).replace(definition.origin, "") for line in reason)
                assert _NUMBER.search(spoken), (definition.condition, language, reason)
    assert told


_CLOCK = re.compile(r"\d\d:\d\d:\d\d\.\d+")
_NUMBER = re.compile(r"(?<![A-Za-z])\d")
AT_ONCE = _at_once()


@every_seed
@pytest.mark.parametrize("quality", [Quality.BAD_COMM_LOST, Quality.UNCERTAIN, Quality.UNCERTAIN_STALE])
@pytest.mark.parametrize("member", range(5))
def test_a_bad_or_uncertain_member_never_counts_as_normal(member, quality, seed):
    """Whatever a member reads: when its samples lose their quality, nothing that stood is missing."""
    sound, doubted = fresh(AT_ONCE), fresh(AT_ONCE)
    rules = [AT_ONCE.alarms.index(rule.id) for rule in AT_ONCE.rules]
    more = 0
    for moment in stream(AT_ONCE, seed):
        sound.step(frame([moment]))
        doubted.step(frame([replace(moment, quality=tuple(
            max(int(quality), was) if number == member else was
            for number, was in zip(moment.signal, moment.quality, strict=True)))]))
        stood, stands = sound._conditions.active[rules], doubted._conditions.active[rules]
        assert (stands >= stood).all()
        more += np.count_nonzero(stands) - np.count_nonzero(stood)
    assert more > 0, "a law about nothing proves nothing"
