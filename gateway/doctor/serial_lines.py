"""Serial adapters: are they there, will they have the same name tomorrow, may the gateway open them?"""

from __future__ import annotations

import grp
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from gateway.doctor.finding import Finding, error, good, note, warning
from gateway.doctor.machine import Machine

BY_ID = "/dev/serial/by-id"
_PASSING = re.compile(r"/dev/tty(USB|ACM)\d+")  # numbered in the order of plugging in


@dataclass(frozen=True, slots=True)
class Port:
    """One that the site file names: where the name leads to now (None: nowhere), and the group that may open it."""

    name: str
    device: str | None
    group: str | None


@dataclass(frozen=True, slots=True)
class Facts:
    """stable: stable name -> device. groups: of the user davylamp; None: there is no such user. console: the kernel
    talks on this line."""

    ports: Sequence[Port]
    stable: Mapping[str, str]
    groups: frozenset[str] | None
    console: str | None


def facts(machine: Machine, named: Sequence[str]) -> Facts:
    """named: serial ports of the site file."""
    members = {}
    for line in (machine.text("/etc/group") or "").splitlines():
        if line.count(":") == 3:
            name, _, _, users = line.split(":")
            members[name] = users.split(",")
    user = re.search(r"^davylamp:", machine.text("/etc/passwd") or "", re.MULTILINE)
    console = re.search(r"console=((?:tty(?:AMA|S|USB)|serial)\d+)", machine.text("/proc/cmdline") or "")
    return Facts(
        [Port(name, machine.link(name), _group(machine, name)) for name in named],
        {name: machine.link(name) or name for name in machine.names(BY_ID)},
        frozenset(name for name, users in members.items() if "davylamp" in users) if user else None,
        machine.link(f"/dev/{console[1]}") if console else None)


def _group(machine: Machine, name: str) -> str | None:
    if (stat := machine.stat(name)) is None:
        return None
    try:
        return grp.getgrgid(stat.st_gid).gr_name
    except KeyError:
        return str(stat.st_gid)


def judge(facts: Facts) -> Iterator[Finding]:
    for port in facts.ports:
        stable = [name for name, device in facts.stable.items() if device == (port.device or port.name)]
        if port.device is None or (port.group is None and port.name.startswith(BY_ID)):
            yield _absent(port, facts)
        elif _PASSING.fullmatch(port.name):
            use = stable[0] if stable else f"{BY_ID}/..."
            yield warning("serial", (f"{port.name} is numbered in the order of plugging in: tomorrow it may be "
                                     f"another adapter",
                                     f"{port.name} 按插入顺序编号，重新插拔后可能变成另一个适配器"),
                          (f'in the site file: serial_port = "{use}"', f'请在站点文件中写 serial_port = "{use}"'))
        elif facts.console is not None and port.device == facts.console:
            yield error("serial", (f"the kernel's console is on {port.name}", f"{port.name} 被内核控制台占用"),
                        ("sudo raspi-config nonint do_serial_cons 1, then restart",
                         "执行 sudo raspi-config nonint do_serial_cons 1 后重启"))
        elif facts.groups is not None and port.group not in (None, *facts.groups):
            yield error("serial", (f"the user davylamp may not open {port.name} (group {port.group})",
                                   f"用户 davylamp 无权打开 {port.name}（组 {port.group}）"),
                        (f"sudo usermod -aG {port.group} davylamp, then sudo systemctl restart davylamp",
                         f"执行 sudo usermod -aG {port.group} davylamp，然后 sudo systemctl restart davylamp"))
        else:
            yield good("serial", f"{port.name} is there ({port.device})", f"{port.name} 已连接（{port.device}）")
    if not facts.ports and facts.stable:
        names = ", ".join(facts.stable)
        yield note("serial", (f"the site file uses none of these adapters: {names}",
                              f"站点文件未使用这些适配器：{names}"))


def _absent(port: Port, facts: Facts) -> Finding:
    others = [name for name in facts.stable if name not in {one.name for one in facts.ports}]
    if not others:
        return error("serial", (f"{port.name} is not there", f"{port.name} 不存在"),
                     ("plug the adapter in, look at `dmesg | tail`; the gateway opens it by itself when it is back",
                      "请插上适配器并查看 dmesg | tail；恢复后网关会自动重新打开"))
    return error("serial", (f"{port.name} is not there; there are: {', '.join(others)}",
                            f"{port.name} 不存在；现有：{'、'.join(others)}"),
                 ("if the adapter was exchanged for one of them, write its name into the site file; else plug it in "
                  "again",
                  "如适配器已更换为其中之一，请在站点文件中改写其名称；否则请重新插上"))
