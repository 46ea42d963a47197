"""The proof-test log: from a concluded shut-down to the file, and what is read from it."""

from __future__ import annotations

from dataclasses import replace

from alerting import proof
from alerting.ledger import AlarmLedger, JournalRow
from alerting.service import AlarmService
from gateway.model.clock import NS, ManualClock
from gateway.model.rules import ShutdownVerification, Test
from gateway.model.stroke import Outcome, Seen, Stroke
from gateway.model.text import Text
from gateway.model.verdict import Verdicts
from tests.alerting.sites import START_NS, depot

DAY = 86_400 * NS
RULE = ShutdownVerification("esd-north", Text.same("ESD"), "tank_farm", Test.parse("ESD == 1"),
                            (Test.parse("XV-1 == 1"), Test.parse("XV-2 == 1")), 8.0)


def stroke(day: float, *after_s: float | None, outcome=Outcome.VERIFIED, moved=True, **more) -> Stroke:
    at = round(day * DAY)
    valves = tuple(Seen(f"XV-{number} == 1", after, moved) for number, after in enumerate(after_s, 1))
    return Stroke("esd-north", outcome, False, START_NS + at, at, START_NS + at + NS, at + NS, valves, **more)


def rows(*log: Stroke):
    """As the journal gives them: newest first."""
    found = [JournalRow(n, one.kind, one.alarm, one.wall_ns, one.body, "") for n, one in
             enumerate(map(proof.record, log), 1)]
    return found[::-1]


async def test_a_stroke_is_on_disk_and_comes_back_as_it_was(tmp_path):
    site, path = depot(), tmp_path / "alarms.db"
    told = stroke(0, 5.25, None, outcome=Outcome.FAILED, effects=(Seen("FT < 1", 12.0, True),))
    service = AlarmService(site.alarms, site, AlarmLedger(path), [], ManualClock())
    await service.start()
    service.apply(replace(Verdicts.none(), strokes=(told,)))
    await service.close()

    service = AlarmService(site.alarms, site, AlarmLedger(path), [], ManualClock())
    await service.start()
    assert await service.strokes() == [told]
    _, row = await service.history()
    assert (row.kind, row.alarm, row.wall_ns) == ("stroke", "esd-north", told.wall_ns)
    assert AlarmLedger(path).verify() == 2, "a link of the chain like any other"
    await service.close()


def test_told_again_it_counts_once_and_the_later_word_holds():
    failed = stroke(1, 5.0, None, outcome=Outcome.FAILED)
    late = replace(failed, outcome=Outcome.LATE, valves=(Seen("XV-1 == 1", 5.0, True), Seen("XV-2 == 1", 11.0, True)))
    first = stroke(0, 4.0, 5.0)
    assert proof.strokes(rows(first, first, failed, late)) == [late, first]


def test_the_last_proof_of_each_valve():
    log = proof.strokes(rows(stroke(0, 4.0, 5.0), stroke(10, 5.0, 11.0, outcome=Outcome.LATE), stroke(20, None, None,
                             outcome=Outcome.FAILED)))
    one, two = proof.proofs(RULE, log, START_NS + 21 * DAY)
    assert (one.last.line_ns, one.after_s) == (10 * DAY, 5.0), "in time, though the other valve was not"
    assert (two.last.line_ns, two.after_s) == (0, 5.0), "too late proves nothing"
    assert (one.due_wall_ns, one.overdue) == (None, False), "no interval is set"


def test_a_valve_that_was_shut_before_is_not_proved():
    log = [stroke(3, 0.0, 0.0, moved=False)]
    assert [one.last for one in proof.proofs(RULE, log, START_NS + 4 * DAY)] == [None, None]


def test_what_is_overdue():
    rule = replace(RULE, proof_test_interval_s=30 * 86_400.0)
    log = [stroke(5, 4.0, None, outcome=Outcome.FAILED)]
    one, two = proof.proofs(rule, log, START_NS + 34 * DAY)
    assert (one.due_wall_ns, one.overdue) == (START_NS + 35 * DAY, False)
    assert (two.last, two.due_wall_ns, two.overdue) == (None, None, True), "never proved"
    assert proof.proofs(rule, log, START_NS + 35 * DAY)[0].overdue


def test_one_stroke_in_words():
    told = replace(stroke(0, 5.25, None, outcome=Outcome.FAILED, effects=(Seen("FT < 1", 0.0, False),)), test=True)
    assert proof.words(told) == Text(
        "esd-north (test): NOT VERIFIED; XV-1 == 1 after 5.2 s, XV-2 == 1 not seen, FT < 1 was so before",
        "esd-north（测试）：未确认；XV-1 == 1 5.2 秒，XV-2 == 1 未出现，FT < 1 此前已满足")
