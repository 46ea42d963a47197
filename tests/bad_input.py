"""docs/reference/bad-input.md, made from the marks of the tests: `python -m tests.bad_input` writes it.

A test that gives the gateway something bad says what, what comes of it, and what a person then reads:

    @pytest.mark.survives("device never answers", then="its points are bad", says=Text("no answer", "无应答"))
    async def test_...(says):
        ...
        assert says(status.reason)

The text stands once, in the mark. A marked test that passes without having found it is a failure (tests/conftest.py),
so the page can not say what the gateway does not.
"""

from __future__ import annotations

import contextlib
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pytest

from gateway.model.text import LANGUAGES, Text

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "reference" / "bad-input.md"
SECTIONS = {"tests/config": "Configuration", "tests/change": "Change and backup", "tests/drivers/modbus": "Modbus",
            "tests/drivers/mqtt": "MQTT", "tests/sinks": "Database", "tests/store": "Disk",
            "tests/historian": "Minutes and the site's row", "tests/alerting": "Alarms and notices",
            "tests/access": "The page, access and the API", "tests/api": "The page, access and the API",
            "tests/acceptance": "Command line", "tests/vigil": "Watching",
            "tests/replay": "Replay", "tests/laws": "Detection", "tests/core": "Detection",
            "tests/grafana": "Dashboards", "tests/reporting": "Reports", "tests/annunciation": "Sirens and beacons",
            "tests/deploy": "Installation", "tests/fleet": "Many gateways", "tests/doctor": "The machine",
            "tests": "The gateway as a whole"}

_HEAD = """\
# Bad input that is survived

<!-- written by `python -m tests.bad_input` from the tests; do not edit -->

Each row is a test that does it to the real part. *The gateway says* is what that test finds on the page, in the
terminal, in a file or in the quality of the sample, word for word, in English and Chinese; "…" stands for what differs
from case to case (an address, a file, a process number), and "probe" is the name of the device in the tests. A test
that passes without having found its message is a failure. *Data and alarms* sums up what else the test asserts.

What a bad sample does to alarms is the same whatever made it bad: it never clears one, and of the limits only gas
beyond its range raises one; a reading that is not valid and a signal that is lost have alarms of their own
([detection.md](../explanation/detection.md)). Full and read-only disks are real small file systems; to mount them,
those tests need root. What `davylamp check` says of ten broken site files, in full:
[check-examples.md](check-examples.md).
"""


@dataclass(frozen=True, kw_only=True)
class Survived:
    """The arguments of the mark. case: what is bad. then: what becomes of data and alarms. says: what a person reads,
    None where there is nothing to say; "…" in it stands for anything."""

    case: str
    then: str
    says: Text | None = None

    @classmethod
    def of(cls, node: pytest.Item) -> Survived | None:
        mark = node.get_closest_marker("survives")
        return None if mark is None else cls(case=mark.args[0], **mark.kwargs)


class Says:
    """What the mark of a test promises. Call it with what the gateway said: true when the promise is in it."""

    def __init__(self, promised: Text):
        self.promised, self.heard = promised, False

    def __call__(self, said: Text) -> bool:
        found = all(_pattern(self.promised[language]).search(said[language]) for language in LANGUAGES)
        self.heard |= found
        return found

    def __repr__(self) -> str:
        return f"{self.promised.en!r} and {self.promised.zh!r} in"


def _pattern(promised: str) -> re.Pattern[str]:
    return re.compile(".*?".join(map(re.escape, promised.split("…"))))


class Row(NamedTuple):
    section: str
    survived: Survived
    test: str  # node id


class _Gathering:
    """A pytest plugin that keeps what was collected."""

    items: list[pytest.Item]

    def pytest_collection_finish(self, session: pytest.Session) -> None:
        self.items = session.items


def rows() -> Iterator[Row]:
    """All marked tests, in the order of the sections and files. Collects them; runs none."""
    gathering, output = _Gathering(), io.StringIO()
    with contextlib.redirect_stdout(output):
        status = pytest.main(["--collect-only", "-qq", "--assert=plain", f"--rootdir={ROOT}",
                              str(ROOT / "tests")], plugins=[gathering])
    if status != pytest.ExitCode.OK:
        raise SystemExit(output.getvalue())
    for item in gathering.items:
        if (survived := Survived.of(item)) is not None:
            section = next(name for folder, name in SECTIONS.items() if item.nodeid.startswith(f"{folder}/"))
            yield Row(section, survived, item.nodeid)


def page() -> str:
    tests: dict[tuple[str, Survived], list[str]] = {}
    for section, survived, test in rows():
        tests.setdefault((section, survived), []).append(test)
    return "\n".join([_HEAD, *(_section(name, [(survived, done) for (where, survived), done in tests.items()
                                               if where == name]) for name in dict.fromkeys(SECTIONS.values()))])


def _section(name: str, cases: list[tuple[Survived, list[str]]]) -> str:
    table = ["| Case | The gateway says | Data and alarms | Test |", "|---|---|---|---|",
             *(f"| {_cell(survived.case)} | {_message(survived.says)} | {_cell(survived.then)} | {_link(tests)} |"
               for survived, tests in cases)]
    return f"## {name}\n\n" + "\n".join(table) + "\n"


def _message(says: Text | None) -> str:
    if says is None:
        return "—"
    return "<br>".join(_cell(text) for text in dict.fromkeys((says.en, says.zh)))


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;").replace("\n", "<br>")


def _link(tests: list[str]) -> str:
    """One test; of one that runs in several ways, its name without them."""
    file, _, name = tests[0].partition("::")
    return f"[`{name if len(tests) == 1 else name.partition('[')[0]}`](../../{file})"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
