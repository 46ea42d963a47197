"""The inbox: bounded, in order, and never without a word about what it drops."""

from __future__ import annotations

from drivers.mqtt.decode import Arrival
from drivers.mqtt.inbox import Inbox, Lost, Opened
from drivers.mqtt.session import Receipts
from gateway.model.clock import Instant

AT = Instant(0, 0)


def message(number: int, qos: int = 1, size: int = 1) -> Arrival:
    return Arrival("t", b"x" * size, qos, number, False, False, AT)


async def test_messages_of_two_connections_are_never_taken_together():
    inbox = Inbox(100, 10_000)
    first, second = Opened(Receipts(print)), Opened(Receipts(print))
    for event in (first, message(1), message(2), Lost(AT), second, message(1)):
        inbox.offer(event) if isinstance(event, Arrival) else inbox.mark(event)
    taken = [await inbox.take(10, 1000) for _ in range(5)]
    assert taken == [first, [message(1), message(2)], Lost(AT), second, [message(1)]]
    assert len(inbox) == 0


async def test_a_take_is_bounded_in_number_and_bytes():
    inbox = Inbox(100, 10_000)
    for number in range(10):
        inbox.offer(message(number, size=10))
    assert len(await inbox.take(3, 1000)) == 3
    assert len(await inbox.take(100, 25)) == 3
    assert len(await inbox.take(100, 1000)) == 4


def test_qos_0_is_dropped_from_half_full_on_and_qos_1_never():
    inbox = Inbox(10, 10_000)
    assert [inbox.offer(message(number, qos=0)) for number in range(7)] == [True] * 5 + [False] * 2
    assert all(inbox.offer(message(number)) for number in range(5))
    assert inbox.full


def test_bytes_count_too():
    inbox = Inbox(1000, 100)
    assert inbox.offer(message(1, size=60))
    assert not inbox.offer(message(2, qos=0, size=1))
    assert not inbox.full and inbox.offer(message(3, size=60)) and inbox.full
