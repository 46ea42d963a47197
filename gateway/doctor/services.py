"""The services: do they run, who can reach them, who can read their secrets, and until when do certificates hold?"""

from __future__ import annotations

import pwd
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography import x509

from gateway.doctor.finding import Finding, error, good, note, warning
from gateway.doctor.machine import Machine
from gateway.model import installed

CONFIG, DATA, BROKER = map(str, (installed.CONFIG, installed.DATA, installed.BROKER))
EXPECTED_PORTS = {22: "ssh", 8883: "mosquitto, TLS"}
EXPIRES_SOON = timedelta(days=30)
LEAST_QUEUE, LEAST_INFLIGHT = 10_000, 500  # Debian's defaults of 1000 and 20 lost three quarters of a burst
_LISTEN = "0A"


@dataclass(frozen=True, slots=True)
class Unit:
    name: str
    enabled: bool
    active: bool
    restarts: int


@dataclass(frozen=True, slots=True)
class Facts:
    """units: None where systemd does not answer. open_ports: TCP, open to the network. loose: path -> the mode that
    it should have. strangers: files of the data folder that are not the gateway's. expiries: of certificates.
    signer: where the key of the site's authority lies, if it lies here."""

    installed: bool
    units: Sequence[Unit] | None
    open_ports: frozenset[int]
    loose: Mapping[str, str]
    strangers: Sequence[str]
    broker: Mapping[str, str] | None
    expiries: Mapping[str, datetime]
    signer: str = ""


def facts(machine: Machine, certificates: Sequence[str] = ()) -> Facts:
    """certificates: files that the site file names."""
    names = ["davylamp"]
    if machine.path("/usr/sbin/mosquitto").exists():
        names.append("mosquitto")
    if machine.path(f"{CONFIG}/watch.toml").exists():
        names.append("davylamp-watch")
    return Facts(
        machine.path("/etc/systemd/system/davylamp.service").exists(), _units(machine, names), _open_ports(machine),
        dict(_loose(machine)), _strangers(machine), _broker(machine),
        dict(_expiries(machine, [*certificates, f"{BROKER}/broker.crt", *machine.names(f"{CONFIG}/tls", "*.crt")])),
        next(iter(machine.names(f"{CONFIG}/tls", "ca.key")), ""))


def _units(machine: Machine, names: Sequence[str]) -> list[Unit] | None:
    found = []
    for name in names:
        said = machine.settings("systemctl", "show", "-p", "UnitFileState,ActiveState,NRestarts", name)
        if not said:
            return None
        found.append(Unit(name, said.get("UnitFileState") == "enabled", said.get("ActiveState") == "active",
                          int(said.get("NRestarts") or 0)))
    return found


def _open_ports(machine: Machine) -> frozenset[int]:
    ports = set()
    for name in ("/proc/net/tcp", "/proc/net/tcp6"):
        for line in (machine.text(name) or "").splitlines()[1:]:
            _, local, _, state = line.split()[:4]
            address, port = local.split(":")
            if state == _LISTEN and not _loopback(address):
                ports.add(int(port, 16))
    return frozenset(ports)


def _loopback(address: str) -> bool:
    """As /proc/net/tcp writes addresses: words of four bytes, each in the machine's (little-endian) order."""
    return (address.endswith("7F") if len(address) == 8 else
            address == "00000000000000000000000001000000" or (address.startswith("0000000000000000FFFF0000")
            and address.endswith("7F")))


def _loose(machine: Machine) -> Iterator[tuple[str, str]]:
    for folder, allowed in ((f"{CONFIG}/secrets", 0o700), (CONFIG, 0o1770), (DATA, 0o750)):
        found = machine.stat(folder)
        if found is not None and stat.S_IMODE(found.st_mode) & ~allowed:
            yield folder, f"{allowed:04o}"
    for path, found in machine.tree(f"{CONFIG}/secrets"):
        if stat.S_ISREG(found.st_mode) and found.st_mode & 0o077:
            yield path, "0600"


