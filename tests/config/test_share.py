"""Shares of loads in a site file."""

from __future__ import annotations

import pytest

from gateway.model.alarm import Priority, Risk
from gateway.model.learnt import Share
from gateway.model.text import Text
from tests.config.plugins import said, site

MAIN = '[[signals]]\nid = "MAIN.P"\nkind = "power"\n'
POINTS = 'points = [{ signal = "MAIN.P" }, { signal = "FAN.P" }]'


def part(share: str, id: str = "FAN.P", kind: str = "power") -> str:
    return f'[[signals]]\nid = "{id}"\nkind = "{kind}"\nshare = {share}\n'


def problem(tmp_path, text: str):
    loaded = site(tmp_path, MAIN + text, POINTS)
    assert loaded.problems, said(loaded)
    return loaded.problems[0]


def test_a_share_takes_the_defaults(tmp_path):
    loaded = site(tmp_path, MAIN + part('{ of = "MAIN.P" }'), POINTS)
    assert loaded.problems == () and loaded.site_file.site.signals[1].share == Share("MAIN.P")


def test_what_is_said_is_taken(tmp_path):
    text = part('{ of = "MAIN.P", up = 1, down = 0.5, every = "10min", learn = "1d", priority = "P3", '
                'risk = "yellow" }')
    loaded = site(tmp_path, MAIN + text, POINTS)
    assert loaded.site_file.site.signals[1].share == Share("MAIN.P", 1.0, 0.5, 600.0, 86400.0, 0.3, Priority.P3,
                                                            Risk.YELLOW)


def test_it_can_not_be_made_a_danger(tmp_path):
    assert "never above yellow" in problem(tmp_path, part('{ of = "MAIN.P", risk = "red" }')).what.en


@pytest.mark.survives("a share of a load that no signal has", then="an error of `davylamp check`, with the nearest id",
                      says=Text('unknown signal "MAIN"; did you mean `MAIN.P`?',
                                '未知的信号 "MAIN"；是否应为 `MAIN.P`？'))
def test_a_load_that_is_missing_is_named(tmp_path, says):
    assert says(problem(tmp_path, part('{ of = "MAIN" }')).what)


@pytest.mark.survives("a load compared with itself", then="an error of `davylamp check`",
                      says=Text("FAN.P: a share of itself", "FAN.P：与自身比较"))
def test_a_share_of_itself_is_refused(tmp_path, says):
    assert says(problem(tmp_path, part('{ of = "FAN.P" }')).what)


@pytest.mark.survives("shares of one load over different times", then="an error of `davylamp check`",
                      says=Text("shares of MAIN.P over 600 s and, for FAN.P, over 1800 s",
                                "MAIN.P 的占比周期不一致：600 秒与 FAN.P 的 1800 秒"))
def test_one_load_is_compared_in_one_way(tmp_path, says):
    text = part('{ of = "MAIN.P" }') + part('{ of = "MAIN.P", every = "10min" }', "HOIST.P")
    assert any(says(found.what) and found.severity == "error" for found in site(tmp_path, MAIN + text, POINTS).problems)


def test_other_units_are_warned_of(tmp_path):
    found = problem(tmp_path, part('{ of = "MAIN.P" }', kind="current"))
    assert found.severity == "warning" and found.what.en == "FAN.P: A is compared with kW of MAIN.P"
