"""A fast MQTT 3.1.1 publisher at QoS 1, in a process of its own: `python -m benchmarks.publisher`, its job on stdin.

Plain sockets and ready-made packets, so that it takes as little as possible of the machine it shares with what is
measured. Says {"ready": true} when it is connected, starts at the next line on stdin, and says at the end when it
started (monotonic ns) and how many messages the broker has acknowledged.
"""

from __future__ import annotations

import json
import random
import selectors
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle

_PUBACK = 4  # bytes
_PACE = 64  # packets handed to the kernel at a time
_PACED_S = 0.02  # between two looks of a publisher that keeps a rate


@dataclass(frozen=True)
class Job:
    """`messages` over `connections` to `senders` topics. topic: with {n}, the number of the sender.

    values  0: {"temperature": ..., "humidity": ...}, else {"values": [...]} with so many numbers
    window  unacknowledged messages on the way, per connection
    rate    messages a second of all connections together; 0: as fast as the broker takes them
    variety different messages of one sender, sent in turn
    """

    port: int
    topic: str
    senders: int
    messages: int
    values: int = 0
    connections: int = 4
    window: int = 500
    rate: int = 0
    variety: int = 1


class _Connection:
    def __init__(self, job: Job, number: int, packets: Iterator[tuple[bytes, bytes]], messages: int):
        self.socket = socket.create_connection(("127.0.0.1", job.port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        name = f"publisher-{number}".encode()
        self.socket.sendall(_packet(0x10, b"\0\4MQTT\4\2" + struct.pack(">HH", 60, len(name)) + name))
        if self.socket.recv(4) != b"\x20\2\0\0":
            raise RuntimeError("the broker refused the connection")
        self.socket.setblocking(False)
        self._packets, self._left, self._window = packets, messages, job.window
        self._rate = job.rate / job.connections
        self._began = 0.0
        self._sent = 0
        self._rest = b""
        self._bytes_back = 0

    @property
    def acknowledged(self) -> int:
        return self._bytes_back // _PUBACK

    @property
    def done(self) -> bool:
        return not self._left and not self._rest and self.acknowledged == self._sent

    @property
    def has_to_say(self) -> bool:
        return bool(self._rest) or self._due > 0

    @property
    def _due(self) -> int:
        """Packets that may go now."""
        due = min(_PACE, self._left, self._window - (self._sent - self.acknowledged))
        if not self._rate:
            return due
        return min(due, int((time.monotonic() - self._began) * self._rate) - self._sent)

    def begin(self) -> None:
        self._began = time.monotonic()

    def write(self) -> None:
        if not self._rest:
            count = self._due
            parts = []
            for number in range(self._sent, self._sent + count):
                head, tail = next(self._packets)
                parts += (head, (number % 65_535 + 1).to_bytes(2, "big"), tail)
            self._rest = b"".join(parts)
            self._sent += count
            self._left -= count
        self._rest = self._rest[self.socket.send(self._rest):]

    def read(self) -> None:
        data = self.socket.recv(65_536)
        if not data:
            raise RuntimeError("the broker closed the connection")
        self._bytes_back += len(data)


def publish(job: Job) -> dict:
    connections = [_Connection(job, number, cycle(_packets(job, number)),
                               job.messages // job.connections + (number < job.messages % job.connections))
                   for number in range(job.connections)]
    print(json.dumps({"ready": True}), flush=True)
    sys.stdin.readline()
    started_ns = time.monotonic_ns()
    selector = selectors.DefaultSelector()
    for connection in connections:
        connection.begin()
        selector.register(connection.socket, selectors.EVENT_READ | selectors.EVENT_WRITE, connection)
    while not all(connection.done for connection in connections):
        if job.rate:
            time.sleep(_PACED_S)
        for key, events in selector.select():
            connection = key.data
            if events & selectors.EVENT_READ:
                connection.read()
            if events & selectors.EVENT_WRITE and connection.has_to_say:
                connection.write()
            wanted = selectors.EVENT_READ | (selectors.EVENT_WRITE if job.rate or connection.has_to_say else 0)
            if wanted != key.events:
                selector.modify(key.fileobj, wanted, connection)
    return {"started_ns": started_ns, "acknowledged": sum(connection.acknowledged for connection in connections)}


def _packets(job: Job, number: int) -> list[tuple[bytes, bytes]]:
    """Each sender's packet in two halves, between which the packet identifier goes. Every connection has its own."""
    rng = random.Random(number)
    packets = []
    senders = range(number, max(job.senders, job.connections), job.connections)
    for sender in [*senders] * job.variety:
        topic = job.topic.format(n=sender % job.senders).encode()
        payload = json.dumps({"values": [round(rng.uniform(0, 100), 2) for _ in range(job.values)]} if job.values else
                             {"temperature": round(rng.uniform(10, 40), 2), "humidity": round(rng.uniform(20, 80), 1)})
        whole = _packet(0x32, len(topic).to_bytes(2, "big") + topic + b"\0\0" + payload.encode())
        split = len(whole) - len(payload)
        packets.append((whole[:split - 2], whole[split:]))
    return packets


def _packet(kind: int, body: bytes) -> bytes:
    length, left = bytearray(), len(body)
    while True:
        left, seven = divmod(left, 128)
        length.append(seven | (0x80 if left else 0))
        if not left:
            return bytes((kind, *length)) + body


if __name__ == "__main__":
    print(json.dumps(publish(Job(**json.loads(sys.stdin.readline())))), flush=True)