def _strangers(machine: Machine) -> list[str]:
    try:
        owner = pwd.getpwnam("davylamp").pw_uid
    except KeyError:
        return []
    return [path for path, found in machine.tree(DATA) if found.st_uid != owner]


def _broker(machine: Machine) -> dict[str, str] | None:
    text = machine.text(f"{BROKER}/mosquitto.conf")
    if text is None:
        text = "\n".join(filter(None, map(machine.text, (
            "/etc/mosquitto/mosquitto.conf", *machine.names("/etc/mosquitto/conf.d", "*.conf")))))
    lines = (line.split(None, 1) for line in text.splitlines() if not line.startswith("#"))
    return {line[0]: line[1] for line in lines if len(line) == 2} or None


def _expiries(machine: Machine, files: Sequence[str]) -> Iterator[tuple[str, datetime]]:
    for name in dict.fromkeys(files):
        try:
            chain = x509.load_pem_x509_certificates((machine.text(name) or "").encode())
        except ValueError:  # not there, or a key
            continue
        yield name, min(certificate.not_valid_after_utc for certificate in chain)


def judge(facts: Facts, page: tuple[str, int] | None, broker_used: bool,
          now: datetime | None = None) -> Iterator[Finding]:
    """page: address and port of the site file. broker_used: the site file speaks to a broker on this machine."""
    yield from _running(facts)
    yield from _reachable(facts, page)
    for path, mode in facts.loose.items():
        yield error("secrets", (f"others may read {path}", f"其他用户可以读取 {path}"),
                    (f"sudo chmod {mode} {path}", f"sudo chmod {mode} {path}"))
    if facts.installed and not facts.loose:
        yield good("secrets", "only the gateway reads its secrets", "密钥仅网关可读")
    if facts.strangers:
        yield error("data", (f"{len(facts.strangers)} files in {DATA} are not the gateway's, e.g. "
                             f"{facts.strangers[0]}: "
                             "it may not be able to write them",
                             f"{DATA} 中有 {len(facts.strangers)} 个文件不属于网关用户（如 {facts.strangers[0]}），"
                             f"网关可能无法写入"),
                    (f"sudo chown -R davylamp:davylamp {DATA}; run commands on the data as: sudo -u davylamp "
                     f"davylamp ...",
                     f"执行 sudo chown -R davylamp:davylamp {DATA}；操作数据时请用 sudo -u davylamp davylamp …"))
    if broker_used:
        yield from _queues(facts.broker)
    for name, end in facts.expiries.items():
        left = end - (now or datetime.now(UTC))
        renew = ("issue a new one: davylamp ca", "请用 davylamp ca 重新签发")
        if left <= timedelta():
            yield error("certificate", (f"{name} has expired on {end:%Y-%m-%d}",
                                        f"{name} 已于 {end:%Y-%m-%d} 过期"), renew)
        elif left < EXPIRES_SOON:
            yield warning("certificate", (f"{name} expires on {end:%Y-%m-%d}",
                                          f"{name} 将于 {end:%Y-%m-%d} 过期"), renew)
        else:
            yield good("certificate", f"{name} holds until {end:%Y-%m-%d}", f"{name} 有效期至 {end:%Y-%m-%d}")
    if facts.signer:
        yield _signer(facts.signer)


def _signer(key: str) -> Finding:
    return warning("certificate", (f"{key} lies here: whoever takes this machine can pass for any page of the site",
                                   f"{key} 存放在本机：拿到本机者可以冒充本站点的任何页面"),
                   ("take it away on a USB stick, and keep it well: sudo davylamp ca move-key /media/usb",
                    "请移到 U 盘并妥善保管：sudo davylamp ca move-key /media/usb"))


