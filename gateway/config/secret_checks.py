"""Is every secret where the site file says, and only for those who need it? Asked by `davylamp check` alone: on another
machine than the gateway's there need not be any. Nothing is opened, so no rights are needed."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import BaseModel

from gateway.config.site_file import SiteFile
from gateway.model.errors import Problem
from gateway.model.text import Text
from gateway.model.trouble import reason

_KEYS: Final = frozenset({"password_file", "secret_file", "token_file", "url_file"})


def secret_problems(site_file: SiteFile) -> Iterator[Problem]:
    """Warnings, each with its key."""
    for table in ("sources", "sinks", "notifiers"):
        for number, section in enumerate(getattr(site_file, table)):
            yield from _of(site_file.path, section, f"{table}[{number}] {getattr(section, 'id', '')}".rstrip())
    yield from _of(site_file.path, site_file.heartbeat, "heartbeat")
    if site_file.centre is not None:
        yield from _of(site_file.path, site_file.centre, "centre")


def _of(site: Path, section: BaseModel, place: str) -> Iterator[Problem]:
    for key in type(section).model_fields:
        value = getattr(section, key)
        if isinstance(value, BaseModel):
            yield from _of(site, value, f"{place}.{key}")
        elif key in _KEYS and value is not None and not _credential(value) and (found := _wrong(Path(value))):
            yield Problem(str(site), place, key, *found, "warning")


def _credential(value: str) -> bool:
    """A bare name that is no file here: systemd gives it to the service, and to nobody else."""
    return Path(value).name == value and not Path(value).exists()


def _wrong(path: Path) -> tuple[Text, Text] | None:
    try:
        mode = path.stat().st_mode
    except PermissionError:
        return None  # whoever may not look can not tell
    except OSError as error:
        return (Text("the secret is not there: {path}: {why}", "密钥文件不可用：{path}：{why}").format(
            path=path, why=reason(error)),
            Text(f"write it into {path}, for the gateway's user only: install -m 600 /dev/stdin {path}",
                 f"将密钥写入 {path}，仅网关用户可读：install -m 600 /dev/stdin {path}"))
    if mode & stat.S_IROTH:
        return (Text(f"everybody on this machine can read the secret {path}", f"本机所有用户均可读取密钥文件 {path}"),
                Text(f"chmod o= {path}", f"执行 chmod o= {path}"))
    return None
