"""What `davylamp apply` does: over the API of the running gateway, or on the files themselves where none runs.
What only one of them needs is imported where it begins, as in gateway.remote."""

from __future__ import annotations

import argparse
import base64
import getpass
import json
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from gateway.change import files
from gateway.change.files import Configuration
from gateway.change.history import Act
from gateway.cli.commands import show_problems
from gateway.client import Unreachable, ask, missing
from gateway.model.errors import CommandError, ConfigError, DavylampError, Problem
from gateway.model.person import named
from gateway.model.text import Text

if TYPE_CHECKING:
    from gateway.change.desk import Desk

ASK_S = 60.0  # a large site is checked twice
PATIENCE_S = 180.0  # longer than any trial


def apply(options: argparse.Namespace, language: str) -> int:
    counter = _counter(options)
    if options.history:
        return _show_history(counter.entries(), options, language)
    if options.back is None and options.site is None:
        raise missing("SITE.toml", Text("the new site file", "新的站点文件"))
    wanted = None if options.back is not None else _wanted(options.site)
    proposal = counter.ask(wanted, options, check=True)
    _show_proposal(proposal, options, language)
    if any(problem["severity"] == "error" for problem in proposal["problems"]):
        return 1
    if options.check or proposal["same"]:
        return 0
    _ask_person(options, proposal, language)
    entry = counter.ask(wanted, options, check=False)["applied"]
    return counter.await_outcome(entry["number"], language)


class _Counter(Protocol):
    """Where changes are asked for."""

    def entries(self) -> list[dict[str, Any]]: ...

    def ask(self, wanted: Configuration | None, options: argparse.Namespace, *, check: bool) -> dict[str, Any]: ...

    def await_outcome(self, number: int, language: str) -> int: ...


def _counter(options: argparse.Namespace) -> _Counter:
    try:
        ask(options, "configuration", "configuration")
    except Unreachable as error:
        if not options.in_force.exists():
            raise
        from gateway.app import load
        from gateway.change.desk import Desk
        from gateway.store import in_use

        data = options.data or data_folder(options.in_force)
        if in_use(data / "telemetry"):
            raise DavylampError(Text(f"a gateway runs here, but does not answer at {options.url}",
                                     f"网关正在运行，但 {options.url} 无应答"), where=str(data),
                                fix=Text("give its address with --url", "请用 --url 指定其地址")) from error
        return _Files(Desk(options.in_force, data, load))
    return _Gateway(options)


@dataclass(frozen=True, slots=True)
class _Gateway:
    """The one that runs."""

    options: argparse.Namespace

    def entries(self) -> list[dict[str, Any]]:
        return ask(self.options, "configuration", "configuration")["entries"]

    def ask(self, wanted: Configuration | None, options: argparse.Namespace, *, check: bool) -> dict[str, Any]:
        what = {"back": options.back} if wanted is None else {
            "site": _base64(wanted.site), "others": {name: _base64(one) for name, one in wanted.others.items()}}
        return ask(self.options, "configuration", str(options.site or f"--back {options.back}"), {
            **what, "name": options.name or user(), "why": options.reason or "", "check": check}, ASK_S)

    def await_outcome(self, number: int, language: str) -> int:
        """The gateway is away for a moment, and decides by itself."""
        print(Text(f"Configuration {number} is on trial ...", f"配置 {number} 正在试运行……")[language])
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            time.sleep(0.5)
            try:
                entry = next(one for one in self.entries() if one["number"] == number)
            except Unreachable:
                continue
            if entry["outcome"] == "in force":
                print(Text(f"Configuration {number} is in force.", f"配置 {number} 已生效。")[language])
                return 0
            if entry["outcome"] == "taken back":
                print(Text("Configuration {number} was taken back, the old one is in force: {reason}",
                           "配置 {number} 已退回，原配置继续生效：{reason}").format(
                    number=number, reason=Text(**entry["reason"]))[language], file=sys.stderr)
                return 1
        raise DavylampError(Text("it is not known what became of it", "结果未知"), where=str(number), fix=Text(
            "look later: davylamp apply --history", "请稍后查看：davylamp apply --history"))


@dataclass(frozen=True, slots=True)
class _Files:
    """Of a gateway that does not run."""

    desk: Desk

    def entries(self) -> list[dict[str, Any]]:
        return [entry.as_json() | {"time": datetime.fromtimestamp(entry.wall_ns / 1e9).astimezone().isoformat()}
                for entry in self.desk.history.entries()]

    def ask(self, wanted: Configuration | None, options: argparse.Namespace, *, check: bool) -> dict[str, Any]:
        kept = self.desk.kept(options.back) if wanted is None else wanted
        proposal, applied = self.desk.propose(kept), None
        if not check:
            who, why = options.name or user(), options.reason or ""
            applied = (self.desk.apply(kept, who, why) if wanted is not None
                       else self.desk.back(options.back, who, why)).as_json()
        return proposal.as_json() | {"applied": applied}

    def await_outcome(self, number: int, language: str) -> int:
        print(Text(f"Configuration {number} is in place: the next start tries it; what does not work is taken back.",
                   f"配置 {number} 已就位：下次启动时试运行，若不正常则自动退回。")[language])
        return 0


