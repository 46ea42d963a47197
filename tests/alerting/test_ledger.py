"""The alarm file: exact after reopening, append-only, chained, and open to what disks do."""

from __future__ import annotations

import hashlib
import json
import math
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from alerting.engine import AlarmState, Transition
from alerting.ledger import MIGRATIONS, AlarmLedger, Pending, Record, Work, last_instant, transition_record
from alerting.lifecycle import Event, State
from alerting.overlays.hold import Hold, Kind
from gateway.model.clock import Instant
from gateway.model.errors import LedgerError
from gateway.model.ports import Notice
from gateway.model.text import Text
from gateway.model.verdict import Evidence

TRACE = (Evidence(7, "ESD.cmd", math.nan, Text("no feedback", "无反馈")),
         Evidence(8, "XV-101", 1.5, Text("late", "迟到")))
STATE = AlarmState("GD-01/HH", State.ACKNOWLEDGED, 3, 10, 11, 12, 13, 42.5, True, "王工", "on my way", TRACE, 15)
BARE = AlarmState("esd/north \"x\" 北", State.UNACKNOWLEDGED, 1, 1, 2, 3, 4, math.nan)
STEP = Transition("GD-01/HH", 3, Event.ACKNOWLEDGE, State.UNACKNOWLEDGED, State.ACKNOWLEDGED, 12, 13, 10, who="王工",
                  evidence=TRACE)
PENDING = Pending("depot/GD-01/HH#3@10:raise", "hook", "GD-01/HH", 1, 11, {"title": {"zh": "高高限"}, "value": None})
PERSONAL = Pending.of(Notice("depot/GD-01/HH#3@10:raise/wang", "GD-01/HH", {}, to="+86 138 0000 0000", language="zh"),
                      "hook", 1, 11)
BYPASS = Hold(Kind.BYPASS, "GD-01/H", "王工", "calibration", "", 10, 20, 30, 40, True)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "alarms.db"


@pytest.fixture
def ledger(path):
    ledger = AlarmLedger(path)
    ledger.open()
    yield ledger
    ledger.close()


def work(*states: AlarmState, steps: int = 0, outbox: dict | None = None) -> Work:
    return Work({state.alarm: state for state in states}, [transition_record(STEP)] * steps, outbox or {})


def held(*holds: Hold) -> Work:
    return Work(holds={(hold.kind, hold.target): hold for hold in holds})


def test_what_was_committed_is_there_after_opening_again(ledger, path):
    ledger.commit(work(STATE, BARE, steps=1, outbox={(each.key, "hook"): each for each in (PENDING, PERSONAL)}))
    contents = AlarmLedger(path).open()
    restored = {state.alarm: state for state in contents.states}
    assert repr(restored["GD-01/HH"]) == repr(STATE)
    assert repr(restored[BARE.alarm]) == repr(BARE)
    assert contents.outbox == (PENDING, PERSONAL)
    assert (PERSONAL.notice.to, PERSONAL.notice.language, PENDING.notice.to) == ("+86 138 0000 0000", "zh", "")
    assert contents.set_aside is None


def test_a_transaction_is_whole_or_absent(ledger, path):
    ledger.commit(work(STATE, steps=1))
    unwritable = Work({BARE.alarm: BARE}, [], {("k", "n"): Pending("k", "n", "a", "not a number", 0, {})})
    with pytest.raises(LedgerError) as caught:
        ledger.commit(unwritable)
    assert str(path) in caught.value.message("en") and "告警文件" in caught.value.message("zh")
    ledger.commit(work(steps=1))
    contents = AlarmLedger(path).open()
    assert [state.alarm for state in contents.states] == ["GD-01/HH"]
    assert AlarmLedger(path).verify() == 2


def test_outbox_rows_go_when_told(ledger, path):
    ledger.commit(work(outbox={(PENDING.key, "hook"): PENDING}))
    ledger.commit(work(outbox={(PENDING.key, "hook"): None, ("never seen", "hook"): None}))
    assert AlarmLedger(path).open().outbox == ()


