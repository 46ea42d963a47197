"""`python -m tests.chaos.campaign [--faults 500] [--seed 1] [--results FILE]`: see tests.chaos.campaign. Needs root.

The same seed gives the same faults in the same order in every lane. Ctrl-C ends it early and judges what has been.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import signal
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np

from tests.chaos.campaign import verdict
from tests.chaos.campaign.faults import KINDS, Kind
from tests.chaos.campaign.stage import PAGE, WATCHDOG_S, Stage, alone

SETTLE_S = 460.0  # for the last conditions to be told of, and the database to have everything


def plan(faults: int, seed: int, without: Sequence[str] = ()) -> dict[str, list[Kind]]:
    """Lane -> its faults in order."""
    chance = random.Random(seed)
    lanes: dict[str, list[Kind]] = {kind.lane: [] for kind in KINDS}
    for kind in (kind for kind in KINDS if kind.name not in without):
        lanes[kind.lane] += [kind] * max(1, round(faults * kind.share / 1000))
    for lane in lanes.values():
        chance.shuffle(lane)
    return lanes


class Campaign:
    def __init__(self, folder: Path, faults: int, seed: int, without: Sequence[str]):
        self.stage = Stage(folder, seed)
        self.lanes = plan(faults, seed, without)
        self.seed = seed
        self.done: Counter[str] = Counter()
        self.began = time.monotonic()

    async def run(self) -> dict:
        stage = self.stage
        await stage.open()
        try:
            stage.lamp.start()
            supervisor = asyncio.create_task(stage.lamp.supervise())
            await stage.lamp.ready()
            await self._all_lanes()
            settled = await self._settle()
            supervisor.cancel()
            stage.lamp.gone("end")
            stage.lamp.process.send_signal(signal.SIGTERM)
            status = await asyncio.to_thread(stage.lamp.process.wait, 30)
            return self._judge(settled, status)
        finally:
            stage.close()

    async def _all_lanes(self) -> None:
        total = sum(map(len, self.lanes.values()))
        disk = asyncio.create_task(self._lane("disk", self.lanes["disk"], 2.0, total))
        tasks = [disk, *(asyncio.create_task(self._lane(name, lane, 0.0, total))
                         for name, lane in self.lanes.items() if name != "disk")]
        asyncio.get_running_loop().add_signal_handler(signal.SIGINT, lambda: [task.cancel() for task in tasks])
        for ended in await asyncio.gather(*tasks, return_exceptions=True):
            if isinstance(ended, Exception):
                raise ended

    async def _lane(self, name: str, kinds: list[Kind], pause_s: float, total: int) -> None:
        """The disk's lane sets the pace; the others spread their faults over about the same time."""
        chance = random.Random(f"{self.seed} {name}")
        longest = 2 * pause_s or 2 * max(0.0, len(self.lanes["disk"]) * 5.0 / len(kinds) - 3.0)
        for kind in kinds:
            await asyncio.sleep(chance.uniform(0, longest))
            noted = await kind.do(self.stage, chance)
            self.done[kind.name] += 1
            number = sum(self.done.values())
            print(f"{time.monotonic() - self.began:7.1f} s  {number:4}/{total}  {kind.name:18} {noted}", flush=True)

    async def _settle(self) -> float | None:
        """All is well again. The seconds until everything was told and sent; None: not within the bound."""
        stage, began = self.stage, time.monotonic()
        stage.cable(True)
        await stage.ask(raising=False, publishing=False,
                        mood={"modbus": "well", "database": "well", "receiver": "well"})
        while time.monotonic() - began < SETTLE_S:
            await asyncio.sleep(2)
            if not (await stage.ask())["open"] and await asyncio.to_thread(_all_sent):
                return time.monotonic() - began
        return None

    def _judge(self, settled: float | None, status: int) -> dict:
        stage = self.stage
        heard = verdict.heard(stage.folder)
        kept = verdict.stored(stage.folder, stage.lamp.data)
        gone, gone_bad = verdict.missing(heard, kept, stage.disk_bad)
        lives = stage.lamp.lives
        told = np.array(heard.told_s or [np.nan])
        ready = np.array([life.ready_s for life in lives if life.ready_s is not None])
        log = (stage.folder / "lamp.log").read_text(errors="replace")
        return {
            "seed": self.seed, "faults": dict(self.done), "minutes": (time.monotonic() - self.began) / 60,
            "samples acknowledged": len(heard.acknowledged),
            "acknowledged samples missing": len(gone),
            "acknowledged while the disk took nothing, and missing": len(gone_bad),
            "of the acknowledged: in the store": len(kept & set(heard.acknowledged)),
            "of the acknowledged: in the database": len(heard.rows & set(heard.acknowledged)),
            "alarm conditions": heard.conditions,
            "alarm conditions nobody was told of": sum(one["event"] == "raise" for one in heard.lost),
            "their ends nobody was told of": sum(one["event"] == "return" for one in heard.lost),
            "of these: announced but not recorded, before the card was repaired": verdict.unrecorded(
                heard.lost, stage.disk_bad),
            "condition to notice, median and worst, s": [float(np.median(told)), float(told.max())],
            "occurrences announced": heard.raises,
            "starts": len(lives), "start to ready, median and worst, s": [float(np.median(ready)), float(ready.max())],
            "unplanned exits": len(stage.lamp.unplanned), "of what kind": dict(Counter(stage.lamp.unplanned)),
            "tracebacks in the log": log.count("Traceback"),
            "all told and sent after the last fault, s": settled, "status of the last end": status,
            "watchdog, s": WATCHDOG_S,
        }


def _all_sent() -> bool:
    """Whether the gateway says that the database has everything."""
    with suppress(OSError), urllib.request.urlopen(f"http://127.0.0.1:{PAGE}/metrics", timeout=5) as answer:
        return b'davylamp_sink_lag_samples{sink="influx"} 0\n' in answer.read()
    return False


def main() -> int:
    parser = argparse.ArgumentParser("campaign")
    parser.add_argument("--faults", type=int, default=500)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--without", nargs="*", default=(), choices=[kind.name for kind in KINDS], metavar="KIND")
    parser.add_argument("--results", type=Path, help="a JSON file for the figures")
    parser.add_argument("--keep", type=Path, help="a new folder for logs and diary, which stays")
    options = parser.parse_args()
    alone()
    if options.keep:
        options.keep.mkdir()
        folder = options.keep
    else:
        folder = Path(tempfile.mkdtemp(prefix="davylamp-chaos-"))
    figures = asyncio.run(Campaign(folder, options.faults, options.seed, options.without).run())
    print(json.dumps(figures, indent=1, ensure_ascii=False))
    if options.results:
        options.results.write_text(json.dumps(figures, indent=1, ensure_ascii=False) + "\n")
    bad = (figures["acknowledged samples missing"] or figures["alarm conditions nobody was told of"]
           or figures["all told and sent after the last fault, s"] is None)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
