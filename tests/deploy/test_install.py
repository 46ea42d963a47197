"""What deploy/install.sh refuses, before it has changed anything; the machine is a folder of small programs on PATH."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from deploy.bundle import TARGETS, pack
from deploy.install import site as site_facts
from gateway.model.text import LANGUAGES, Text
from tests.servers import free_port, program

ROOT = Path(__file__).parent.parent.parent
SCRIPT = ROOT / "deploy" / "install.sh"
DEPOT = ROOT / "deploy" / "sites" / "depot.toml"
survives = pytest.mark.survives
MACHINE = {"id": "echo 0", "dpkg": "echo arm64", "apt-get": "exit 0", "flock": "exit 1",  # never further than the lock
           "df": "printf 'Filesystem 1M-blocks Used Available\\n/dev/root 9000 1000 8000 12%% /\\n'"}


class Machine:
    """A fresh 64-bit Raspberry Pi OS, but for what is said to be otherwise."""

    def __init__(self, folder: Path):
        self.programs, self.os_release = folder / "bin", folder / "os-release"
        self.release = folder / "release"  # of the installation before
        self.programs.mkdir()
        self.has(**MACHINE)
        self.os_release.write_text("ID=debian\nVERSION_CODENAME=bookworm\n")

    def has(self, **programs: str) -> None:
        for name, text in programs.items():
            (self.programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (self.programs / name).chmod(0o755)

    def install(self, *arguments: object, language: str = "en") -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.programs}:{os.environ['PATH']}", "OS_RELEASE": str(self.os_release),
                       "RELEASE": str(self.release),
                       "LANG": {"en": "C.UTF-8", "zh": "zh_CN.UTF-8"}[language]}
        return subprocess.run(["sh", str(SCRIPT), *map(str, arguments)], capture_output=True, text=True,
                              env=environment, timeout=60)

    def refuses(self, *arguments: object) -> Text:
        """What it says in each language."""
        done = [self.install(*arguments, language=language) for language in LANGUAGES]
        assert all(one.returncode == 1 and "Traceback" not in one.stderr for one in done), done
        return Text(*(one.stderr for one in done))


@pytest.fixture
def machine(tmp_path):
    return Machine(tmp_path)


@pytest.fixture
def bundle(tmp_path):
    """A signed bundle for 64-bit Raspberry Pi OS 12 with one file in it."""
    content = tmp_path / "content"
    content.mkdir()
    (content / "note").write_text("nothing to run")
    return pack(content, tmp_path / "usb", TARGETS[:1], Ed25519PrivateKey.generate())


def test_the_fit_machine_gets_as_far_as_the_lock(machine, bundle):
    for arguments in ((), ("--bundle", bundle)):
        assert "another installation is running" in machine.refuses("--site", DEPOT, *arguments).en


@survives("a 32-bit system on a 64-bit kernel", then="nothing is changed",
          says=Text("this system is for armhf (32-bit)", "此系统架构为 armhf（32 位）"))
def test_a_32_bit_system_is_refused(machine, says):
    machine.has(dpkg="echo armhf", uname="echo aarch64")
    assert says(machine.refuses("--site", DEPOT))


@survives("another distribution than Debian", then="nothing is changed",
          says=Text("Debian 12 (bookworm) or 13 (trixie) is needed, this is 'jammy'", "此系统为“jammy”"))
def test_another_distribution_is_refused(machine, says):
    machine.os_release.write_text("ID=ubuntu\nVERSION_CODENAME=jammy\n")
    assert says(machine.refuses("--site", DEPOT))


@survives("installation without root", then="nothing is changed",
          says=Text("only root can install. Fix: run it with sudo", "必须以 root 身份安装"))
def test_without_root_it_is_refused(machine, says):
    machine.has(id="echo 1000")
    assert says(machine.refuses("--site", DEPOT))


@survives("too little disk", then="nothing is changed",
          says=Text("only 120 MB are free in /opt, … MB are needed", "/opt 剩余空间仅 120 MB，需要 … MB"))
def test_too_little_disk_is_refused(machine, says):
    machine.has(df="printf 'head\\n/dev/root 9000 8880 120 99%% /\\n'")
    assert says(machine.refuses("--site", DEPOT))


@survives("a bundle that was changed after it was signed", then="nothing of it is unpacked",
          says=Text("is not the file that was signed (damaged or changed); nothing of it was unpacked",
                    "与签名时的文件不一致（损坏或被改动），未解包任何内容"))
def test_a_changed_bundle_is_refused(machine, bundle, says):
    bundle.write_bytes(bundle.read_bytes().replace(b"nothing to run", b"something else"))
    assert says(machine.refuses("--verify", "--bundle", bundle))


@survives("an upgrade bundle with a wrong signature", then="nothing of it is unpacked",
          says=Text("the signature of … is wrong for the key …; nothing of it was unpacked",
                    "的签名与公钥 … 不符，未解包任何内容"))
def test_a_bundle_of_another_hand_is_refused(machine, bundle, tmp_path, says):
    stranger = tmp_path / "known.pub"
    stranger.write_bytes(Ed25519PrivateKey.generate().public_key().public_bytes(
        Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    assert says(machine.refuses("--verify", "--bundle", bundle, "--key", stranger))
    manifest = Path(f"{bundle}.manifest")
    manifest.write_text(manifest.read_text().replace("arm64", "amd64"))
    assert says(machine.refuses("--verify", "--bundle", bundle))


@survives("a bundle for another architecture", then="nothing of it is unpacked",
          says=Text("the bundle is not for this machine (amd64, bookworm); it is for: arm64 bookworm python3.11",
                    "安装包不适用于此机器（amd64，bookworm）"))
def test_a_bundle_for_another_architecture_is_refused(machine, bundle, says):
    machine.has(dpkg="echo amd64")
    assert says(machine.refuses("--site", DEPOT, "--bundle", bundle))


@survives("an older bundle, rightly signed", then="nothing is changed, unless --allow-downgrade is said",
          says=Text("this is version 0.… of …, and the newer 99.1.0 is installed. Fix: take a newer one",
                    "而已安装的版本 99.1.0更新"))
def test_an_older_version_is_refused(machine, bundle, says):
    machine.release.write_text("version 99.1.0\n")
    for arguments in (("--bundle", bundle), ()):  # the other: a checkout
        refused = machine.refuses("--site", DEPOT, *arguments)
        assert "99.1.0 is installed" in refused.en and "--allow-downgrade" in refused.zh
    assert says(machine.refuses("--site", DEPOT, "--bundle", bundle))
    done = machine.refuses("--site", DEPOT, "--bundle", bundle, "--allow-downgrade")
    assert "another installation is running" in done.en, "it goes on, as far as this machine goes"


@pytest.mark.parametrize(("release", "refused"), [
    ("version {version}\nbuilt 2999-01-01T00:00:00Z\n", True),
    ("version {version}\nbuilt 2001-01-01T00:00:00Z\n", False),
    ("version {version}\nbuilt {built}\n", False), ("version {version}\n", False), ("version 0.0.9\n", False)])
def test_a_bundle_of_the_same_version_goes_by_its_day(machine, bundle, release, refused):
    said = dict(line.split(" ", 1) for line in Path(f"{bundle}.manifest").read_text().splitlines())
    machine.release.write_text(release.format(version=said["version"], built=said["built"]))
    told = machine.refuses("--site", DEPOT, "--bundle", bundle).en
    assert ("is installed" if refused else "another installation is running") in told


@pytest.mark.parametrize("missing", [".manifest", ".sig"])
def test_a_bundle_without_one_of_its_files_is_refused(machine, bundle, missing):
    Path(f"{bundle}{missing}").unlink()
    assert f"{bundle}{missing} is missing" in machine.refuses("--verify", "--bundle", bundle).en


def test_a_good_bundle_is_verified_by_anybody(machine, bundle):
    machine.has(id="echo 1000")
    done = machine.install("--verify", "--bundle", bundle)
    assert done.returncode == 0 and "the signature is good" in done.stdout, done
    assert f"file {'0' * 64}"[:5] in done.stdout and "target arm64 bookworm python3.11" in done.stdout


@pytest.mark.parametrize(("arguments", "said"), [
    (("--sitee", "x"), "unknown argument --sitee"), (("--site",), "--site needs a value"),
    (("--lang", "de"), "--lang is en or zh"), (("--site", "/none.toml"), "/none.toml can not be read")])
def test_a_wrong_argument_is_named(machine, arguments, said):
    done = machine.install(*arguments)
    assert done.returncode == 1 and said in done.stderr


def test_every_message_is_in_both_languages():
    """say, step and note with two texts, refuse with four; the second half of them Chinese."""
    chinese = re.compile(r"[\u4e00-\u9fff]")
    for file in (SCRIPT, *sorted((ROOT / "deploy" / "install").glob("*.sh"))):
        text = file.read_text(encoding="utf-8").replace("\\\n", " ")
        for call in re.findall(r'(?<![\w(])(?:step|note) ("[^"]*") ("[^"]*")', text):
            assert not chinese.search(call[0]) and (chinese.search(call[1]) or "$missing" in call[1]), (file, call)
        for call in re.findall(r'(?<![\w(])refuse ("[^"]+") ("[^"]+") +("[^"]+") ("[^"]+")', text):
            assert [bool(chinese.search(part)) for part in call] == [False, False, True, True], (file, call)


def test_the_scripts_are_shellcheck_clean():
    scripts = [SCRIPT, ROOT / "deploy" / "venv.sh", ROOT / "deploy" / "central.sh",
               *sorted((ROOT / "deploy" / "install").glob("*.sh")),
               ROOT / "deploy" / "mosquitto" / "davylamp-broker-client",
               *sorted((ROOT / "tests" / "cleanroom").glob("*.sh"))]
    done = subprocess.run([program("shellcheck"), "-x", *map(str, scripts)], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 0, done.stdout


def test_what_the_installer_reads_of_a_site_file(tmp_path):
    assert set(site_facts.facts(DEPOT)) == {
        "page http://127.0.0.1:8080", "listens davylamp 127.0.0.1 8080", "listens mosquitto 127.0.0.1 1883",
        "beside depot-gas.csv"}
    own = tmp_path / "site.toml"
    own.write_text("""
[api]
host = "0.0.0.0"
port = 9000
names = ["gateway.local", "192.0.2.7"]
tls_cert = "/etc/davylamp/tls/gateway.crt"
[heartbeat]
broker = { host = "localhost" }
[centre]
host = "127.0.0.1"
[[sources]]
id = "own"
type = "mqtt"
host = "127.0.0.1"
[[sources]]
id = "named"
type = "mqtt"
host = "127.0.0.1"
username = "davylamp"
[[sources]]
id = "elsewhere"
type = "mqtt"
host = "192.0.2.1"
""", encoding="utf-8")
    assert [fact for fact in site_facts.facts(own) if not fact.startswith("listens")] == [
        "page https://gateway.local:9000", "name gateway.local", "name 192.0.2.7", "unnamed own", "unnamed heartbeat",
        "unnamed centre"]


def test_a_taken_port_is_noticed():
    import socket
    with socket.socket() as other:
        other.bind(("127.0.0.1", free_port()))
        other.listen()
        assert not site_facts.free(*other.getsockname())
    assert site_facts.free("127.0.0.1", free_port())
