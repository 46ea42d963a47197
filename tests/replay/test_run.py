"""Replay against the live path: the same frames must give the same transitions."""

from __future__ import annotations

import asyncio

import numpy as np
import pytest

from alerting.engine import AlarmEngine
from gateway.core.bank import Bank
from gateway.model.clock import NS, ManualClock
from gateway.model.errors import StoreError
from gateway.model.expression import Expression
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.model.signal import Signal, StatusLink
from gateway.model.text import Text
from gateway.pipeline import Pipeline
from gateway.replay.explain import explain
from gateway.replay.run import Replay, run
from gateway.replay.settings import settings
from gateway.replay.table import CsvRecording
from gateway.store import Recording, StoreSettings, TelemetryStore
from tests.sites import gas, site

SITE = site(gas("GD-01"), gas("GD-02"), gas("GD-03", area="gate"))


def derived(name, expression):
    return Signal(name, Text.same(name), "mean", "%LEL", "tank_farm", limits=gas(name).limits,
                  derived=Expression.parse(expression))


class Live:
    """Pipeline, store and alarm engine of one gateway; the alarms it raised, as (alarm, event, line time, value)."""

    def __init__(self, folder, clock, site=SITE):
        self.clock = clock
        self.store = TelemetryStore(folder / "telemetry", site.signals,
                                    StoreSettings(commit_interval_s=0.0, keep_free=0), clock)
        self.engine = AlarmEngine(site.alarms)
        self.pipeline = Pipeline(Bank(site), self.store, self._act, clock)
        self.told = []
        self.store.open()
        self.pipeline.replay()
        self.told.clear()  # what a restart evaluates again has been told before

    def _act(self, verdicts):
        self.told += self.engine.apply(verdicts).transitions

    async def poll(self, signals, values, quality=Quality.GOOD):
        await self.pipeline.put(Frame.of(signals, values, self.clock.now(), quality))
        self.pipeline.step()

    async def durable(self):
        async with asyncio.timeout(20):
            while self.store.durable_position < self.store.position:
                await asyncio.sleep(0.002)


def facts(transitions):
    return [(one.alarm, str(one.event), one.line_ns, one.wall_ns, str(one.value)) for one in transitions]


async def test_the_store_of_a_running_gateway_replays_to_the_same_transitions(tmp_path):
    live, rng = Live(tmp_path, ManualClock()), np.random.default_rng(3)
    for second in range(400):
        live.clock.advance(0.9 + 0.2 * rng.random())
        values = 20 + 15 * np.sin(second / 20 + np.arange(3)) + rng.normal(0, 2, 3)
        quality = np.where(rng.random(3) < 0.1, Quality.BAD_COMM_LOST, Quality.GOOD).astype(np.uint16)
        answers = np.arange(3) if second % 90 < 70 else np.array([0])  # two detectors are silent now and then
        await live.poll(answers, values[answers], quality[answers])
    await live.durable()
    assert len(live.told) > 30 and {"gate/blind", "GD-02/deadman"} <= {one.alarm for one in live.told}

    outcome = run(SITE, Recording(tmp_path / "telemetry"))  # the gateway still has the folder open
    assert facts(outcome.transitions) == facts(live.told)
    assert outcome.samples == live.store.position and outcome.outages == 0
    await live.store.close()


async def test_what_was_calculated_is_stored_and_is_calculated_again_by_a_replay(tmp_path):
    def with_formula(text):
        return site(gas("GD-01"), gas("GD-02"), derived("twice", "[mean] * 2"), derived("mean", text))

    here = with_formula("([GD-01] + [GD-02]) / 2")
    live = Live(tmp_path, ManualClock(), here)
    for second in range(120):
        live.clock.advance(1)
        await live.poll([0], [30 + 25 * np.sin(second / 10)])
        live.clock.advance(0.1)
        await live.poll([1], [20.0])
    await live.durable()
    mean = 3
    stored = Frame.concat([frame for _, frame in live.store.frames()])
    last = stored.take(stored.signal == mean)
    assert len(stored) == live.store.position == 4 * 240 - 2 * 120  # every sample of two, and two more at each instant
    assert last.value[-1] == pytest.approx((30 + 25 * np.sin(11.9) + 20) / 2)
    trend = live.store.history([mean], 0, 2**62, 1)
    assert trend.count[0, 0] == 239, "all but the first, which waited for its other input"

    again = run(here, Recording(tmp_path / "telemetry"))
    assert facts(again.transitions) == facts(live.told) and {"mean/H", "twice/H"} <= {one.alarm for one in live.told}
    other = run(with_formula("([GD-01] + [GD-02]) / 200"), Recording(tmp_path / "telemetry"))
    assert not {"mean/H", "twice/H"} & {one.alarm for one in other.occurrences}, "a stored value does not count"

    end = int(live.told[-1].wall_ns)
    found = explain(here, here.alarms.get("twice/H"), Recording(tmp_path / "telemetry"), end)
    assert found.settings[0].en == "calculated: [mean] * 2"
    assert [len(found.samples[name]) for name in ("twice", "GD-01", "GD-02")] == [10, 3, 3]
    await live.store.close()


