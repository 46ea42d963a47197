"""The doctor on a healthy Raspberry Pi, which is a folder, and on what can be wrong with it; once on this machine."""

from __future__ import annotations

import inspect
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme

from gateway.doctor import board, clock, disk, serial_lines, services
from gateway.doctor import round as tell
from gateway.doctor.finding import Finding, Severity, good
from gateway.doctor.machine import Machine
from gateway.doctor.round import SiteNeeds, as_json, examine, lines, status
from gateway.model.clock import kernel_clock_synchronised
from gateway.model.text import Text

ROOT = Path(__file__).parent.parent.parent
NOW_S = 1_790_000_000.0
ADAPTER = "/dev/serial/by-id/usb-FTDI_FT232R_A50285BI-if00-port0"
NEEDS = SiteNeeds("Asia/Shanghai", "/var/lib/davylamp", ("127.0.0.1", 8080), (ADAPTER,), own_broker=True)
survives = pytest.mark.survives

TCP = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
FILES = {
    "/proc/device-tree/model": "Raspberry Pi 4 Model B Rev 1.5\0",
    "/proc/mounts": "/dev/mmcblk0p2 / ext4 rw,noatime 0 0\n/dev/mmcblk0p1 /boot/firmware vfat rw 0 0\n",
    "/proc/swaps": "Filename Type Size Used Priority\n/dev/zram0 partition 2097148 0 100\n",
    "/proc/net/tcp": TCP + "   0: 0100007F:1F90 00000000:0000 0A 0 0 0 0 0\n"
                           "   1: 00000000:0016 00000000:0000 0A 0 0 0 0 0\n"
                           "   2: 0100A8C0:D2A4 0200A8C0:1F40 01 0 0 0 0 0\n",
    "/proc/net/tcp6": TCP + f"   0: {'0' * 24}01000000:1F90 {'0' * 32}:0000 0A 0 0 0\n",
    "/proc/cmdline": "console=tty1 root=PARTUUID=0-02 rootfstype=ext4",
    "/sys/fs/cgroup/cgroup.controllers": "cpuset cpu io memory pids",
    "/sys/class/thermal/thermal_zone0/temp": "48212",
    "/sys/class/rtc/rtc0/since_epoch": f"{NOW_S + 1:.0f}",
    "/sys/block/mmcblk0/device/life_time": "0x01 0x02",
    "/sys/block/mmcblk0/device/pre_eol_info": "0x01",
    "/sys/fs/ext4/mmcblk0p2/errors_count": "0",
    "/dev/watchdog0": "", "/dev/ttyUSB0": "", "/usr/sbin/mosquitto": "",
    "/etc/systemd/system/davylamp.service": "",
    "/etc/group": "dialout:x:20:davylamp\ndavylamp:x:990:\n",
    "/etc/passwd": "davylamp:x:990:990::/:/usr/sbin/nologin\n",
    "/etc/davylamp/site.toml": "", "/etc/davylamp/secrets/broker-password": "x", "/var/lib/davylamp/alarms.db": "",
    "/etc/mosquitto/davylamp/mosquitto.conf":
        "allow_anonymous false\nmax_inflight_messages 2000\nmax_queued_messages 60000\n",
}
UNIT = "UnitFileState=enabled\nActiveState=active\nNRestarts=0"
SHOW = "systemctl show -p UnitFileState,ActiveState,NRestarts"
ANSWERS = {
    "timedatectl show": "Timezone=Asia/Shanghai\nNTP=yes\nNTPSynchronized=yes",
    "vcgencmd get_throttled": "throttled=0x0",
    "systemctl show -p RuntimeWatchdogUSec": "RuntimeWatchdogUSec=15s",
    f"{SHOW} davylamp": UNIT, f"{SHOW} mosquitto": UNIT,
}


