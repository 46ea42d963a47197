"""What the installer wants to know of a site file; nothing of one that is no TOML: `davylamp check` refuses it. Lines:

    beside FILE                 a points file that the site file names, relative to it
    listens UNIT ADDRESS PORT   where a service of this machine will listen
    page ADDRESS                of the page, for a browser
    name NAME                   under which the site file lets browsers open the page
    unnamed ID                  a section that would speak to this machine's broker without a name

`site.py --free ADDRESS PORT`: exit status 0 when nothing listens there.
"""

from __future__ import annotations

import socket
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

BROKER = 1883  # deploy/mosquitto/listeners.conf
LOOPBACK = ("127.0.0.1", "localhost", "::1")


def facts(path: Path) -> Iterator[str]:
    try:
        site = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except ValueError:
        return
    api = site.get("api", {})
    port, host, names = api.get("port", 8080), api.get("host", "127.0.0.1"), api.get("names", [])
    yield f"page {'https' if 'tls_cert' in api else 'http'}://{[*names, host][0]}:{port}"
    yield f"listens davylamp {host} {port}"
    for name in names:
        yield f"name {name}"
    yield f"listens mosquitto 127.0.0.1 {BROKER}"
    for table in _tables(site):
        if "points_csv" in table:
            yield f"beside {table['points_csv']}"
    brokers = [*site.get("sources", ()), *site.get("notifiers", ())]
    for section in (*((one.get("id"), one) for one in brokers if one.get("type") == "mqtt"),
                    ("heartbeat", site.get("heartbeat", {}).get("broker")), ("centre", site.get("centre"))):
        if section[1] is not None and _ours(section[1]) and "username" not in section[1]:
            yield f"unnamed {section[0]}"


def _ours(section: dict) -> bool:
    default = 8883 if "tls" in section else BROKER
    return section.get("host") in LOOPBACK and section.get("port", default) == BROKER


def _tables(value: object) -> Iterator[dict]:
    if isinstance(value, dict):
        yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _tables(part)


def free(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


if __name__ == "__main__":
    if sys.argv[1] == "--free":
        sys.exit(not free(sys.argv[2], int(sys.argv[3])))
    print(*facts(Path(sys.argv[1])), sep="\n")
