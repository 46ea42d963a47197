"""kill -9 at random moments, again and again: the file is exact, no notice is lost, none is new under an old key."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import defaultdict
from pathlib import Path

from alerting.engine import AlarmEngine, Transition
from alerting.ledger import AlarmLedger, JournalRow
from alerting.lifecycle import Event, State
from alerting.message import notice_key
from gateway.model.site import GatewayFault
from gateway.model.verdict import Verdicts
from tests.alerting.victim import HANDLED, SITE, UNTOUCHED, story

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


def told(row: JournalRow) -> Transition:
    body = row.body
    return Transition(row.alarm, body["occurrence"], Event(body["event"]), State(body["old"]), State(body["new"]),
                      row.wall_ns, body["line_ns"], body["raised_wall_ns"])


def journal(path: Path) -> list[Transition]:
    ledger = AlarmLedger(path)
    ledger.verify()
    return [told(row) for row in reversed(ledger.history(1_000_000))]


def calls(step: Transition) -> bool:
    """Which steps people are told of, written down a second time."""
    priority = SITE.alarms.get(step.alarm).priority
    return priority <= (3 if step.event is Event.RAISE else 2)


def test_twenty_kills(tmp_path):
    path, diary = tmp_path / "alarms.db", tmp_path / "diary"
    chance = random.Random()
    said: list[str] = []
    for _ in range(KILLS):
        said += life(path, diary, chance.randrange(40))
        steps = journal(path)
        contents = AlarmLedger(path).open()

        folded: dict[str, tuple[State, int]] = {}
        for step in steps:
            assert step.old is folded.get(step.alarm, (State.NORMAL, 0))[0], "no step is missing, none is there twice"
            folded[step.alarm] = (step.new, step.occurrence)
        assert {state.alarm: (state.state, state.occurrence) for state in contents.states} == folded

        committed = {line.removeprefix("committed ") for line in said if line.startswith("committed ")}
        assert committed <= {f"{step.alarm} {step.occurrence} {step.event}" for step in steps}, "committed means kept"

        handed = {line.split("\t")[0] for line in diary.read_text().splitlines()} if diary.exists() else set()
        due = {notice_key(SITE, step) for step in steps if calls(step)}
        pending = {row.key for row in contents.outbox}
        assert handed <= due, "nothing is sent that is not on disk"
        assert due <= handed | pending, "no notice is lost"
        assert pending <= due

    reached = len(journal(path))
    assert life(path, diary, None)[-1] == "done"
    steps = journal(path)
    assert len(steps) > reached > KILLS, "the kills came in the middle of the work"

    texts = defaultdict(set)
    for line in diary.read_text().splitlines():
        key, digest = line.split("\t")
        texts[key].add(digest)
    assert set(texts) == {notice_key(SITE, step) for step in steps if calls(step)}
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
