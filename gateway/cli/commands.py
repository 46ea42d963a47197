"""How a family of commands registers itself, and the options that several commands share."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from pkgutil import resolve_name

from gateway.model import installed
from gateway.model.errors import Problem
from gateway.model.text import Text

DEFAULT_URL = "http://127.0.0.1:8080"
_SITE = Text(f"site file (of an installed gateway: {installed.SITE})",
             f"站点配置文件（已安装的网关默认为 {installed.SITE}）")


@dataclass(frozen=True, slots=True)
class Later:
    """A command by the name of its function ("package.module:function"), imported when it is given: `davylamp --help`
    needs neither numpy nor a web server."""

    name: str

    def __call__(self, options: argparse.Namespace, language: str) -> int:
        return resolve_name(self.name)(options, language)


class Commands:
    """Where commands are added, with help in one language."""

    def __init__(self, language: str, shared: argparse.ArgumentParser, among: argparse._SubParsersAction):
        self._language, self._shared, self._among = language, shared, among

    def text(self, en: str, zh: str) -> str:
        return Text(en, zh)[self._language]

    def add(self, name: str, command: Callable[[argparse.Namespace, str], int], en: str, zh: str) -> Command:
        """One more command. en, zh: what it is for."""
        purpose = self.text(en, zh)
        parser = self._among.add_parser(name, help=purpose, description=purpose, parents=[self._shared],
                                        argument_default=argparse.SUPPRESS)
        parser.set_defaults(command=command)
        return Command(parser, self.text)

    def group(self, name: str, en: str, zh: str) -> Commands:
        """A command that has commands of its own."""
        title = self.text(en, zh)
        acts = self._among.add_parser(name, help=title, description=title).add_subparsers(
            required=True, metavar=self.text("ACT", "操作"))
        return Commands(self._language, self._shared, acts)


@dataclass(frozen=True, slots=True)
class Command:
    """One command, and what several of them are asked alike. Each method adds an option; `option` any other."""

    parser: argparse.ArgumentParser
    text: Callable[[str, str], str]

    def option(self, *names: str, en: str | None = None, zh: str = "", **how) -> None:
        """An option, or a positional argument, as argparse takes it. en, zh: its help."""
        if en is not None:
            how["help"] = self.text(en, zh)
        self.parser.add_argument(*names, **how)

    def site(self, *, optional: tuple[str, str] | None = None) -> None:
        """SITE.toml, which may be left out where a gateway is installed. optional: what it is for, where it may be left
        out everywhere (English, Chinese)."""
        if optional is not None:
            self.option("site", type=Path, nargs="?", default=None, metavar="SITE.toml", en=optional[0], zh=optional[1])
        elif (here := installed.site()) is not None:
            self.option("site", type=Path, nargs="?", default=here, metavar="SITE.toml", en=_SITE.en, zh=_SITE.zh)
        else:
            self.option("site", type=Path, metavar="SITE.toml", en=_SITE.en, zh=_SITE.zh)

    def named_site(self) -> None:
        """The same, as --site: of commands that are given something else first."""
        here = installed.site()
        self.option("--site", type=Path, required=here is None, default=here, metavar="SITE.toml", en=_SITE.en,
                    zh=_SITE.zh)

    def data(self) -> None:
        self.option("--data", type=Path, default=None, en="data folder (default: [store] folder of the site file)",
                    zh="数据目录（默认取配置文件 [store] folder）")

    def since(self) -> None:
        self.option("--from", dest="start", default=None, metavar=self.text("TIME", "时间"),
                    en="begin here; without a zone it is the site's own time", zh="开始时间；不写时区时按站点当地时间")

    def until(self) -> None:
        self.option("--to", default=None, metavar=self.text("TIME", "时间"), en="end here", zh="结束时间")

    def json(self) -> None:
        self.option("--json", action="store_true", default=False, en="print JSON", zh="以 JSON 输出")

    def person(self, en: str, zh: str, *, required: bool = False) -> None:
        """Who acts: by default whoever called sudo."""
        known = os.environ.get("SUDO_USER")
        self.option("--name", default=known, required=required and known is None,
                    en=f"{en} (with sudo: your user name)", zh=f"{zh}（使用 sudo 时默认为当前用户名）")

    def running(self) -> None:
        """Of the commands that ask a running gateway. Where one is installed, `davylamp` itself sets the variables."""
        url, ca = os.environ.get("DAVYLAMP_URL", DEFAULT_URL), os.environ.get("DAVYLAMP_CA")
        self.option("--url", default=url, en=f"address of the gateway (default: DAVYLAMP_URL, else {DEFAULT_URL})",
                    zh=f"网关地址（默认取 DAVYLAMP_URL，否则 {DEFAULT_URL}）")
        self.option("--token-file", type=Path, default=None, metavar="FILE",
                    en="file with a token (`davylamp token create`), where the gateway has accounts; "
                       "default: DAVYLAMP_TOKEN_FILE", zh="令牌文件（davylamp token create 生成），网关启用账户时需要；"
                                                          "默认取 DAVYLAMP_TOKEN_FILE")
        self.option("--ca", type=Path, default=Path(ca) if ca else None, metavar="FILE",
                    en="certificate authority of an https gateway (ca.crt; default: DAVYLAMP_CA)",
                    zh="https 网关的证书机构文件（ca.crt；默认取 DAVYLAMP_CA）")


def show_problems(problems: Iterable[Problem], language: str) -> None:
    """On stderr, as `davylamp check` lists them."""
    from gateway.config.report import render

    if problems := tuple(problems):
        print(render(problems, language), file=sys.stderr)
