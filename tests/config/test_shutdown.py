"""A shut-down and what it must bring about."""

from __future__ import annotations

import pytest

from gateway.model.rules import Test
from gateway.model.text import Text
from tests.config.plugins import said, site

SIGNALS = "".join(f'[[signals]]\nid = "{id}"\nkind = "level"\ndeadman = "5s"\nlimits = "none"\n'
                  for id in ("cmd", "XV", "FT", "test"))
POINTS = 'points = [{ signal = "cmd" }, { signal = "XV" }, { signal = "FT" }, { signal = "test" }]'


def rule(rest: str = "") -> str:
    return (f'{SIGNALS}[[rules]]\nid = "esd"\ntype = "shutdown_verification"\ncommand = "cmd == 1"\n'
            f'feedback = "XV == 1"\nstroke_time = "8s"\n{rest}\n')


def test_an_effect_a_test_and_an_interval(tmp_path):
    effect = 'effect = ["FT < 1", "FT >= -1"]\neffect_time = "30s"\n'
    loaded = site(tmp_path, rule(effect + 'test = "test == 1"\nproof_test_interval = "180d"'), POINTS)
    assert loaded.problems == ()
    (esd,) = loaded.site_file.site.rules
    assert (esd.effect, esd.effect_time_s) == ((Test.parse("FT < 1"), Test.parse("FT >= -1")), 30)
    assert (esd.test, esd.proof_test_interval_s) == (Test.parse("test == 1"), 180 * 86_400)
    assert [test.signal for test in esd.tests] == ["cmd", "XV", "FT", "FT", "test"]


def test_without_them_it_is_as_before(tmp_path):
    (esd,) = site(tmp_path, rule(), POINTS).site_file.site.rules
    assert (esd.effect, esd.test, esd.proof_test_interval_s, len(esd.tests)) == ((), None, None, 2)


@pytest.mark.parametrize(("rest", "what"), [
    ('effect = "FT < 1"', 'rules[0] "esd" | effect | effect without effect_time'),
    ('effect_time = "5s"', 'rules[0] "esd" | effect_time | effect_time without effect'),
    ('effect = "F < 1"\neffect_time = "5s"', 'rules[0] "esd" | effect | unknown signal "F"; did you mean `FT`?'),
    ('test = "tset == 1"', 'rules[0] "esd" | test | unknown signal "tset"; did you mean `test`?'),
    ('effect = []\neffect_time = "5s"', 'rules[0] "esd" | effect | the list has too few elements')])
def test_what_can_not_be_meant(tmp_path, rest, what):
    assert said(site(tmp_path, rule(rest), POINTS)) == [what]


def test_an_effect_without_a_deadman_is_a_warning(tmp_path):
    text = rule('effect = "FT < 1"\neffect_time = "5s"').replace('id = "FT"\nkind = "level"\ndeadman = "5s"',
                                                                'id = "FT"\nkind = "level"\ndeadman = "none"')
    assert said(site(tmp_path, text, POINTS), "warning") == [
        'rules[0] "esd" | effect | FT has no deadman: if it falls silent, the rule goes on believing its last value']


def response(rest: str = 'by = 5\nwithin = "30s"') -> str:
    return (f'{SIGNALS}[[rules]]\nid = "bump"\ntype = "response_test"\nsignal = "XV"\nstimulus = "test == 1"\n'
            f'{rest}\n'.replace('id = "XV"\n', 'id = "XV"\nlow = 0\nhigh = 10\n', 1))


def test_a_response_test_with_its_defaults(tmp_path):
    loaded = site(tmp_path, response(), POINTS)
    assert loaded.problems == ()
    (rule,) = loaded.site_file.site.rules
    assert (rule.signal, rule.by, rule.within_s, rule.proof_test_interval_s) == ("XV", 5, 30, None)
    assert rule.priority == 2 and rule.response == "XV +5"
    assert loaded.site_file.site.alarms.get("bump").condition == "response"


RESPONSES = {
    "a response test that asks for no response": ('by = 0\nwithin = "30s"', Text(
        'rules[0] "bump" | by | a response of 0 is none', "响应幅度不能为 0")),
    "a response test of a signal that is not there": (
        'by = 5\nwithin = "30s"\nsignal = "XVV"', Text(
            'rules[0] "bump" | signal | unknown signal "XVV"; did you mean `XV`?',
            '未知的信号 "XVV"；是否应为 `XV`？')),
    "a response beyond the measuring range": ('by = 50\nwithin = "30s"', Text(
        'rules[0] "bump" | by | XV can never move by 50: its measuring range spans 10',
        "XV 不可能变化 50：其量程跨度为 10")),
}


@pytest.mark.parametrize(("rest", "what"), [
    pytest.param(rest, what, id=case, marks=pytest.mark.survives(case, then="refused", says=Text(
        what.en.rpartition(" | ")[2], what.zh))) for case, (rest, what) in RESPONSES.items()])
def test_what_can_not_be_meant_of_a_response(tmp_path, says, rest, what):
    written = response(rest)
    if "XVV" in rest:
        written = written.replace('signal = "XV"\nstimulus', "stimulus")
    loaded = site(tmp_path, written, POINTS)
    assert said(loaded) == [what.en]
    assert says(loaded.problems[0].what)
