"""A person's hand on a running gateway, by the commands: bypasses and learning, over kill -9."""

from __future__ import annotations

import json
import signal

import pytest

from gateway.model.clock import kernel_clock_synchronised
from gateway.model.text import Text
from tests.acceptance.processes import davylamp, eventually, get, refusal
from tests.acceptance.test_run import SITE, Yard

survives = pytest.mark.survives


@pytest.fixture
def yard(tmp_path):
    yard = Yard(tmp_path)
    text = SITE.format(modbus=yard.modbus, page=yard.page).replace(
        "HH = 40 }", 'HH = 40 }\nbaseline = { every = "50ms", learn = "2s", hold = "1s", blunt = 10 }').replace(
        'period = "200ms"', 'period = "50ms"')  # 200 means are the least that it learns from
    yard.file.write_text(text)
    return yard


def asked(yard: Yard, *arguments: str) -> str:
    done = davylamp(*arguments, "--url", f"http://127.0.0.1:{yard.page}")
    assert done.returncode == 0, done.stderr
    return done.stdout


def lesson(yard: Yard) -> dict:
    return get(yard.page, "/api/v1/signals")["signals"][0]["learning"]


def kinds(yard: Yard) -> list[tuple[str, str]]:
    rows = get(yard.page, "/api/v1/journal")["rows"][::-1]
    return [(row["kind"], row["body"]["act"]) for row in rows if row["kind"] in ("learning", "bypass")]


@survives("kill -9 of the gateway after a baseline was frozen", then="it is frozen still, with what it had learnt")
def test_a_frozen_baseline_survives_kill_9(yard):
    with yard.simulator() as simulator:
        simulator.wait_for('"ready"')
        with yard.gateway() as gateway:
            eventually(lambda: lesson(yard)["state"] == "learnt", "learning is over")
            said = asked(yard, "baseline", "GAS-1", "--freeze", "--name", "Li", "--why", "commissioned")
            assert said.startswith("frozen by Li (name not verified)\n") and "adaptive baseline (100%)" in said
            before = get(yard.page, "/api/v1/signals/GAS-1/baseline")["learners"][0]["figures"]
            gateway.stop(signal.SIGKILL)
        offline = davylamp("baseline", "GAS-1", str(yard.file), "--json")
        assert json.loads(offline.stdout)["learners"][0]["figures"] == before, "the data folder tells the same"
        with yard.gateway():
            assert eventually(lambda: lesson(yard), "the gateway")["state"] == "frozen"
            eventually(lambda: get(yard.page, "/api/v1/signals")["signals"][0]["age_s"] is not None, "new samples")
            assert get(yard.page, "/api/v1/signals/GAS-1/baseline")["learners"][0]["figures"] == before
            assert asked(yard, "baseline", "GAS-1", "--reset", "--name", "Li", "--why", "new head", "--lang",
                         "zh").startswith("已重置，重新学习，操作人：Li（姓名未核实）")
            assert kinds(yard) == [("learning", "freeze"), ("learning", "reset")]


def test_bypass_list_and_end_by_command(yard):
    with yard.simulator() as simulator, yard.gateway():
        simulator.wait_for('"ready"')
        eventually(lambda: get(yard.page, "/healthz"), "the page")
        assert "Nothing is bypassed." in asked(yard, "bypass", "--list")
        made = asked(yard, "bypass", "GAS-1/H", "--for", "2h", "--why", "calibration", "--name", "Li")
        assert made.startswith("Nobody is called for GAS-1/H until 20") and "GAS-1/H." in made
        assert "by Li (name not verified): calibration" in asked(yard, "bypass", "--list")
        yard.set_gas(30)
        raised = eventually(lambda: yard.alarms().get("GAS-1/H"), "the alarm")
        assert raised["bypass"]["who"] == "Li" and lesson(yard)["held"]
        assert "is over" in asked(yard, "bypass", "GAS-1/H", "--end", "--name", "Wang")
        rows = get(yard.page, "/api/v1/journal")["rows"]
        assert [row["kind"] for row in rows[:2]] == ["recall", "bypass"]
        transition = next(row for row in rows if row["kind"] == "transition" and row["alarm"] == "GAS-1/H")
        assert transition["body"]["withheld"] == "bypass of GAS-1/H by Li: calibration"


