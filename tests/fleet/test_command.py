"""`davylamp fleet` against a real broker: what it compares, how it ends, and what it says when it can not ask."""

from __future__ import annotations

import asyncio
import getpass
import json
import socket
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import aiomqtt
import pytest

from gateway.change.files import Configuration
from gateway.cli import main
from gateway.config.centre import CentreSection
from gateway.config.values import split_address
from gateway.fleet.report import Speaker
from gateway.model.clock import Instant
from gateway.model.text import LANGUAGES, Text
from tests.config.plugins import site
from tests.fleet.test_reporter import passwords
from tests.fleet.test_roll import report
from tests.servers import free_port, mosquitto

survives = pytest.mark.survives
POINTS = "signal,kind,low,high,table,address\nT-1,temperature,0,100,holding,0\n"
SITE = """
[site]
id = "{id}"
name = "{id}"
timezone = "UTC"

[[sources]]
id = "line"
type = "modbus"
host = "127.0.0.1"
devices = [{{ id = "head", unit = 1, points_csv = "points.csv" }}]
"""


def hold(folder: Path, site: str) -> str:
    """The centre's copy of a configuration; its digest."""
    place = folder / site
    place.mkdir(parents=True)
    (place / "site.toml").write_text(SITE.format(id=site))
    (place / "points.csv").write_text(POINTS)
    return Configuration(SITE.format(id=site).encode(), {"points.csv": POINTS.encode()}).digest


def tell(port: int, *messages: tuple[str, bytes], host: str = "127.0.0.1") -> None:
    async def publish() -> None:
        async with aiomqtt.Client(host, port) as client:
            for topic, payload in messages:
                await client.publish(topic, payload, qos=1, retain=True)
    asyncio.run(publish())


def gateway(site: str, *, ago_s: float = 5, **how) -> list[tuple[str, bytes]]:
    now = Instant(10**12, round((datetime.now(UTC).timestamp() - ago_s) * 1e9))
    speaker, found = Speaker(site, "a"), report(**how)
    return [(f"davylamp/{site}/state", speaker.state("online", now)),
            (f"davylamp/{site}/birth", speaker.birth(found, now)),
            (f"davylamp/{site}/report", speaker.report(found, now, 1, 60))]


def fleet(capsys, *arguments: str) -> tuple[int, str, str]:
    status = main(["fleet", *arguments])
    out = capsys.readouterr()
    return status, out.out, out.err


def refused(capsys, *arguments: str) -> Text:
    found = [fleet(capsys, *arguments, "--lang", language) for language in LANGUAGES]
    assert [(status, out) for status, out, _ in found] == [(2, ""), (2, "")]
    return Text(*(err for _, _, err in found))


def test_each_gateway_is_compared_with_the_centres_copy(broker, tmp_path, capsys):
    sites = tmp_path / "sites"
    good = hold(sites, "north")
    tell(broker.port, *gateway("north", digest=good))
    address = f"127.0.0.1:{broker.port}"
    status, out, _ = fleet(capsys, address, "--expect", str(sites))
    assert (status, "north" in out) == (0, True), out
    hold(sites, "south")
    tell(broker.port, *gateway("south", digest="0" * 64))
    hold(sites, "west")
    status, out, _ = fleet(capsys, address, "--expect", str(sites), "--json")
    found = json.loads(out)
    assert status == 1 and not found["as_it_should_be"]
    assert {one["site"]: (one["state"], len(one["differs"])) for one in found["gateways"]} == {
        "north": ("online", 0), "south": ("online", 1), "west": ("never heard", 0)}
    assert "south/site.toml" in found["gateways"][1]["differs"][0]["en"]
    (sites / "north" / "points.csv").write_text(POINTS + "T-2,temperature,0,100,holding,1\n")
    assert "north/site.toml" in fleet(capsys, address, "--expect", str(sites))[1], "what the site file names counts too"


@survives("a gateway of the fleet that sends nonsense, by a real broker", then="status 1; the others are listed",
          says=Text("! davylamp/bad/report: larger than 32768 bytes", "! davylamp/bad/report: 超过 32768 字节"))
def test_nonsense_through_a_broker(broker, capsys, says):
    tell(broker.port, *gateway("north"), ("davylamp/bad/report", b"x" * 1_000_000), ("davylamp/坏🏭/state", b"\xff{"),
         ("davylamp/bad/birth", b'{"version": ["\x1b[2J"]}'))
    found = [fleet(capsys, f"127.0.0.1:{broker.port}", "--lang", language) for language in LANGUAGES]
    assert [status for status, _, _ in found] == [1, 1]
    assert says(Text(*(out for _, out, _ in found)))
    for _, out, _ in found:
        assert "north" in out and "davylamp/坏🏭/state" in out and "\x1b" not in out


@survives("wrong password of `davylamp fleet`", then="status 2",
          says=Text("Not authorized. Check username", "请检查用户名"))
def test_a_wrong_password(tmp_path, capsys, says):
    with mosquitto(tmp_path, extra=passwords(tmp_path, acl="user gateway\ntopic readwrite #\n")) as broker:
        (tmp_path / "secret").write_text("wrong")
        assert says(refused(capsys, f"127.0.0.1:{broker.port}", "--username", "gateway", "--password-file",
                            str(tmp_path / "secret")))


