"""Power, heat, the hardware watchdog, and whether the programs fit the machine."""

from __future__ import annotations

import platform
import re
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.doctor.finding import Finding, error, good, note, warning
from gateway.doctor.machine import Machine

HOT_C, WARM_C = 80.0, 70.0  # a Raspberry Pi slows down from 80 °C
# Bits of `vcgencmd get_throttled`; the same 16 places higher: since the start.
UNDER_VOLTAGE, CAPPED, THROTTLED, SOFT_LIMIT = 1, 2, 4, 8


@dataclass(frozen=True, slots=True)
class Facts:
    """throttled: as the firmware reports it, None where there is none. watchdog: a device is there; watched: systemd
    feeds it. memory_limits: the units' limits are in force."""

    model: str
    bits: int
    python: tuple[int, int]
    temperature_c: float | None
    throttled: int | None
    watchdog: bool
    watched: bool | None
    memory_limits: bool | None


def facts(machine: Machine) -> Facts:
    heat = [number / 1000 for name in machine.names("/sys/class/thermal", "thermal_zone*")
            if (number := machine.number(f"{name}/temp")) is not None]
    said = re.search(r"throttled=(0x[0-9a-fA-F]+)", machine.ask("vcgencmd", "get_throttled") or "")
    watched = machine.settings("systemctl", "show", "-p", "RuntimeWatchdogUSec").get("RuntimeWatchdogUSec")
    return Facts((machine.text("/proc/device-tree/model") or platform.machine()).strip("\0"),
                 struct.calcsize("P") * 8, sys.version_info[:2], max(heat, default=None),
                 int(said[1], 16) if said else None, bool(machine.names("/dev", "watchdog*")),
                 None if watched is None else watched not in ("0", "infinity", ""), _memory_limits(machine))


def _memory_limits(machine: Machine) -> bool | None:
    controllers = machine.text("/sys/fs/cgroup/cgroup.controllers")
    if controllers is not None:
        return "memory" in controllers.split()
    found = re.search(r"^memory\s+\d+\s+\d+\s+(\d)", machine.text("/proc/cgroups") or "", re.MULTILINE)
    return None if found is None else found[1] == "1"


def judge(facts: Facts) -> Iterator[Finding]:
    version = "Python {}.{}".format(*facts.python)
    if facts.bits != 64:
        yield error("system", (f"this is a {facts.bits}-bit system", f"此系统为 {facts.bits} 位"),
                    ("install Raspberry Pi OS Lite (64-bit)", "请安装 64 位 Raspberry Pi OS Lite"))
    elif facts.python < (3, 11):
        yield error("system", (f"{version} is too old", f"{version} 版本过低"),
                    ("Debian 12 or 13 has a newer one", "请使用 Debian 12 或 13"))
    else:
        yield good("system", f"{facts.model}, 64-bit, {version}", f"{facts.model}，64 位，{version}")
    if facts.temperature_c is not None:
        what = f"{facts.temperature_c:.0f} °C", f"温度 {facts.temperature_c:.0f} °C"
        cool = ("give it air or a heat sink, keep it out of the sun", "请改善通风、加装散热片，避免日晒")
        if facts.temperature_c >= HOT_C:
            yield error("heat", (f"{what[0]}: the processor is slowed down", f"{what[1]}：处理器已降频"), cool)
        elif facts.temperature_c >= WARM_C:
            yield warning("heat", (f"{what[0]}: from {HOT_C:.0f} °C on the processor is slowed down",
                                   f"{what[1]}：达到 {HOT_C:.0f} °C 时处理器将降频"), cool)
        else:
            yield good("heat", *what)
    yield from _power(facts.throttled)
    if not facts.watchdog:
        yield warning("watchdog", ("there is no hardware watchdog: a machine that hangs stays so",
                                   "没有硬件看门狗：系统死机后不会自动重启"),
                      ("Raspberry Pi: dtparam=watchdog=on in /boot/firmware/config.txt, then restart",
                       "树莓派：在 /boot/firmware/config.txt 中添加 dtparam=watchdog=on 后重启"))
    elif facts.watched is False:
        yield warning("watchdog", ("there is a hardware watchdog, and nobody uses it", "有硬件看门狗，但未启用"),
                      ("run deploy/install.sh again, or put deploy/watchdog.conf into /etc/systemd/system.conf.d; "
                       "restart",
                       "请重新运行 deploy/install.sh，或将 deploy/watchdog.conf 放入 /etc/systemd/system.conf.d；"
                       "然后重启"))
    else:
        yield good("watchdog", "the hardware watchdog watches the system", "硬件看门狗已启用")
    if facts.memory_limits is False:
        yield warning("memory", ("the kernel limits nobody's memory, so the limits of the service mean nothing",
                                 "内核未启用内存限制，服务的内存上限不起作用"),
                      ("add cgroup_enable=memory to the line in /boot/firmware/cmdline.txt, then restart",
                       "在 /boot/firmware/cmdline.txt 的那一行末尾添加 cgroup_enable=memory 后重启"))


def _power(throttled: int | None) -> Iterator[Finding]:
    if throttled is None:
        return
    supply = ("take the supply made for this board (5.1 V, 3 A; Pi 5: 5 A), a short cable; unplug what draws from USB",
              "请使用该型号的原配电源（5.1 V、3 A；Pi 5 为 5 A）和短电源线，拔掉耗电的 USB 设备")
    if throttled & UNDER_VOLTAGE:
        yield error("power", ("the supply voltage is too low now", "当前供电电压过低"), supply)
    elif throttled >> 16 & UNDER_VOLTAGE:
        yield warning("power", ("the supply voltage was too low since the start", "开机以来曾出现供电电压过低"), supply)
    if throttled & (CAPPED | THROTTLED | SOFT_LIMIT):
        yield warning("power", ("the processor is slowed down now", "处理器当前已降频"),
                      ("see heat and power above", "请查看上面的温度和供电"))
    elif throttled >> 16 & (CAPPED | THROTTLED | SOFT_LIMIT):
        yield note("power", ("the processor was slowed down since the start", "开机以来处理器曾降频"))
    if not throttled:
        yield good("power", "power and heat have been good since the start", "开机以来供电和温度正常")
