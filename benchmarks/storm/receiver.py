"""`python -m benchmarks.storm.receiver`: a channel, as an HTTP server that takes everything and notes when what came.

stdout: the port, then one line of JSON per request: time.monotonic_ns() when it was read, and what it was about: for
Davylamp the keys of all notices in the message, for Alertmanager the alarms that it names as firing.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from contextlib import suppress


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(asyncio.IncompleteReadError, ConnectionError):
        while True:
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            fields = dict(line.split(": ", 1) for line in head.split("\r\n")[1:] if ": " in line)
            fields = {name.lower(): value for name, value in fields.items()}
            body = await reader.readexactly(int(fields.get("content-length", 0)))
            now = time.monotonic_ns()
            message = json.loads(body)
            if "key" in message:  # a bundle names what it carries
                about = [one["key"] for one in message.get("alarms", [message])]
            else:
                about = [alert["labels"]["alarm"] for alert in message["alerts"] if alert["status"] == "firing"]
            os.write(1, (json.dumps([now, about]) + "\n").encode())
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            await writer.drain()
    writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, limit=1 << 26)
    os.write(1, f"{server.sockets[0].getsockname()[1]}\n".encode())
    await asyncio.to_thread(sys.stdin.read)  # until the one who started it is done


if __name__ == "__main__":
    asyncio.run(main())
