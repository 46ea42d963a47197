"""What the commands that look ahead and back say of times and of what an alarm is judged by."""

from __future__ import annotations

from gateway.model.signal import StatusLink
from gateway.replay.route import lines
from gateway.replay.run import judged_by
from tests.core.plant import gas, signal, site


def test_steps_that_follow_within_a_minute_are_told_in_seconds():
    text = {"en": "x", "zh": "x"}
    told = {"name": text, "person": "li", "channel": "phone", "reason": text}
    steps = [{"time": "2026-09-21T22:10:00", "after_s": after_s, "told": [told], "not_told": []}
             for after_s in (20, 3900)]
    found = {"alarm": "A", "name": text, "priority": 1, "policy": "p", "time": "2026-09-21T22:10:00", "steps": steps,
             "repeats": None}
    english, chinese = ("\n".join(lines(found, language)) for language in ("en", "zh"))
    assert "+20 s" in english and "+1 h 5 min" in english and "+20 秒" in chinese and "+1 小时 5 分钟" in chinese


def test_over_range_is_judged_by_the_status_beside_it_too():
    here = site(gas("GD", status=StatusLink("GD.status", frozenset({0}), frozenset({2}), frozenset(), frozenset({4}))),
                signal("GD.status"))
    assert judged_by(here, here.alarms.get("GD/over-range")) == ("GD", "GD.status")
