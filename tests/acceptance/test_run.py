"""`davylamp check` and `davylamp run` as an installer uses them: refusals, kill -9, two gateways on one folder."""

from __future__ import annotations

import signal

import pytest

from tests.acceptance.processes import DAVYLAMP, ROOT, davylamp, eventually, free_ports, get, program
from tests.servers import free_port

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


def test_an_alarm_survives_kill_9_and_is_the_same_one(yard):
    with yard.simulator() as simulator:
        simulator.wait_for('"ready"')
        with yard.gateway() as gateway:
            eventually(lambda: get(yard.page, "/healthz"), "the page")
            yard.set_gas(30)
            eventually(lambda: "GAS-1/H" in yard.alarms(), "the alarm")
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


def test_a_second_gateway_on_the_same_data_is_refused(yard):
    with yard.simulator() as simulator, yard.gateway():
        simulator.wait_for('"ready"')
        eventually(lambda: get(yard.page, "/healthz"), "the page")
        second = davylamp("run", str(yard.file), "--port", str(free_port()))
        assert second.returncode == 1
        assert "data" in second.stderr and "Fix:" in second.stderr and "Traceback" not in second.stderr


def test_run_refuses_what_check_refuses(yard):
    yard.file.write_text(yard.file.read_text().replace("scale", "scal").replace("value = 20", "value = 30"))
    checked, run = davylamp("check", str(yard.file)), davylamp("run", str(yard.file))
    assert checked.returncode == run.returncode == 1
    assert "did you mean `scale`" in checked.stderr and "25" in checked.stderr, "all errors at once"
    assert checked.stderr.splitlines()[:3] == run.stderr.splitlines()[:3]


def test_the_example_sites_are_good():
    for name in ("depot", "minimal"):
        done = davylamp("check", str(ROOT / "deploy" / "sites" / f"{name}.toml"))
        assert done.returncode == 0, done.stderr


def test_acknowledging_says_what_went_wrong(yard):
    nobody = davylamp("ack", "GAS-1/H", "--name", "Li", "--url", f"http://127.0.0.1:{yard.page}")
    assert nobody.returncode == 1 and "does not answer" in nobody.stderr
    with yard.simulator() as simulator, yard.gateway():
        simulator.wait_for('"ready"')
        eventually(lambda: get(yard.page, "/healthz"), "the page")
        unknown = davylamp("ack", "GAS-9/H", "--name", "Li", "--url", f"http://127.0.0.1:{yard.page}")
        assert unknown.returncode == 1 and "unknown alarm" in unknown.stderr
        normal = davylamp("ack", "GAS-1/H", "--name", "Li", "--lang", "zh", "--url", f"http://127.0.0.1:{yard.page}")
        assert normal.returncode == 1 and "无需确认" in normal.stderr