class Pi:
    """A healthy one, until a test changes something."""

    def __init__(self, root: Path):
        self.root, self.answers = root, dict(ANSWERS)
        for name, text in FILES.items():
            self.write(name, text)
        link = self.path(ADAPTER)
        link.parent.mkdir(parents=True)
        link.symlink_to("../../ttyUSB0")
        for name, mode in (("/etc/davylamp/secrets", 0o700), ("/etc/davylamp", 0o750), ("/var/lib/davylamp", 0o750),
                           ("/etc/davylamp/secrets/broker-password", 0o600)):
            self.path(name).chmod(mode)
        os.chown(self.path("/dev/ttyUSB0"), -1, 20) if os.geteuid() == 0 else None

    def path(self, name: str) -> Path:
        return self.root / name.lstrip("/")

    def write(self, name: str, text: str) -> None:
        self.path(name).parent.mkdir(parents=True, exist_ok=True)
        self.path(name).write_text(text)

    def without(self, name: str) -> None:
        self.path(name).unlink()

    def findings(self, needs: SiteNeeds = NEEDS) -> list[Finding]:
        machine = Machine(self.root, self.answers)
        return [*board.judge(board.facts(machine)), *clock.judge(clock.facts(machine, NOW_S), needs.zone),
                *disk.judge(disk.facts(machine, needs.folder)),
                *serial_lines.judge(serial_lines.facts(machine, needs.serial_ports)),
                *services.judge(services.facts(machine, needs.certificates), needs.page, needs.own_broker)]

    def complains(self, about: str, needs: SiteNeeds = NEEDS) -> Finding:
        """The one finding that is worse than a note."""
        found = [finding for finding in self.findings(needs) if finding.severity > Severity.NOTE]
        assert [finding.about for finding in found] == [about], found
        assert found[0].fix.en and found[0].fix.zh
        return found[0]


@pytest.fixture
def pi(tmp_path):
    return Pi(tmp_path)


def test_nothing_is_wrong_with_a_healthy_one(pi):
    findings = pi.findings()
    assert [finding for finding in findings if finding.severity > Severity.NOTE] == []
    assert {finding.about for finding in findings} == {
        "system", "heat", "power", "watchdog", "clock", "rtc", "disk", "wear", "serial", "units", "network", "secrets",
        "broker"}
    assert status(findings) == 0


def test_in_chinese_the_topics_are_too():
    said = {word for module in (board, clock, disk, serial_lines, services, tell)
            for word in re.findall(r'(?:good|note|warning|error)\(\s*"([a-z]+)"', inspect.getsource(module))}
    assert said == set(tell.TOPICS)
    assert "时钟\u3000" in lines([good("clock", "x", "y")], "zh", colour=False)[0]


def test_the_clock_is_asked_as_the_gateway_asks_it_where_timedatectl_is_silent(tmp_path, monkeypatch):
    machine = Machine(tmp_path)
    monkeypatch.setattr(machine, "ask", lambda *command: None)
    assert clock.facts(machine, NOW_S).synchronised is kernel_clock_synchronised()


@pytest.mark.parametrize(("name", "text", "about", "severity", "said"), [
    ("/proc/mounts", "/dev/mmcblk0p2 / ext4 ro 0 0", "disk", Severity.ERROR, "is read-only"),
    ("/sys/fs/ext4/mmcblk0p2/errors_count", "3", "disk", Severity.WARNING, "counted 3 errors"),
    ("/sys/block/mmcblk0/device/life_time", "0x03 0x09", "wear", Severity.WARNING, "nearly worn out, 90 %"),
    ("/sys/block/mmcblk0/device/life_time", "0x0b 0x02", "wear", Severity.ERROR, "nearly worn out, 100 %"),
    ("/sys/block/mmcblk0/device/pre_eol_info", "0x03", "wear", Severity.ERROR, "nearly worn out"),
    ("/proc/swaps", "Filename\n/var/swap file 102396 0 -2", "swap", Severity.WARNING, "swapped to the card"),
    ("/sys/class/thermal/thermal_zone0/temp", "74000", "heat", Severity.WARNING, "74 °C"),
    ("/sys/class/thermal/thermal_zone0/temp", "83500", "heat", Severity.ERROR, "is slowed down"),
    ("/sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids", "memory", Severity.WARNING, "limits nobody's memory"),
    ("/sys/class/rtc/rtc0/since_epoch", "86400", "rtc", Severity.WARNING, "the clock chip is off by -1789913600 s"),
    ("/proc/net/tcp", TCP + "   0: 00000000:0BB8 00000000:0000 0A 0 0 0 0 0\n", "network", Severity.WARNING,
     "port 3000"),
    ("/etc/mosquitto/davylamp/mosquitto.conf", "allow_anonymous false\n", "broker", Severity.WARNING, "only 1000"),
    ("/etc/mosquitto/davylamp/mosquitto.conf", FILES["/etc/mosquitto/davylamp/mosquitto.conf"].replace("false", "true"),
     "broker", Severity.WARNING, "without a name")])
