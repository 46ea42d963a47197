"""Rules: what may be written, and what can not be meant."""

from __future__ import annotations

import pytest

from gateway.model.alarm import Priority, Risk
from gateway.model.area import Escalation
from gateway.model.rules import Degraded, Interlock, Side, Test, Vote
from gateway.model.text import Text
from tests.config.plugins import said, site

SIGNALS = "".join(f'[[signals]]\nid = "GD-0{n}"\nkind = "combustible_gas"\nlow = 0\nhigh = 100\nlimits = "none"\n'
                  for n in (1, 2, 3)) + '[[signals]]\nid = "FAN"\nkind = "switch"\ndeadman = "10s"\n'
HIGH = ('"GD-01 >= 20"', '"GD-02 >= 20"', '"GD-03 >= 20"')


def interlock(when: str, requires: str = '"FAN == 1"', rest: str = "") -> str:
    return SIGNALS + f'[[rules]]\nid = "fan"\ntype = "interlock"\nwhen = {when}\nrequires = {requires}\n{rest}'


def vote(*members: str, m: int = 2, rest: str = "") -> str:
    return SIGNALS + f'[[rules]]\nid = "v"\ntype = "vote"\nmembers = [{", ".join(members)}]\nm = {m}\n{rest}'


def rule(loaded):
    assert loaded.site_file is not None, said(loaded)
    return loaded.site_file.site.rules[0]


def parsed(*texts: str) -> tuple[Test, ...]:
    return tuple(map(Test.parse, texts))


def test_an_interlock_with_its_defaults(tmp_path):
    found = rule(site(tmp_path, interlock('"GD-01 >= 10"')))
    assert found == Interlock("fan", Text("S: interlock violated", "S：违反联锁条件"), "site",
                              Side(parsed("GD-01 >= 10")), Side(parsed("FAN == 1"), every=True), 5, 5, Priority.P2,
                              Risk.ORANGE)


@pytest.mark.parametrize(("written", "side"), [
    ('["GD-01 >= 10", "GD-02 >= 10"]', Side(parsed("GD-01 >= 10", "GD-02 >= 10"))),
    ('{ any = ["GD-01 >= 10", "GD-02 >= 10"] }', Side(parsed("GD-01 >= 10", "GD-02 >= 10"))),
    ('{ all = ["GD-01 >= 10", "GD-02 >= 10"] }', Side(parsed("GD-01 >= 10", "GD-02 >= 10"), every=True)),
    ('{ all = "GD-01 >= 10" }', Side(parsed("GD-01 >= 10"), every=True))])
def test_a_side_is_any_or_all_of_its_tests(tmp_path, written, side):
    assert rule(site(tmp_path, interlock(written))).when == side


def test_a_plain_list_of_requirements_means_all_of_them(tmp_path):
    assert rule(site(tmp_path, interlock('"GD-01 >= 10"', '["FAN == 1", "GD-02 < 50"]'))).requires.every
    assert not rule(site(tmp_path, interlock('"GD-01 >= 10"', '{ any = ["FAN == 1", "GD-02 < 50"] }'))).requires.every


def test_a_vote_with_its_defaults_has_two_alarms(tmp_path):
    loaded = site(tmp_path, vote(*HIGH))
    assert rule(loaded) == Vote("v", Text("S: several detectors agree", "S：多个探测器一致报警"), "site",
                                parsed("GD-01 >= 20", "GD-02 >= 20", "GD-03 >= 20"), 2, Degraded.TRIP, 10, 2, 30,
                                Priority.P1, Risk.RED)
    alarms = loaded.site_file.site.alarms
    assert [(alarms.get(id).priority, alarms.get(id).group) for id in ("v", "v/degraded")] == [
        (Priority.P1, ""), (Priority.P3, "")]


def test_a_vote_says_what_a_bad_member_counts_for(tmp_path):
    found = rule(site(tmp_path, vote(*HIGH, rest='degraded = "lower"\nbad_after = "1min"\n')))
    assert (found.degraded, found.bad_after_s) == (Degraded.LOWER, 60)


