"""The sensor faults that a site file asks for."""

from __future__ import annotations

import pytest

from gateway.model.condition import FAULT_KINDS, Condition
from gateway.model.learnt import Faults
from gateway.model.text import Text
from tests.config.plugins import said, site

KIND = '[kinds.level.faults]\nevery = "10s"\nwindow = "10min"\n'


def level(rest: str) -> str:
    return f'[[signals]]\nid = "T"\nkind = "level"\nlow = 0\nhigh = 12\nlimits = "none"\ndeadman = "5s"\n{rest}\n'


def faults(loaded) -> Faults | None:
    assert loaded.site_file is not None, said(loaded)
    return loaded.site_file.site.signals[0].faults


def test_nobody_is_watched_unasked(tmp_path):
    assert faults(site(tmp_path, level(""))) is None


def test_an_empty_table_takes_the_defaults_and_all_types(tmp_path):
    found = faults(site(tmp_path, level("faults = {}")))
    assert found == Faults() and found.kinds == set(FAULT_KINDS)


def test_what_a_signal_says_is_laid_over_what_its_kind_says(tmp_path):
    found = faults(site(tmp_path, KIND + level('faults = { types = ["wrapped", "drift"], learn = "1h" }')))
    assert found == Faults(frozenset({Condition.WRAPPED, Condition.DRIFT}), 10.0, 600.0, 3600.0)


def test_a_signal_may_do_without(tmp_path):
    assert faults(site(tmp_path, KIND + level('faults = "none"'))) is None


def test_two_hundred_means_are_learnt_at_least(tmp_path):
    assert faults(site(tmp_path, level('faults = { every = "1min", learn = "1min" }'))).learn_s == 200 * 60


@pytest.mark.parametrize("text", [level('faults = { window = "1min" }'),
                                  '[kinds.level.faults]\nwindow = "1min"\n' + level("")])
@pytest.mark.survives("a window of sensor faults with fewer than six means in it", then="refused", says=Text(
    "T: window of faults (60 s) holds fewer than 6 means of 60 s",
    "T：faults 的时间窗（60 s）不足 6 个均值（每个 60 s）"))
def test_a_window_holds_six_means(tmp_path, text, says):
    problem = site(tmp_path, text).problems[0]
    assert says(problem.what) and problem.severity == "error"
    assert problem.key.endswith("window") and problem.fix.en and problem.fix.zh


@pytest.mark.survives("means of sensor faults over less time than the source takes from read to read",
                      then="warned of", says=Text(
    "T: every of faults (0.5 s) is shorter than the period of its source (1 s)",
    "T：faults 的 every（0.5 s）短于数据源周期（1 s）"))
def test_a_mean_needs_a_sample(tmp_path, says):
    loaded = site(tmp_path, level('faults = { every = "500ms" }'), 'points = [{ signal = "T" }]')
    assert any(says(problem.what) for problem in loaded.problems) and loaded.site_file is not None


@pytest.mark.survives("a type of sensor fault that there is not", then="refused", says=Text(
    '"wraped" is not one of the choices; did you mean `wrapped`?', '"wraped" 不在可选值之中；是否应为 `wrapped`？'))
def test_only_the_types_there_are(tmp_path, says):
    problem = site(tmp_path, level('faults = { types = ["wraped"] }')).problems[0]
    assert says(problem.what) and problem.severity == "error"
