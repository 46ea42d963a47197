"""Writes the pages that are made from code, tables and tests: `python -m tests.config.documents`."""

from __future__ import annotations

from pathlib import Path

from gateway.config import load, render
from gateway.config.reference import reference
from gateway.sinks.reference import reference as contract
from tests.config.plugins import REAL

ROOT = Path(__file__).parent.parent.parent
BROKEN = ROOT / "tests" / "config" / "broken"
REFERENCE = ROOT / "docs" / "reference" / "configuration.md"
CONTRACT = ROOT / "docs" / "reference" / "data-contract.md"
EXAMPLES = ROOT / "docs" / "reference" / "check-examples.md"

_HEAD = """\
# What `davylamp check` says: ten broken site files

<!-- written by `python -m tests.config.documents` from tests/config/broken; do not edit -->

`davylamp check SITE.toml` reads a site file and its points files, lists everything that is wrong with them, each with
file, table or row, line, key, what is wrong and how to fix it, and ends with exit status 1 if there was an error.
`davylamp run` refuses what `check` refuses. Warnings do not stop it.
"""


def broken() -> list[Path]:
    return sorted(BROKEN.glob("*.toml"))


def check(path: Path, language: str) -> str:
    """The output for one file, with paths as seen from its folder."""
    return render(load(path, REAL).problems, language).replace(f"{path.parent}/", "")


def examples() -> str:
    parts = [_HEAD]
    for number, path in enumerate(broken(), 1):
        text = path.read_text(encoding="utf-8")
        title = text.splitlines()[0].lstrip("# ")
        parts.append(f"## {number}. {title}\n\n[{path.name}](../../tests/config/broken/{path.name})\n\n"
                     f"```text\n{check(path, 'en')}```\n\n```text\n{check(path, 'zh')}```\n")
    return "\n".join(parts)


if __name__ == "__main__":
    REFERENCE.write_text(reference(REAL), encoding="utf-8")
    EXAMPLES.write_text(examples(), encoding="utf-8")
    CONTRACT.write_text(contract(), encoding="utf-8")
