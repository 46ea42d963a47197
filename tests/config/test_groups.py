"""Groups of signals: what may be written, and what is refused before anybody waits a day for nothing."""

from __future__ import annotations

import pytest

from gateway.model.alarm import Priority, Risk
from gateway.model.group import Group
from gateway.model.text import LANGUAGES, Text
from tests.config.plugins import said, site

POINTS = 'points = [{ signal = "P.flow" }, { signal = "P.I" }]'


def pump(rest: str = "", signals: str = '["P.flow", "P.I"]', id: str = "pump") -> str:
    members = "".join(f'[[signals]]\nid = "{name}"\nkind = "{kind}"\nlimits = "none"\n'
                      for name, kind in (("P.flow", "flow"), ("P.I", "current")))
    return f'{members}[[groups]]\nid = "{id}"\nname = {{ en = "Pump", zh = "泵" }}\nsignals = {signals}\n{rest}\n'


def test_what_is_not_said_has_a_default(tmp_path):
    loaded = site(tmp_path, pump(), POINTS)
    assert loaded.site_file is not None, said(loaded)
    assert loaded.site_file.site.groups == (Group("pump", Text("Pump", "泵"), "site", ("P.flow", "P.I")),)


def test_everything_may_be_said(tmp_path):
    loaded = site(tmp_path, pump('every = "3s"\nlearn = "400s"\nhold = "1min"\nafter = "2h"\nblunt = 1.5\n'
                                 'priority = "P3"\nrisk = "yellow"'), POINTS)
    (group,) = loaded.site_file.site.groups
    assert group == Group("pump", Text("Pump", "泵"), "site", ("P.flow", "P.I"), 3.0, 400.0, 60.0, 7200.0, 1.5,
                          Priority.P3, Risk.YELLOW)


@pytest.mark.survives("a group that names a missing signal", then="refused", says=Text(
    'unknown signal "P.flo"; did you mean `P.flow`?', '未知的信号 "P.flo"；是否应为 `P.flow`？'))
def test_a_missing_signal_is_named(tmp_path, says):
    loaded = site(tmp_path, pump(signals='["P.flo", "P.I"]'), POINTS)
    (line,) = said(loaded)
    assert line.startswith('groups[0] "pump" | signals[0] | ')
    assert says(next(problem.what for problem in loaded.problems if problem.severity == "error"))


@pytest.mark.survives("a commissioning too short to learn from", then="refused", says=Text(
    "commissioning is too short: learn (600 s) holds 10 means of every (60 s), and 100 are needed",
    "投运学习期过短：learn（600 秒）只含 10 个 every（60 秒）均值，至少需要 100 个"))
def test_the_commissioning_holds_enough_means(tmp_path, says):
    loaded = site(tmp_path, pump('learn = "10min"'), POINTS)
    problem = next(problem for problem in loaded.problems if problem.severity == "error")
    assert says(problem.what)
    assert "6000 s" in problem.fix.en


@pytest.mark.parametrize(("text", "line"), [
    (pump(signals='["P.flow"]'), 'groups[0] "pump" | signals | the list has too few elements'),
    (pump(signals='["P.flow", "P.flow"]'), 'groups[0] "pump" |  | listed twice: P.flow'),
    (pump(id="P.I"), 'groups[0] "P.I" | id | "P.I" is the id of a signal'),
    (pump('area = "hall"'), 'groups[0] "pump" | area | unknown area "hall"'),
    (pump('risk = "red"'), 'groups[0] "pump" | risk | unusual behaviour is never above yellow, got "red"'),
    (pump('priority = "P1"'), 'groups[0] "pump" | priority | unusual behaviour is P3 at most, got "P1"'),
])
def test_what_can_not_work_is_refused(tmp_path, text, line):
    loaded = site(tmp_path, text, POINTS)
    assert said(loaded) == [line]
    assert all(problem.fix[language] for problem in loaded.problems for language in LANGUAGES)


def test_a_member_that_comes_too_rarely_is_told(tmp_path):
    loaded = site(tmp_path, pump('every = "3s"'), POINTS + "\nperiod = 5.0")
    assert ('groups[0] "pump" | every | P.I comes every 5 s: many means over 3 s would lack it, and nothing is learnt '
            "from those") in said(loaded, "warning")