def _running(facts: Facts) -> Iterator[Finding]:
    if not facts.installed:
        yield note("units", ("the gateway is not installed as a service here", "本机未将网关安装为系统服务"),
                   ("sudo deploy/install.sh --site SITE.toml", "sudo deploy/install.sh --site SITE.toml"))
        return
    for unit in facts.units or ():
        if not unit.active:
            yield error("units", (f"{unit.name} does not run", f"{unit.name} 未运行"),
                        (f"read why: journalctl -u {unit.name} -n 50; then sudo systemctl start {unit.name}",
                         f"请用 journalctl -u {unit.name} -n 50 查看原因，然后 sudo systemctl start {unit.name}"))
        elif not unit.enabled:
            yield error("units", (f"{unit.name} runs, and will not after a power cut",
                                  f"{unit.name} 正在运行，但断电后不会自动启动"),
                        (f"sudo systemctl enable {unit.name}", f"sudo systemctl enable {unit.name}"))
        elif unit.restarts:
            yield warning("units", (f"{unit.name} runs, and was started again {unit.restarts} times by itself",
                                    f"{unit.name} 正在运行，期间曾自动重启 {unit.restarts} 次"),
                          (f"read why: journalctl -u {unit.name} -p warning",
                           f"请用 journalctl -u {unit.name} -p warning 查看原因"))
        else:
            yield good("units", f"{unit.name} runs, and starts by itself", f"{unit.name} 正在运行，并会自动启动")


def _reachable(facts: Facts, page: tuple[str, int] | None) -> Iterator[Finding]:
    expected = EXPECTED_PORTS | ({page[1]: "davylamp"} if page is not None and page[0] not in ("127.0.0.1", "::1",
                                                                                               "localhost")
                                 else {})
    for port in sorted(facts.open_ports):
        if port in expected:
            yield note("network", (f"port {port} ({expected[port]}) can be reached from the network",
                                   f"端口 {port}（{expected[port]}）可从网络访问"))
        else:
            yield warning("network", (f"port {port} can be reached from the network, and is not the gateway's",
                                      f"端口 {port} 可从网络访问，且不属于网关"),
                          (f"see what it is: sudo ss -ltnp 'sport = :{port}'; stop it, or bind it to 127.0.0.1",
                           f"请用 sudo ss -ltnp 'sport = :{port}' 查看，停止该程序或将其绑定到 127.0.0.1"))
    if not facts.open_ports:
        yield good("network", "nothing can be reached from the network", "没有可从网络访问的端口")


def _queues(broker: Mapping[str, str] | None) -> Iterator[Finding]:
    if broker is None:
        yield error("broker", ("the site uses a broker on this machine, and mosquitto is not installed",
                               "站点使用本机消息代理，但未安装 mosquitto"),
                    ("sudo deploy/install.sh --site SITE.toml", "sudo deploy/install.sh --site SITE.toml"))
        return
    queued, way = broker.get("max_queued_messages", "1000"), broker.get("max_inflight_messages", "20")
    if not queued.isdigit() or not way.isdigit() or 0 < int(queued) < LEAST_QUEUE or 0 < int(way) < LEAST_INFLIGHT:
        yield warning("broker", (f"mosquitto keeps only {queued} messages for a client that is slow ({way} on the "
                                 f"way): a burst is lost",
                                 f"mosquitto 只为较慢的客户端保留 {queued} 条消息（在途 {way} 条），突发数据会丢失"),
                      ("take the limits of deploy/mosquitto.conf", "请采用 deploy/mosquitto.conf 中的限值"))
    else:
        yield good("broker", f"mosquitto keeps {queued} messages for a client that is slow",
                   f"mosquitto 为较慢的客户端保留 {queued} 条消息")
    if broker.get("allow_anonymous") == "true":
        yield warning("broker", ("mosquitto lets in whoever comes, without a name", "mosquitto 允许匿名连接"),
                      ("allow_anonymous false, with password_file and acl_file: deploy/mosquitto/listeners.conf",
                       "设置 allow_anonymous false 并配置 password_file 和 acl_file，参见 "
                       "deploy/mosquitto/listeners.conf"))