CASES = {
    "a rule that names a signal that is not there": (
        interlock('["GD-01 >= 10", "GD-2 >= 10"]'), Text(
            'rules[0] "fan" | when[1] | unknown signal "GD-2"; did you mean `GD-02`?',
            '未知的信号 "GD-2"；是否应为 `GD-02`？')),
    "a vote with a member that is not there": (
        vote(*HIGH[:2], '"GD-13 >= 20"'), Text(
            'rules[0] "v" | members[2] | unknown signal "GD-13"; did you mean `GD-03`?',
            '未知的信号 "GD-13"；是否应为 `GD-03`？')),
    "a vote of more members than there are": (
        vote(*HIGH, m=4), Text('rules[0] "v" | m | 4 of 3 members can never vote', "3 个成员不可能有 4 个投票")),
    "a vote of none": (vote(*HIGH, m=0), Text('rules[0] "v" | m | 0 is too small', "0 过小")),
    "a vote in which one detector stands twice": (
        vote(*HIGH, '"GD-02 >= 40"'), Text('rules[0] "v" | members | members listed twice: GD-02',
                                           "重复列出的成员：GD-02")),
    "a vote with a single member": (vote(HIGH[0], m=1), Text('rules[0] "v" | members | a vote with a single member',
                                                             "表决只有一个成员")),
    "a vote whose members are no tests": (
        vote('"GD-01"', *HIGH[1:]), Text('rules[0] "v" | members[0] | expected a test, got "GD-01"',
                                         '应为条件，实际为 "GD-01"')),
    "an unknown rule for degraded votes": (
        vote(*HIGH, rest='degraded = "ignore"\n'), Text(
            'rules[0] "v" | degraded | "ignore" is not one of the choices', '"ignore" 不在可选值之中')),
    "an interlock with the same test on both sides": (
        interlock('["FAN == 1", "GD-01 >= 10"]'), Text(
            'rules[0] "fan" | requires | FAN == 1 stands on both sides of the rule', "FAN == 1 同时出现在规则的两侧")),
    "an interlock that can never alarm": (
        interlock('"GD-01 >= 20"', '"GD-01 > 10"'), Text(
            'rules[0] "fan" | requires | can never alarm: while GD-01 >= 20 is true, GD-01 > 10 is true too',
            "该规则永远不会告警：GD-01 >= 20 成立时 GD-01 > 10 必然成立")),
    "tests of a rule that contradict each other": (
        interlock('{ all = ["GD-01 > 40", "GD-01 < 20"] }'), Text(
            'rules[0] "fan" when |  | these can never be true together: GD-01 > 40, GD-01 < 20',
            "以下条件不可能同时成立：GD-01 > 40, GD-01 < 20")),
    "tests of which one is always true": (
        interlock('"GD-02 > 10"', '{ any = ["GD-01 > 20", "GD-01 < 40"] }'), Text(
            'rules[0] "fan" requires |  | one of these is always true: GD-01 > 20, GD-01 < 40',
            "以下条件总有一个成立：GD-01 > 20, GD-01 < 40")),
    "a test that its signal can never fulfil": (
        interlock('"GD-01 >= 200"'), Text(
            'rules[0] "fan" | when | GD-01 >= 200 is never true: GD-01 reads 0 to 100',
            "GD-01 >= 200 永不成立：GD-01 的量程为 0 至 100")),
    "a test that its signal always fulfils": (
        interlock('"GD-01 >= 10"', '"GD-02 >= 0"'), Text(
            'rules[0] "fan" | requires | GD-02 >= 0 is always true: GD-02 reads 0 to 100',
            "GD-02 >= 0 始终成立：GD-02 的量程为 0 至 100")),
    "an interlock that asks for any and all": (
        interlock('{ any = ["GD-01 > 1"], all = ["GD-02 > 1"] }'), Text(
            'rules[0] "fan" when |  | expected either any or all', "应填写 any 或 all 之一")),
    "an interlock that requires nothing": (
        interlock('"GD-01 >= 10"', "[]"), Text('rules[0] "fan" | requires | the list has too few elements',
                                               "列表元素过少")),
}


@pytest.mark.parametrize(("text", "what"), [
    pytest.param(text, what, id=case, marks=pytest.mark.survives(case, then="refused", says=Text(
        what.en.rpartition(" | ")[2], what.zh))) for case, (text, what) in CASES.items()])
def test_what_can_not_be_meant(tmp_path, says, text, what):
    loaded = site(tmp_path, text)
    assert said(loaded) == [what.en]
    assert says(loaded.problems[0].what) and loaded.problems[0].what.zh == what.zh
    assert loaded.problems[0].fix.en and loaded.problems[0].fix.zh


def test_a_member_that_may_fall_silent_unnoticed_is_pointed_out(tmp_path):
    text = vote('"FAN == 1"', '"X == 1"', m=1) + '[[signals]]\nid = "X"\nkind = "switch"\n'
    assert said(site(tmp_path, text), "warning")[0] == (
        'rules[0] "v" | members[1] | X has no deadman: if it falls silent, the rule goes on believing its last value')


def pond(risk: str) -> str:
    return f'[[areas]]\nid = "pond"\nname = "Pond"\n{risk}\n'


@pytest.mark.parametrize(("written", "escalation"), [
    ("", None), ("risk = {}", Escalation(4, 3, 2)), ("[areas.risk]\norange = 3", Escalation(4, 3, 3))])
def test_an_area_adds_up_its_alarms_where_it_is_asked_to(tmp_path, written, escalation):
    found = site(tmp_path, pond(written)).site_file.site
    assert found.areas[0].escalation == escalation
    assert [id for id in ("pond/risk-yellow", "pond/risk-orange", "pond/risk-red") if id in found.alarms] == (
        ["pond/risk-yellow", "pond/risk-orange", "pond/risk-red"] if escalation else [])


@pytest.mark.survives("one alarm that raises the risk of its area", then="refused",
                      says=Text("1 is too small", "1 过小"))
def test_one_alarm_alone_raises_no_level(tmp_path, says):
    loaded = site(tmp_path, pond("risk = { orange = 1 }"))
    assert said(loaded) == ['areas[0] "pond" risk | orange | 1 is too small']
    assert says(loaded.problems[0].what)
