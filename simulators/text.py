"""What the simulators say, in English and Simplified Chinese, and the one error they raise."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Text:
    """One sentence in each language."""

    en: str
    zh: str

    def __getitem__(self, language: str) -> str:
        return self.zh if language == "zh" else self.en


class SimulatorError(Exception):
    """what: what is wrong. where: file and step, or option. fix: what to do."""

    def __init__(self, what: Text, where: str, fix: Text):
        self.what, self.where, self.fix = what, where, fix
        super().__init__(self.message("en"))

    def message(self, language: str) -> str:
        return f"{self.where}: {self.what[language]} {'处理' if language == 'zh' else 'Fix'}: {self.fix[language]}"


def unknown(kind: Text, given: object, known: Iterable[str], where: str) -> SimulatorError:
    """An error for a name that is not there, with the nearest one that is."""
    names = sorted(known)
    near = difflib.get_close_matches(str(given), names, 1)
    listed = ", ".join(names)
    return SimulatorError(
        Text(f'unknown {kind.en} "{given}".', f"未知的{kind.zh}“{given}”。"), where,
        Text(f'did you mean "{near[0]}"? Known: {listed}', f"是否应为“{near[0]}”？可用：{listed}") if near
        else Text(f"use one of: {listed}", f"可用：{listed}"))
