"""A warning before the limit: what may be written, and what can not be meant."""

from __future__ import annotations

from gateway.model.alarm import Priority, Risk
from gateway.model.condition import Condition
from gateway.model.signal import Trend
from gateway.model.text import LANGUAGES
from tests.config.plugins import said, site

KIND = '[kinds.level.trend]\nto = "L"\nwindow = "20min"\npriority = "P4"\n'


def level(rest: str) -> str:
    return f'[[signals]]\nid = "T"\nkind = "level"\nlow = 0\nhigh = 12\n{rest}\n'


def trend(loaded) -> Trend | None:
    assert loaded.site_file is not None, said(loaded)
    return loaded.site_file.site.signals[0].trend


def test_what_is_not_said_has_a_sensible_value(tmp_path):
    found = trend(site(tmp_path, level("limits = { H = 10 }\ntrend = {}")))
    assert found == Trend(Condition.HIGH, 600, 300, Priority.P3, Risk.YELLOW)


def test_what_a_signal_says_is_laid_over_what_its_kind_says(tmp_path):
    found = trend(site(tmp_path, KIND + level('limits = { L = 1 }\ntrend = { horizon = "1h", risk = "blue" }')))
    assert found == Trend(Condition.LOW, 3600, 1200, Priority.P4, Risk.BLUE)


def test_a_signal_may_do_without(tmp_path):
    assert trend(site(tmp_path, KIND + level('limits = { L = 1 }\ntrend = "none"'))) is None


def test_a_trend_leads_to_a_limit_that_is_there(tmp_path):
    loaded = site(tmp_path, level('limits = { H = 10 }\ntrend = { to = "L" }'))
    assert said(loaded) == ['signals[0] "T" trend | to | T: trend to L, but there is no limit L']
    assert "限值 L" in loaded.problems[0].what.zh


def test_a_trend_of_the_kind_to_a_limit_that_a_signal_lacks_is_told_at_the_kind(tmp_path):
    loaded = site(tmp_path, KIND + level("limits = { H = 10 }"))
    assert said(loaded) == ["kinds.level.trend | to | T: trend to L, but there is no limit L"]


def test_a_forecast_is_never_above_yellow(tmp_path):
    loaded = site(tmp_path, level('limits = { H = 10 }\ntrend = { risk = "orange" }'))
    problem = loaded.problems[0]
    assert problem.severity == "error" and problem.what.en == 'a forecast is never above yellow, got "orange"'
    assert all('"blue"' in problem.fix[language] for language in LANGUAGES)


def test_a_window_of_a_few_samples_shows_no_trend(tmp_path):
    text = level('limits = { H = 10 }\ntrend = { window = "11s" }')
    loaded = site(tmp_path, text, 'points = [{ signal = "T" }]\nperiod = "1s"')
    assert [(problem.severity, problem.fix.en) for problem in loaded.problems] == [
        ("warning", "lengthen window to at least 12 s")]
