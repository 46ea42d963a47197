"""The archive of minutes: counted once whenever it is killed, right when samples come late, read over years."""

from __future__ import annotations

import sqlite3

import numpy as np
import pytest

from gateway.model.clock import NS, Instant
from gateway.model.errors import StoreError
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.model.signal import SignalTable
from gateway.store.archive import SPAN, Archive, Row
from gateway.store.hours import Hours
from gateway.store.minutes import MINUTE_NS, Minutes
from tests.sites import gas

SIGNALS = SignalTable([gas(f"GD-{n:02}") for n in range(1, 6)])
FIRST = 29_833_333 // SPAN * SPAN  # a minute, the first of a span
START = FIRST * MINUTE_NS


@pytest.fixture
def archive(tmp_path):
    made = Archive(tmp_path / "minutes.db", SIGNALS)
    made.open()
    yield made
    made.close()


def samples(rng: np.random.Generator, count: int, minutes: int = 3, bad: float = 0.2) -> Frame:
    quality = np.where(rng.random(count) < bad, Quality.BAD_COMM_LOST, rng.choice(
        [Quality.GOOD, Quality.UNCERTAIN_STALE], count))
    return Frame.of(rng.integers(0, 5, count), rng.normal(20, 5, count).round(2), Instant(0, START), quality,
                    wall_ns=START + rng.integers(0, minutes * MINUTE_NS, count))


