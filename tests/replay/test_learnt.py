"""What was learnt, as a person reads it in the terminal."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest

from gateway.api import present
from gateway.api.answer import encode
from gateway.core.learning import LearningAct
from gateway.model.frame import Frame
from gateway.replay import learnt
from gateway.replay.chart import columns
from tests.api.depot import MemoryGateway

DAY_S = 86400.0


@pytest.fixture
def gateway() -> MemoryGateway:
    return MemoryGateway()


def told(gateway: MemoryGateway, signal: str, language: str = "en") -> list[str]:
    row = gateway.site.signals.index(signal)
    found = present.baseline(gateway.site, gateway.lessons(), gateway.pictures(row), gateway.now(), signal)
    return list(learnt.lines(json.loads(encode(found)), language))


def swing(gateway: MemoryGateway, days: float) -> None:
    """A temperature with a daily rhythm, a sample each minute."""
    row = gateway.site.signals.index("VAP.T")
    for _ in range(round(days * 1440)):
        at = gateway.clock.advance(60)
        gateway.bank.step(Frame.of(row, 20 + 5 * math.sin(2 * math.pi * at.line_ns / 1e9 / DAY_S), at))


def test_level_norms_and_hours_are_drawn(gateway):
    swing(gateway, 3)
    lines = told(gateway, "VAP.T")
    assert lines[0] == "VAP.T  vapour temperature  (2026-09-24 22:13:20)"
    assert lines[1] == "learnt, 100% of the learning time is over"
    assert "adaptive baseline (100%)" in lines
    level = next(line for line in lines if "usual level  " in line)
    assert 15 < float(level.split()[2]) < 25 and level.endswith(" °C")
    assert any(line.startswith("  norm of the deviation over 10 s ") for line in lines)
    plot = lines[lines.index("  usual level by hour of the day (°C)") + 1:]
    assert sum(line.count("●") for line in plot) == 24 and "usual level" in "".join(plot)
    assert plot[-1].split() == ["00:56", "23:56"], "hours of the time line, in local time"


def test_chinese_lines_stand_in_line(gateway):
    swing(gateway, 2)
    lines = told(gateway, "VAP.T", "zh")
    assert lines[1] == "已学成，学习进度 100%" and "自适应基线（100%）" in lines
    assert len({columns(line.partition("┤")[0].partition("│")[0]) for line in lines if "┤" in line or "│" in line}) == 1


def test_nothing_is_drawn_of_what_was_not_seen(gateway):
    lines = told(gateway, "VAP.T")
    assert lines[1] == "learning, 0% of the learning time is over" and "    no hour is complete yet" in lines
    assert next(line for line in lines if line.startswith("  usual level")).split() == ["usual", "level", "-"]
    assert told(gateway, "GD-03")[1:] == ["Nothing is learnt of this signal."]


async def test_what_a_person_did_is_said(gateway):
    swing(gateway, 1)
    await gateway.teach("VAP.T", LearningAct.FREEZE, "Li", "commissioned")
    assert told(gateway, "VAP.T")[1] == "frozen, 100% of the learning time is over"


def test_that_it_does_not_learn_now_is_said(gateway):
    gateway.learning.holds.bypass(np.array([gateway.site.signals.index("VAP.T")]), gateway.now().line_ns)
    assert told(gateway, "VAP.T")[1].endswith("; not learnt from now: an alarm stands or it is bypassed")
    assert told(gateway, "VAP.T", "zh")[1] == "学习中，学习进度 0%；当前不学习：有告警或处于旁路状态"
