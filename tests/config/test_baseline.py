"""Learning what is usual: what may be written, and that it can not be made a danger."""

from __future__ import annotations

import pytest

from gateway.model.alarm import Priority, Risk
from gateway.model.learnt import Baseline
from gateway.model.text import LANGUAGES
from tests.config.plugins import said, site

KIND = '[kinds.level.baseline]\nevery = "10min"\npriority = "P3"\n'


def level(rest: str) -> str:
    return f'[[signals]]\nid = "T"\nkind = "level"\nlow = 0\nhigh = 12\nlimits = "none"\n{rest}\n'


def baseline(loaded) -> Baseline | None:
    assert loaded.site_file is not None, said(loaded)
    return loaded.site_file.site.signals[0].baseline


def test_nobody_is_watched_unasked(tmp_path):
    assert baseline(site(tmp_path, level(""))) is None


def test_an_empty_table_takes_the_defaults(tmp_path):
    assert baseline(site(tmp_path, level("baseline = {}"))) == Baseline()


def test_what_a_signal_says_is_laid_over_what_its_kind_says(tmp_path):
    found = baseline(site(tmp_path, KIND + level('baseline = { blunt = 2, risk = "yellow" }')))
    assert found == Baseline(600.0, 120000.0, 7200.0, 2.0, Priority.P3, Risk.YELLOW)


def test_a_signal_may_do_without(tmp_path):
    assert baseline(site(tmp_path, KIND + level('baseline = "none"'))) is None


def test_two_hundred_means_are_learnt_at_least(tmp_path):
    assert baseline(site(tmp_path, level('baseline = { every = "1h", learn = "1d" }'))).learn_s == 200 * 3600


@pytest.mark.parametrize(("key", "value", "what"), [
    ("risk", "red", 'unusual behaviour is never above yellow, got "red"'),
    ("risk", "orange", 'unusual behaviour is never above yellow, got "orange"'),
    ("priority", "P2", 'unusual behaviour is P3 at most, got "P2"'),
])
def test_statistics_alone_are_no_danger(tmp_path, key, value, what):
    loaded = site(tmp_path, level(f'baseline = {{ {key} = "{value}" }}'))
    problem = loaded.problems[0]
    assert problem.severity == "error" and problem.what.en == what
    assert all(problem.fix[language] for language in LANGUAGES)