def test_history_of_some_alarms(ledger):
    ledger.commit(Work(records=[Record("bypass", about, place, {}) for place, about in enumerate("ABACA")]))
    assert [row.position for row in ledger.history(10, alarms=["A"])] == [5, 3, 1]
    assert [row.position for row in ledger.history(2, before=5, alarms=["A", "C"])] == [4, 3]
    assert ledger.history(10, alarms=["B'"]) == []


def test_history_pages_from_the_newest(ledger):
    ledger.commit(work(steps=5))
    first = ledger.history(2)
    second = ledger.history(2, before=first[-1].position)
    assert [row.position for row in first + second] == [5, 4, 3, 2]
    assert first[0].body | {"evidence": None} == {
        "occurrence": 3, "event": "acknowledge", "old": "unacknowledged", "new": "acknowledged", "line_ns": 13,
        "raised_wall_ns": 10, "value": None, "first_out": False, "who": "王工", "comment": "", "verified": False,
        "evidence": None}
    assert first[0].body["evidence"][0] == {"wall_ns": 7, "signal": "ESD.cmd", "value": None,
                                            "note": {"en": "no feedback", "zh": "无反馈"}}


def test_the_journal_refuses_to_forget(ledger, path):
    ledger.commit(work(steps=2))
    with sqlite3.connect(path) as other:
        for sentence in ("DELETE FROM journal", "UPDATE journal SET body = '{}' WHERE position = 1"):
            with pytest.raises(sqlite3.IntegrityError, match="append-only"):
                other.execute(sentence)


@pytest.mark.survives("somebody edits the journal behind our back", then="the first changed row is named by verify",
                      says=Text("journal row 3 was changed or removed", "日志第 3 行被修改或删除"))
@pytest.mark.parametrize("sentence", [
    "UPDATE journal SET body = replace(body, '王工', '李工') WHERE position = 3",
    "UPDATE journal SET wall_ns = wall_ns + 1 WHERE position = 3",
    "DELETE FROM journal WHERE position = 3",
])
def test_verify_names_the_row_that_was_tampered_with(ledger, path, sentence, says):
    ledger.commit(work(steps=5))
    assert ledger.verify() == 5
    with sqlite3.connect(path) as other:
        other.execute("DROP TRIGGER journal_keeps_rows")
        other.execute("DROP TRIGGER journal_keeps_text")
        other.execute(sentence)
    with pytest.raises(LedgerError) as caught:
        ledger.verify()
    assert says(caught.value.what)


def test_the_chain_is_as_documented(ledger, path):
    """An independent reader: SQLite, JSON and SHA-256, by the formula in the docstring."""
    ledger.commit(work(steps=3))
    ledger.commit(Work(records=[Record("gap", "", 99, {"rows_lost": 2})]))
    chained = bytes(32)
    for *columns, stored in sqlite3.connect(path).execute("SELECT * FROM journal ORDER BY position"):
        text = json.dumps(columns, ensure_ascii=False, separators=(",", ":"))
        chained = hashlib.sha256(chained + text.encode()).digest()
        assert stored == chained


def test_the_chain_goes_on_after_opening_again(ledger, path):
    ledger.commit(work(steps=1))
    again = AlarmLedger(path)
    again.open()
    again.commit(work(steps=1))
    again.close()
    assert ledger.verify() == 2


def test_a_damaged_file_is_set_aside_and_a_new_one_begun(path):
    path.write_bytes(b"this is no database, " * 500)
    ledger = AlarmLedger(path)
    contents = ledger.open()
    assert contents.set_aside.read_bytes().startswith(b"this is no database")
    ledger.commit(work(STATE, steps=1))
    assert ledger.verify() == 1


