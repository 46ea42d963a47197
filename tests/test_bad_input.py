"""The page of survived bad input is current, holds every case that was asked for, and can not promise in vain."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache

import pytest

from gateway.model.text import Text
from tests.bad_input import PAGE, ROOT, Says

ASKED_FOR = {
    "Configuration": (
        "unknown key", "wrong type", "duplicate signal", "overlapping points", "unknown time zone",
        "GBK CSV with Chinese titles and a wrong cell", "missing column"),
    "Modbus": (
        "device accepts and never answers", "device answers short", "device answers another unit",
        "device answers another transaction", "device resets mid-frame",
        *(f"device answers exception code {code}" for code in (1, 2, 3, 4, 5, 6, 11)),
        "register holds NaN", "register holds +Inf", "overflow: the scaled value is beyond any number"),
    "MQTT": (
        "payload: empty", "payload: one megabyte", "payload: invalid utf 8", "payload: json nested 2000 deep",
        "payload: quoted number", "payload: json number as text", "payload: stamp in the future",
        "payload: stamp older than deadman", "broker restart"),
    "Database": (
        "InfluxDB down for an hour", "InfluxDB answers 400", "InfluxDB answers 401", "InfluxDB answers 404",
        "InfluxDB answers 413", "InfluxDB answers 429", "InfluxDB answers 500", "partial write"),
    "Disk": ("disk full", "disk read-only", "second gateway on the same data folder"),
    "Alarms and notices": ("disk full", "disk read-only"),
    "Command line": ("second gateway on the same data folder",),
    "The page, access and the API": (
        "passwords are guessed: a storm of log-ins", "API token that was stolen", "path traversal",
        "certificate authority of the site that was replaced", "certificate of the page that has expired",
        "certificate of the page that is signed by itself"),
    "Change and backup": ("a backup from a newer version", "a backup with a wrong passphrase"),
    "Installation": ("an upgrade bundle with a wrong signature",),
}


@cache
def made() -> str:
    """The page as the tests make it now. In a process of its own: pytest does not run within pytest."""
    return subprocess.run([sys.executable, "-c", "from tests import bad_input; print(bad_input.page(), end='')"],
                          capture_output=True, text=True, encoding="utf-8", cwd=ROOT, check=True).stdout


def test_the_page_is_current():
    assert PAGE.read_text(encoding="utf-8") == made(), "run: python -m tests.bad_input"


@pytest.mark.parametrize("section", ASKED_FOR)
def test_every_case_that_was_asked_for_has_its_test(section):
    table = made().split(f"\n## {section}\n")[1].split("\n## ")[0]
    assert [case for case in ASKED_FOR[section] if f"\n| {case}" not in table] == []


def test_a_message_is_found_word_for_word_in_both_languages_with_gaps():
    says = Says(Text("no answer from … in 3 s", "… 在 3 秒内无应答"))
    for said in (Text("no answer from GD-01 in 3 s", "在 3 秒内"), Text("no answer in 3 s", "GD-01 在 3 秒内无应答"),
                 Text("No answer from GD-01 in 3 s", "GD-01 在 3 秒内无应答"), Text("", "")):
        assert not says(said) and not says.heard
    assert says(Text("probe: no answer from GD-01 in 3 s.", "probe：GD-01 在 3 秒内无应答。")) and says.heard


STORY = """
import pytest
from gateway.model.text import Text

@pytest.mark.survives("heard", then="", says=Text("a", "甲"))
def test_heard(says):
    assert says(Text("a", "甲"))

@pytest.mark.survives("deaf", then="", says=Text("a", "甲"))
def test_deaf(says):
    says(Text("b", "乙"))

@pytest.mark.survives("asks nobody", then="", says=Text("a", "甲"))
def test_asks_nobody():
    pass

@pytest.mark.survives("skipped", then="", says=Text("a", "甲"))
def test_skipped(says):
    pytest.skip("no root")
"""


def test_a_test_that_never_hears_what_it_promises_fails(tmp_path):
    story = tmp_path / "test_story.py"
    story.write_text(STORY, encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "pytest", "-p", "tests.conftest", "--rootdir", tmp_path, "-rA", story],
                          capture_output=True, text=True, cwd=ROOT, check=False,
                          env=os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"})
    words = [line.split("::") for line in done.stdout.splitlines() if line.startswith(("PASSED", "FAILED"))]
    assert {test.split()[0]: start.split()[0] for start, test in words} == {
        "test_heard": "PASSED", "test_deaf": "FAILED", "test_asks_nobody": "FAILED"}
    assert "1 skipped" in done.stdout