@survives("`davylamp fleet` under a name that may read nothing", then="status 1",
          says=Text("No gateway has reported, or this name may not read", "尚无网关上报，或所用账户无权读取"))
def test_a_name_that_may_read_nothing(tmp_path, capsys, says):
    with mosquitto(tmp_path, extra=passwords(tmp_path, acl="user gateway\ntopic write #\n")) as broker:
        asked = (f"127.0.0.1:{broker.port}", "--username", "gateway", "--password-file", str(tmp_path / "secret"))
        found = [fleet(capsys, *asked, "--lang", language) for language in LANGUAGES]
        assert [status for status, _, _ in found] == [1, 1]
        assert says(Text(*(out for _, out, _ in found)))


@survives("nobody answers at the centre", then="status 2", says=Text("Is the broker running", "请确认消息服务器已运行"))
def test_a_centre_that_is_away(capsys, says):
    assert says(refused(capsys, f"127.0.0.1:{free_port()}"))


@survives("a folder of site files in which two are of one site", then="status 2; nobody is asked",
          says=Text('copy/site.toml and north/site.toml are both of the site "north"',
                    'copy/site.toml 与 north/site.toml 同为站点 "north"'))
def test_two_files_of_one_site(tmp_path, capsys, says):
    hold(tmp_path, "north")
    (tmp_path / "north").rename(tmp_path / "copy")
    hold(tmp_path, "north")
    assert says(refused(capsys, "127.0.0.1", "--expect", str(tmp_path)))
    (tmp_path / "copy" / "site.toml").write_text("[site\n")
    assert "copy/site.toml: this site file has errors" in refused(capsys, "127.0.0.1", "--expect", str(tmp_path)).en
    assert "no site file in this folder" in refused(capsys, "127.0.0.1", "--expect", str(tmp_path / "none")).en


@pytest.mark.parametrize("address", ["", "mqtt://centre", "centre:", "centre:x", "centre:0", "centre:99999", "[::1",
                                     "a b", "[centre]:1", "::1]:1"])
def test_what_is_no_address(address, capsys):
    assert "this is no address of a broker" in refused(capsys, address).en


def test_how_long_to_listen_is_a_duration(capsys):
    assert "write it as 90s" in refused(capsys, "127.0.0.1", "--listen", "soon").en


# -- IPv6

@pytest.mark.parametrize("written, meant", [
    ("centre", ("centre", None)), ("centre.example:8883", ("centre.example", 8883)), ("10.0.0.1:1", ("10.0.0.1", 1)),
    ("::1", ("::1", None)), ("[::1]", ("::1", None)), ("[2001:db8::7]:8883", ("2001:db8::7", 8883)),
    ("fe80::1%eth0", ("fe80::1%eth0", None)), ("[fe80::1%eth0]:1883", ("fe80::1%eth0", 1883))])
def test_addresses(written, meant):
    assert split_address(written) == meant


@contextmanager
def broker_on_ipv6(folder: Path):
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::1", 0))
            port = probe.getsockname()[1]
    except OSError:
        pytest.skip("this machine has no IPv6")
    with mosquitto(folder, extra=f"user {getpass.getuser()}\nlistener {port} ::1\n"):
        yield port


def test_a_centre_on_ipv6(tmp_path, capsys):
    with broker_on_ipv6(tmp_path) as port:
        tell(port, *gateway("north"), host="::1")
        assert fleet(capsys, f"[::1]:{port}")[0] == 0
    assert f"broker [::1]:{port}" in refused(capsys, f"[::1]:{port}").en


# -- [centre] of the site file

def centre(folder: Path, lines: str) -> list[Text]:
    """What is wrong with it."""
    return [problem.what for problem in site(folder, f"\n[centre]\n{lines}\n").problems if problem.severity == "error"]


@survives("unknown key in [centre]", then="refused by `check` and `run`",
          says=Text("unknown key; did you mean `password_file`?", "未知的键；是否应为 `password_file`？"))
def test_an_unknown_key(tmp_path, says):
    found = centre(tmp_path, 'host = "127.0.0.1"\npasswort_file = "x"')
    assert any(says(what) for what in found), found


@survives("port within [centre] host", then="refused by `check` and `run`",
          says=Text('"centre.example:8883" has the port in it', '"centre.example:8883" 中含有端口'))
def test_a_port_in_the_host(tmp_path, says):
    found = centre(tmp_path, 'host = "centre.example:8883"')
    assert any(says(what) for what in found), found


@pytest.mark.parametrize("host, meant", [("::1", "::1"), ("[2001:db8::1]", "2001:db8::1"), ("centre_1", "centre_1")])
def test_hosts_that_are_good(tmp_path, host, meant):
    assert not centre(tmp_path, f'host = "{host}"')
    assert CentreSection(host=host).host == meant


@pytest.mark.parametrize("host", ["", "mqtt://centre", "a b", "[::1", "centre/x"])
def test_hosts_that_are_none(tmp_path, host):
    assert any("is no host" in what.en for what in centre(tmp_path, f'host = "{host}"'))
