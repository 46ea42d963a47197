"""Why an alarm stood that is judged by more than one signal."""

from __future__ import annotations

import pytest

from gateway.model.rules import Test
from gateway.model.signal import Reference
from gateway.replay.explain import explain
from gateway.replay.run import run
from gateway.replay.table import CsvRecording
from gateway.replay.words import explain_lines, told
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
