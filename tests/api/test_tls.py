"""The page over HTTPS: our own authority, renewal without a restart, and every certificate that is no good."""

from __future__ import annotations

import argparse
import asyncio
import shutil
import ssl
import tempfile
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from gateway import accounts, remote
from gateway.access import authority
from gateway.access.certificates import PageCertificate, findings
from gateway.access.role import Role
from gateway.api.entrance import Entrance, address, problems
from gateway.config.page import ApiSection
from gateway.model.clock import NS
from gateway.model.errors import CommandError, DavylampError
from gateway.model.text import Text
from tests.access.test_access import House
from tests.api.test_access import Doors

survives = pytest.mark.survives


@pytest.fixture
def ca(tmp_path):
    authority.create(tmp_path / "ca", "Depot")
    authority.issue(tmp_path / "ca", "page", ["gw.example"], ["127.0.0.1"])
    return tmp_path / "ca"


def section(ca, host="127.0.0.1", **more) -> ApiSection:
    return ApiSection(host=host, port=0, tls_cert=str(ca / "page.crt"), tls_key=str(ca / "page.key"), **more)


@asynccontextmanager
async def served(gateway, folder, section):
    address = asyncio.get_running_loop().create_future()
    house = House(folder)
    if not house.file.read().accounts:
        house.add("li", Role.ADMINISTRATOR)
    entrance = Entrance(section, folder, gateway.clock, lambda *_: None)
    task = asyncio.create_task(entrance.serve(gateway, address.set_result))
    try:
        await asyncio.wait({address, task}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
        yield address.result(), entrance
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def trusting(ca) -> httpx.AsyncClient:
    return httpx.AsyncClient(verify=ssl.create_default_context(cafile=ca / "ca.crt"))


def fingerprint_at(url: str, ca) -> str:
    host, port = httpx.URL(url).host, httpx.URL(url).port
    return ssl.get_server_certificate((host, port), ca_certs=str(ca / "ca.crt"))


async def test_over_https_with_our_own_authority_and_renewed_without_a_restart(gateway, ca, tmp_path):
    async with served(gateway, tmp_path / "data", section(ca)) as (url, entrance), trusting(ca) as client:
        assert url.startswith("https://127.0.0.1:")
        answer = await client.get(f"{url}/healthz")
        assert (answer.status_code, answer.headers["strict-transport-security"]) == (200, "max-age=31536000")
        assert (await client.get(f"{url}/api/v1/alarms")).status_code == 401
        before = await asyncio.to_thread(fingerprint_at, url, ca)
        authority.issue(ca, "page", ["gw.example"], ["127.0.0.1"])
        assert await asyncio.to_thread(entrance._certificate.look)
        assert await asyncio.to_thread(fingerprint_at, url, ca) != before
        assert (await client.get(f"{url}/healthz")).status_code == 200


@survives("certificate authority of the site that was replaced", then="who knows only the old one is told that the "
          "certificate is not trusted, and by which option to give the new one",
          says=Text("give the certificate authority of the site with --ca", "请用 --ca ca.crt 指定站点证书机构"))
async def test_another_authority_is_told(gateway, ca, tmp_path, says):
    async with served(gateway, tmp_path / "data", section(ca)) as (url, _):
        authority.create(tmp_path / "old", "Depot, before")
        options = argparse.Namespace(url=url, token_file=None, ca=tmp_path / "old" / "ca.crt", site=None, alarm="x",
                                     name="Li", comment="")
        with pytest.raises(DavylampError, match="--ca") as error:
            await asyncio.to_thread(remote.acknowledge, options, "en")
        assert "不受信任" in error.value.message("zh")
        says(error.value.fix)


def test_the_key_of_the_authority_is_taken_to_another_disk(ca, tmp_path):
    usb = Path(tempfile.mkdtemp(dir="/dev/shm"))
    try:
        key = (ca / "ca.key").read_bytes()
        assert authority.move_key(ca, usb) == usb / "ca.key"
        assert (usb / "ca.key").read_bytes() == key and not (ca / "ca.key").exists() and (ca / "ca.crt").exists()
        assert (usb / "ca.key").stat().st_mode & 0o077 == 0
        authority.issue(usb, "again", [], ["127.0.0.1"])
        shutil.copy(usb / "ca.key", ca)
        with pytest.raises(CommandError, match="there is a key already"):
            authority.move_key(ca, usb)
    finally:
        shutil.rmtree(usb)


@survives("the key of the site's authority is moved to a USB stick that is not mounted", then="the key stays",
          says=Text("this is the same disk", "这是同一块磁盘"))
def test_the_same_disk_is_no_other_place(ca, tmp_path, says):
    with pytest.raises(CommandError) as refused:
        authority.move_key(ca, tmp_path)
    says(refused.value.what)
    with pytest.raises(DavylampError, match="can not be moved"):
        authority.move_key(ca, tmp_path / "none")
    assert (ca / "ca.key").exists()


async def test_a_command_with_a_token_acts_under_its_name(gateway, ca, tmp_path, capsys):
    gateway.raise_alarm("GD-03/HH", 41.9)
    data = tmp_path / "data"
    async with served(gateway, data, section(ca)) as (url, entrance):
        asked = argparse.Namespace(act="create", token="ci", role="operator", scope="all", days=1, data=data)
        accounts.token(asked, "en")
        options = argparse.Namespace(url=url, token_file=None, ca=ca / "ca.crt", alarm="GD-03/HH", name="Li",
                                     comment="")
        with pytest.raises(DavylampError, match="--token-file"):
            await asyncio.to_thread(remote.acknowledge, options, "en")
        (tmp_path / "token").write_text(capsys.readouterr().out)
        entrance.access.look()
        options.token_file = tmp_path / "token"
        assert await asyncio.to_thread(remote.acknowledge, options, "en") == 0
    assert capsys.readouterr().out == "GD-03/HH acknowledged by ci (Li) [token:ci]\n"


async def test_the_network_is_served_only_with_an_account(gateway, ca, tmp_path):
    """Until there is one the page waits, and says so: a gateway that is new has not failed."""
    entrance = Entrance(section(ca, "0.0.0.0"), tmp_path / "data", gateway.clock, lambda *_: None)
    waiting = asyncio.create_task(entrance.first_account())
    await asyncio.sleep(0)
    part = entrance.part(gateway.now())
    assert not waiting.done() and not part.ok and "davylamp account add" in part.detail.zh
    House(tmp_path / "data").add("li", Role.ADMINISTRATOR)
    entrance.access.look()
    await waiting
    assert entrance.part(gateway.now()).ok


@pytest.mark.parametrize("host, names, shown", [
    ("0.0.0.0", ("gw.example", "gw"), "https://gw.example:8443"), ("0.0.0.0", (), "https://0.0.0.0:8443"),
    ("::", ("gw",), "https://gw:8443"), ("10.0.0.5", ("gw",), "https://10.0.0.5:8443")])
def test_the_address_that_is_told_can_be_opened(ca, host, names, shown):
    url = f"https://{f'[{host}]' if ':' in host else host}:8443"
    assert address(url, section(ca, host, names=names)) == shown


def signed_by_itself(folder, days: int) -> None:
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "gw")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now - timedelta(days=99),
                                   now + timedelta(days=days)).sign(key, hashes.SHA256())
    (folder / "page.crt").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    (folder / "page.key").write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))


