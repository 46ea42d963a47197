"""kill -9 at random moments, again and again: the file is exact, no notice is lost, none is new under an old key."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

import pytest

from alerting.engine import AlarmEngine
from alerting.ledger import AlarmLedger
from gateway.model.gateway_fault import GatewayFault
from gateway.model.verdict import Verdicts
from tests.alerting.victim import HANDLED, SITE, UNTOUCHED, story
from tests.alerting.witness import examine, handed_over, journal, notices

ROOT = Path(__file__).parent.parent.parent
KILLS = 20


def life(path: Path, diary: Path, commits: int | None) -> list[str]:
    """One life of the victim. It ends by SIGKILL at a random moment after so many commits of its own, or (None) by
    itself. What it said."""
    how = "finish" if commits is None else "until killed"
    command = [sys.executable, "-m", "tests.alerting.victim", str(path), str(diary), how]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        said = []
        if commits is not None:
            said += [process.stdout.readline().strip() for _ in range(commits)]
            time.sleep(random.uniform(0.0, 0.01))  # anywhere between two commits, or within one
            process.kill()
        said += process.stdout.read().splitlines()
    assert process.returncode == (0 if commits is None else -9)
    return said


@pytest.mark.survives("kill -9, twenty times, in the middle of a story of alarms",
                      then="every state and bypass returns exactly; a notice repeats only under its old key and text")
def test_twenty_kills(tmp_path):
    examine_lives(tmp_path, KILLS)


@pytest.mark.long
@pytest.mark.timeout(900)
def test_two_hundred_kills(tmp_path):
    for number in range(200 // KILLS):  # each through a story of its own
        folder = tmp_path / str(number)
        folder.mkdir()
        examine_lives(folder, KILLS)


def examine_lives(folder: Path, kills: int) -> None:
    """Each is examined; the last life comes to its end."""
    path, diary = folder / "alarms.db", folder / "diary"
    said: list[str] = []
    for _ in range(kills):
        said += life(path, diary, random.randrange(40))
        examine(path, diary, said)

    reached = len(journal(path))
    assert life(path, diary, None)[-1] == "done"
    steps = journal(path)
    assert len(steps) > reached > kills, "the kills came in the middle of the work"

    texts = defaultdict(set)
    for key, digest in handed_over(diary):
        texts[key].add(digest)
    assert set(texts) == notices(path)
    assert [key for key, versions in texts.items() if len(versions) > 1] == [], "an old key has its old text"

    undisturbed = AlarmEngine(SITE.alarms)
    undisturbed.apply(Verdicts.from_edges(story()))
    states = {state.alarm: state for state in AlarmLedger(path).open().states}
    assert GatewayFault.LEDGER not in states
    for alarm in UNTOUCHED:
        expected = undisturbed.state(alarm)
        assert (states[alarm].state, states[alarm].occurrence, states[alarm].raised_line_ns, states[alarm].value) == (
            expected.state, expected.occurrence, expected.raised_line_ns, expected.value)
    assert states[HANDLED].occurrence == undisturbed.state(HANDLED).occurrence
