"""The error tree. Every error says what is wrong, where, how to fix it, and whether a retry can help.

    DavylampError
    ├── ConfigError        the site file is refused; carries every problem found
    ├── SourceError        a field device or broker did not give what was asked for
    ├── StoreError         the telemetry store can not do what was asked for
    │   └── StoreInUse     another gateway has this data folder open
    ├── LedgerError        the alarm file can not be written (the alarm still goes out, "not recorded")
    ├── SinkError          a database refused or did not answer
    ├── NotifyError        a notice could not be handed over
    └── CommandError       a person asked for something that can not be done (unknown alarm, wrong state)
"""

from __future__ import annotations

from dataclasses import dataclass

from gateway.model.discreet import covered
from gateway.model.text import Text


class DavylampError(Exception):
    """what is wrong; where: file, key, device, address; fix: what to do; retryable: the same call may succeed later."""

    retryable = False

    def __init__(self, what: Text | str, *, where: str = "", fix: Text | str = "", retryable: bool | None = None):
        self.what = what if isinstance(what, Text) else Text.same(what)
        self.where = where
        self.fix = fix if isinstance(fix, Text) else Text.same(fix)
        if retryable is not None:
            self.retryable = retryable
        super().__init__(self.message("en"))

    def message(self, language: str) -> str:
        where = f"{self.where}: " if self.where else ""
        fix = self.fix[language] and (". Fix: " if language == "en" else "。处理：") + self.fix[language]
        return f"{where}{self.what[language]}{fix}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding of the configuration check. `severity` is "error" or "warning"."""

    file: str
    place: str  # table, e.g. "signals[3] GD-03", or "row 17"
    key: str
    what: Text
    fix: Text
    severity: str = "error"


class ConfigError(DavylampError):
    def __init__(self, problems: tuple[Problem, ...]):
        self.problems = problems
        count = sum(problem.severity == "error" for problem in problems)
        file = problems[0].file if problems else ""
        super().__init__(Text(f"{count} error(s) in the configuration", f"配置中有 {count} 个错误"), where=file,
                         fix=Text("run `davylamp check` to see them all", "运行 `davylamp check` 查看全部"))


class SourceError(DavylampError):
    retryable = True


class StoreError(DavylampError):
    pass


class StoreInUse(StoreError):
    pass


class LedgerError(DavylampError):
    retryable = True


class SinkError(DavylampError):
    retryable = True


class NotifyError(DavylampError):
    """A receiver may answer with what it was sent: secrets in it are covered."""

    retryable = True

    def __init__(self, what: Text | str, **more: object):
        said = what if isinstance(what, Text) else Text.same(what)
        super().__init__(Text(covered(said.en), covered(said.zh)), **more)


class CommandError(DavylampError):
    pass
