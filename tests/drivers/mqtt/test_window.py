"""When the disk has to hurry: a broker whose window is full sends nothing more, any other waits for a common commit."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.window import BURST_OVER_NS, LONGEST_NS, UNSURE_NS, Window
from gateway.model.clock import NS, TimeLine
from tests import servers
from tests.drivers.mqtt.stage import Pipe, driving, publish, section, table, until

COUNT = '[[topics]]\ntopic = "count"\nsignal = "N"\n'


class Broker:
    """A broker with a window, a disk that commits at once when it is asked to hurry, or `commit_s` after the first
    message that waits; everything by hand, on a clock of its own. dumps: what it held back it sends in one go."""

    def __init__(self, limit: int, dumps: bool = False, commit_s: float = 3.0):
        self.window, self.limit, self.commit_ns = Window(), limit, round(commit_s * NS)
        self.dumps = dumps
        self.now_ns = self.commits = self.queued = self.worst_ns = 0
        self._queued_ns = self._first_ns = 0

    def publish(self, count: int) -> None:
        if not self.queued:
            self._queued_ns = self.now_ns
        self.queued += count
        self._send()

    def _send(self, freed: bool = False) -> int:
        sent = self.queued if freed and self.dumps else max(0, min(self.queued, self.limit - self.window.waiting))
        for _ in range(sent):
            if not self.window.waiting:
                self._first_ns = self.now_ns
            self.window.arrived(self.now_ns)
        if sent:
            self.queued -= sent
            self.worst_ns = max(self.worst_ns, self.now_ns - self._queued_ns)
            self._queued_ns = self.now_ns
        return sent

    def pass_time(self, seconds: float) -> None:
        end_ns = self.now_ns + round(seconds * NS)
        while self.window.waiting:
            due_ns = max(self.now_ns, min(self.window.hurry_ns(), self._first_ns + self.commit_ns))
            if due_ns > end_ns:
                break
            self.now_ns = due_ns
            self.commits += 1
            filled = self.window.acknowledged(self.window.waiting, self.now_ns)
            held = self._send(freed=True)
            if filled:
                self.window.looked(filled, held)
        self.now_ns = end_ns


def test_bursts_of_every_second_come_to_share_a_commit():
    broker = Broker(limit=2000)
    for _ in range(60):
        broker.publish(50)
        broker.pass_time(1.0)
    assert broker.commits < 60 / 3 + 6, "a commit every 3 s, after some seconds in which it was learnt"


def test_a_steady_stream_shares_commits_from_the_first_second():
    broker = Broker(limit=2000)
    for _ in range(3000):
        broker.publish(1)
        broker.pass_time(0.01)
    assert broker.commits <= 30 / 3 + 1


@pytest.mark.parametrize("dumps", [False, True])
@pytest.mark.parametrize("limit", [1, 10, 20])
def test_a_broker_with_a_small_window_is_never_left_waiting_for_long(limit, dumps):
    """Bursts that do not fit: what the broker holds back comes after a moment, once it is known without any delay."""
    broker = Broker(limit, dumps)
    for _ in range(20):
        broker.publish(5 * limit)
        broker.pass_time(30.0)
        assert broker.queued == 0
    assert broker.worst_ns <= BURST_OVER_NS
    broker.worst_ns = 0
    broker.publish(50 * limit)
    broker.pass_time(1.0)
    assert broker.worst_ns == 0 and broker.queued == 0


def test_a_window_that_was_just_filled_and_no_more_costs_one_short_delay():
    """20 messages fill it and nothing waits: that looks like a larger window, until the first burst that is larger."""
    broker = Broker(limit=20)
    for _ in range(3):
        broker.publish(20)
        broker.pass_time(10.0)
    assert broker.worst_ns == 0
    for _ in range(10):
        broker.publish(40)
        broker.pass_time(10.0)
    assert BURST_OVER_NS < broker.worst_ns <= UNSURE_NS
    broker.worst_ns = 0
    broker.publish(200)
    broker.pass_time(1.0)
    assert broker.worst_ns <= BURST_OVER_NS


@given(st.integers(1, 60), st.booleans(), st.lists(st.tuples(st.integers(1, 150), st.floats(0.0, 4.0)), max_size=60))
def test_whatever_comes_nothing_waits_at_a_full_broker_for_longer_than_the_unsure_time(limit, dumps, bursts):
    broker = Broker(limit, dumps)
    for count, pause_s in bursts:
        broker.publish(count)
        broker.pass_time(pause_s)
    broker.pass_time(1000.0)
    assert broker.queued == broker.window.waiting == 0
    assert broker.worst_ns <= UNSURE_NS
    assert UNSURE_NS < LONGEST_NS


async def test_what_the_pipeline_takes_late_is_hurried_too(tmp_path):
    """The disk was asked while the pipeline was behind: it had nothing of it then, and is asked again."""
    with servers.mosquitto(tmp_path) as broker:
        config = section(COUNT, port=broker.port)
        pipe = Pipe(table(config), durable=False)
        async with driving(config, pipe, TimeLine()) as run:
            await run.online()
            pipe.open.clear()
            await publish(broker.port, [("count", b"1")])
            await until(lambda: pipe.hurries)
            asked = pipe.hurries
            pipe.open.set()
            await until(lambda: pipe.waiting)
            await asyncio.sleep(0)
            assert pipe.hurries == asked + 1


async def test_a_real_brokers_window_is_found_out(tmp_path):
    """mosquitto with its default window: bursts that do not fit come through, the disk is asked for each part."""
    with servers.mosquitto(tmp_path, extra="max_inflight_messages 20") as broker:
        config = section(COUNT, port=broker.port)
        pipe = Pipe(table(config), durable=False)
        async with driving(config, pipe, TimeLine()) as run:
            await run.online()

            async def disk() -> None:
                done = 0
                while True:
                    await asyncio.sleep(0.005)
                    if pipe.hurries > done:
                        done = pipe.hurries
                        waiting, pipe.waiting = pipe.waiting, []
                        for on_durable in waiting:
                            on_durable()

            writer = asyncio.create_task(disk())
            for start in range(0, 1200, 400):
                await publish(broker.port, [("count", str(number).encode()) for number in range(start, start + 400)])
            await until(lambda: run.count("acknowledged") == 1200)
            writer.cancel()
            assert pipe.good("N") == [float(number) for number in range(1200)]
            assert run.count("acknowledged_undurable") == 0
