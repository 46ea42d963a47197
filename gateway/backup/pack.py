"""What goes into a backup, copied while the gateway runs.

    manifest.json            what there is, and of which data folder and site file
    site/site.toml, site/... the configuration in force; with secrets: everything beside it
    broker/..., admin/...    with secrets: what an installed gateway has elsewhere, above all the names, passwords and
                             topics of the devices of its broker
    data/alarms.db           the alarm file, by SQLite's own online backup: alarms, journal, outbox, as of one instant
    data/minutes.db          with telemetry: the archive of minutes, hours and rows, copied likewise
    data/...                 all else of the data folder but what was measured: accounts, keys, what is armed, history
    data/telemetry/...       the saved state of detection; with telemetry: every sample, and how far each database is

What was measured is gigabytes (200 signals: 4 GB of minutes in two years), too much for a backup every night: it goes
along where it is asked for. Cursors of databases are positions in the telemetry: without it they would point into
another recording, and are left out. So is the archive: it, too, knows how far it has counted the telemetry.
"""

from __future__ import annotations

import io
import json
import os
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any, BinaryIO, Final

from gateway import __version__
from gateway.backup.sealed import BackupError, Sealing
from gateway.change.files import Configuration
from gateway.data_folder import ALARM_FILE, ARCHIVE_FILE, TELEMETRY
from gateway.model.text import Text

SITE: Final = "site.toml"
MANIFEST: Final = "manifest.json"
_DATABASES: Final = frozenset(f"{name}{end}" for name in (ALARM_FILE, ARCHIVE_FILE)
                              for end in ("", "-wal", "-shm", "-journal"))
_SAVED: Final = Path(TELEMETRY, "saved")
_BANK: Final = "bank.saved"


@dataclass(frozen=True, slots=True)
class Asked:
    """secrets: also all that lies beside the site file (passwords, certificates), and elsewhere (the broker's names).
    telemetry: also what was measured: samples, minutes, hours."""

    secrets: bool = True
    telemetry: bool = False


def write(target: BinaryIO, passphrase: str, site: Path, site_id: str, configuration: Configuration, data: Path,
          asked: Asked, elsewhere: Mapping[str, Path] = MappingProxyType({})) -> dict[str, int]:
    """A backup of this gateway, running or not. elsewhere: folders of this gateway that lie in neither of the two, by
    their names in the backup. Returns the number of files and bytes. OSError, BackupError."""
    head = {"site": site_id, "version": __version__, "wall_ns": time.time_ns()}
    sealing = Sealing(target, passphrase, head)
    count = {"files": 0, "bytes": 0}
    with tarfile.open(fileobj=sealing, mode="w|", format=tarfile.PAX_FORMAT) as tar:
        def add(name: str, content: bytes, mode: int = 0o640) -> None:
            member = tarfile.TarInfo(name)
            member.size, member.mode, member.mtime = len(content), mode, int(time.time())
            tar.addfile(member, io.BytesIO(content))
            count["files"] += 1
            count["bytes"] += len(content)

        add(MANIFEST, json.dumps(head | {"secrets": asked.secrets, "telemetry": asked.telemetry}).encode())
        add(f"site/{SITE}", configuration.site)
        for name, content in configuration.others.items():
            add(f"site/{name}", content)
        if asked.secrets:
            for path in _beside(site, configuration):
                add(f"site/{path.relative_to(site.parent)}", path.read_bytes(), path.stat().st_mode & 0o777)
            for name, folder in elsewhere.items():
                for path in _files(folder):
                    add(f"{name}/{path.relative_to(folder)}", path.read_bytes(), path.stat().st_mode & 0o777)
        # The archive before the telemetry: what it has counted is then in the copy, too.
        for name in (ALARM_FILE, ARCHIVE_FILE) if asked.telemetry else (ALARM_FILE,):
            if (data / name).exists():
                with tempfile.NamedTemporaryFile(dir=data, prefix=".backup-") as copy:  # /tmp may be small memory
                    _copy_database(data / name, Path(copy.name))
                    _add_file(tar, Path(copy.name), f"data/{name}", count)
        for path in _state(data, asked):
            _add_file(tar, path, f"data/{path.relative_to(data)}", count)
    sealing.finish()
    return count


def left_out(data: Path) -> int:
    """Bytes of what was measured, which a backup without telemetry does not take along."""
    total = 0
    for path in (*data.glob(f"{ARCHIVE_FILE}*"), *(data / TELEMETRY).rglob("*")):
        with suppress(FileNotFoundError):  # deleted by retention meanwhile
            total += path.stat().st_size if path.is_file() and not path.is_relative_to(data / _SAVED) else 0
    return total


def _copy_database(source: Path, target: Path) -> None:
    """As of one instant. The gateway writes meanwhile: both files have a write-ahead log, and a reader holds nobody up.
    In one step: between two, any commit would begin the copy anew, and that of a large file would never end."""
    try:
        with (closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True, timeout=30)) as live,
              closing(sqlite3.connect(target)) as copy):
            live.backup(copy)
    except sqlite3.Error as error:
        raise BackupError(Text(f"it can not be copied: {error}", f"无法复制：{error}"), where=str(source), fix=_FIX[
            source.name]) from error


_FIX: Final = {
    ALARM_FILE: Text("see what `davylamp journal verify` says of it", "请用 `davylamp journal verify` 检查该文件"),
    ARCHIVE_FILE: Text("make room on the disk, or leave out --telemetry", "请清理磁盘空间，或不使用 --telemetry")}


def _beside(site: Path, configuration: Configuration) -> Iterator[Path]:
    known = {site, *(site.parent / name for name in configuration.others)}
    for path in _files(site.parent):
        if path not in known and not path.name.startswith(f".{site.name}."):  # a note of a change
            yield path


def _files(folder: Path) -> Iterator[Path]:
    """OSError: whoever may not look into it makes no backup that only seems whole."""
    found = [Path(place, name) for place, _, names in os.walk(folder, onerror=_refused) for name in names]
    for path in sorted(found):
        if path.is_file() and not path.is_symlink() and path.suffix != ".new":  # one that is being written
            yield path


def _refused(error: OSError) -> None:
    raise error


def _state(data: Path, asked: Asked) -> Iterator[Path]:
    """Saved state before segments: what a snapshot has seen is then in the copy, too."""
    saved = data / _SAVED
    yield from sorted(saved.glob("*.saved")) if asked.telemetry else [saved / _BANK] if (saved / _BANK).exists() else []
    for path in sorted(data.rglob("*")):
        inside = path.relative_to(data)
        if not path.is_file() or path.is_symlink() or inside.parts[0].startswith(("before-restore", ".")):
            continue
        if str(inside) in _DATABASES or inside.name == "lock" or inside.suffix in (".new", ".tmp"):
            continue
        if inside.is_relative_to(_SAVED) or (inside.parts[0] == TELEMETRY and not asked.telemetry):
            continue
        yield path


def _add_file(tar: tarfile.TarFile, path: Path, name: str, count: dict[str, int]) -> None:
    """As long as it is now: a segment grows meanwhile. One that retention has deleted meanwhile is passed over."""
    try:
        with path.open("rb") as file:
            member: Any = tar.gettarinfo(arcname=name, fileobj=file)
            member.uid = member.gid = 0
            member.uname = member.gname = ""
            tar.addfile(member, file)
    except FileNotFoundError:
        return
    count["files"] += 1
    count["bytes"] += member.size

