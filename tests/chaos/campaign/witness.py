"""`python -m tests.chaos.campaign.witness FOLDER HOST SEED`: all that stands around the gateway, and its memory.

It imports nothing of the gateway's. A Modbus device with eight gas heads, of which it knows when each stood over its
limit; a publisher whose samples are numbered; the line to the broker; a database and a receiver of notices, each with
moods. Every line of FOLDER/witness.jsonl is one thing that happened: {"t": seconds, "what": ..., ...}.

Commands come by a socket, FOLDER/witness.sock: one JSON object per line, answered by one.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import signal
import struct
import sys
import time
from contextlib import suppress
from pathlib import Path

import paho.mqtt.client as mqtt

from tests.chaos.campaign.wire import Wire

MODBUS, BROKER, BEHIND, DATABASE, RECEIVER = 5020, 1883, 1884, 8086, 8090  # BEHIND: the broker itself
HEADS = 8
QUIET, HIGH = 50, 600  # registers in tenths
TOPIC = "plant/count"
PER_S = 40  # numbered samples
PATIENCE_S = {"raise": 400.0, "return": 60.0}  # what has not come by then is lost; a P1 is told again after 300 s
_LINE = re.compile(rb"^telemetry,[^ ]*signal=COUNT[, ][^\n]*?value=(\d+)", re.MULTILINE)


class Witness:
    def __init__(self, folder: Path, host: str, seed: int):
        self.host, self.folder = host, folder
        self.chance = random.Random(seed)
        self.log = (folder / "witness.jsonl").open("a", buffering=1)
        self.gas = [QUIET] * HEADS
        self.mood = {"modbus": "well", "database": "well", "receiver": "well"}
        self.heard: dict[str, asyncio.Event] = {}
        self.known: set[tuple[str, str]] = set()
        self.publishing, self.raising = True, True
        self.published = 0
        self.open_conditions = 0
        self.wire = Wire((host, BEHIND), lambda n: self.note("acknowledged", n=n))

    def note(self, what: str, **about) -> None:
        self.log.write(json.dumps({"t": time.monotonic(), "what": what, **about}) + "\n")

    async def run(self) -> None:
        await self.wire.serve(self.host, BROKER)
        await asyncio.start_server(self._device, self.host, MODBUS)
        await asyncio.start_server(self._database, self.host, DATABASE)
        await asyncio.start_server(self._receiver, self.host, RECEIVER)
        await asyncio.start_unix_server(self._command, self.folder / "witness.sock")
        tasks = [asyncio.create_task(self._head(head)) for head in range(HEADS)]
        tasks.append(asyncio.create_task(self._publish()))
        print("ready", flush=True)
        await asyncio.gather(*tasks)

    # -- gas heads: a condition stands until somebody was told of it

    async def _head(self, head: int) -> None:
        alarm = f"GAS-{head}/HH"
        number = 0
        while True:
            await asyncio.sleep(self.chance.uniform(1, 12))
            if not self.raising:
                continue
            number += 1
            self.open_conditions += 1
            await self._until_told(head, alarm, "raise", number, HIGH + head)
            await asyncio.sleep(self.chance.uniform(0, 3))
            await self._until_told(head, alarm, "return", number, QUIET)
            self.open_conditions -= 1

    async def _until_told(self, head: int, alarm: str, event: str, number: int, value: int) -> None:
        key = f"{alarm} {event}"
        told = self.heard[key] = asyncio.Event()
        self.gas[head] = value
        began = time.monotonic()
        self.note("condition", alarm=alarm, event=event, number=number)
        try:
            await asyncio.wait_for(told.wait(), PATIENCE_S[event])
            self.note("told", alarm=alarm, event=event, number=number, after_s=time.monotonic() - began)
        except TimeoutError:
            self.note("lost", alarm=alarm, event=event, number=number)

    async def _device(self, reader, writer) -> None:
        """Modbus TCP, function 3, as far as it is asked here; in another mood whatever is no answer."""
        with suppress(OSError, asyncio.IncompleteReadError):
            while True:
                head = await reader.readexactly(7)
                transaction, _, length, unit = struct.unpack(">HHHB", head)
                function, address, count = struct.unpack(">BHH", (await reader.readexactly(length - 1))[:5])
                rows = [*self.gas, *[0] * count][address:address + count]
                body = struct.pack(f">BBB{count}H", unit, function, 2 * count, *rows)
                answer = struct.pack(">HHH", transaction, 0, len(body)) + body
                if self.mood["modbus"] == "malformed":
                    answer = self._malformed(answer, transaction, unit, function)
                    if answer is None:
                        break
                writer.write(answer)
                await writer.drain()
        writer.close()

    def _malformed(self, answer: bytes, transaction: int, unit: int, function: int) -> bytes | None:
        """Never a well-formed answer with wrong numbers: Modbus TCP has no checksum, nobody could tell."""
        kind = self.chance.randrange(8)
        if kind == 0:
            return b""  # silence
        if kind == 1:
            return None  # hangs up
        if kind == 2:
            return answer[:self.chance.randrange(1, len(answer))]
        if kind == 3:
            return struct.pack(">HHHB", transaction, 7, 3, unit) + self.chance.randbytes(2)  # not Modbus
        if kind == 4:
            return struct.pack(">HHHBBB", transaction, 0, 3, unit, function | 0x80, self.chance.randrange(256))
        if kind == 5:
            return struct.pack(">HHHBBB", transaction, 0, 65_535, unit, function, 255)  # a length that never comes
        if kind == 6:
            return struct.pack(">HHHBBBB", transaction, 0, 4, unit, function, 200, 1)  # says 200 bytes, sends one
        return struct.pack(">H", transaction ^ 0x5555) + answer[2:]  # an answer to nobody's question

    # -- numbered samples

    async def _publish(self) -> None:
        client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, client_id="plant", clean_session=False)
        client.max_queued_messages_set(0)
        client.reconnect_delay_set(1, 1)
        client.connect_async(self.host, BEHIND)
        client.loop_start()
        while True:
            await asyncio.sleep(1 / PER_S)
            if self.publishing and client.is_connected():
                self.published += 1
                client.publish(TOPIC, json.dumps({"n": self.published}), qos=1)

    # -- the database and the receiver

    async def _database(self, reader, writer) -> None:
        await self._http(reader, writer, "database", self._rows)

    def _rows(self, body: bytes) -> None:
        if numbers := [int(number) for number in _LINE.findall(body)]:
            self.note("rows", n=numbers)

    async def _receiver(self, reader, writer) -> None:
        await self._http(reader, writer, "receiver", self._notice)

    def _notice(self, body: bytes) -> None:
        notice = json.loads(body)
        self.note("notice", alarm=notice["alarm"], event=notice["event"], key=notice["key"])
        known = (notice["key"], notice["event"])
        event = "raise" if notice["event"] == "re-alarm" else notice["event"]
        if known not in self.known and (told := self.heard.get(f"{notice['alarm']} {event}")):
            told.set()  # a repeat of an old one tells nobody of a new condition
        self.known.add(known)

    async def _http(self, reader, writer, who: str, take) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
                length = re.search(r"content-length: *(\d+)", head)
                body = await reader.readexactly(int(length[1]) if length else 0)
                mood = self.mood[who]
                if mood == "hang":
                    await asyncio.sleep(3)
                elif mood == "reset":
                    break
                elif mood == "nonsense":
                    writer.write(self.chance.randbytes(200))
                    break
                if mood.isdigit():
                    extra = "Retry-After: 1\r\n" if mood in ("503", "429") else ""
                    writer.write(f"HTTP/1.1 {mood} no\r\n{extra}Content-Length: 2\r\n\r\nno".encode())
                else:
                    take(body)  # before the answer: what was answered was taken
                    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await writer.drain()
        writer.close()

    # -- commands

    async def _command(self, reader, writer) -> None:
        while line := await reader.readline():
            asked = json.loads(line)
            self.mood |= asked.get("mood", {})
            self.publishing = asked.get("publishing", self.publishing)
            self.raising = asked.get("raising", self.raising)
            if "disturb" in asked:
                self.wire.disturb(self.chance)
            writer.write(json.dumps({"open": self.open_conditions, "published": self.published}).encode() + b"\n")


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    folder, host, seed = sys.argv[1:]
    asyncio.run(Witness(Path(folder), host, int(seed)).run())


if __name__ == "__main__":
    main()