def test_what_is_calculated_is_judged_where_its_measured_inputs_were_recorded(tmp_path):
    here = site(gas("GD-01"), gas("GD-02"), derived("one", "[GD-01]"), derived("both", "[one] + [GD-02]"))
    (tmp_path / "one.csv").write_text("time,GD-01,both\n1790000000,1,99\n1790000001,2,99\n")
    outcome = run(here, CsvRecording(tmp_path / "one.csv", here.signals.ids))
    assert outcome.not_judged["both/H"] == ("GD-02",) and "one/H" not in outcome.not_judged
    assert outcome.occurrences == () and outcome.recorded == 2


async def test_an_outage_of_the_gateway_is_not_silence_of_the_field(tmp_path):
    clock = ManualClock()
    for _ in range(2):
        live = Live(tmp_path, clock)
        for _ in range(5):
            clock.advance(1)
            await live.poll(range(3), [1, 1, 1])
        live.pipeline.close()
        await live.store.close()
        clock.advance(3600)
    outcome = run(SITE, Recording(tmp_path / "telemetry"))
    assert outcome.occurrences == () and outcome.outages == 1 and outcome.watched_s == pytest.approx(8)


@pytest.mark.survives("CSV for replay: a gap", then="silence: deadmen run out in it, zones become blind")
def test_in_a_csv_file_a_gap_is_silence(tmp_path):
    path = tmp_path / "gap.csv"
    path.write_text("time,GD-01,GD-02,GD-03\n1790000000,1,1,1\n1790000001,1,1,1\n1790000060,1,1,1\n")
    outcome = run(SITE, CsvRecording(path, SITE.signals.ids))
    assert [one.alarm for one in outcome.occurrences] == [
        "GD-01/deadman", "GD-02/deadman", "GD-03/deadman", "tank_farm/blind", "gate/blind"]
    assert {one.line_ns - 1790000001 * NS for one in outcome.occurrences} == {5 * NS}


async def test_a_recording_can_be_cut_by_time_and_read_by_another_site(tmp_path):
    live = Live(tmp_path, ManualClock())
    start = live.clock.now().wall_ns
    for second in range(20):
        live.clock.advance(1)
        await live.poll(range(3), [1, 1, 25 if second == 10 else 1])
    await live.durable()
    await live.store.close()
    later = site(gas("NEW"), gas("GD-03", area="gate"))
    recording = Recording(tmp_path / "telemetry", start + 6 * NS, start + 15 * NS)
    outcome = run(later, recording)
    assert outcome.samples == 10 and [one.alarm for one in outcome.occurrences] == ["GD-03/H"]
    assert outcome.not_judged == {"NEW/H": ("NEW",), "NEW/HH": ("NEW",), "NEW/deadman": ("NEW",),
                                  "NEW/invalid": ("NEW",), "NEW/over-range": ("NEW",), "tank_farm/blind": ("NEW",)}
    assert recording.wall_high == start + 20 * NS


def test_an_empty_folder_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(StoreError, match=r"no measured data is stored here.*--data"):
        Recording(tmp_path)


def test_the_cut_of_the_stream_changes_nothing():
    rng = np.random.default_rng(5)
    line = np.sort(rng.integers(0, 200 * NS, 3000))
    whole = Frame.from_columns(rng.integers(0, 3, 3000).astype(np.int32), rng.normal(20, 8, 3000),
                               np.zeros(3000, np.uint16), line + 10**18, line)
    outcomes = []
    for size in (1, 7, 3000):
        replay = Replay(SITE, SITE.signals.ids)
        for first in range(0, 3000, size):
            replay.feed(whole.take(slice(first, first + size)))
        outcomes.append(replay.outcome())
    assert len(outcomes[0].transitions) > 100
    assert facts(outcomes[0].transitions) == facts(outcomes[1].transitions) == facts(outcomes[2].transitions)


