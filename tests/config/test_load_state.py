"""The state of a machine in a site file: short and long form, and what can not be meant."""

from __future__ import annotations

import pytest

from gateway.model.learnt import STATE_LABELS, LoadState
from gateway.model.text import Text
from tests.config.plugins import said, site

POWER = '[[signals]]\nid = "MILL.P"\nkind = "power"\n'
POINTS = 'points = [{ signal = "MILL.P" }]'


def state(load_state: str, rest: str = "", id: str = "MILL.state") -> str:
    return f'[[signals]]\nid = "{id}"\nkind = "load_state"\nload_state = {load_state}\n{rest}\n'


def test_the_short_form_learns_everything(tmp_path):
    loaded = site(tmp_path, POWER + state('"MILL.P"'), POINTS)
    assert loaded.problems == ()
    signals = loaded.site_file.site.signals
    signal = signals[signals.index("MILL.state")]
    assert signal.derived == LoadState("MILL.P") and signal.labels == STATE_LABELS
    assert signals.measured("MILL.state") == ("MILL.P",) and signal.deadman_s == 60.0


def test_the_long_form_says_what_is_known(tmp_path):
    text = POWER + state('{ load = "MILL.P", idle = 3, full = 80, running = 0.5 }')
    loaded = site(tmp_path, text, POINTS)
    assert loaded.site_file.site.signals[1].derived == LoadState("MILL.P", (3.0, 80.0), running=0.5)


def problem(tmp_path, text: str, points: str = POINTS):
    loaded = site(tmp_path, POWER + text, points)
    assert loaded.problems, said(loaded)
    return loaded.problems[0]


@pytest.mark.survives(
    "the state of a load that no signal has", then="an error of `davylamp check`, with the nearest id",
    says=Text('unknown signal "MIL.P"; did you mean `MILL.P`?', '未知的信号 "MIL.P"；是否应为 `MILL.P`？'))
def test_a_load_that_is_missing_is_named(tmp_path, says):
    assert says(problem(tmp_path, state('"MIL.P"')).what)


@pytest.mark.survives(
    "two states of one load", then="an error of `davylamp check`",
    says=Text('"MILL.P" has a state already: MILL.state', '"MILL.P" 已有负荷状态信号：MILL.state'))
def test_a_second_state_is_refused(tmp_path, says):
    assert says(problem(tmp_path, state('"MILL.P"') + state('"MILL.P"', id="again")).what)


@pytest.mark.survives(
    "idle level of a load without its full level", then="an error of `davylamp check`",
    says=Text("idle and full belong together", "idle 和 full 须同时填写"))
def test_half_of_the_levels_is_no_measure(tmp_path, says):
    assert says(problem(tmp_path, state('{ load = "MILL.P", idle = 3 }')).what)


@pytest.mark.survives(
    "idle level of a load above its full level", then="an error of `davylamp check`",
    says=Text("idle (80) is not below full (3)", "idle（80）不低于 full（3）"))
def test_levels_the_wrong_way_round_are_refused(tmp_path, says):
    assert says(problem(tmp_path, state('{ load = "MILL.P", idle = 80, full = 3 }')).what)


@pytest.mark.survives(
    "load bands that overlap", then="an error of `davylamp check`",
    says=Text("no room between stopped (0.4) and running (0.45) with a band of 0.05",
              "stopped（0.4）与 running（0.45）之间放不下 0.05 的回差"))
def test_bands_that_overlap_are_refused(tmp_path, says):
    assert says(problem(tmp_path, state('{ load = "MILL.P", stopped = 0.4, running = 0.45 }')).what)


@pytest.mark.survives(
    "a load state of itself", then="an error of `davylamp check`",
    says=Text("circular: [MILL.state] -> [MILL.state]", "循环引用：[MILL.state] -> [MILL.state]"))
def test_a_state_of_itself_is_refused(tmp_path, says):
    assert says(problem(tmp_path, state('"MILL.state"')).what)


def test_a_circle_through_an_expression_points_into_it(tmp_path):
    text = state('"sum"') + '[[signals]]\nid = "sum"\nkind = "power"\nexpression = "[MILL.P] + [MILL.state]"\n'
    assert "circular: [sum] -> [MILL.state] -> [sum]" in problem(tmp_path, text).what.en


def test_it_is_read_from_no_device(tmp_path):
    points = 'points = [{ signal = "MILL.P" }, { signal = "MILL.state" }]'
    assert "can not be read from a device" in problem(tmp_path, state('"MILL.P"'), points).what.en


def test_state_and_expression_exclude_each_other(tmp_path):
    what = problem(tmp_path, state('"MILL.P"', 'expression = "[MILL.P] * 2"')).what
    assert what.en == "load_state and expression exclude each other"


def test_a_rule_on_a_learnt_state_is_warned_of(tmp_path):
    rule = ('[[signals]]\nid = "STATUS"\nkind = "switch"\nlimits = "none"\n[[rules]]\nid = "stop"\ntype = "interlock"\n'
            'when = "MILL.state >= 2"\nrequires = "STATUS == 1"\n')
    points = 'points = [{ signal = "MILL.P" }, { signal = "STATUS" }]'
    learnt = site(tmp_path, POWER + state('"MILL.P"') + rule, points)
    (found,) = [one for one in learnt.problems if "is learnt" in one.what.en]
    assert found.severity == "warning" and "not known for 14 days" in found.what.en
    given = site(tmp_path, POWER + state('{ load = "MILL.P", idle = 3, full = 80 }') + rule, points)
    assert not [one for one in given.problems if "is learnt" in one.what.en]
