"""Why an alarm stood that is judged by more than one signal."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.model.group import Group
from gateway.model.guidance import Guidance
from gateway.model.rules import Test
from gateway.model.signal import HeadCount, Reference, Still
from gateway.model.text import Text
from gateway.replay.explain import explain
from gateway.replay.explain_words import explain_lines
from gateway.replay.run import run
from gateway.replay.table import CsvRecording
from gateway.replay.words import told
from tests.core.plant import limit, signal, site

APART = site(signal("T", limit("DEV+", 5.0, deadband=1.0, reference=Reference(signals=("A", "B")))),
             signal("A"), signal("B"))

GATED = site(signal("I", limit("L", 5.0, only_while=Test.parse("RUN == 1"))), signal("RUN", deadman_s=10.0))


def recorded(tmp_path, site, head, rows) -> CsvRecording:
    lines = [head, *(f"{1790000000 + second},{row}" for second, row in enumerate(rows))]
    (tmp_path / "data.csv").write_text("\n".join(lines) + "\n")
    return CsvRecording(tmp_path / "data.csv", site.signals.ids)


@pytest.mark.parametrize(("language", "sentences"), [
    ("en", ("compared with the median of A, B", "Compared with A: 20.0 u, good, 0.0 s before.",
            "28.0 u is 7.0 u above the reference of 21.0 u; the limit is 5.0 u.")),
    ("zh", ("比较对象 A, B 的中位数", "比较对象 A：20.0 u，质量：正常，0.0 秒前。",
            "28.0 u 高于参考值 21.0 u，相差 7.0 u；限值 5.0 u。"))])
def test_a_deviation_names_what_it_was_compared_with(tmp_path, language, sentences):
    data = recorded(tmp_path, APART, "time,T,A,B", ["20,20,22", "28,20,22"])
    found = explain(APART, APART.alarms.get("T/DEV+"), data)
    text = told(explain_lines(found), language)
    assert found.stands and all(sentence in text for sentence in sentences), text


def test_a_deviation_without_its_reference_is_not_judged(tmp_path):
    outcome = run(APART, recorded(tmp_path, APART, "time,T,A", ["20,20", "28,20"]))
    assert outcome.not_judged["T/DEV+"] == ("B",)


@pytest.mark.parametrize(("rows", "stands", "en", "zh"), [
    (["0,0", "0,1"], True, "It counts only while RUN == 1; so it was, 1.0 u, 0.0 s before.",
     "仅在 RUN == 1 时有效；当时成立，1.0 u，0.0 秒前。"),
    (["0,0", "0,0"], False, "It counts only while RUN == 1; that was not so, 0.0 u, 0.0 s before: nothing begins, and "
     "what stands ends by its own value.",
     "仅在 RUN == 1 时有效；当时不成立，0.0 u，0.0 秒前：不触发新告警，已有告警按自身数值解除。"),
    (["0,", "0,"], True, "It counts only while RUN == 1; there is no good and current data of it, so it counted.",
     "仅在 RUN == 1 时有效；该信号没有有效的最新数据，因此按有效处理。")])
def test_a_gated_limit_says_how_its_gate_stood(tmp_path, rows, stands, en, zh):
    found = explain(GATED, GATED.alarms.get("I/L"), recorded(tmp_path, GATED, "time,I,RUN", rows))
    assert found.stands is stands
    assert en in told(explain_lines(found), "en") and zh in told(explain_lines(found), "zh")
    assert "only while RUN == 1, or while that is not known" in told(explain_lines(found), "en")
    assert "RUN" in found.samples


@pytest.mark.parametrize(("language", "sentences"), [
    ("en", ("people by kind of shift (SHIFT) 1: 25, 2: 8; 8 where it is not known", "not counting VISITORS",
            "VISITORS: no good data: nobody is exempt", "kind of shift not known: the strictest limit applies")),
    ("zh", ("按班次类型（SHIFT）限人数 1: 25, 2: 8；类型不明时 8", "不计入 VISITORS", "无有效数据，不予扣除",
            "班次类型不明：按最严的限值"))])
def test_a_head_count_says_which_limit_applied(tmp_path, language, sentences):
    rule = HeadCount(8, "SHIFT", {1.0: 25, 2.0: 8}, ("VISITORS",), on_delay_s=1.0)
    face = site(signal("CARDS", headcount=rule), signal("SHIFT"), signal("VISITORS"))
    data = recorded(tmp_path, face, "time,CARDS,SHIFT,VISITORS", ["12,7,", "12,7,", "12,7,"])
    found = explain(face, face.alarms.get("CARDS/headcount"), data)
    text = told(explain_lines(found), language)
    assert found.stands and all(sentence in text for sentence in sentences), text


def test_a_card_that_does_not_move_is_explained(tmp_path):
    card = site(signal("CARD", still=Still(2.0, by=1.0)))
    found = explain(card, card.alarms.get("CARD/still"), recorded(tmp_path, card, "time,CARD", ["5", "5.5", "5", "5"]))
    text = told(explain_lines(found), "en")
    assert found.stands and "no change of more than 1 u for 2 s" in text and "has not moved by more than 1 u" in text


PUMP = replace(site(signal("flow"), signal("lamp")), groups=(
    Group("pump", Text("Pump", "泵"), "tank_farm", ("flow", "lamp"), every_s=1.0, learn_s=100.0, hold_s=1.0),))


def pump(flow_at_the_end: float, rows: int = 150) -> list[str]:
    return [f"{80 + row % 2},1" for row in range(rows)] + [f"{flow_at_the_end},1"] * 20


@pytest.mark.parametrize(("language", "sentences"), [
    ("en", ("means over 1 s of flow, lamp; 1 times the bound learnt over 100 s of commissioning",
            "flow: 60.0 u now, 80.5 u at commissioning; the smoothed deviation is 9.6 times what is allowed.",
            "lamp never moved during commissioning and is not judged.")),
    ("zh", ("flow, lamp 的 1 秒均值；超过投运学习（100 秒）所得界限的 1 倍",
            "flow：现为 60.0 u，投运学习期为 80.5 u；平滑偏差为允许值的 9.6 倍。",
            "lamp 在投运学习期内从未变化，不参与判断。"))])
def test_a_group_says_where_its_members_stand(tmp_path, language, sentences):
    data = recorded(tmp_path, PUMP, "time,flow,lamp", pump(60))
    found = explain(PUMP, PUMP.alarms.get("pump/group"), data)
    text = told(explain_lines(found), language)
    assert found.stands and all(sentence in text for sentence in sentences), text


def test_a_group_that_is_not_commissioned_says_so(tmp_path):
    data = recorded(tmp_path, PUMP, "time,flow,lamp", pump(60, rows=31))
    found = explain(PUMP, PUMP.alarms.get("pump/group"), data)
    assert not found.stands
    assert "Its commissioning is 50 % done; until then nothing is said." in told(explain_lines(found), "en")


def test_a_group_needs_all_its_members(tmp_path):
    outcome = run(PUMP, recorded(tmp_path, PUMP, "time,flow", ["80", "81"]))
    assert outcome.not_judged["pump/group"] == ("lamp",)


def test_what_to_do_stands_below_why(tmp_path):
    advised = replace(APART.signals[0], guidance=Guidance("Compare by hand", "人工比对", contact=Text.same("8001")))
    here = site(advised, *APART.signals[1:])
    found = explain(here, here.alarms.get("T/DEV+"), recorded(tmp_path, here, "time,T,A,B", ["20,20,22", "28,20,22"]))
    english, chinese = (told(explain_lines(found), language) for language in ("en", "zh"))
    assert "What to do: Compare by hand\nCause: One of the two has drifted" in english, "the rest from the catalogue"
    assert "\nContact: 8001\n" in english and "处置：人工比对\n原因：" in chinese
