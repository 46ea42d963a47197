"""Site files for the benchmarks, as TOML text: every signal with two limits and, where it is polled, a deadman."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

WORDS = {"float32": 2, "uint16": 1}
HIGH = 2000.0  # the simulator's readings stay between 0 and 1000, so nothing crosses by itself
RANGE = (-100.0, 60_000.0)
_AREAS = 4

_HEAD = """[site]
id = "bench"
name = "Benchmark"
timezone = "UTC"

[kinds.reading]
name = "reading"
unit = "u"
deadband = 100
on_delay = "0s"
off_delay = "0s"
deadman = {deadman}

[kinds.reading.limits]
H = {high}
HH = {high_high}

[api]
port = 0
"""


def modbus_site(folder: Path, ports: Sequence[int], signals: int, kind: str, *, period: str = "1s",
                deadman: str = "5s") -> Path:
    """The simulator's flat world (`--signals --devices --type`): signals sim-0 ..., one TCP source for each port."""
    shares = [signals // len(ports) + (device < signals % len(ports)) for device in range(len(ports))]
    parts, number = [_site([f"sim-{n}" for n in range(signals)], deadman)], 0
    for device, (port, share) in enumerate(zip(ports, shares, strict=True)):
        points = ",\n".join(f'  {{ signal = "sim-{number + row}", table = "holding", address = {row * WORDS[kind]}, '
                            f'type = "{kind}" }}' for row in range(share))
        parts.append(f'[[sources]]\nid = "line-{device}"\ntype = "modbus"\nhost = "127.0.0.1"\nport = {port}\n'
                     f'[[sources.devices]]\nid = "dev-{device}"\nperiod = "{period}"\npoints = [\n{points}\n]\n')
        number += share
    return _write(folder, parts)


def pairs_site(folder: Path, port: int, senders: int, protocol: str = "5") -> Path:
    """MQTT: `senders` devices, each of which publishes {"temperature": ..., "humidity": ...} on plant/d<n>/climate."""
    names = [f"d{n}" for n in range(senders)]
    source = (f'{_broker(port, protocol)}[[sources.topics]]\ntopic = "plant/{{device}}/climate"\n'
              f'names.device = [{_quoted(names)}]\n'
              'values = { "{device}.temperature" = "temperature", "{device}.humidity" = "humidity" }\n')
    signals = [f"{name}.{value}" for name in names for value in ("temperature", "humidity")]
    return _write(folder, [_site(signals, "none"), source])


def batches_site(folder: Path, port: int, senders: int, values: int) -> Path:
    """MQTT: `senders` devices, each of which publishes {"values": [...]} of `values` numbers on batch/b<n>."""
    parts = [_site([f"b{n}.{value}" for n in range(senders) for value in range(values)], "none"), _broker(port)]
    parts += [f'[[sources.topics]]\ntopic = "batch/b{n}"\norder = [{_quoted(f"b{n}.{v}" for v in range(values))}]\n'
              for n in range(senders)]
    return _write(folder, parts)


def _broker(port: int, protocol: str = "5") -> str:
    return (f'[[sources]]\nid = "broker"\ntype = "mqtt"\nhost = "127.0.0.1"\nport = {port}\nclient_id = "bench"\n'
            f'protocol = "{protocol}"\n')


def _site(signals: Sequence[str], deadman: str) -> str:
    head = _HEAD.format(deadman=f'"{deadman}"', high=HIGH, high_high=2 * HIGH)
    areas = "".join(f'[[areas]]\nid = "area-{n}"\nname = "Area {n}"\n' for n in range(_AREAS))
    rows = "".join(f'[[signals]]\nid = "{signal}"\nkind = "reading"\narea = "area-{number % _AREAS}"\n'
                   f'low = {RANGE[0]}\nhigh = {RANGE[1]}\n' for number, signal in enumerate(signals))
    return f"{head}\n{areas}\n{rows}"


def _quoted(texts: Iterable[str]) -> str:
    return ", ".join(f'"{text}"' for text in texts)


def _write(folder: Path, parts: Iterable[str]) -> Path:
    path = folder / "site.toml"
    path.write_text("\n".join(parts))
    return path
