"""The casting workshop, deploy/sites/casting.toml, against its simulator: bump tests, the stop order, water; and the
exercises of the command line on it: `davylamp self-test` and `davylamp drill`."""

from __future__ import annotations

import json
import re
import socket

from gateway.cli import main
from tests.acceptance.processes import DAVYLAMP, ROOT, eventually, free_ports, get, program
from tests.alerting.receiver import receiver
from tests.servers import free_port

SITE = ROOT / "deploy" / "sites" / "casting.toml"


def test_a_shift_in_the_casting_workshop(tmp_path, capsys):
    modbus, page, control = free_ports(3), free_port(), free_port()

    def standing() -> set[str]:
        return {alarm["id"] for alarm in get(page, "/api/v1/alarms")["alarms"] if alarm["active"]}

    def do(**step) -> None:
        with socket.create_connection(("127.0.0.1", control), 10) as hand:
            hand.sendall(f"do {json.dumps(step)}\n".encode())
            assert b'"ok":true' in (said := hand.recv(1000)), said

    with receiver() as phone:
        text = SITE.read_text(encoding="utf-8").replace('within = "30s"', 'within = "5s"')
        text = text.replace('period = "1s"\n', 'period = "100ms"\n')  # the plant lives ten times as fast
        text = text.replace("http://127.0.0.1:8099/call", phone.url).replace("port = 8090", f"port = {page}")
        for number in range(3):
            text = text.replace(f"port = {5030 + number}", f"port = {modbus + number}")
        site = tmp_path / "casting.toml"
        site.write_text(text, encoding="utf-8")
        calm = tmp_path / "calm.toml"
        calm.write_text('title = { en = "calm", zh = "平静" }\n', encoding="utf-8")
        with (program(DAVYLAMP[0], "-m", "simulators", "--site", "simulators/sites/casting.toml", "--scenario",
                      str(calm), "--no-mqtt", "--speed", "10", "--modbus-port", str(modbus), "--control", str(control),
                      "--story-json", "--until-stdin-closes") as simulator,
              program(*DAVYLAMP, "run", str(site))):
            simulator.wait_for('"ready"')
            eventually(lambda: all(one["quality"]["severity"] == "good" for one in
                                   get(page, "/api/v1/signals")["signals"] if one["id"] != "selftest"), "good readings")
            eventually(lambda: standing() == set(), "a quiet shift")

            do(do="wrapped", target="GD-12")
            for head in ("GD-11", "GD-12"):
                do(do="test_gas", target=head)
            eventually(lambda: "bump-GD-12" in standing(), "the head under the film")
            eventually(lambda: {one["rule"]: one["after_s"] for one in get(page, "/api/v1/proof-tests")["valves"]
                                if one["last"]}.keys() == {"bump-GD-11"}, "the log of proof tests")
            for head in ("GD-11", "GD-12"):
                do(do="restore", target=head)
            eventually(lambda: standing() == {"bump-GD-12"}, "only the head that did not see its gas")
            zone, = get(page, "/api/v1/health")["zones"]
            assert (zone["working"], zone["why"][1]["en"]) == (1, "no response to its test"), "it answers, no more"

            do(do="persons", target="PLANT.status", count=0)  # a stop order is declared
            eventually(lambda: "stop-order" in standing(), "production against the stop order")
            do(do="stop", target="CW-1")
            eventually(lambda: {"furnace-without-water", "CW.p/L"} <= standing(), "a furnace without water")
            title = next(call.payload for call in phone.taken if call.payload["alarm"] == "furnace-without-water")
            assert "炉长 8101" in title["text"]["zh"] and "不处置的后果" in title["text"]["zh"]

            def command(*words: str, lang: str = "en") -> str:
                assert main([*words, "--lang", lang, "--url", f"http://127.0.0.1:{page}"]) == 0, capsys.readouterr()
                return capsys.readouterr().out

            said = command("self-test", "--name", "Li")
            assert said.endswith("The self-test has passed.\n") and len(said.splitlines()) == 7
            said = command("drill", "begin", "GD-11", "--for", "10min", "--why", "monthly", "--name", "Li")
            assert re.search(r"Drill until .*: GD-11", said)
            command("drill", "inject", "GD-11", "--name", "Li")
            eventually(lambda: "drill/GD-11/HH" in {call.payload["alarm"] for call in phone.taken}, "the call")
            command("ack", "drill/GD-11/HH", "--name", "Zhao")
            command("drill", "end", "--name", "Li")
            assert not [alarm for alarm in standing() if alarm.startswith("drill/")]
            sheet = command("drill", "sheet", lang="zh")
            assert "- 信号：GD-11 烤包器燃气探测器\n" in sheet and re.search(r"Zhao（[\d.]+ 秒后）", sheet), sheet
            assert re.search(r"李明（|王芳（", sheet), "who was called, by name"
