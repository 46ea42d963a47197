"""Problems for the terminal, in either language."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from gateway.config.document import localised
from gateway.model.errors import Problem
from gateway.model.text import Text

_SEVERITY = {"error": Text("error", "错误"), "warning": Text("warning", "警告")}
_COLOUR = {"error": "\033[31m", "warning": "\033[33m"}
_KEY = Text("key", "键")
_COLUMN = Text("column", "列")
_FIX = Text("fix", "处理")


def render(problems: Sequence[Problem], language: str, *, colour: bool = False) -> str:
    """All problems, grouped by file, errors first, with a count at the end. Ends with a newline."""
    lines: list[str] = []
    for file in dict.fromkeys(problem.file for problem in problems):
        lines += [file, ""]
        for problem in sorted((problem for problem in problems if problem.file == file), key=_order):
            severity = _SEVERITY[problem.severity][language]
            if colour:
                severity = f"{_COLOUR[problem.severity]}{severity}\033[0m"
            where = _where(problem, language)
            colon = ": " if language == "en" else "："
            what, *picture = problem.what[language].splitlines()  # an expression with a caret below
            lines += [f"  {severity}{colon}{where + colon if where else ''}{what}",
                      *(f"          {line}".rstrip() for line in picture),
                      f"      {_FIX[language]}{colon}{problem.fix[language]}"]
        lines.append("")
    return "\n".join([*lines, summary(problems)[language]]) + "\n"


def summary(problems: Iterable[Problem]) -> Text:
    """"2 errors, 1 warning"."""
    severities = [problem.severity for problem in problems]
    errors, warnings = severities.count("error"), severities.count("warning")
    return Text(f"{errors} error{'s' * (errors != 1)}, {warnings} warning{'s' * (warnings != 1)}",
                f"{errors} 个错误，{warnings} 个警告")


def one_line(problem: Problem, language: str) -> str:
    """`depot.toml, sources[0] "gas", key `adress`: unknown key; did you mean `address`?`"""
    comma, colon = (", ", ": ") if language == "en" else ("，", "：")
    where = comma.join(part for part in (problem.file, _where(problem, language)) if part)
    return f"{where}{colon}{problem.what[language].splitlines()[0]}"


def _order(problem: Problem) -> tuple[bool, int]:
    """Errors first, then as they stand in the file."""
    number = re.search(r"\b(?:line|row) (\d+)", problem.place)
    return problem.severity != "error", int(number[1]) if number else 0


def _where(problem: Problem, language: str) -> str:
    place = problem.place if language == "en" else localised(problem.place)
    word = _COLUMN if problem.place.startswith("row ") else _KEY
    key = f"{word[language]} `{problem.key}`" if problem.key else ""
    return (", " if language == "en" else "，").join(part for part in (place, key) if part)
