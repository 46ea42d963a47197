"""A shut-down and what it must bring about."""

from __future__ import annotations

import pytest

from gateway.model.rules import Test
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
