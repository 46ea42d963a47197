"""`davylamp watch` as people use it: processes, kill -9, a real HTTP receiver."""

from __future__ import annotations

import signal

import pytest

from gateway.config.watch_file import load_watch
from gateway.model.text import Text
from gateway.plugins import PLUGINS
from tests.acceptance.processes import DAVYLAMP, ROOT, davylamp, eventually, get, program, refusal
from tests.alerting.receiver import receiver
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
limits = {{ H = 20 }}

[[sources]]
id = "gas"
type = "modbus"
host = "127.0.0.1"
port = {modbus}

[[sources.devices]]
id = "head"
unit = 1
period = "1s"
points = [{{ signal = "GAS-1", table = "holding", address = 0 }}]

[api]
port = {page}
"""

WATCH = """
[watch]
id = "office"
name = {{ en = "Office", zh = "办公室" }}
timezone = "Asia/Shanghai"

[api]
port = {api}

[[gateways]]
id = "yard"
name = {{ en = "Yard", zh = "料场" }}
silent_after = "4s"
health = "http://127.0.0.1:{page}"
every = "1s"

[[gateways]]
id = "quarry"
silent_after = "1h"

[[notifiers]]
type = "webhook"
id = "phone"
url = "{phone}"
"""


def test_a_killed_gateway_is_paged_and_its_return_is_told(tmp_path):
    """The watcher is killed, too, in the middle: it knows what it has told."""
    page, api = free_port(), free_port()
    (tmp_path / "yard.toml").write_text(SITE.format(modbus=free_port(), page=page))
    run = [*DAVYLAMP, "run", str(tmp_path / "yard.toml")]
    with receiver() as phone:
        (tmp_path / "office.toml").write_text(WATCH.format(api=api, page=page, phone=phone.url), encoding="utf-8")
        watch = [*DAVYLAMP, "watch", str(tmp_path / "office.toml"), "--log-level", "error"]
        with program(*watch) as watcher, program(*run) as gateway:
            watcher.wait_for("yard, quarry: their life is watched")
            gateway.wait_for("Page:")
            eventually(lambda: gateways(api)["yard"]["way"] == "HTTP", "never heard")
            assert phone.events == []
            gateway.process.kill()
            gateway.process.wait()
            watcher.wait_for("Gateway silent: Yard")
            eventually(lambda: phone.taken, "not called")
            watcher.process.kill()
            watcher.process.wait()
        first = phone.taken[0].payload
        assert first["event"] == "raise" and first["priority"] == "P1"
        assert first["title"] == {"en": "P1 Gateway silent: Yard, nobody watches there",
                                  "zh": "P1 网关失联：料场，该处无人监测"}
        with program(*watch) as watcher:
            watcher.wait_for("their life is watched")
            done = davylamp("ack", "gateway/peer/yard", "--name", "Li", "--url", f"http://127.0.0.1:{api}")
            assert done.returncode == 0, done.stderr
            eventually(lambda: ("gateway/peer/yard", "acknowledge") in phone.events, "the others are not told")
            assert raises(phone) == 1, "the same silence is told as a new one"
            told = len(phone.taken)
            with program(*run) as gateway:
                watcher.wait_for("Gateway silent: Yard")  # its end
                eventually(lambda: phone.events[-1] == ("gateway/peer/yard", "return"), "the return was not told")
                assert len(phone.taken) == told + 1, "who has taken it is not called again"
                assert phone.taken[-1].payload["title"]["zh"].startswith("已恢复 P1 网关失联：料场")
                assert gateways(api)["quarry"]["silent"] is False
                assert watcher.stop(signal.SIGTERM) == 0
                gateway.stop()
    assert raises(phone) == 1


@survives("kill -9 of the watcher while a page is unanswered, and again when somebody has taken it",
          then="it repeats the page under new keys and never the first one; what was taken stays silent")
def test_an_unanswered_page_is_repeated_and_a_taken_one_is_not_whatever_is_killed(tmp_path):
    api = free_port()
    text = WATCH.replace('id = "office"', 'id = "office"\nrepeat = "1s"', 1)
    text = text.replace('"4s"', '"2s"').replace('"1h"', '"2s"')
    with receiver() as phone:
        (tmp_path / "office.toml").write_text(text.format(api=api, page=free_port(), phone=phone.url), encoding="utf-8")
        watch = [*DAVYLAMP, "watch", str(tmp_path / "office.toml"), "--log-level", "error"]

        def repeated(peer: str, since: int = 0) -> int:
            return phone.events[since:].count((f"gateway/peer/{peer}", "re-alarm"))

        with program(*watch) as watcher:
            watcher.wait_for("their life is watched")
            eventually(lambda: repeated("yard"), "not repeated")
            watcher.process.kill()
            watcher.process.wait()
        before = len(phone.taken)
        with program(*watch) as watcher:
            watcher.wait_for("their life is watched")
            eventually(lambda: repeated("yard", before) >= 2, "not repeated after the kill")
            done = davylamp("ack", "gateway/peer/yard", "--name", "Li", "--url", f"http://127.0.0.1:{api}")
            assert done.returncode == 0, done.stderr
            eventually(lambda: ("gateway/peer/yard", "acknowledge") in phone.events, "not told")
            watcher.process.kill()
            watcher.process.wait()
        taken = len(phone.taken)
        with program(*watch) as watcher:
            watcher.wait_for("their life is watched")
            eventually(lambda: repeated("quarry", taken) >= 3, "the other one is not repeated any more")
            watcher.stop()
        once_more = {call.key for call in phone.taken[taken:] if call.payload["alarm"] == "gateway/peer/yard"}
    assert once_more <= {call.key for call in phone.taken[:taken]}, "nothing new"
    assert raises(phone) == 2, "one for each gateway"
    keys = {call.key for call in phone.taken[:taken] if call.payload["event"] == "re-alarm"}
    assert len([key for key in keys if "/yard#" in key]) >= 2, "a new key each"


def raises(phone) -> int:
    """Killed within a second of handing it over, the watcher sends it again under its old key."""
    return len({call.key for call in phone.taken if call.payload["event"] == "raise"})


def gateways(port: int) -> dict:
    return {one["id"]: one for one in get(port, "/api/v1/heartbeats")["gateways"]}


@survives("a mistake in the file of the watcher: unknown key, topic without a broker, nobody to tell",
          then="refused as a site file is, with place and fix", says=Text("unknown key; did you mean `silent_after`?",
                                                                          "未知的键；是否应为 `silent_after`？"))
def test_a_file_with_mistakes_is_refused(tmp_path, says):
    text = WATCH.format(api=1, page=1, phone="http://127.0.0.1:1/")
    file = tmp_path / "office.toml"
    file.write_text(text.replace('silent_after = "1h"', 'silent_afer = "1h"'), encoding="utf-8")
    assert says(refusal("watch", str(file)))
    for mistake, what in ((text.replace('every = "1s"', 'every = "1s"\ntopic = "a/b"'), "there is no broker"),
                          (text.replace('every = "1s"', 'every = "3s"'), "one lost answer"),
                          (text.replace('id = "quarry"', 'id = "yard"'), '"yard" is there twice'),
                          (text.replace('type = "webhook"', 'type = "fax"'), "is not one of the choices"),
                          (text[:text.index("[[notifiers]]")], "required key is missing")):
        file.write_text(mistake, encoding="utf-8")
        assert any(what in problem.what.en for problem in load_watch(file, PLUGINS.notifiers).problems), what


def test_the_file_we_ship_is_good():
    done = davylamp("watch", str(ROOT / "deploy" / "watch.toml"), "--check")
    assert done.returncode == 0, done.stderr