def test_what_its_files_say(pi, name, text, about, severity, said):
    pi.write(name, text)
    finding = pi.complains(about)
    assert finding.severity is severity and said in finding.what.en


@pytest.mark.parametrize(("command", "answer", "about", "severity", "said"), [
    ("timedatectl show", "NTP=yes\nNTPSynchronized=no", "clock", Severity.WARNING, "no time server answers"),
    ("timedatectl show", "NTP=no\nNTPSynchronized=no", "clock", Severity.ERROR, "nothing is set up"),
    ("vcgencmd get_throttled", "throttled=0x1", "power", Severity.ERROR, "too low now"),
    ("vcgencmd get_throttled", "throttled=0x50000", "power", Severity.WARNING, "too low since the start"),
    ("vcgencmd get_throttled", "throttled=0x4", "power", Severity.WARNING, "slowed down now"),
    ("systemctl show -p RuntimeWatchdogUSec", "RuntimeWatchdogUSec=0", "watchdog", Severity.WARNING, "nobody uses it"),
    (f"{SHOW} davylamp", UNIT.replace("=active", "=failed"), "units", Severity.ERROR, "does not run"),
    (f"{SHOW} mosquitto", UNIT.replace("enabled", "disabled"), "units", Severity.ERROR, "will not after a power cut"),
    (f"{SHOW} davylamp", UNIT.replace("NRestarts=0", "NRestarts=7"), "units", Severity.WARNING, "again 7 times")])
def test_what_its_programs_say(pi, command, answer, about, severity, said):
    pi.answers[command] = answer
    finding = pi.complains(about)
    assert finding.severity is severity and said in finding.what.en


@pytest.mark.parametrize(("path", "mode"), [("/etc/davylamp/secrets", 0o755), ("/var/lib/davylamp", 0o755),
                                            ("/etc/davylamp/secrets/broker-password", 0o644)])
def test_a_secret_that_others_may_read(pi, path, mode):
    pi.path(path).chmod(mode)
    finding = pi.complains("secrets")
    assert finding.severity is Severity.ERROR and path in finding.what.en and "sudo chmod" in finding.fix.en


def test_no_watchdog_and_no_clock_chip(pi):
    pi.without("/dev/watchdog0")
    pi.without("/sys/class/rtc/rtc0/since_epoch")
    pi.path("/sys/class/rtc/rtc0").rmdir()
    assert "no hardware watchdog" in pi.complains("watchdog").what.en
    assert "DS3231" in next(finding for finding in pi.findings() if finding.about == "rtc").fix.en


@survives("a serial port that is named by the order of plugging in",
          then="`davylamp doctor` warns, with the stable name",
          says=Text('/dev/ttyUSB0 is numbered in the order of plugging in: … '
                    f'in the site file: serial_port = "{ADAPTER}"',
                    f'/dev/ttyUSB0 按插入顺序编号… 请在站点文件中写 serial_port = "{ADAPTER}"'))
def test_a_passing_name_of_an_adapter(pi, says):
    finding = pi.complains("serial", SiteNeeds(NEEDS.zone, NEEDS.folder, NEEDS.page, ("/dev/ttyUSB0",)))
    assert finding.severity is Severity.WARNING and says(Text("{what} {fix}", "{what} {fix}").format(
        what=finding.what, fix=finding.fix))