def by_hand(frame: Frame) -> dict[tuple[int, int], tuple]:
    """Sample by sample, as one would on paper."""
    found: dict[tuple[int, int], list] = {}
    for signal, value, quality, wall in zip(frame.signal.tolist(), frame.value.tolist(), frame.quality.tolist(),
                                            frame.wall_ns.tolist(), strict=True):
        found.setdefault((wall // MINUTE_NS, signal), []).append((wall, value, quality))
    told = {}
    for key, cell in found.items():
        good = sorted((wall, value) for wall, value, quality in cell if quality < 0x80)
        values = [value for _, value in good]
        told[key] = (len(good), len(cell) - len(good), max(quality for _, _, quality in cell),
                     *((sum(values) / len(values), min(values), max(values), good[-1][1]) if good else [None] * 4))
    return told


def as_told(minutes: Minutes) -> dict[tuple[int, int], tuple]:
    def number(value: float) -> float | None:
        return None if np.isnan(value) else value
    return {(int(minutes.minute[n]), int(minutes.signal[n])): (
        int(minutes.count[n]), int(minutes.bad[n]), int(minutes.quality[n]), *(
            number(float(column[n])) for column in (minutes.mean, minutes.low, minutes.high, minutes.last)))
        for n in range(len(minutes))}


def same(found: dict, expected: dict) -> None:
    assert found.keys() == expected.keys()
    for key, cell in expected.items():
        assert found[key] == pytest.approx(cell, rel=1e-12), key


def test_a_minute_is_what_one_would_count_by_hand_however_its_samples_come():
    rng = np.random.default_rng(1)
    frame = samples(rng, 400)
    parts = np.array_split(rng.permutation(400), 7)
    same(as_told(Minutes.of(frame)), by_hand(frame))
    same(as_told(Minutes.combine([Minutes.of(frame.take(part)) for part in parts])), by_hand(frame))


def test_a_minute_comes_back_from_its_bytes_to_the_last_bit():
    minutes = Minutes.of(samples(np.random.default_rng(2), 400))
    back = Minutes.unpack(minutes.pack())
    for name in ("minute", "signal", "mean", "low", "high", "last", "last_ns", "count", "bad", "quality"):
        np.testing.assert_array_equal(getattr(back, name), getattr(minutes, name))
        assert getattr(back, name).dtype == getattr(minutes, name).dtype


def test_late_samples_count_in_a_minute_that_is_young_and_in_one_that_is_old(archive):
    rng = np.random.default_rng(3)
    frames = [samples(rng, 200) for _ in range(3)]
    archive.add(Minutes.of(frames[0]), 200)
    archive.add(Minutes.of(frames[1]), 400)
    same(as_told(archive.minutes(range(5), START, START + 3 * MINUTE_NS)), by_hand(Frame.concat(frames[:2])))
    archive.tidy(FIRST + 2 * SPAN, 730, 10**9)
    same(as_told(archive.minutes(range(5), START, START + 3 * MINUTE_NS)), by_hand(Frame.concat(frames[:2])))
    archive.add(Minutes.of(frames[2]), 600)
    same(as_told(archive.minutes(range(5), START, START + 3 * MINUTE_NS)), by_hand(Frame.concat(frames)))
    archive.tidy(FIRST + 2 * SPAN, 730, 10**9)
    same(as_told(archive.minutes(range(5), START, START + 3 * MINUTE_NS)), by_hand(Frame.concat(frames)))
    same(as_told(archive.minutes([2], START + MINUTE_NS, START + 2 * MINUTE_NS)), {
        key: cell for key, cell in by_hand(Frame.concat(frames)).items() if key == (FIRST + 1, 2)})


def as_hours(hours: Hours) -> dict[tuple[int, int], tuple]:
    return {(int(hours.hour[n]), int(hours.signal[n])): (
        int(hours.present[n]), *np.nan_to_num([hours.low[n], hours.high[n]], nan=-1.0).tolist(), int(hours.count[n]),
        int(hours.bad[n])) for n in range(len(hours))}


def hours_by_hand(frame: Frame, first: int = 0, end: int = 2**40) -> dict[tuple[int, int], tuple]:
    found: dict[tuple[int, int], list] = {}
    for (minute, signal), (good, bad, _, _, low, high, _) in by_hand(frame).items():
        if first <= minute < end:
            found.setdefault((minute // 60, signal), []).append((1 << minute % 60, low, high, good, bad))
    return {key: (sum(cell[0] for cell in cells), min((cell[1] for cell in cells if cell[1] is not None), default=-1.0),
                  max((cell[2] for cell in cells if cell[2] is not None), default=-1.0), sum(cell[3] for cell in cells),
                  sum(cell[4] for cell in cells)) for key, cells in found.items()}


def test_the_hours_of_all_signals_are_those_of_their_minutes_whatever_came_late_and_whoever_wrote_it(archive, tmp_path):
    """Young, kept by spans, changed late, tidied again; then changed by a program that knows nothing of hours."""
    rng = np.random.default_rng(7)
    frames = [*(samples(rng, 300, minutes=2 * SPAN) for _ in range(2)), samples(rng, 4, minutes=SPAN)]
    end = START + 2 * SPAN * MINUTE_NS

    def kept() -> list[int]:
        with sqlite3.connect(tmp_path / "minutes.db") as file:
            return [span for (span,) in file.execute("SELECT span FROM hours ORDER BY span")]

    def seen(frames: list[Frame]) -> None:
        frame, cut = Frame.concat(frames), 90
        assert as_hours(archive.hours(START, end)) == hours_by_hand(frame)
        assert as_hours(archive.hours(START + cut * MINUTE_NS, end - cut * MINUTE_NS)) == hours_by_hand(
            frame, FIRST + cut, FIRST + 2 * SPAN - cut)

    archive.add(Minutes.of(frames[0]), 1)
    seen(frames[:1])
    archive.tidy(FIRST + 3 * SPAN, 730, 10**9)
    assert kept() == [FIRST // SPAN, FIRST // SPAN + 1]
    seen(frames[:1])
    archive.add(Minutes.of(frames[1]), 2)
    seen(frames[:2])
    archive.tidy(FIRST + 3 * SPAN, 730, 10**9)
    seen(frames[:2])
    with sqlite3.connect(tmp_path / "minutes.db") as file:  # as an older program writes spans
        (rows,) = file.execute("SELECT rows FROM span WHERE signal = 1 AND span = ?", (FIRST // SPAN,)).fetchone()
        file.execute("INSERT OR REPLACE INTO span VALUES (1, ?, ?)", (FIRST // SPAN, rows))
    assert kept() == [FIRST // SPAN + 1]
    seen(frames[:2])
    archive.add(Minutes.of(frames[2]), 3)
    archive.tidy(FIRST + 3 * SPAN, 730, 10**9)
    assert kept() == [FIRST // SPAN, FIRST // SPAN + 1]
    seen([*frames[:2], frames[2]])
    with sqlite3.connect(tmp_path / "minutes.db") as file:
        file.execute("DROP TABLE hours")  # a copy that an older program made
    seen([*frames[:2], frames[2]])


def test_the_hours_of_a_span_that_was_deleted_are_too(archive, tmp_path):
    archive.add(Minutes.of(samples(np.random.default_rng(8), 100, minutes=2 * SPAN)), 1)
    archive.tidy(FIRST + 3 * SPAN, 2 * SPAN / 1440, 10**9)
    found = archive.hours(START, START + 2 * SPAN * MINUTE_NS)
    assert len(found) and found.hour.min() * 60 >= FIRST + SPAN
    with sqlite3.connect(tmp_path / "minutes.db") as file:
        assert file.execute("SELECT count(*) FROM hours").fetchone() == (1,)


def test_whoever_reads_the_changes_sees_every_minute_as_it_is_at_last(archive):
    """Two databases, one of which sleeps until all is old."""
    rng = np.random.default_rng(4)
    frames, told, position = [samples(rng, 200) for _ in range(4)], {}, 0
    for number, frame in enumerate(frames):
        archive.add(Minutes.of(frame), 200 * number)
        minutes, position = archive.changed(position, 10_000)
        told |= as_told(minutes)
        if number == 1:
            archive.tidy(FIRST + 2 * SPAN, 730, 10**9)
    same(told, by_hand(Frame.concat(frames)))
    archive.tidy(FIRST + 2 * SPAN, 730, 10**9)
    late, position = {}, 0
    while True:
        minutes, reached = archive.changed(position, 7)  # fewer rows than a minute has
        late |= as_told(minutes)
        if reached == position:
            break
        position = reached
    same(late, by_hand(Frame.concat(frames)))


def test_what_was_not_committed_was_not_counted(archive, tmp_path):
    """A crash between two transactions: the archive knows exactly how far it has counted."""
    rng = np.random.default_rng(5)
    archive.add(Minutes.of(samples(rng, 100)), 100, [Row("site", START, {"site": "a"}, {"risk": 2})])
    archive.advance("influx/minutes", 1)
    row = Row("site", START, {}, {"risk": float("nan")})  # can not be told: the whole transaction is undone
    with pytest.raises(ValueError, match="JSON"):
        archive.add(Minutes.of(samples(rng, 100)), 200, [row])
    other = Archive(tmp_path / "minutes.db", SIGNALS)
    other.open()
    assert other.counted == archive.counted == 100 and other.newest() == (3, 1)
    other.add(Minutes.empty(), 150)
    other.close()
    assert sqlite3.connect(tmp_path / "minutes.db").execute(
        "SELECT position FROM cursor WHERE name = 'counted'").fetchone() == (150,)


def test_the_signals_of_a_site_may_change(archive, tmp_path):
    frame = samples(np.random.default_rng(6), 300)
    archive.add(Minutes.of(frame), 300)
    archive.tidy(FIRST + 2 * SPAN, 730, 10**9)
    archive.add(Minutes.of(frame), 600)
    archive.close()
    table = SignalTable([gas("NEW"), gas("GD-04"), gas("GD-02")])
    other = Archive(tmp_path / "minutes.db", table)
    other.open()
    found = other.minutes(range(3), START, START + 3 * MINUTE_NS)
    renamed = {3: 1, 1: 2}
    same(as_told(found), {(minute, renamed[signal]): cell for (minute, signal), cell in
                          by_hand(Frame.concat([frame, frame])).items() if signal in renamed})
    other.close()


def test_a_year_is_a_trend_and_old_minutes_give_way(archive):
    """Whole spans go, oldest first: by age, and by size."""
    for span in range(6):
        minutes = FIRST + span * SPAN + np.arange(SPAN)
        archive.add(Minutes.of(Frame.of(np.zeros(SPAN, int), minutes - FIRST, Instant(0, 0),
                                        wall_ns=minutes * MINUTE_NS)), span,
                    [Row("site", int(minutes[0]) * MINUTE_NS, {"site": "a"}, {"risk": span})])
    now = FIRST + 7 * SPAN
    archive.tidy(now, 730, 10**9)
    end = START + 6 * SPAN * MINUTE_NS
    trend = archive.trend([1, 0], START, end, 3)
    assert trend.step_ns == 2 * SPAN * MINUTE_NS and trend.count.tolist() == [[0] * 3, [2 * SPAN] * 3]
    assert trend.low[1].tolist() == [0, 480, 960] and trend.high[1].tolist() == [479, 959, 1439]
    assert trend.mean[1].tolist() == [239.5, 719.5, 1199.5] and np.isnan(trend.mean[0]).all()
    archive.tidy(now, 5 * SPAN / 1440, 10**9)
    assert archive.minutes([0], START, end).minute[0] == FIRST + 2 * SPAN
    assert [row.fields["risk"] for row in archive.rows("site", START, end)] == [2, 3, 4, 5]
    archive.tidy(now, 730, 1)
    assert not len(archive.minutes([0], START, end)) and archive.changed(0, 100)[1] == 0


@pytest.mark.survives("the archive of minutes is damaged", then="set aside; minutes are counted anew from the samples")
def test_a_damaged_archive_is_set_aside(tmp_path):
    (tmp_path / "minutes.db").write_bytes(b"no database" * 1000)
    archive = Archive(tmp_path / "minutes.db", SIGNALS)
    archive.open()
    assert archive.counted == 0 and len(list(tmp_path.glob("minutes.db.damaged-*"))) == 1
    archive.add(Minutes.of(samples(np.random.default_rng(7), 50)), 50)
    archive.close()


def test_a_disk_that_can_not_be_written_is_a_store_error(tmp_path):
    with pytest.raises(StoreError, match="minutes"):
        Archive(tmp_path / "nowhere" / "minutes.db", SIGNALS).open()


def test_rows_come_back_in_order_and_the_newer_of_two_counts(archive):
    at = [START + n * NS for n in range(3)]
    archive.add(Minutes.empty(), 0, [Row("site", at[2], {"site": "a"}, {"risk": 1}),
                                     Row("site", at[0], {"site": "a"}, {"risk": 2, "name_zh": "北站"})])
    archive.add(Minutes.empty(), 0, [Row("site", at[2], {"site": "a"}, {"risk": 3}),
                                     Row("kpi", at[1], {"site": "a"}, {"alarms": 4})])
    assert [(row.wall_ns, dict(row.fields)) for row in archive.rows("site", START, START + NS * 9)] == [
        (at[0], {"risk": 2, "name_zh": "北站"}), (at[2], {"risk": 3})]
    assert [row.position for row in archive.rows_after(1, 2)] == [2, 3]
