"""A process that stores and says on its standard output which position is durable, until something kills it.

`python -m tests.store.writer FOLDER [--without-sync]`. The value of every sample is its position.
"""

from __future__ import annotations

import asyncio
import os
import random
import sys
from dataclasses import replace
from pathlib import Path

from gateway.model.clock import TimeLine
from gateway.store import TelemetryStore, last_instant
from gateway.store.disk import Disk
from tests.store.makers import QUICK, frame, signals


class Careless(Disk):
    """Says that it has synced and has not: shows that a test can tell the difference."""

    def sync(self, file):
        return

    def sync_folder(self, path):
        return


async def main(folder: Path, disk: Disk) -> None:
    clock = TimeLine.resume(last_instant(folder))
    store = TelemetryStore(folder, signals(40), replace(QUICK, commit_interval_s=0.002, max_size=8 << 20), clock, disk)
    store.open()
    print(f"open {store.position}", flush=True)
    while True:
        for _ in range(random.randint(1, 30)):
            position, size = store.position, random.randint(1, 40)
            store.append(frame(position, size, clock.now()),
                         lambda end=position + size: os.write(1, b"durable %d\n" % end))
        store.save("bank", b"%d" % store.position)
        await asyncio.sleep(random.random() * 0.005)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Careless() if "--without-sync" in sys.argv else Disk()))
