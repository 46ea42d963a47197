"""Is there room for the data, and how much life is left in what it is written to?"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from gateway.doctor.finding import Finding, error, good, note, warning
from gateway.doctor.machine import Machine

LOW, VERY_LOW = 500_000_000, 100_000_000  # bytes free
LOW_SHARE = 0.05
WORN_TENTHS = 8  # of 10: JEDEC eMMC life time estimate, in steps of 10 %


@dataclass(frozen=True, slots=True)
class Facts:
    """worn: tenths of its life that a card has used (1 to 11), None where it does not say. urgent: it asks to be
    replaced. errors: that the file systems have counted."""

    folder: str
    room: tuple[int, int] | None
    read_only: bool
    card: str | None
    worn: int | None
    urgent: bool
    errors: int
    swap_on_card: bool


def facts(machine: Machine, folder: str) -> Facts:
    mounts = [line.split() for line in (machine.text("/proc/mounts") or "").splitlines()]
    under = max((mount for mount in mounts if len(mount) > 3 and _below(folder, mount[1])), default=None,
                key=lambda mount: len(mount[1]))
    cards = machine.names("/sys/block", "mmcblk*")
    cards = [card for card in cards if re.fullmatch(r"mmcblk\d+", card.rsplit("/", 1)[1])]
    life = (machine.text(f"{cards[0]}/device/life_time") or "") if cards else ""
    worn = [int(part, 16) for part in life.split() if re.fullmatch(r"0x[0-9a-fA-F]+", part)]
    swaps = (machine.text("/proc/swaps") or "").splitlines()[1:]
    return Facts(
        folder, machine.room(folder) or machine.room("/"), under is not None and "ro" in under[3].split(","),
        cards[0].rsplit("/", 1)[1] if cards else None, max(worn, default=0) or None,
        bool(cards) and (machine.number(f"{cards[0]}/device/pre_eol_info") or 0) >= 3,
        sum(machine.number(name) or 0 for name in machine.names("/sys/fs/ext4", "*/errors_count")),
        bool(cards) and any(not line.startswith(("/dev/zram", "zram")) for line in swaps))


def judge(facts: Facts) -> Iterator[Finding]:
    if facts.read_only:
        yield error("disk", (f"the file system of {facts.folder} is read-only", f"{facts.folder} 所在文件系统为只读"),
                    ("a card does this when it dies: look at `dmesg`, replace it, restore the backup",
                     "存储卡损坏时会如此：请查看 dmesg，更换存储卡并恢复备份"))
    if facts.room is not None:
        total, free = facts.room
        said = f"{free / 1e6:.0f} MB", f"{free / total:.0%}"
        what = (f"{said[0]} ({said[1]}) are free for {facts.folder}", f"{facts.folder} 剩余空间 {said[0]}（{said[1]}）")
        fix = ("see what takes it: sudo du -xh --max-depth=2 / | sort -h | tail; lower max_size in [store], or take "
               "a larger disk",
               "请用 sudo du -xh --max-depth=2 / | sort -h | tail 查看占用；减小 [store] 的 max_size "
               "或更换更大的存储卡")
        if free < VERY_LOW:
            yield error("disk", what, fix)
        elif free < LOW or free < LOW_SHARE * total:
            yield warning("disk", what, fix)
        else:
            yield good("disk", *what)
    if facts.errors:
        yield warning("disk", (f"the file system has counted {facts.errors} errors",
                               f"文件系统已记录 {facts.errors} 个错误"),
                      ("sudo touch /forcefsck and restart; if they come again, replace the card",
                       "执行 sudo touch /forcefsck 后重启；若再次出现请更换存储卡"))
    if facts.urgent or (facts.worn or 0) >= WORN_TENTHS:
        used = "" if facts.worn is None else f", {min(facts.worn, 10) * 10} %"
        yield (error if facts.urgent or (facts.worn or 0) > 10 else warning)(
            "wear", (f"{facts.card} is nearly worn out{used}", f"{facts.card} 寿命即将耗尽{used.replace(', ', '，')}"),
            ("make a backup (davylamp backup) and replace it", "请备份（davylamp backup）并更换"))
    elif facts.worn is not None:
        yield good("wear", f"{facts.card} has used at most {facts.worn * 10} % of its life",
                   f"{facts.card} 已用寿命不超过 {facts.worn * 10}%")
    elif facts.card is not None:
        yield note("wear", (f"{facts.card} does not report its wear, as most SD cards do not",
                            f"{facts.card} 不报告磨损情况（多数 SD 卡如此）"),
                   ("take a card made for constant writing, and replace it by the calendar",
                    "请使用耐久型存储卡，并定期更换"))
    if facts.swap_on_card:
        yield warning("swap", ("memory is swapped to the card: it wears the card, and the gateway may stand still",
                               "交换空间位于存储卡上：加速磨损，且可能使网关停顿"),
                      ("Debian 12: sudo systemctl disable --now dphys-swapfile; Debian 13: Mechanism=zram in "
                       "/etc/rpi/swap.conf; then restart",
                       "Debian 12：sudo systemctl disable --now dphys-swapfile；Debian 13：在 /etc/rpi/swap.conf "
                       "中设置 "
                       "Mechanism=zram；然后重启"))


def _below(path: str, mount: str) -> bool:
    return mount == "/" or path == mount or path.startswith(mount + "/")
