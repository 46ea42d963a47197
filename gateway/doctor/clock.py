"""Does this machine know what time it is, and after a power cut too?"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.doctor.finding import Finding, error, good, note, warning
from gateway.doctor.machine import Machine

RTC_OFF_S = 30.0  # a clock chip with a good battery drifts by less in months


@dataclass(frozen=True, slots=True)
class Facts:
    """synchronised, service: None where nobody can be asked. rtc_off_s: of the clock chip against the wall clock."""

    synchronised: bool | None
    service: bool | None
    rtc: bool
    rtc_off_s: float | None
    zone: str


def facts(machine: Machine, now_s: float | None = None) -> Facts:
    """now_s: the wall clock, seconds since 1970."""
    said = machine.settings("timedatectl", "show")
    chip = machine.number("/sys/class/rtc/rtc0/since_epoch")
    synchronised = {"yes": True, "no": False}.get(said.get("NTPSynchronized", ""))
    return Facts(machine.kernel_clock_synchronised() if synchronised is None else synchronised,
                 {"yes": True, "no": False}.get(said.get("NTP", "")),
                 machine.path("/sys/class/rtc/rtc0").exists(),
                 None if chip is None else chip - (time.time() if now_s is None else now_s),
                 said.get("Timezone") or machine.text("/etc/timezone") or "")


def judge(facts: Facts, site_zone: str | None) -> Iterator[Finding]:
    if facts.synchronised:
        yield good("clock", "the clock is synchronised", "时钟已同步")
    elif facts.synchronised is None:
        yield note("clock", ("it can not be asked whether the clock is synchronised", "无法查询时钟是否已同步"),
                   ("see timedatectl; without a clock chip samples are marked, unless the site file says "
                    "clock = \"kept\" under [site]",
                    "请运行 timedatectl 查看；没有实时时钟芯片时采样会带有标记，除非站点文件 [site] 中写明 "
                    "clock = \"kept\""))
    elif facts.service is False:
        yield error("clock", ("the clock is not synchronised, and nothing is set up to do it",
                              "时钟未同步，且未启用时间同步"),
                    ("sudo timedatectl set-ntp true", "sudo timedatectl set-ntp true"))
    else:
        yield warning("clock", ("the clock is not synchronised: no time server answers",
                                "时钟未同步：时间服务器无应答"),
                      ("name one that this network reaches: NTP=ADDRESS in /etc/systemd/timesyncd.conf, then "
                       "sudo systemctl restart systemd-timesyncd; until then samples are marked",
                       "请在 /etc/systemd/timesyncd.conf 中以 NTP=地址 指定本网络可达的时间服务器，然后执行 sudo "
                       "systemctl restart "
                       "systemd-timesyncd；在此之前采样会带有标记"))
    if not facts.rtc:
        yield note("rtc", ("there is no clock chip: after a power cut the time is unknown until a time server answers",
                           "没有实时时钟芯片：断电后，在时间服务器应答之前时间未知"),
                   ("where that may take long, add one (DS3231: dtoverlay=i2c-rtc,ds3231 in /boot/firmware/config.txt)",
                    "如可能长时间连不上时间服务器，请加装（DS3231：在 /boot/firmware/config.txt 中添加 "
                    "dtoverlay=i2c-rtc,ds3231）"))
    elif facts.synchronised and facts.rtc_off_s is not None and abs(facts.rtc_off_s) > RTC_OFF_S:
        yield warning("rtc", (f"the clock chip is off by {facts.rtc_off_s:+.0f} s",
                              f"实时时钟芯片偏差 {facts.rtc_off_s:+.0f} 秒"),
                      ("sudo hwclock --systohc; if it is off again after a power cut, its battery is empty",
                       "执行 sudo hwclock --systohc；若断电后再次偏差，请更换其电池"))
    else:
        yield good("rtc", "there is a clock chip", "有实时时钟芯片")
    if site_zone and facts.zone and facts.zone != site_zone:
        yield note("zone", (f"the machine's time zone is {facts.zone}, the site's is {site_zone}",
                            f"本机时区为 {facts.zone}，站点时区为 {site_zone}"),
                   (f"the journal of the machine is easier to compare after: sudo timedatectl set-timezone {site_zone}",
                    f"为便于对照系统日志，可执行 sudo timedatectl set-timezone {site_zone}"))
