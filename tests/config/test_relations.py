"""What a limit may refer to: a signal that it is compared with."""

from __future__ import annotations

import pytest

from gateway.model.alarm import Priority, Risk
from gateway.model.rules import Test
from gateway.model.signal import Reference
from gateway.model.text import Text
from tests.config.plugins import said, site


def level(id: str, rest: str = 'limits = "none"') -> str:
    return f'[[signals]]\nid = "{id}"\nkind = "level"\nlow = 0\nhigh = 12\n{rest}\n'


def limits(loaded):
    assert loaded.site_file is not None, said(loaded)
    return {str(limit.condition): limit for limit in loaded.site_file.site.signals[0].limits}


@pytest.mark.parametrize(("written", "reference"), [
    ("6.5", Reference(6.5)), ('"T-2"', Reference(signals=("T-2",))),
    ('["T-2", "T-3"]', Reference(signals=("T-2", "T-3")))])
def test_a_deviation_has_a_reference(tmp_path, written, reference):
    text = f'limits = {{ "DEV+" = {{ value = 5, from = {written} }}, "DEV-" = {{ value = 4, from = {written} }} }}'
    loaded = site(tmp_path, level("T-1", text) + level("T-2") + level("T-3"),
                  'points = [{ signal = "T-1" }, { signal = "T-2" }, { signal = "T-3" }]')
    found = limits(loaded)
    assert [(limit.value, limit.reference) for limit in found.values()] == [(5, reference), (4, reference)]
    assert (found["DEV+"].deadband, found["DEV+"].priority, found["DEV+"].risk) == (1, Priority.P3, Risk.YELLOW)
    assert not loaded.problems


def test_the_kind_may_give_the_distance_and_the_signal_what_it_is_compared_with(tmp_path):
    kind = '[kinds.level.limits]\n"DEV+" = { value = 2, on_delay = "1min" }\n'
    own = 'limits = { "DEV+" = { from = "T-2" } }'
    found = limits(site(tmp_path, kind + level("T-1", own) + level("T-2")))["DEV+"]
    assert (found.value, found.on_delay_s, found.reference) == (2, 60, Reference(signals=("T-2",)))


@pytest.mark.parametrize("text", [pytest.param(text, marks=pytest.mark.survives(
    case, then="refused by `check`, with place and cure", says=says)) for case, text, says in (
    ("a deviation from a signal that does not exist", '{ value = 1, from = "T-22" }',
     Text('unknown signal "T-22"; did you mean `T-2`?', '未知的信号 "T-22"；是否应为 `T-2`？')),
    ("a deviation from the signal itself", '{ value = 1, from = ["T-2", "T-1"] }',
     Text("T-1: DEV+ compares the signal with itself", "T-1：DEV+ 将信号与其自身比较")),
    ("a deviation from nothing", "{ value = 1 }",
     Text("T-1: DEV+ has nothing to compare with", "T-1：DEV+ 没有比较对象")),
    ("a peer that would count double", '{ value = 1, from = ["T-2", "T-2"] }',
     Text("T-1: DEV+ names T-2 twice: it would count double in the median",
          "T-1：DEV+ 重复列出 T-2，它在中位数中会计算两次")),
    ("a deviation from something that is neither number nor signal", "{ value = 1, from = true }",
     Text("expected what to compare with, got true", "应为比较对象，实际为 true")),
    ("a distance below zero", '{ value = -1, from = "T-2" }', Text("-1 is too small", "-1 过小")),
)])
def test_a_reference_that_can_not_be_meant(tmp_path, text, says):
    loaded = site(tmp_path, level("T-1", f'limits = {{ "DEV+" = {text} }}') + level("T-2"))
    assert loaded.site_file is None
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    assert len(errors) == 1 and says(errors[0].what), said(loaded)
    assert errors[0].place.startswith('signals[0] "T-1" limits.DEV+')


def test_what_is_suspicious_is_a_warning(tmp_path):
    text = level("T-1", 'limits = { "DEV+" = { value = 1, from = "P" } }')
    peer = '[[signals]]\nid = "P"\nkind = "pressure"\ndeadman = "none"\nlimits = "none"\n'
    loaded = site(tmp_path, text + peer, 'points = [{ signal = "T-1" }, { signal = "P" }]')
    assert said(loaded, "warning") == [
        'signals[0] "T-1" limits.DEV+ | from | T-1: DEV+ compares m with MPa (P)',
        'signals[0] "T-1" limits.DEV+ | from | P has no deadman: if it falls silent, T-1 is compared with its last '
        "value for ever"]


GATE = '[[signals]]\nid = "RUN"\nkind = "switch"\ndeadman = "10s"\n'


def test_a_limit_may_have_a_gate(tmp_path):
    text = 'limits = { L = { value = 1, only_while = "RUN == 1" }, H = 9 }'
    loaded = site(tmp_path, level("T-1", text) + GATE, 'points = [{ signal = "T-1" }, { signal = "RUN" }]')
    found = limits(loaded)
    assert (found["L"].only_while, found["H"].only_while) == (Test("RUN", "==", 1.0), None)
    assert not loaded.problems


def test_a_gate_may_stand_with_the_kind(tmp_path):
    kind = '[kinds.level.limits]\nL = { value = 1, only_while = "RUN == 1" }\n'
    assert limits(site(tmp_path, kind + level("T-1", "") + GATE))["L"].only_while == Test("RUN", "==", 1.0)


GAS = '[[signals]]\nid = "G"\nkind = "combustible_gas"\nlow = 0\nhigh = 100\n'


@pytest.mark.parametrize("text", [pytest.param(text, marks=pytest.mark.survives(
    case, then="refused by `check`, with place and cure", says=says)) for case, text, says in (
    ("a gate on a limit of a gas detector", GAS + 'limits = { H = 20, HH = { value = 40, only_while = "RUN == 1" } }\n',
     Text("G: HH of a gas detector can not be held back by another signal", "G：气体探测器的 HH 不得由其他信号屏蔽")),
    ("a gate on a limit of a gas detector, by its kind",
     '[kinds.combustible_gas.limits]\nH = { value = 20, only_while = "RUN == 1" }\nHH = 40\n' + GAS,
     Text("G: H of a gas detector can not be held back by another signal", "G：气体探测器的 H 不得由其他信号屏蔽")),
    ("a gate by a signal that does not exist", level("T", 'limits = { H = { value = 9, only_while = "RUM == 1" } }'),
     Text('unknown signal "RUM"; did you mean `RUN`?', '未知的信号 "RUM"；是否应为 `RUN`？')),
    ("a gate by a signal that may fall silent for ever",
     level("T", 'limits = { H = { value = 9, only_while = "E > 1" } }')
     + '[[signals]]\nid = "E"\nkind = "energy"\ndeadman = "none"\n',
     Text("T: H is held back by E, which has no deadman: its last word would hold for ever",
          "T：H 由 E 屏蔽，而 E 没有数据中断时限：其最后数值会一直起作用")),
    ("a gate that is no test", level("T", 'limits = { H = { value = 9, only_while = "RUN" } }'),
     Text('expected a test, got "RUN"', '应为条件，实际为 "RUN"')),
)])
def test_a_gate_that_can_not_be(tmp_path, text, says):
    loaded = site(tmp_path, text + GATE)
    errors = [problem for problem in loaded.problems if problem.severity == "error"]
    assert len(errors) == 1 and says(errors[0].what), said(loaded)
    assert errors[0].key == "only_while" and loaded.site_file is None
