"""Head-counts and cards: what may be written, and what can not be meant."""

from __future__ import annotations

import pytest

from gateway.model.alarm import Priority
from gateway.model.rules import Test
from gateway.model.signal import HeadCount, Still
from gateway.model.text import Text
from tests.config.plugins import said, site

BESIDE = "".join(f'[[signals]]\nid = "{id}"\nkind = "{kind}"\ndeadman = "1min"\n{rest}\n' for id, kind, rest in (
    ("SHIFT", "status", 'labels = { 1 = "production", 2 = { en = "repair", zh = "检修" } }'),
    ("VISITORS", "head_count", 'limits = "none"'), ("FACES", "head_count", 'limits = "none"'),
    ("HANDOVER", "switch", "")))


def cards(rest: str) -> str:
    return f'[[signals]]\nid = "CARDS"\nkind = "head_count"\nlimits = "none"\ndeadman = "1min"\n{rest}\n' + BESIDE


def built(loaded):
    assert loaded.site_file is not None, said(loaded)
    return loaded.site_file.site.signals[0]


def test_a_count_by_the_kind_of_shift(tmp_path):
    found = built(site(tmp_path, cards('headcount = { shift = "SHIFT", by_shift = { 1 = 25, 2 = 8 }, '
                                       'exempt = "VISITORS", faces = "FACES", handover = "HANDOVER == 1" }')))
    assert found.headcount == HeadCount(8, "SHIFT", {1: 25, 2: 8}, ("VISITORS",), "FACES", Test("HANDOVER", "==", 1.0))


def test_one_limit_for_all(tmp_path):
    loaded = site(tmp_path, cards('headcount = { most = 9, priority = "P1" }'))
    assert built(loaded).headcount == HeadCount(9, priority=Priority.P1)
    assert {"CARDS/headcount", "CARDS/full"} <= {alarm.id for alarm in loaded.site_file.site.alarms}
    assert "CARDS/mismatch" not in loaded.site_file.site.alarms


def test_a_card(tmp_path):
    found = built(site(tmp_path, cards('still = { after = "30min", only_while = "HANDOVER == 0" }')))
    assert found.still == Still(1800.0, 0.0, Test("HANDOVER", "==", 0.0))


@pytest.mark.parametrize("text", [pytest.param(text, marks=pytest.mark.survives(
    case, then="refused by `check`, with place and cure", says=says)) for case, text, says in (
    ("a head-count without a limit", "headcount = { on_delay = 30 }",
     Text("CARDS: headcount without a limit", "CARDS：headcount 没有限值")),
    ("a kind of shift without limits by it", 'headcount = { most = 9, shift = "SHIFT" }',
     Text("CARDS: shift without by_shift", "CARDS：有 shift，但没有 by_shift")),
    ("limits by shift without a signal that says which it is", "headcount = { by_shift = { 1 = 25 } }",
     Text("CARDS: by_shift without shift", "CARDS：有 by_shift，但没有 shift")),
    ("a kind of shift by a signal that does not exist", 'headcount = { shift = "SHIFTS", by_shift = { 1 = 9, 2 = 9 } }',
     Text('unknown signal "SHIFTS"; did you mean `SHIFT`?', '未知的信号 "SHIFTS"；是否应为 `SHIFT`？')),
    ("a head-count compared with itself", 'headcount = { most = 9, faces = "CARDS" }',
     Text("CARDS: faces names the count itself", "CARDS：faces 指向该计数自身")),
    ("a kind of shift that is no number", 'headcount = { shift = "SHIFT", by_shift = { day = 9 } }',
     Text('expected a whole number, got "day"', '应为整数，实际为 "day"')),
)])
def test_a_count_that_can_not_be_meant(tmp_path, text, says):
    errors = [problem for problem in site(tmp_path, cards(text)).problems if problem.severity == "error"]
    assert len(errors) == 1 and says(errors[0].what), errors


@pytest.mark.survives("a kind of shift without a limit", then="warning; the strictest limit applies", says=Text(
    "CARDS: no limit for shift kind 2 (repair): the strictest limit applies",
    "CARDS：班次类型 2 (检修) 没有限值，按最严限值处理"))
def test_a_kind_of_shift_without_a_limit(tmp_path, says):
    loaded = site(tmp_path, cards('headcount = { shift = "SHIFT", by_shift = { 1 = 25 } }'))
    assert loaded.site_file is not None
    assert any(says(problem.what) for problem in loaded.problems if problem.severity == "warning")


def test_an_exemption_that_would_last_for_ever(tmp_path):
    visitors = '"VISITORS"\nkind = "head_count"\ndeadman = '
    text = cards('headcount = { most = 9, exempt = ["VISITORS"] }').replace(visitors + '"1min"', visitors + '"none"')
    assert said(site(tmp_path, text)) == [
        'signals[0] "CARDS" headcount | exempt | CARDS: VISITORS has no deadman: its last word would make headcount '
        "milder for ever"]
