"""Hours of work: what may be written, and that they can not be made a danger."""

from __future__ import annotations

import pytest

from gateway.model.alarm import Priority, Risk
from gateway.model.learnt import Profile
from gateway.model.text import LANGUAGES, Text
from tests.config.plugins import said, site

KIND = '[kinds.power.profile]\nevery = "5min"\npriority = "P3"\n'


def power(rest: str) -> str:
    return f'[[signals]]\nid = "P"\nkind = "power"\nlimits = "none"\n{rest}\n'


def profile(loaded) -> Profile | None:
    assert loaded.site_file is not None, said(loaded)
    return loaded.site_file.site.signals[0].profile


def test_nobody_is_watched_unasked(tmp_path):
    assert profile(site(tmp_path, power(""))) is None


def test_an_empty_table_takes_the_defaults(tmp_path):
    assert profile(site(tmp_path, power("profile = {}"))) == Profile()


def test_what_a_signal_says_is_laid_over_what_its_kind_says(tmp_path):
    found = profile(site(tmp_path, KIND + power('profile = { blunt = 2, risk = "yellow" }')))
    assert found == Profile(300.0, 14 * 86400.0, 7200.0, 0.3, 2.0, Priority.P3, Risk.YELLOW)


def test_a_signal_may_do_without(tmp_path):
    assert profile(site(tmp_path, KIND + power('profile = "none"'))) is None


def test_a_whole_week_is_learnt_at_least(tmp_path):
    assert profile(site(tmp_path, power('profile = { learn = "1d" }'))).learn_s == 7 * 86400


@pytest.mark.parametrize(("key", "value", "what"), [
    ("risk", "red", 'unusual behaviour is never above yellow, got "red"'),
    ("priority", "P2", 'unusual behaviour is P3 at most, got "P2"'),
])
def test_statistics_alone_are_no_danger(tmp_path, key, value, what):
    problem = site(tmp_path, power(f'profile = {{ {key} = "{value}" }}')).problems[0]
    assert problem.severity == "error" and problem.what.en == what
    assert all(problem.fix[language] for language in LANGUAGES)


@pytest.mark.survives(
    "a profile of hours of work whose pause is shorter than two of its means", then="an error of `davylamp check`",
    says=Text("idle (600 s) is shorter than two means (900 s each)", "idle（600 秒）短于两个均值（各 900 秒）"))
def test_a_pause_that_no_mean_can_show_is_refused(tmp_path, says):
    problem = site(tmp_path, power('profile = { idle = "10min" }')).problems[0]
    assert says(problem.what) and problem.severity == "error"