def told(ca, **more) -> list[str]:
    return [problem.what.en for problem in problems("site.toml", section(ca, **more), int(datetime.now(UTC).timestamp())
                                                    * NS)]


@survives("certificate of the page that has expired", then="`check` says so; the gateway starts all the same, and an "
          "alarm stands from 30 days before",
          says=Text("renew it: davylamp ca issue NAME", "请续签：davylamp ca issue 名称"))
def test_expired(ca, says):
    signed_by_itself(ca, -1)
    [found, *_] = problems("site.toml", section(ca), int(datetime.now(UTC).timestamp()) * NS)
    assert "has expired" in found.what.en and found.severity == "warning"
    says(found.fix)


@survives("certificate of the page that is signed by itself", then="`check` warns: people learn to click warnings away",
          says=Text("use a certificate authority: davylamp ca create", "请使用证书机构：davylamp ca create"))
def test_signed_by_itself(ca, says):
    signed_by_itself(ca, 300)
    [found] = problems("site.toml", section(ca), int(datetime.now(UTC).timestamp()) * NS)
    assert "signed by itself" in found.what.en
    says(found.fix)


@survives("key that does not belong to the certificate of the page", then="`check` says which; the page is not served, "
          "everything else is", says=Text("take the pair that was made together", "请使用同时生成的一对文件"))