def test_damage_behind_the_first_page_is_found_too(ledger, path):
    ledger.commit(work(STATE, steps=40))
    ledger.tidy()
    with path.open("r+b") as file:
        file.seek(4096)  # every page but the first
        file.write(b"\xff" * (path.stat().st_size - 4096))
    ledger.close()
    ledger.open()
    assert len(list(path.parent.glob("alarms.db.damaged-*[0-9]"))) == 1
    ledger.commit(work(STATE, steps=1))


def test_a_file_of_a_newer_version_is_refused_and_left_alone(path):
    with sqlite3.connect(path) as other:
        other.execute("PRAGMA user_version = 99")
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="version 99") as caught:
        AlarmLedger(path).open()
    assert not caught.value.retryable and "版本" in caught.value.message("zh")
    assert path.read_bytes() == before


@pytest.mark.parametrize("twice", [False, True])
def test_a_file_of_the_first_version_is_brought_up_to_date_with_all_it_holds(path, twice):
    """A real file of version 1: states, journal and chain are as they were, and holds have a place."""
    with closing(sqlite3.connect(path)) as other:
        other.executescript((Path(__file__).parent / "ledger-1.sql").read_text(encoding="utf-8"))
    ledger = AlarmLedger(path)
    contents = ledger.open()
    if twice:
        contents = ledger.open()
    assert {state.alarm: (state.state, state.who) for state in contents.states} == {
        "GD-01/HH": (State.ACKNOWLEDGED, "王工"), "GD-02/H": (State.RETURNED, "")}
    assert contents.holds == () and contents.set_aside is None
    ledger.commit(work(STATE, steps=1))
    ledger.commit(held(BYPASS))
    ledger.close()
    assert ledger.verify() == 5
    assert AlarmLedger(path).open().holds == (BYPASS,)


def test_what_an_older_version_bypassed_stays_bypassed(path):
    with closing(sqlite3.connect(path)) as other:
        for migration in MIGRATIONS[:2]:
            other.executescript(migration)
        other.execute("INSERT INTO bypass VALUES ('GD-01/H', '王工', 'calibration', '', 10, 20, 30, 40, 1)")
        other.commit()
    assert AlarmLedger(path).open().holds == (BYPASS,)


def test_holds_come_and_go(ledger, path):
    ledger.commit(held(BYPASS, replace(BYPASS, target="GD-02"), replace(BYPASS, kind=Kind.SHELF, once=True)))
    ledger.commit(held(replace(BYPASS, why="another", trusted=False)))
    ledger.commit(Work(holds={(Kind.BYPASS, "GD-02"): None, (Kind.SHELF, "never seen"): None}))
    assert set(AlarmLedger(path).open().holds) == {replace(BYPASS, why="another", trusted=False),
                                                   replace(BYPASS, kind=Kind.SHELF, once=True)}


def test_no_folder_says_which_file(tmp_path):
    with pytest.raises(LedgerError, match=r"nowhere/alarms\.db.*Fix: check free space"):
        AlarmLedger(tmp_path / "nowhere" / "alarms.db").open()


def test_last_instant_is_the_newest_edge(ledger, path, tmp_path):
    assert last_instant(path) is None
    ledger.commit(work(STATE, BARE))
    assert last_instant(path) == Instant(13, 12, trusted=False)
    assert last_instant(tmp_path / "nowhere.db") is None


@pytest.mark.survives("a text that can not be stored (half a pair of surrogates, as a peer's heartbeat may hold)",
                      then="written with a mark in its place; the rows after it are not held up")
def test_one_row_that_can_not_be_written_holds_up_no_other(tmp_path):
    ledger = AlarmLedger(tmp_path / "alarms.db")
    ledger.open()
    ledger.commit(Work(records=[Record("routing", "a", number, body) for number, body in enumerate(
        ({"why": "\ud800 half"}, {"x": math.nan}, {"x": {1, 2}}, {"x": 4}))]))
    rows = ledger.history(10)[::-1]
    assert rows[0].body == {"why": "? half"} and rows[3].body == {"x": 4}
    assert all("unwritable" in row.body for row in rows[1:3]) and ledger.verify() == 4
