"""The proof-test log: every shut-down that was commanded, and every test of an instrument, as rows of the journal, and
what they prove of each valve and instrument.

A row has the kind "stroke", the rule in place of an alarm, and the stamp of the command. The start after a crash may
write a stroke again, and one that failed is written again when it is verified late: of rows with one key the newest
counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

from alerting.ledger import JournalRow, Record
from gateway.model.clock import NS
from gateway.model.rules import Proved
from gateway.model.stroke import OUTCOME_NAMES, Outcome, Seen, Stroke
from gateway.model.text import Text

KIND = "stroke"
NEWEST = 1000  # rows of the log that are shown


@dataclass(frozen=True, slots=True)
class Proof:
    """What the log says of one valve, or one instrument, of one rule.

    last         newest stroke in which it was seen to move, and to be shut (to respond) within its time; None: none
    after_s      how long it took then
    due_wall_ns  when it must be proved again; None: no interval is set, or it was never proved
    overdue      an interval is set, and the last proof is older or there is none
    """

    rule: Proved
    test: str
    last: Stroke | None
    after_s: float | None
    due_wall_ns: int | None
    overdue: bool


def record(stroke: Stroke) -> Record:
    """A stroke as a row of the journal."""
    body = asdict(stroke)
    return Record(KIND, body.pop("rule"), body.pop("wall_ns"), body)


def strokes(rows: Iterable[JournalRow]) -> list[Stroke]:
    """From journal rows, newest first; the same order, each stroke once. Other rows are passed over."""
    found: dict[tuple[str, int], Stroke] = {}
    for row in rows:
        if row.kind == KIND:
            stroke = _read(row)
            found.setdefault(stroke.key, stroke)
    return list(found.values())


def proofs(rule: Proved, log: Iterable[Stroke], now_wall_ns: int) -> tuple[Proof, ...]:
    """One for each valve; one for an instrument. log: newest first."""
    log = [stroke for stroke in log if stroke.rule == rule.id]
    found = []
    for test in rule.proved:
        last, after_s = next(((stroke, seen.after_s) for stroke in log for seen in stroke.valves
                              if seen.test == test and _proves(seen, rule)), (None, None))
        interval_s, due = rule.proof_test_interval_s, None
        if interval_s is not None and last is not None:
            due = last.wall_ns + round(interval_s * NS)
        found.append(Proof(rule, test, last, after_s, due,
                           interval_s is not None and (due is None or due <= now_wall_ns)))
    return tuple(found)


def words(stroke: Stroke) -> Text:
    """`esd-north: NOT VERIFIED; XV-101.closed == 1 after 5.2 s, XV-102.closed == 1 not seen`."""
    seen = [_seen(one) for one in (*stroke.valves, *stroke.effects)]
    kind = Text(" (test)", "（测试）") if stroke.test else Text("", "")
    return Text("{rule}{kind}: {outcome}; {seen}", "{rule}{kind}：{outcome}；{seen}").format(
        rule=stroke.rule, kind=kind, outcome=OUTCOME_NAMES[stroke.outcome],
        seen=Text(", ".join(one.en for one in seen), "，".join(one.zh for one in seen)))


def _proves(seen: Seen, rule: Proved) -> bool:
    return seen.moved and seen.after_s is not None and seen.after_s <= rule.allowed_s


def _seen(seen: Seen) -> Text:
    if seen.after_s is None:
        return Text(f"{seen.test} not seen", f"{seen.test} 未出现")
    if not seen.moved:
        return Text(f"{seen.test} was so before", f"{seen.test} 此前已满足")
    return Text(f"{seen.test} after {seen.after_s:.1f} s", f"{seen.test} {seen.after_s:.1f} 秒")


def _read(row: JournalRow) -> Stroke:
    body = row.body
    return Stroke(row.alarm, Outcome(body["outcome"]), body["test"], row.wall_ns, body["line_ns"],
                  body["concluded_wall_ns"], body["concluded_line_ns"],
                  *(tuple(Seen(**seen) for seen in body[part]) for part in ("valves", "effects")))
