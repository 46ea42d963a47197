"""Suppression by design and the times of overlays: what may be written, and what can not be meant."""

from __future__ import annotations

from datetime import time

import pytest

from gateway.model.rules import Test
from gateway.model.suppression import Suppression, Window
from gateway.model.text import Text
from tests.config.plugins import said, site

PUMP = ('[[signals]]\nid = "P-101"\nkind = "switch"\ndeadman = "1min"\n'
        '[[signals]]\nid = "FT-101"\nkind = "flow"\ndeadman = "1min"\nlow = 0\nhigh = 90\n'
        'limits = { L = 3, LL = { value = 1, priority = "P1" } }\n'
        '[[signals]]\nid = "GD-01"\nkind = "combustible_gas"\nlow = 0\nhigh = 100\nlimits = { H = 20 }\n')
WHY = 'id = "stopped"\nwhy = { en = "the pump is stopped", zh = "泵已停" }\n'


def loaded(tmp_path, text: str, alarms: str = ""):
    return site(tmp_path, f"{PUMP}{alarms}[[suppressions]]\n{WHY}{text}\n")


def built(found):
    assert found.site_file is not None, said(found)
    return found.site_file.site.suppressions


def test_a_plant_state(tmp_path):
    found = built(loaded(tmp_path, 'alarms = "FT-101/L"\nwhile = "P-101 == 0"\nafter = "30s"\nat_most = "12h"'))
    assert found == (Suppression("stopped", Text("the pump is stopped", "泵已停"), ("FT-101/L",),
                                 Test("P-101", "==", 0.0), None, 30.0, 43200.0),)


def test_a_maintenance_window(tmp_path):
    found = built(loaded(tmp_path, 'alarms = ["FT-101"]\n'
                                   'window = { days = ["Sat", "2026-12-01"], from = "8:00", to = 12:30:00 }'))
    assert found[0].window == Window(("sat", "2026-12-01"), time(8), time(12, 30))


def test_times_of_overlays_and_re_alarm(tmp_path):
    found = site(tmp_path, PUMP + '[alarms]\nshelve_max = "1h"\nre_alarm = { P1 = "2min" }\n'
                                  're_alarm_acknowledged = { P2 = "12h" }\nsuppress_offline = false\n')
    assert found.site_file is not None, said(found)
    asked = found.site_file.alarms
    assert (asked.shelve_max, asked.shelve_p1_max, asked.out_of_service_max) == (3600.0, 0.0, 30 * 86400.0)
    assert (asked.re_alarm.P1, asked.re_alarm.P2, asked.re_alarm_acknowledged.P2) == (120.0, 1800.0, 43200.0)
    assert not found.site_file.site.suppress_offline


@pytest.mark.parametrize("text", [pytest.param(text, marks=pytest.mark.survives(
    case, then="refused by `check`, with place and cure", says=says)) for case, text, says in (
    ("a suppression of an alarm that does not exist", 'alarms = ["FT-101/LLL"]\nwhile = "P-101 == 0"',
     Text('no alarm, signal or rule "FT-101/LLL"; did you mean `FT-101/LL`?',
          '没有告警、信号或规则 "FT-101/LLL"；是否应为 `FT-101/LL`？')),
    ("a suppression of a P1", 'alarms = ["FT-101/LL"]\nwhile = "P-101 == 0"',
     Text("FT-101/LL is never suppressed: …", "FT-101/LL 不允许抑制：…")),
    ("a suppression of the limit of a gas detector", 'alarms = ["GD-01/H"]\nwhile = "P-101 == 0"',
     Text("GD-01/H is never suppressed: …", "GD-01/H 不允许抑制：…")),
    ("a suppression of the gateway's own alarms", 'alarms = ["gateway"]\nwhile = "P-101 == 0"',
     Text("gateway is never suppressed: …", "gateway 不允许抑制：…")),
    ("a suppression by a signal that does not exist", 'alarms = ["FT-101/L"]\nwhile = "P-102 == 0"',
     Text('unknown signal "P-102"; did you mean `P-101`?', '未知的信号 "P-102"；是否应为 `P-101`？')),
    ("a suppression without a condition", 'alarms = ["FT-101/L"]',
     Text("expected either while or window", "应填写 while 或 window 之一")),
    ("a maintenance window on a day that is none", 'alarms = ["FT-101/L"]\n'
     'window = { days = ["sta"], from = "08:00", to = "12:00" }',
     Text('"sta" is no day; did you mean `sat`?', '"sta" 不是有效的日期；是否应为 `sat`？')),
    ("a maintenance window on a date that is none", 'alarms = ["FT-101/L"]\n'
     'window = { days = ["2026-02-30"], from = "08:00", to = "12:00" }',
     Text('"2026-02-30" is no day', '"2026-02-30" 不是有效的日期')),
    ("a maintenance window at an hour that is none", 'alarms = ["FT-101/L"]\nwindow = { from = "25:00", to = "12:00" }',
     Text('expected a time of day, got "25:00"', '应为一天中的时刻，实际为 "25:00"')),
)])
def test_what_can_not_be_meant_is_refused(tmp_path, text, says):
    found = loaded(tmp_path, text)
    assert found.site_file is None
    assert any(says(problem.what) for problem in found.problems), said(found)


@pytest.mark.survives("re-alarm more often than once a minute", then="refused by `check`, with place and cure",
                      says=Text("10 is too small", "10 过小"))
def test_re_alarm_is_no_siren(tmp_path, says):
    found = site(tmp_path, PUMP + '[alarms]\nre_alarm = { P1 = 10 }\n')
    assert any(says(problem.what) for problem in found.problems), said(found)


def test_a_state_that_may_be_silent_is_warned_of(tmp_path):
    found = site(tmp_path, PUMP.replace('kind = "switch"\ndeadman = "1min"', 'kind = "switch"\ndeadman = "none"')
                 + f'[[suppressions]]\n{WHY}alarms = ["FT-101/L"]\nwhile = "P-101 == 0"\n')
    assert found.site_file is not None
    assert any("P-101 has no deadman: its state is believed for 60 s only" in problem.what.en
               for problem in found.problems)


@pytest.mark.survives("a suppression of what does not exist, in a file with other errors",
                      then="both are said at once", says=Text(
    'no alarm, signal or rule "FT-102/L"; did you mean `FT-101`?',
                                                              '没有告警、信号或规则 "FT-102/L"；是否应为 `FT-101`？'))
def test_targets_are_looked_at_although_the_rest_has_errors(tmp_path, says):
    found = loaded(tmp_path, 'alarms = ["FT-102/L", "FT-101/L", "P-101"]\nwhile = "P-102 == 0"', "[nonsense]\n")
    assert found.site_file is None and any("nonsense" in problem.place + problem.key for problem in found.problems)
    assert [says(problem.what) for problem in found.problems if problem.key.startswith("alarms")] == [True], said(found)
    assert any('unknown signal "P-102"' in problem.what.en for problem in found.problems)