def test_an_adapter_that_came_back_under_another_number_is_found_by_its_stable_name(pi):
    pi.without("/dev/ttyUSB0")
    pi.without(ADAPTER)
    assert "is not there" in pi.complains("serial").what.en
    pi.write("/dev/ttyUSB1", "")
    os.chown(pi.path("/dev/ttyUSB1"), -1, 20) if os.geteuid() == 0 else None
    pi.path(ADAPTER).symlink_to("../../ttyUSB1")
    assert f"{ADAPTER} is there (/dev/ttyUSB1)" in [finding.what.en for finding in pi.findings()]


def test_an_exchanged_adapter_is_named(pi):
    other = "/dev/serial/by-id/usb-1a86_USB_Serial-if00-port0"
    pi.path(ADAPTER).rename(pi.path(other))
    finding = pi.complains("serial")
    assert finding.severity is Severity.ERROR and other in finding.what.en


def test_an_adapter_that_the_gateway_may_not_open(pi):
    pi.write("/etc/group", "dialout:x:20:\n")
    if os.geteuid() == 0:
        assert "usermod -aG dialout davylamp" in pi.complains("serial").fix.en


def test_the_console_on_the_line_of_the_site(pi):
    pi.write("/proc/cmdline", "console=serial0,115200 console=tty1")
    pi.write("/dev/ttyAMA0", "")
    pi.path("/dev/serial0").symlink_to("ttyAMA0")
    finding = pi.complains("serial", SiteNeeds(NEEDS.zone, NEEDS.folder, NEEDS.page, ("/dev/ttyAMA0",)))
    assert "kernel's console" in finding.what.en


def test_the_key_of_the_authority_does_not_stay_here(pi):
    assert not any("ca.key" in finding.what.en for finding in pi.findings())
    pi.write("/etc/davylamp/tls/ca.key", "")
    found = next(finding for finding in pi.findings() if "ca.key" in finding.what.en)
    assert found.severity is Severity.WARNING and "ca move-key" in found.fix.zh


@pytest.mark.parametrize(("days", "severity"), [(400, Severity.GOOD), (20, Severity.WARNING), (-1, Severity.ERROR)])
def test_a_certificate_that_ends(pi, days, severity):
    authority = trustme.CA()
    certificate = authority.issue_cert("gateway", not_after=datetime.now(UTC) + timedelta(days=days, hours=1))
    pi.write("/etc/davylamp/tls/gateway.crt", certificate.cert_chain_pems[0].bytes().decode())
    found = [finding for finding in pi.findings() if finding.about == "certificate"]
    assert [finding.severity for finding in found] == [severity]


def test_without_a_site_file_the_rest_is_looked_at_all_the_same(pi):
    findings = examine(Machine(pi.root, pi.answers), None, "/etc/davylamp/site.toml")
    assert findings[-1].about == "site" and findings[-1].severity is Severity.ERROR and len(findings) > 10
    assert status(findings) == 4


def test_it_is_told_in_both_languages_and_as_json(pi):
    pi.without("/dev/watchdog0")
    findings = pi.findings()
    assert "warning  watchdog     there is no hardware watchdog: a machine that hangs stays so" in lines(
        findings, "en", colour=False)
    assert "0 个错误，1 个警告" in lines(findings, "zh", colour=False)
    assert [one["about"] for one in json.loads(as_json(findings))] == [finding.about for finding in findings]
    for finding in findings:
        assert finding.what.en and finding.what.zh and bool(finding.fix.en) == bool(finding.fix.zh)


def test_on_this_machine():
    """Whatever it is, it answers, and for a reason."""
    done = subprocess.run([sys.executable, "-m", "gateway", "doctor", "deploy/sites/depot.toml", "--json"], cwd=ROOT,
                          capture_output=True, text=True, timeout=60)
    worst = max(Severity[one["severity"].upper()] for one in json.loads(done.stdout))
    assert done.returncode == {Severity.ERROR: 4, Severity.WARNING: 3}.get(worst, 0), done.stderr
