"""Looks at an alarm file after an accident and knows nothing of how it was written: only journal, states and outbox,
the diary of what was handed over (tests.alerting.victim) and what the victim said before it died."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from contextlib import closing
from pathlib import Path

from alerting.engine import Transition
from alerting.ledger import AlarmLedger, JournalRow
from alerting.lifecycle import Event, State
from alerting.message import notice_key
from tests.alerting.victim import SITE


def journal(path: Path) -> list[Transition]:
    """Every step, oldest first. The chain is verified."""
    ledger = AlarmLedger(path)
    ledger.verify()
    return [_told(row) for row in _rows(path) if row.kind == "transition"]


def _rows(path: Path) -> list[JournalRow]:
    return AlarmLedger(path).history(1_000_000)[::-1]


def bursts(path: Path) -> dict[tuple[str, str], list[str]]:
    """(kind, alarm) -> its begins and ends, oldest first."""
    found: dict[tuple[str, str], list[str]] = defaultdict(list)
    for row in _rows(path):
        if row.kind in ("flood", "chatter"):
            found[row.kind, row.alarm].append(row.body["act"])
    return found


def notices(path: Path) -> set[str]:
    """The keys that people must have been told of, by the rules in docs/explanation/alarms.md: transitions, bypasses of
    a P2, and what is recalled when one is over. What is withheld is withheld by a bypass that stands."""
    due, bypassed, raised = set(), set(), {}
    for row in _rows(path):
        if row.kind == "transition":
            step = _told(row)
            raised[step.alarm] = step
            if row.body.get("withheld"):
                assert step.alarm in bypassed, "nothing is withheld without a bypass"
            elif SITE.alarms.get(step.alarm).priority <= (3 if step.event is Event.RAISE else 2):
                due.add(notice_key(SITE, step))
        elif row.kind == "bypass":
            act, target = row.body["act"], row.alarm
            assert (act == "begin") is (target not in bypassed), "a bypass begins and ends in turn"
            (bypassed.add if act == "begin" else bypassed.remove)(target)
            event = {"begin": "bypass", "end": "bypass-ended", "expire": "bypass-expired"}[act]
            due.add(f"{SITE.id}/{target}@{row.body['begun_wall_ns']}:{event}")
        elif row.kind == "recall":
            step = raised[row.alarm]
            assert step.occurrence == row.body["occurrence"] and step.new.active
            due.add(f"{notice_key(SITE, step).rpartition(':')[0]}:recall@{row.wall_ns}")
    with closing(AlarmLedger(path)) as ledger:
        assert {bypass.target for bypass in ledger.open().holds} == bypassed, "every bypass that stands came back"
    return due


def handed_over(diary: Path) -> list[tuple[str, str]]:
    """(key, digest of the text), in order, with repeats."""
    return [tuple(line.split("\t")) for line in diary.read_text().splitlines()] if diary.exists() else []


def lost_commits(path: Path, said: Iterable[str]) -> set[str]:
    """What was called committed and is not in the journal."""
    promised = {line.removeprefix("committed ") for line in said if line.startswith("committed ")}
    return promised - {f"{step.alarm} {step.occurrence} {step.event}" for step in journal(path)}


def examine(path: Path, diary: Path, said: Iterable[str]) -> None:
    steps = journal(path)
    with closing(AlarmLedger(path)) as ledger:
        contents = ledger.open()
    assert contents.set_aside is None, "it opens without help"
    assert lost_commits(path, said) == set(), "committed means kept"

    folded: dict[str, tuple[State, int]] = {}
    for step in steps:
        assert step.old is folded.get(step.alarm, (State.NORMAL, 0))[0], "no step is missing, none is there twice"
        folded[step.alarm] = (step.new, step.occurrence)
    assert {state.alarm: (state.state, state.occurrence) for state in contents.states} == folded

    for acts in bursts(path).values():
        assert acts == (["begin", "end"] * len(acts))[:len(acts)], "floods and chattering begin and end in turn"

    due, pending, handed = notices(path), {row.key for row in contents.outbox}, {key for key, _ in handed_over(diary)}
    assert handed <= due, "nothing is sent that is not on disk"
    assert due <= handed | pending, "no notice is lost"
    assert pending <= due


def _told(row: JournalRow) -> Transition:
    body = row.body
    return Transition(row.alarm, body["occurrence"], Event(body["event"]), State(body["old"]), State(body["new"]),
                      row.wall_ns, body["line_ns"], body["raised_wall_ns"])
