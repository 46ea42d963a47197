"""kill -9 in the middle of an escalation, again and again: it goes on where it was, nobody is forgotten."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path

import pytest

from alerting.ledger import AlarmLedger
from tests.alerting.oncall.people import ROUTING
from tests.alerting.oncall.victim import ALARM, SITE
from tests.alerting.witness import handed_over

ROOT = Path(__file__).parent.parent.parent.parent
KILLS, ENOUGH = 12, 400


def life(path: Path, diary: Path, steps: int | None) -> None:
    """One life; SIGKILL at a random moment after so many steps, or (None) to its end."""
    command = [sys.executable, "-m", "tests.alerting.oncall.victim", str(path), str(diary), str(ENOUGH)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout.readline() == "ready\n"
        if steps is not None:
            for _ in range(steps):
                process.stdout.readline()
            time.sleep(random.uniform(0.0, 0.01))  # anywhere between two commits, or within one
            process.kill()
        said = process.stdout.read().splitlines()
    assert process.returncode == (0 if steps is None else -9)
    assert steps is not None or said[-1] == "done"


def examine(path: Path, diary: Path) -> int:
    """The journal says what was decided; ladder, outbox and diary have to agree with it. Returns the steps taken."""
    ledger = AlarmLedger(path)
    ledger.verify()
    rows = ledger.history(100_000, None, "routing")[::-1]
    with closing(ledger):
        contents = ledger.open()
    assert [row.body["step"] for row in rows] == list(range(len(rows))), "no step is missing, none was taken twice"
    if not rows:
        return 0
    ladder, = contents.ladders
    assert (ladder.alarm, ladder.done) == (ALARM, len(rows))
    raised = f"{SITE.id}/{ALARM}#1@{ladder.raised_wall_ns}"
    due = {f"{raised}:{f'escalation@{row.wall_ns}' if row.body['step'] else 'raise'}/{one['person']}"
           for row in rows for one in row.body["decisions"] if one["told"]}
    handed, pending = {key for key, _ in handed_over(diary)}, {row.key for row in contents.outbox}
    assert handed <= due and pending <= due, "nobody is called who was not decided on"
    assert due <= handed | pending, "nobody is forgotten"
    return len(rows)


@pytest.mark.survives("kill -9, twelve times, in the middle of an escalation",
                      then="it goes on where it was; every call is made, and repeats only under its old key")
def test_kills_in_the_middle_of_an_escalation(tmp_path):
    path, diary = tmp_path / "alarms.db", tmp_path / "diary"
    reached = [0]
    for _ in range(KILLS):
        life(path, diary, random.randrange(12))
        reached.append(examine(path, diary))
    assert reached[-1] > len(ROUTING.policies[0].steps), "the kills came in the middle of the work"
    life(path, diary, None)
    assert examine(path, diary) > ENOUGH
    texts: dict[str, set[str]] = {}
    for key, digest in handed_over(diary):
        texts.setdefault(key, set()).add(digest)
    assert [key for key, versions in texts.items() if len(versions) > 1] == [], "an old key has its old text"