def test_who_acknowledges_decides_the_first_out_and_nothing_else():
    one, two = gas("GD-01", deadman_s=None), gas("GD-02", deadman_s=None)
    frame = Frame.concat([Frame.of([0, 1], [25 if second in (10, 101) else 1, 25 if second in (11, 100) else 1], at)
                          for second, at in ((n, ManualClock().advance(n)) for n in range(200))])
    outcomes = []
    for after in (60.0, 1e9):
        replay = Replay(site(one, two), ["GD-01", "GD-02"], after)
        replay.feed(frame)
        outcomes.append(replay.outcome())
    first_outs = [[part.alarm for part in outcome.occurrences if part.first_out] for outcome in outcomes]
    assert first_outs == [["GD-01/H", "GD-02/H"], ["GD-01/H", "GD-01/H"]]
    assert facts(outcomes[0].transitions) == facts(outcomes[1].transitions)


class TestExplain:
    """Why an alarm stood, from the store."""

    async def record(self, folder) -> int:
        """GD-01 falls silent after 10 s; the gateway is off from 20 s to 100 s. Returns the wall time of the start."""
        clock = ManualClock()
        start = clock.now().wall_ns
        for signals, seconds in (((0, 1, 2), 10), ((1, 2), 10), ((0, 1, 2), 5)):
            live = Live(folder, clock)
            for _ in range(seconds):
                clock.advance(1)
                await live.poll(signals, [1.0] * len(signals))
            live.pipeline.close()
            await live.store.close()
            clock.advance(80 if clock.now().line_ns == 20 * NS else 0)
        return start

    @pytest.mark.parametrize("second, stands, judged", [(9, False, 9), (14.5, False, 14.5), (16, True, 16),
                                                        (50, True, 20), (103, False, 103), (500, False, 105)])
    async def test_at_an_instant(self, tmp_path, second, stands, judged):
        start = await self.record(tmp_path)
        alarm = SITE.alarms.get("GD-01/deadman")
        found = explain(SITE, alarm, Recording(tmp_path / "telemetry"), start + round(second * NS))
        assert found.stands is stands and found.at_wall_ns == start + round(judged * NS)
        assert max(sample.wall_ns for sample in found.samples["GD-01"]) <= found.at_wall_ns

    async def test_a_sender_with_a_wrong_clock_does_not_move_the_instant(self, tmp_path):
        live = Live(tmp_path, ManualClock())
        start = live.clock.now().wall_ns
        for _ in range(30):
            now = live.clock.advance(1)
            wall = [now.wall_ns, now.wall_ns, now.wall_ns + 10**12]
            await live.pipeline.put(Frame.of([0, 1, 2], [1, 1, 25], now, wall_ns=wall))
            live.pipeline.step()
        await live.durable()
        await live.store.close()
        found = explain(SITE, SITE.alarms.get("GD-03/H"), Recording(tmp_path / "telemetry"), start + 20 * NS)
        assert found.stands and found.at_wall_ns == start + 20 * NS and found.older


def test_without_the_status_beside_it_a_reading_is_believed(tmp_path):
    """An unknown status makes a reading uncertain: its alarms would begin and never end."""
    linked = site(gas("GD-01", status=StatusLink("GD-01.status", (0,), (3,), (4,))),
                  Signal("GD-01.status", Text.same("status"), "status", "", "tank_farm"))
    rows = "".join(f"{1790000000 + n},{25 if n == 5 else 1},{0 if n < 8 else 4}\n" for n in range(12))
    (tmp_path / "both.csv").write_text("time,GD-01,GD-01.status\n" + rows)
    (tmp_path / "reading.csv").write_text("time,GD-01\n" + "".join(f"{row.rpartition(',')[0]}\n"
                                                                  for row in rows.splitlines()))
    both, reading = (run(linked, CsvRecording(tmp_path / f"{name}.csv", linked.signals.ids))
                     for name in ("both", "reading"))
    assert [(one.alarm, one.ended_line_ns is None) for one in both.occurrences][:2] == [
        ("GD-01/H", False), ("GD-01/inhibit", True)]
    assert [(one.alarm, one.ended_line_ns is None) for one in reading.occurrences] == [("GD-01/H", False)]
    assert both.not_judged == {} and reading.not_judged == dict.fromkeys(
        ("GD-01/inhibit", "GD-01/over-range"), ("GD-01.status",))


def test_late_samples_are_counted():
    replay = Replay(SITE, SITE.signals.ids)
    clock = ManualClock()
    now = clock.advance(10)
    replay.feed(Frame.of([0, 1, 2], [1, 1, 1], now))
    replay.feed(Frame.of([0], [25], ManualClock().advance(5)))
    assert replay.outcome().late == 1 and replay.outcome().occurrences == ()


def test_gas_beyond_its_range_is_explained_by_the_range():
    alarm = (one := site(gas("GD-01"))).alarms.get("GD-01/over-range")
    assert [text.en for text in settings(one, alarm)] == [
        "a reading beyond 100.0 %LEL, the top of its range; it waits for a person"]