def _wanted(site: Path) -> Configuration:
    """The new site file with what it names."""
    from gateway.app import load

    loaded = load(site)
    if loaded.site_file is None:
        raise ConfigError(loaded.problems)
    try:
        return files.read(site, loaded.points_files)
    except OSError as error:
        raise DavylampError(Text(f"it can not be read: {error.strerror}", f"无法读取：{error.strerror}"),
                            where=str(error.filename)) from error


def data_folder(site: Path) -> Path:
    """Of the gateway of this site file."""
    from gateway.app import load

    loaded = load(site)
    if loaded.site_file is None:
        raise ConfigError(loaded.problems)
    return Path(loaded.site_file.store.folder)


def _show_proposal(proposal: dict[str, Any], options: argparse.Namespace, language: str) -> None:
    if options.json and options.check:
        print(json.dumps(proposal, ensure_ascii=False, indent=1))
        return
    show_problems([Problem(one["file"], one["place"], one["key"], Text(**one["what"]), Text(**one["fix"]),
                           one["severity"]) for one in proposal["problems"]], language)
    if proposal["same"]:
        print(Text("Nothing changes: this configuration is in force.", "没有变化：该配置已生效。")[language])
    for one in proposal["differences"]:
        print(Text(**one["text"])[language])
    if not proposal["same"] and not proposal["differences"] and not proposal["problems"]:
        print(Text("Only texts and comments change.", "仅文字和注释有变化。")[language])


def _ask_person(options: argparse.Namespace, proposal: dict[str, Any], language: str) -> None:
    """The reason where one is needed, and a yes: of a person at a terminal. Without one both have to be given."""
    terminal = sys.stdin.isatty()
    if proposal["needs_reason"] and not (options.reason or "").strip():
        if not terminal:
            raise CommandError(reason_asked(proposal["differences"]), where="--reason",
                               fix=Text('add --reason "..."; it is kept in the journal',
                                        '请加上 --reason "……"；原因将记入日志'))
        options.reason = input(Text("Why? ", "原因：")[language])
    if not options.yes:
        if not terminal:
            raise CommandError(Text("nobody is at the terminal to say yes", "没有终端，无法询问确认"), where="--yes",
                               fix=Text("add --yes", "请加上 --yes"))
        said = input(Text("Put it in force? [y/N] ", "是否生效？[y/N] ")[language])
        if said.strip().lower() not in ("y", "yes", "是"):
            raise CommandError(Text("nothing was changed", "未做任何更改"), where=str(options.site or options.back))


def reason_asked(differences: list[dict[str, Any]]) -> Text:
    from gateway.change.difference import Direction

    laxer, unclear = (sum(one["direction"] == direction for one in differences)
                      for direction in (Direction.LAXER, Direction.UNCLEAR))
    told = [text for n, text in (
        (laxer, Text(f"changes that make the watch laxer: {laxer}", f"放宽监测的变更 {laxer} 项")),
        (unclear, Text(f"changes that may: {unclear}", f"可能放宽监测的变更 {unclear} 项"))) if n]
    return Text("a reason is needed; {told}", "必须填写原因：{told}").format(
        told=Text(", ".join(text.en for text in told), "，".join(text.zh for text in told)))


def _show_history(entries: list[dict[str, Any]], options: argparse.Namespace, language: str) -> int:
    if options.json:
        print(json.dumps(entries, ensure_ascii=False, indent=1))
        return 0
    if not entries:
        print(Text("There is no history yet.", "尚无历史记录。")[language])
    for entry in entries:
        found = entry["act"] == Act.FOUND
        parts = (Text.same(f"{entry['number']:>4}"), Text.same(entry["time"][:19].replace("T", " ")),
                 _OUTCOMES[entry["outcome"]], _ACTS[entry["act"]].format(back=entry["back_to"]),
                 Text.same(entry["who"]) if found else named(entry["who"]), Text.same(entry["why"]))
        print("  ".join(part[language] for part in parts if part.en))
        for line in entry["changes"]:
            print(f"      {Text(**line)[language]}")
        if entry["reason"]:
            print(f"      {Text('taken back: ', '退回原因：')[language]}{Text(**entry['reason'])[language]}")
    return 0


_OUTCOMES = {"waiting": Text("waits for the next start", "等待下次启动"), "trial": Text("on trial", "试运行"),
             "in force": Text("was put in force", "已生效"), "taken back": Text("taken back", "已退回")}
_ACTS = {"found": Text("found at a start", "启动时发现"), "applied": Text("applied", "应用"),
         "back": Text("back to {back}", "恢复至 {back}")}


def user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "?"


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