@survives("kill -9 of the gateway while an alarm is bypassed",
          then="it is bypassed still, to the same minute; without a synchronised clock it is over")
def test_a_bypass_over_kill_9(yard):
    with yard.simulator() as simulator:
        simulator.wait_for('"ready"')
        with yard.gateway() as gateway:
            eventually(lambda: get(yard.page, "/healthz"), "the page")
            asked(yard, "bypass", "GAS-1/H", "--for", "2h", "--why", "calibration", "--name", "Li")
            before = get(yard.page, "/api/v1/bypasses")["bypasses"]
            gateway.stop(signal.SIGKILL)
        with yard.gateway():
            after = eventually(lambda: get(yard.page, "/api/v1/bypasses"), "the page")["bypasses"]
            sure = kernel_clock_synchronised() is True
            assert [one["until"] for one in after] == [one["until"] for one in before if sure]


@survives("bypass of a P1 asked for by one person alone", then="refused, the alarm goes on calling",
          says=Text("GAS-1/HH is P1: a bypass needs the approval of a second person. Fix: name who has approved it",
                    "GAS-1/HH 为 P1 告警，旁路须经第二人批准。处理：请填写批准人姓名"))
def test_a_p1_is_not_bypassed_alone(yard, says):
    with yard.gateway():
        eventually(lambda: get(yard.page, "/healthz"), "the page")
        assert says(refusal("bypass", "GAS-1/HH", "--for", "10min", "--why", "bump test", "--name", "Li", "--url",
                            f"http://127.0.0.1:{yard.page}"))


REFUSALS = {
    "a duration nobody understands": (
        ("bypass", "GAS-1/H", "--for", "soon", "--why", "x", "--name", "Li"),
        Text("--for: `soon` is not a duration. Fix: write it as", "--for: `soon` 不是时长。处理：请写成")),
    "no duration": (("bypass", "GAS-1/H", "--why", "x", "--name", "Li"),
                    Text("--for is missing: how long, at most", "缺少 --for：最长时长")),
    "no name": (("bypass", "GAS-1/H", "--for", "1h", "--why", "x"),
                Text("--name is missing: who answers for it", "缺少 --name：责任人姓名")),
    "a baseline act without a reason": (("baseline", "GAS-1", "--reset", "--name", "Li"),
                                        Text("--why is missing: why", "缺少 --why：原因")),
}


@pytest.mark.parametrize("case", [pytest.param(case, marks=survives(
    f"command: {case}", then="refused; nothing is asked of the gateway", says=said))
    for case, (_, said) in REFUSALS.items()])
def test_a_command_that_is_not_complete_says_what_is_missing(case, says):
    assert says(refusal(*REFUSALS[case][0], "--url", "http://127.0.0.1:9"))


@survives("baseline asked of a data folder in which no gateway has run", then="refused with the folder's name",
          says=Text("data: no detector state is saved here. Fix: give the data folder of a gateway that has run",
                    "data: 此处没有已保存的检测状态。处理：请指定运行过的网关的数据目录"))
def test_a_folder_without_a_snapshot(yard, says):
    assert says(refusal("baseline", "GAS-1", str(yard.file)))


@survives("baseline of a signal the site does not have", then="refused, with what was perhaps meant",
          says=Text("GAS-2: the site has no such signal; did you mean", "GAS-2: 站点没有此信号"))
def test_a_signal_that_is_not_there(yard, says):
    assert says(refusal("baseline", "GAS-2", str(yard.file)))


def test_a_gateway_that_does_not_run_is_named(yard):
    said = refusal("baseline", "GAS-1", "--url", "http://127.0.0.1:9")
    assert "the gateway at http://127.0.0.1:9 does not answer" in said.en and "davylamp run" in said.zh
