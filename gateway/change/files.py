"""The files of one configuration: a site file and the spreadsheets it names; known by their content."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from gateway.model.errors import CommandError
from gateway.model.text import Text


@dataclass(frozen=True)
class Configuration:
    """site: the site file. others: what it names, by path relative to its folder."""

    site: bytes
    others: Mapping[str, bytes] = field(default_factory=dict)

    @property
    def digest(self) -> str:
        """SHA-256 over all of it, whatever the site file is called."""
        whole = hashlib.sha256(self.site)
        for name, content in sorted(self.others.items()):
            whole.update(b"\0" + name.encode() + b"\0" + hashlib.sha256(content).digest())
        return whole.hexdigest()


def read(site: Path, others: Iterable[Path]) -> Configuration:
    """OSError: a file can not be read. CommandError: one lies where it could not be replaced together with the rest."""
    return Configuration(site.read_bytes(), {
        inside(os.path.relpath(other, site.parent)): other.read_bytes() for other in others})


def inside(name: str) -> str:
    """The name, which stays below the folder of the site file. CommandError when it does not."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts or "\0" in name:
        raise CommandError(Text("a points file must lie beside the site file or in a folder below it",
                                "点表文件必须与站点文件位于同一目录或其子目录中"), where=name,
                           fix=Text("move it there and write its name without a leading / or ..",
                                    "请移到该处，文件名不要以 / 开头，也不要包含 .."))
    return str(path)


def put(site: Path, configuration: Configuration) -> None:
    """Write it all in place, each file whole or not at all. What it does not name stays as it is. OSError."""
    for name, content in configuration.others.items():
        target = site.parent / inside(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        replace(target, content)
    replace(site, configuration.site)


def replace(target: Path, content: bytes) -> None:
    """On return it is on the medium; before, the old file is there, whole. It keeps owner and mode of the old one."""
    if target.is_symlink():
        target = target.resolve()
    file, name = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
    try:
        with open(file, "wb") as new:
            new.write(content)
            new.flush()
            _like(new.fileno(), target if target.exists() else target.parent, 0o777 if target.exists() else 0o640)
            os.fsync(new.fileno())
        os.replace(name, target)
    except OSError:
        with suppress(OSError):
            os.unlink(name)
        raise
    sync_folder(target.parent)


def sync_folder(folder: Path) -> None:
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def _like(file: int, model: Path, mask: int) -> None:
    """Root, who changes a file for the gateway's user, must leave it readable for that user."""
    stat = model.stat()
    os.fchmod(file, stat.st_mode & mask & 0o777)
    with suppress(PermissionError):
        os.fchown(file, stat.st_uid, stat.st_gid)
