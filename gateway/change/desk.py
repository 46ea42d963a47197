"""Where a change of the configuration is asked for: by the API of the running gateway, or by the command line.

    propose -> what is wrong, what it changes    apply -> checked, kept, put in force on trial
"""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from gateway.change import files, trial
from gateway.change.difference import Difference, Side, differences, needs_reason
from gateway.change.files import Configuration
from gateway.change.history import Act, Entry, History, Outcome
from gateway.change.trial import Phase, Trial
from gateway.config import Loaded
from gateway.model.errors import CommandError, ConfigError, DavylampError, Problem
from gateway.model.text import Text


class Load(Protocol):
    """home: where a copy belongs; see config.load."""

    def __call__(self, path: Path, *, home: Path | None = None) -> Loaded: ...


_SITE = "site.toml"


@dataclass(frozen=True, slots=True)
class Proposal:
    """What would happen. problems: of the check, warnings too; with an error among them there are no differences."""

    problems: tuple[Problem, ...]
    differences: tuple[Difference, ...] = ()
    same: bool = False  # as what is in force, to the last byte

    @property
    def refused(self) -> bool:
        return any(problem.severity == "error" for problem in self.problems)

    @property
    def needs_reason(self) -> bool:
        return needs_reason(list(self.differences))

    def as_json(self) -> dict[str, Any]:
        return {"problems": [{"file": one.file, "place": one.place, "key": one.key, "what": one.what.both,
                              "fix": one.fix.both, "severity": one.severity} for one in self.problems],
                "differences": [{"item": one.item, "text": one.line.both, "direction": one.direction}
                                for one in self.differences],
                "needs_reason": self.needs_reason, "same": self.same}


class Desk:
    """site: the site file in force. data: the data folder. load: reads and checks a site file. begin: changes the
    running gateway over to this entry; None: none runs, it is for the next start."""

    def __init__(self, site: Path, data: Path, load: Load, begin: Callable[[Entry], None] | None = None):
        self.site, self.history = site, History(data)
        self._data, self._load, self._begin = data, load, begin
        self._one_at_a_time = threading.Lock()

    def found(self, loaded: Loaded) -> Entry:
        """What is in force now. Kept as a configuration of its own if somebody has changed it by hand. OSError."""
        now = files.read(self.site, loaded.points_files)
        known = self.history.in_force()
        if known is not None and known.digest == now.digest:
            return known
        entry = Entry(0, "", Act.FOUND, _owner(self.site), "", self.site.stat().st_mtime_ns, Outcome.IN_FORCE)
        return self.history.add(now, entry)

    def propose(self, configuration: Configuration) -> Proposal:
        """Reads and writes temporary files."""
        with tempfile.TemporaryDirectory(prefix="davylamp-") as folder:
            copy = Path(folder) / _SITE
            files.put(copy, configuration)
            new = self._load(copy, home=self.site.parent)
        problems = tuple(_named(problem, str(copy), folder) for problem in new.problems)
        if new.site_file is None:
            return Proposal(problems)
        old = self._old()
        if old.site_file is None:
            raise ConfigError(old.problems)
        if old.site_file.site.id != new.site_file.site.id:
            raise CommandError(Text(f"this is the site {new.site_file.site.id}, here is {old.site_file.site.id}",
                                    f"该文件属于站点 {new.site_file.site.id}，本网关属于站点 {old.site_file.site.id}"),
                               where="[site] id", fix=Text("give the site file of this gateway",
                                                           "请使用本网关的站点文件"))
        if old.tables.get("store", {}).get("folder") != new.tables.get("store", {}).get("folder"):
            raise CommandError(Text("the data folder can not be changed while its data is in use",
                                    "数据目录正在使用，不能通过此方式更改"), where="[store] folder",
                               fix=Text("stop the gateway, move the folder, change the file by hand",
                                        "请停止网关，移动目录后手动修改文件"))
        found = differences(Side(old.site_file.site, old.tables), Side(new.site_file.site, new.tables))
        return Proposal(problems, tuple(found), same=configuration.digest in self._in_force())

    def apply(self, configuration: Configuration, who: str, why: str, *, act: Act = Act.APPLIED,
              back_to: int | None = None) -> Entry:
        """Check, keep, put in force. CommandError, ConfigError: refused, and nothing has changed."""
        with self._one_at_a_time:
            outcome = Outcome.WAITING if self._begin is None else Outcome.TRIAL
            return self._apply(configuration, Entry(0, "", act, who, why, time.time_ns(), outcome, back_to))

    def _apply(self, configuration: Configuration, entry: Entry) -> Entry:
        if trial.find(self.site) is not None:
            raise CommandError(Text("another change is on trial", "另一项配置变更正在试运行"), where=self.site.name,
                               fix=Text("wait until it is in force or taken back", "请等待其生效或退回"))
        proposal = self.propose(configuration)
        if proposal.refused:
            raise ConfigError(proposal.problems)
        if proposal.same:
            raise CommandError(Text("nothing changes: this configuration is in force", "没有变化：该配置已生效"),
                               where=self.site.name)
        if proposal.needs_reason and not entry.why.strip():
            raise CommandError(Text("this makes the watch laxer, or may: a reason is needed",
                                    "该变更会放宽或可能放宽监测，必须填写原因"), where="--reason",
                               fix=Text('add --reason "..."; it is kept in the journal',
                                        '请加上 --reason "……"；原因将记入日志'))
        try:
            back = self.history.in_force() or self.found(self._load(self.site))
            entry = self.history.add(configuration, replace(entry, changes=tuple(
                one.line for one in proposal.differences)))
            change = Trial(entry.number, back.number, str(self._data.resolve()), Phase.REPLACING)
            trial.replace_files(self.site, change, configuration,
                                Phase.WAITING if self._begin is None else Phase.TRYING)
        except OSError as error:
            raise _disk(error, self.site) from error
        if self._begin is not None:
            self._begin(entry)
        return entry

    def back(self, number: int, who: str, why: str) -> Entry:
        """To an earlier configuration, checked and on trial like any other."""
        return self.apply(self.kept(number), who, why, act=Act.BACK, back_to=number)

    def kept(self, number: int) -> Configuration:
        self.history.known(number)
        try:
            return self.history.read(number)
        except OSError as error:
            raise _disk(error, self.history.site(number)) from error

    def _old(self) -> Loaded:
        """What is in force: its copy, because a person edits the site file itself in place."""
        known = self.history.in_force()
        return self._load(self.history.site(known.number) if known is not None else self.site)

    def _in_force(self) -> tuple[str, ...]:
        """The digest of what runs, if that is also what the files say: a person may have edited them since."""
        written = files.read(self.site, self._load(self.site).points_files).digest
        known = self.history.in_force()
        return (written,) if known is None or known.digest == written else ()


def _owner(site: Path) -> str:
    try:
        return site.owner()
    except (KeyError, OSError):
        return ""


def _named(problem: Problem, copy: str, folder: str) -> Problem:
    """By the names that the person knows, not those of our copies."""
    file = _SITE if problem.file == copy else problem.file.removeprefix(f"{folder}/")
    return Problem(file, problem.place, problem.key, problem.what, problem.fix, problem.severity)


def _disk(error: OSError, path: Path) -> DavylampError:
    return DavylampError(Text(f"the configuration can not be written: {error.strerror}",
                              f"配置无法写入：{error.strerror}"), where=str(error.filename or path),
                         fix=Text("check the disk and the permissions: the folder of the site file must belong to the "
                                  "gateway's user", "检查磁盘和权限：站点文件所在目录必须允许网关用户写入"),
                         retryable=True)
