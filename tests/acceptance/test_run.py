"""`davylamp check` and `davylamp run` as an installer uses them: refusals, kill -9, two gateways on one folder."""

from __future__ import annotations

import signal

import pytest

from gateway.model.text import Text
from tests.acceptance.processes import DAVYLAMP, ROOT, davylamp, eventually, free_ports, get, program, refusal
from tests.servers import free_port

survives = pytest.mark.survives

SITE = """
[site]
id = "yard"
name = "Yard"
timezone = "Asia/Shanghai"

[[signals]]
id = "GAS-1"
kind = "combustible_gas"
low = 0
high = 100
limits = {{ H = {{ value = 20, off_delay = "0s" }}, HH = 40 }}

[[sources]]
id = "gas"
type = "modbus"
host = "127.0.0.1"
port = {modbus}

[[sources.devices]]
id = "head"
unit = 1
period = "200ms"
timeout = "200ms"
points = [{{ signal = "GAS-1", table = "holding", address = 0, scale = 0.1 }}]

[store]
folder = "data"

[api]
port = {page}
"""


class Yard:
    """A site with one gas head, which is channel 0 of the simulated controller."""

    def __init__(self, folder):
        self.modbus, self.page, self.control, self.folder = free_ports(4), free_port(), free_port(), folder
        self.file = folder / "yard.toml"
        self.file.write_text(SITE.format(modbus=self.modbus, page=self.page))

    def simulator(self):
        return program(DAVYLAMP[0], "-m", "simulators", "--no-mqtt", "--modbus-port", str(self.modbus), "--control",
                       str(self.control), "--story-json", "--until-stdin-closes")

    def gateway(self):
        return program(*DAVYLAMP, "run", str(self.file))

    def alarms(self) -> dict[str, dict]:
        return {alarm["id"]: alarm for alarm in get(self.page, "/api/v1/alarms")["alarms"]}

    def set_gas(self, value: float) -> None:
        import socket
        with socket.create_connection(("127.0.0.1", self.control), 10) as control:
            control.sendall(f"set gas-controller holding 0 {value}\n".encode())
            assert b'"ok":true' in control.recv(1000)


@pytest.fixture
def yard(tmp_path):
    return Yard(tmp_path)


@survives("kill -9 of the gateway while an alarm stands",
          then="the same alarm stands again, acknowledged by the same person, and ends when the gas is gone")
def test_an_alarm_survives_kill_9_and_is_the_same_one(yard):
    with yard.simulator() as simulator:
        simulator.wait_for('"ready"')
        with yard.gateway() as gateway:
            eventually(lambda: get(yard.page, "/healthz"), "the page")
            gateway.wait_for(f"Page: http://127.0.0.1:{yard.page}")
            yard.set_gas(30)
            assert "P2 GAS-1 Yard" in gateway.wait_for("ALARM"), "the terminal tells it too"
            assert davylamp("ack", "GAS-1/H", "--name", "Li", "--url", f"http://127.0.0.1:{yard.page}").returncode == 0
            before = yard.alarms()["GAS-1/H"]
            gateway.stop(signal.SIGKILL)
        with yard.gateway() as gateway:
            after = eventually(lambda: yard.alarms().get("GAS-1/H"), "the same alarm")
            assert [after[key] for key in ("state", "occurrence", "raised", "who")] == [
                before[key] for key in ("state", "occurrence", "raised", "who")]
            yard.set_gas(1)
            eventually(lambda: not yard.alarms(), "the end of the alarm")
            assert gateway.stop(signal.SIGTERM) == 0
            assert not [line for line in gateway.errors if "Traceback" in line]


@survives("second gateway on the same data folder", then="the second one ends with status 1; the first goes on",
          says=Text("data/telemetry: another gateway (process …) has this data folder open. Fix: stop that one",
                    "data/telemetry: 该数据文件夹已被另一个网关（进程 …）打开。处理：请停止该进程"))
def test_a_second_gateway_on_the_same_data_is_refused(yard, says):
    with yard.simulator() as simulator, yard.gateway():
        simulator.wait_for('"ready"')
        eventually(lambda: get(yard.page, "/healthz"), "the page")
        assert says(refusal("run", str(yard.file), "--port", str(free_port())))
        assert get(yard.page, "/healthz")


@survives("a site file with errors", then="`check` and `run` say the same and end with status 1; nothing is started",
          says=Text("key `scal`: unknown key; did you mean `scale`?", "键 `scal`：未知的键；是否应为 `scale`？"))
def test_run_refuses_what_check_refuses(yard, says):
    yard.file.write_text(yard.file.read_text().replace("scale", "scal").replace("value = 20", "value = 30"))
    checked, run = refusal("check", str(yard.file)), refusal("run", str(yard.file))
    assert says(checked) and "at most 25 %LEL" in checked.en, "all errors at once"
    assert checked.en.splitlines()[:3] == run.en.splitlines()[:3]


def test_the_example_sites_are_good():
    for name in ("depot", "casting", "minimal"):
        done = davylamp("check", str(ROOT / "deploy" / "sites" / f"{name}.toml"))
        assert done.returncode == 0, done.stderr


@survives("acknowledging while no gateway runs", then="status 1", says=Text(
    "the gateway at http://127.0.0.1:… does not answer: …. Fix: start it with `davylamp run`, or give its address",
    "网关 http://127.0.0.1:… 无应答：…。处理：用 `davylamp run` 启动网关，或用 --url 指定地址"))
def test_acknowledging_without_a_gateway_says_so(says):
    assert says(refusal("ack", "GAS-1/H", "--name", "Li", "--url", f"http://127.0.0.1:{free_port()}"))


@survives("acknowledging an alarm that does not exist", then="status 1; no alarm changes",
          says=Text("GAS-9/H: unknown alarm 'GAS-9/H'", "GAS-9/H: 未知告警 'GAS-9/H'"))
def test_acknowledging_says_what_went_wrong(yard, says):
    with yard.simulator() as simulator, yard.gateway():
        simulator.wait_for('"ready"')
        eventually(lambda: get(yard.page, "/healthz"), "the page")
        assert says(refusal("ack", "GAS-9/H", "--name", "Li", "--url", f"http://127.0.0.1:{yard.page}"))
        normal = refusal("ack", "GAS-1/H", "--name", "Li", "--url", f"http://127.0.0.1:{yard.page}")
        assert "无需确认" in normal.zh
