"""The script of a scenario: TOML in, checked steps out.

    title = { en = "...", zh = "..." }
    end = 150                       # seconds of the story; the plant goes on afterwards
    speed = 1.0                     # seconds of the plant per second of real time

    [[steps]]
    at = 20                         # seconds from the start, or:  when = "ESD.cmd >= 1"
    do = "leak"                     # see faults.py
    near = "GD-03"
    for = 75                        # seconds until it ends; without it, it stays
    say = { en = "...", zh = "..." }
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from simulators.faults import FAULTS, TARGETS, Argument, Fault
from simulators.layout import read_text, read_toml
from simulators.text import SimulatorError, Text, unknown

SCENARIOS = Path(__file__).parent / "scenarios"
_COMPARE = {">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "==": operator.eq}
_CONDITION = re.compile(r"\s*(\S+)\s*(>=|<=|==|>|<)\s*(-?\d+(?:\.\d+)?)\s*")

Targets = Mapping[str, tuple[str, ...]]  # kind of target -> the names there are


class ScenarioError(Exception):
    """Everything that is wrong with a scenario, in one go."""

    def __init__(self, problems: tuple[SimulatorError, ...]):
        self.problems = problems
        super().__init__("\n".join(str(problem) for problem in problems))


@dataclass(frozen=True, slots=True)
class Condition:
    """A quantity compared with a number. No value is never true."""

    quantity: str
    compare: str
    number: float

    def holds(self, value: float) -> bool:
        return _COMPARE[self.compare](value, self.number)


@dataclass(frozen=True, slots=True)
class Step:
    """Due `at` seconds, or as soon as `when` holds. Either part may be missing: a fault without words, words alone."""

    at: float | None
    when: Condition | None
    fault: Fault | None
    target: str
    arguments: Mapping[str, float | str]
    lasts: float | None
    say: Text | None


@dataclass(frozen=True, slots=True)
class Scenario:
    title: Text
    steps: tuple[Step, ...]
    end: float | None = None
    speed: float = 1.0


def load(path: Path, targets: Targets) -> Scenario:
    """Raises ScenarioError with every problem of the file."""
    try:
        table = read_toml(path)
    except SimulatorError as error:
        raise ScenarioError((error,)) from error
    problems: list[SimulatorError] = []
    steps = []
    for number, row in enumerate(table.get("steps", []), 1):
        try:
            steps.append(read_step(row, targets, f"{path.name} steps[{number}]"))
        except SimulatorError as error:
            problems.append(error)
    problems += _check_top(table, path.name)
    if problems:
        raise ScenarioError(tuple(problems))
    return Scenario(Text(**table["title"]), tuple(steps), table.get("end"), table.get("speed", 1.0))


def _check_top(table: dict[str, Any], where: str) -> Iterator[SimulatorError]:
    known = {"title", "end", "speed", "steps"}
    for key in table.keys() - known:
        yield unknown(Text("key", "键"), key, known, where)
    try:
        read_text(table.get("title"), f"{where} title")
        for key in ("end", "speed"):
            if key in table:
                _number(table[key], 0.01, f"{where} {key}")
    except SimulatorError as error:
        yield error


def read_step(row: Mapping[str, Any], targets: Targets, where: str) -> Step:
    """One step. Without `at` and `when` it is due at once. Raises SimulatorError."""
    left = dict(row)
    at, when = left.pop("at", None), left.pop("when", None)
    if at is not None and when is not None:
        raise SimulatorError(Text("has both `at` and `when`.", "同时有 `at` 和 `when`。"), where,
                             Text("keep one of them", "只保留其中一个"))
    say = left.pop("say", None)
    do = left.pop("do", None)
    lasts = left.pop("for", None)
    fault, target, arguments = None, "", {}
    if do is not None:
        if do not in FAULTS:
            raise unknown(Text("fault", "故障"), do, FAULTS, where)
        fault = FAULTS[do]
        where = f'{where} "{do}"'
        target = _target(fault, left, targets, where)
        if lasts is not None and not fault.lasts:
            raise SimulatorError(Text("happens at once and takes no `for`.", "是瞬时动作，不能带 `for`。"), where,
                                 Text("remove `for`", "请删除 `for`"))
        arguments = {name: _argument(argument, left.pop(name, argument.default), f"{where} {name}")
                     for name, argument in fault.arguments.items()}
    if left:
        known = {"at", "when", "say", "do", *([fault.key, "for", *fault.arguments] if fault else ["for"])}
        raise unknown(Text("key", "键"), next(iter(left)), known, where)
    if do is None and say is None:
        raise SimulatorError(Text("does nothing and says nothing.", "既无动作也无旁白。"), where,
                             Text("give it `do`, `say` or both", "请填写 `do` 或 `say`"))
    return Step(None if at is None else _number(at, 0, f"{where} at"),
                None if when is None else _condition(when, targets, f"{where} when"), fault, target, arguments,
                None if lasts is None else _number(lasts, 0, f"{where} for"),
                None if say is None else read_text(say, f"{where} say"))


def _target(fault: Fault, left: dict[str, Any], targets: Targets, where: str) -> str:
    if not fault.on:
        return ""
    known = targets[fault.on]
    if fault.key not in left:
        raise SimulatorError(
            Text(f"needs `{fault.key}`: a {TARGETS[fault.on].en}.", f"缺少 `{fault.key}`：{TARGETS[fault.on].zh}。"),
            where, Text(f"use one of: {', '.join(known)}", f"可用：{', '.join(known)}"))
    target = left.pop(fault.key)
    if target not in known:
        raise unknown(TARGETS[fault.on], target, known, f"{where} {fault.key}")
    return target


def _argument(argument: Argument, value: object, where: str) -> float | str:
    if argument.choices:
        if value not in argument.choices:
            raise unknown(Text("word", "取值"), value, argument.choices, where)
        return str(value)
    return _number(value, argument.least, where, argument.most)


def _number(value: object, least: float, where: str, most: float = math.inf) -> float:
    if value is None:
        raise SimulatorError(Text("is missing.", "缺少该项。"), where, Text("add it", "请补上"))
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
    if not number or not least <= value <= most:
        bounds = (Text(f"a number from {least:g} to {most:g}", f"{least:g} 到 {most:g} 之间的数字") if most < math.inf
                  else Text(f"a number not below {least:g}", f"不小于 {least:g} 的数字") if least > -math.inf
                  else Text("a number", "数字"))
        raise SimulatorError(Text(f"needs {bounds.en}, got {value!r}.", f"需要{bounds.zh}，现为 {value!r}。"), where,
                             Text("correct the value", "请修改该值"))
    return float(value)


def _condition(value: object, targets: Targets, where: str) -> Condition:
    match = _CONDITION.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        raise SimulatorError(Text(f"is not a condition: {value!r}.", f"不是有效的条件：{value!r}。"), where,
                             Text('write "GD-03 >= 20"; >, <, <= and == work too',
                                  '写成 "GD-03 >= 20"；也可用 >、<、<=、=='))
    if match[1] not in targets["quantity"]:
        raise unknown(TARGETS["quantity"], match[1], targets["quantity"], where)
    return Condition(match[1], match[2], float(match[3]))
