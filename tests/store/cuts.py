"""A disk that remembers what was synced, so that the power can be cut at any call.

`RecordingDisk` works on a real folder and keeps a record of every change. `image` builds the folder as a power cut at
some point of that record could leave it, as unkind as file systems may be: of each file what was synced, and of every
later write any selection of its 512-byte sectors, holes reading as zeros; of each folder the names that were synced,
and any first part of the later changes.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from pathlib import Path

from gateway.store.disk import Disk

SECTOR = 512


@dataclass
class _File:
    synced: bytearray = field(default_factory=bytearray)
    since: list[tuple] = field(default_factory=list)  # ("write", offset, data) or ("truncate", size)
    size: int = 0

    def sync(self) -> None:
        self.synced = _after(self.synced, self.since)
        self.since = []


@dataclass
class _Folder:
    synced: dict[str, int] = field(default_factory=dict)  # name -> number of the file
    since: list[tuple] = field(default_factory=list)  # ("link", name, number) or ("unlink", name)


class RecordingDisk(Disk):
    def __init__(self, root: Path):
        self.record: list[tuple] = []
        self._root = root
        self._open: dict[int, int] = {}  # descriptor -> number of the file
        self._names: dict[Path, int] = {}
        self._files = 0

    def create(self, path):
        descriptor = super().create(path)
        self._files += 1
        self._open[descriptor] = self._names[path] = self._files
        self.record.append(("create", path, self._files))
        return descriptor

    def reopen(self, path):
        descriptor = super().reopen(path)
        self._open[descriptor] = self._names[path]
        return descriptor

    def write(self, file, data):
        super().write(file, data)
        self.record.append(("write", self._open[file], bytes(data)))

    def truncate(self, file, size):
        super().truncate(file, size)
        self.record.append(("truncate", self._open[file], size))

    def sync(self, file):
        self.record.append(("sync", self._open[file]))  # no real sync: only the record counts

    def sync_folder(self, path):
        self.record.append(("sync_folder", path))

    def replace(self, source, target):
        super().replace(source, target)
        self._names[target] = self._names.pop(source)
        self.record.append(("replace", source, target, self._names[target]))

    def remove(self, path):
        super().remove(path)
        self._names.pop(path, None)
        self.record.append(("remove", path))

    def image(self, cut: int, target: Path, chance: random.Random) -> None:
        """The folder as it may be found when the power fails after `cut` calls."""
        files, folders = _replay(self.record[:cut])
        survival = chance.choice((0.0, 0.5, 0.9, 1.0))
        for folder, names in folders.items():
            place = target / folder.relative_to(self._root)
            place.mkdir(parents=True, exist_ok=True)
            for name, number in _names_after(names, chance).items():
                (place / name).write_bytes(_survivor(files[number], survival, chance))


class LyingDisk(RecordingDisk):
    """A card that says "synced" and has not: no store can keep its promise on it."""

    def sync(self, file):
        return


def _replay(record: list[tuple]) -> tuple[dict[int, _File], dict[Path, _Folder]]:
    files: dict[int, _File] = {}
    folders: dict[Path, _Folder] = {}

    def folder(path: Path) -> _Folder:
        return folders.setdefault(path.parent, _Folder())

    for call, *about in record:
        match call, about:
            case "create", (path, number):
                files[number] = _File()
                folder(path).since.append(("link", path.name, number))
            case "write", (number, data):
                files[number].since.append(("write", files[number].size, data))
                files[number].size += len(data)
            case "truncate", (number, size):
                files[number].since.append(("truncate", size))
                files[number].size = size
            case "sync", (number,):
                files[number].sync()
            case "replace", (source, target, number):
                folder(source).since += [("unlink", source.name), ("link", target.name, number)]
            case "remove", (path,):
                folder(path).since.append(("unlink", path.name))
            case "sync_folder", (path,):
                if path in folders:
                    folders[path] = _Folder(_linked(folders[path].synced, folders[path].since))
    return files, folders


def _linked(names: dict[str, int], changes: list[tuple]) -> dict[str, int]:
    names = dict(names)
    for change, name, *number in changes:
        if change == "link":
            names[name] = number[0]
        else:
            names.pop(name, None)
    return names


def _names_after(folder: _Folder, chance: random.Random) -> dict[str, int]:
    return _linked(folder.synced, folder.since[:chance.randint(0, len(folder.since))])


def _survivor(file: _File, survival: float, chance: random.Random) -> bytes:
    content = bytearray(file.synced)
    for change, *about in file.since:
        if change == "truncate":
            if chance.random() < 0.5:
                content = _after(content, [("truncate", *about)])
            continue
        offset, data = about
        first = 0
        while first < len(data):  # sector by sector, cut where the disk's sectors are
            last = min(len(data), (offset + first) // SECTOR * SECTOR + SECTOR - offset)
            if chance.random() < survival:
                content = _after(content, [("write", offset + first, data[first:last])])
            first = last
    return bytes(content)


def _after(content: bytearray, changes: list[tuple]) -> bytearray:
    content = bytearray(content)
    for change, place, *data in changes:
        if change == "truncate":
            content = content[:place].ljust(place, b"\0")
        else:
            content = content.ljust(place, b"\0")
            content[place:place + len(data[0])] = data[0]
    return content
