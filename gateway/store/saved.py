"""Small things that are kept whole and replaced whole: the bank's snapshot, the cursors of the readers.

Written beside, synced, renamed over the old one, so a cut leaves the old or the new, never half of one. Each carries
the store's position and the gateway's instant at which it was saved: after a cut neither may run backwards.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from gateway.model.clock import Instant
from gateway.store.disk import Disk

SUFFIX = ".saved"
_HEAD = struct.Struct("<8sIqqqB3x")
_MAGIC = b"DAVYSAV1"
_CRC_FROM = 12


@dataclass(frozen=True, slots=True)
class Saved:
    data: bytes
    position: int
    at: Instant


def write(disk: Disk, folder: Path, name: str, saved: Saved) -> None:
    path = _path(folder, name)
    new = path.with_suffix(".new")
    head = _HEAD.pack(_MAGIC, 0, saved.position, saved.at.line_ns, saved.at.wall_ns, saved.at.trusted)
    body = head[_CRC_FROM:] + saved.data
    file = disk.create(new)
    try:
        disk.write(file, _MAGIC + zlib.crc32(body).to_bytes(4, "little") + body)
        disk.sync(file)
    finally:
        disk.close(file)
    disk.replace(new, path)
    disk.sync_folder(folder)


def read(folder: Path, name: str) -> Saved | None:
    """None when there is none, or what is there is damaged or can not be read."""
    return _read(_path(folder, name))


def read_all(folder: Path) -> Iterator[Saved]:
    for path in folder.glob("*" + SUFFIX):
        if (saved := _read(path)) is not None:
            yield saved


def _path(folder: Path, name: str) -> Path:
    return folder / (quote(name, safe="") + SUFFIX)  # a sink may be called anything


def _read(path: Path) -> Saved | None:
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if len(data) < _HEAD.size or data[:8] != _MAGIC:
        return None
    if zlib.crc32(data[_CRC_FROM:]) != int.from_bytes(data[8:_CRC_FROM], "little"):
        return None
    _, _, position, line, wall, trusted = _HEAD.unpack_from(data)
    return Saved(data[_HEAD.size:], position, Instant(line, wall, bool(trusted)))