async def test_a_key_of_another_certificate(gateway, ca, tmp_path, says):
    authority.issue(ca, "other", [], ["127.0.0.1"])
    (ca / "page.key").write_bytes((ca / "other.key").read_bytes())
    with pytest.raises(DavylampError, match="not the key of this certificate") as error:
        async with served(gateway, tmp_path / "data", section(ca)):
            pass
    assert told(ca) == ["the key is not the key of this certificate"]
    says(error.value.fix)


@pytest.mark.parametrize("hurt, what", [
    (lambda ca: (ca / "page.key").unlink(), "can not be read"), (lambda ca: (ca / "page.crt").write_text("x"), "PEM"),
    (lambda ca: signed_by_itself(ca, 10), "expires on")])
def test_what_else_is_wrong_is_told(ca, hurt, what):
    hurt(ca)
    assert what in told(ca)[0]


def test_a_good_one_is_for_its_names_and_no_others(ca):
    assert told(ca, names=("gw.example",)) == []
    assert told(ca, names=("other.example",)) == ["the certificate is not for other.example"]


async def test_the_alarm_comes_before_the_end_and_not_by_a_clock_that_nobody_trusts(gateway, ca, tmp_path):
    async with served(gateway, tmp_path / "data", section(ca)) as (_, entrance):
        ends = entrance._facts.ends_wall_ns
        gateway.clock.step_wall((ends - gateway.now().wall_ns) / NS - 31 * 86400)
        assert not entrance.ends(gateway.now()) and entrance.part(gateway.now()).ok
        gateway.clock.step_wall(2 * 86400)
        assert entrance.ends(gateway.now()) and "29 days" in entrance.part(gateway.now()).detail.en
        gateway.clock.trust(False)
        assert not entrance.ends(gateway.now())


async def test_a_renewal_that_is_no_good_leaves_the_old_one_in_use(gateway, ca, tmp_path, caplog):
    async with served(gateway, tmp_path / "data", section(ca)) as (url, entrance), trusting(ca) as client:
        (ca / "page.crt").write_text("half a certifi")
        assert not entrance._certificate.look() and "not taken up" in caplog.text
        assert (await client.get(f"{url}/healthz")).status_code == 200


def test_an_authority_is_not_made_twice_and_signs_no_nonsense(ca):
    with pytest.raises(CommandError):
        authority.create(ca, "again")
    for name, ips in (("../page", ()), ("page", ["300.1.1.1"])):
        with pytest.raises(CommandError):
            authority.issue(ca, name, [], ips)
    facts = PageCertificate(ca / "page.crt", ca / "page.key").facts()
    assert facts.names == ("gw.example", "127.0.0.1") and not facts.self_signed
    assert [*findings(facts, ["gw.example"], facts.begins_wall_ns)] == []


async def test_a_damaged_accounts_file_is_said_before_a_password_is_asked_for(tmp_path, gateway):
    doors = Doors(tmp_path, gateway)
    doors.file.path.write_text("{")
    with pytest.raises(DavylampError, match="damaged"):
        accounts.account(argparse.Namespace(act="list", data=tmp_path), "en")
