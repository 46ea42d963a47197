"""The configurations that the centre holds: what each gateway should run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from gateway.change import files
from gateway.config import Loaded
from gateway.model.errors import CommandError
from gateway.model.text import Text


@dataclass(frozen=True, slots=True)
class Expected:
    """file: relative to the folder. digest: see gateway.change.files.Configuration."""

    file: str
    digest: str


def expected(folder: Path, load: Callable[[Path], Loaded]) -> Mapping[str, Expected]:
    """By site. The folder holds SITE.toml, or NAME/site.toml with what it names beside it, as for deploy/ansible.
    CommandError: there is none, one is no good, or two are of one site."""
    found: dict[str, Expected] = {}
    for path in sorted([*folder.glob("*.toml"), *folder.glob("*/site.toml")]):
        site, digest = _read(path, load)
        name = str(path.relative_to(folder))
        if site in found:
            one = found[site].file
            raise CommandError(Text(f'{one} and {name} are both of the site "{site}"',
                                    f'{one} 与 {name} 同为站点 "{site}"'), where=str(folder),
                               fix=Text("keep one of them, or give one another [site] id",
                                        "只保留其中一个，或更换其中一个的 [site] id"))
        found[site] = Expected(name, digest)
    if not found:
        raise CommandError(Text("there is no site file in this folder", "该目录中没有站点文件"), where=str(folder),
                           fix=Text("it should hold NAME/site.toml or SITE.toml",
                                    "目录中应有 名称/site.toml 或 站点.toml"))
    return found


def _read(path: Path, load: Callable[[Path], Loaded]) -> tuple[str, str]:
    loaded = load(path)
    if loaded.site_file is None:
        raise CommandError(Text("this site file has errors", "该站点文件有错误"), where=str(path),
                           fix=Text(f"davylamp check {path}", f"davylamp check {path}"))
    try:
        return loaded.site_file.site.id, files.read(path, loaded.points_files).digest
    except OSError as error:
        raise CommandError(Text(f"can not be read: {error.strerror}", f"无法读取：{error.strerror}"), where=str(path),
                           fix=Text("check that the files are there and may be read",
                                    "请检查文件是否存在且可读")) from error
