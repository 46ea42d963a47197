"""Writes a page for each detector and rule from its docstring: `python -m tests.core.pages`."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path

import gateway.core.detectors
import gateway.core.rules
from gateway.core.detectors.blind import Blind
from gateway.core.detectors.detector import Detector
from gateway.core.rules.machine import Machine

ROOT = Path(__file__).parent.parent.parent
FOLDER = ROOT / "docs" / "reference" / "detectors"
KINDS = (Detector, Machine, Blind)

_MADE = "<!-- written by `python -m tests.core.pages` from the docstring; do not edit -->\n"
_HEAD = f"""\
# Detectors and rules

{_MADE}
What each of them computes, what that means on a plant, how soon it speaks, how often it is wrong, and when not to use
it. How a sample gets there: [detection](../../explanation/detection.md); settings:
[configuration](../configuration.md).

| page | what it watches for |
|---|---|
"""


def papers() -> Iterator[type]:
    """Every class that watches for something, one after the other."""
    for package in (gateway.core.detectors, gateway.core.rules):
        for found in sorted(pkgutil.iter_modules(package.__path__), key=lambda one: one.name):
            module = importlib.import_module(f"{package.__name__}.{found.name}")
            yield from (one for one in vars(module).values() if inspect.isclass(one) and issubclass(one, KINDS)
                        and one.__module__ == module.__name__ and not inspect.isabstract(one))


def pages() -> dict[str, str]:
    """File name -> text of every page."""
    modules: dict[str, list[type]] = {}
    for one in papers():
        modules.setdefault(one.__module__, []).append(one)
    made, rows = {}, []
    for module, classes in modules.items():
        file = f"{module.rpartition('.')[2]}.md"
        summary = inspect.getdoc(importlib.import_module(module)) or ""
        made[file] = "\n".join([f"# {_first(summary)}", _MADE, f"`{module.replace('.', '/')}.py`\n",
                                *(_markdown(inspect.getdoc(one) or "") for one in classes)])
        rows.append(f"| [{file.removesuffix('.md')}]({file}) | {_first(summary)} |\n")
    return made | {"README.md": _HEAD + "".join(rows)}


_PART = r"(?:^|(?<=\. ))(Formula|On a plant|Delay|False alarms|Not for|Certainty|Choice): "


def _first(summary: str) -> str:
    """The first sentence, which may run over lines."""
    return re.split(r"\.(?:\s|$)", " ".join(summary.split("\n\n")[0].split()), maxsplit=1)[0]


def _markdown(docstring: str) -> str:
    """Examples and tables keep their columns; all else is text."""
    blocks = []
    for block in re.split(r"\n\s*\n", docstring):
        if block.startswith(">>>"):
            block = "\n".join(f"    {line}" for line in block.splitlines())
        blocks.append(re.sub(_PART, r"**\1:** ", block, flags=re.MULTILINE))
    return "\n\n".join(blocks) + "\n"


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for old in FOLDER.glob("*.md"):
        old.unlink()
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
