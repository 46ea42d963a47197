"""What the witness wrote down against what the gateway kept: the figures that the campaign is for."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gateway.app import load
from gateway.store import Recording
from tests.chaos.campaign.witness import PATIENCE_S


@dataclass(frozen=True)
class Heard:
    """From the witness's diary. acknowledged: number -> when; rows: numbers that the database took."""

    acknowledged: dict[int, float]
    rows: set[int]
    conditions: int
    told_s: tuple[float, ...]  # from the condition to the notice
    lost: tuple[dict, ...]
    raises: int  # different occurrences that were announced


def heard(folder: Path) -> Heard:
    acknowledged: dict[int, float] = {}
    rows: set[int] = set()
    told, lost, conditions, raises, ended, again = [], [], 0, set(), {}, []
    for one in _diary(folder):
        what = one["what"]
        if what == "acknowledged":
            acknowledged.setdefault(one["n"], one["t"])
        elif what == "rows":
            rows.update(one["n"])
        elif what == "condition":
            conditions += one["event"] == "raise"
            if one["event"] == "return":
                ended[one["alarm"], one["number"]] = one["t"]
        elif what == "told":
            told.append(one["after_s"])
        elif what == "lost":
            lost.append(one | {"ended": ended.get((one["alarm"], one["number"]))})
        elif what == "notice" and one["event"] in ("re-alarm", "recall"):
            again.append((one["alarm"], one["t"]))
        elif what == "notice" and one["event"] == "raise" and one["alarm"].startswith("GAS-"):
            raises.add(one["key"])
    for one in tuple(lost):  # the witness does not wait for a re-alarm or a recall: its diary tells
        waited = [when for alarm, when in again if one["event"] == "raise" and alarm == one["alarm"]
                  and one["t"] - PATIENCE_S["raise"] <= when <= one["t"]]
        if waited:
            lost.remove(one)
            told.append(waited[0] - one["t"] + PATIENCE_S["raise"])
    return Heard(acknowledged, rows, conditions, tuple(told), tuple(lost), len(raises))


def _diary(folder: Path) -> Iterator[dict]:
    with (folder / "witness.jsonl").open() as lines:
        for line in lines:
            yield json.loads(line)


def stored(folder: Path, data: Path) -> set[int]:
    """The numbers that are in the gateway's own store."""
    site = load(folder / "site.toml").site_file.site
    count = site.signals.index("COUNT")
    kept: set[int] = set()
    for _, frame in Recording(data / "telemetry").frames(site.signals):
        chosen = (frame.signal == count) & np.isfinite(frame.value)
        kept.update(frame.value[chosen].astype(np.int64).tolist())
    return kept


def missing(heard: Heard, kept: set[int], bad: Sequence[tuple[float, float]]) -> tuple[list[int], list[int]]:
    """Acknowledged and neither in the store nor in the database: while the disk worked; while it took nothing."""
    begins = sorted(bad)
    starts = [begin for begin, _ in begins]

    def was_bad(when: float) -> bool:
        place = bisect_right(starts, when) - 1
        return place >= 0 and when <= begins[place][1]

    gone = [number for number in heard.acknowledged if number not in kept and number not in heard.rows]
    return [n for n in gone if not was_bad(heard.acknowledged[n])], [n for n in gone if was_bad(heard.acknowledged[n])]


def unrecorded(lost: Sequence[dict], bad: Sequence[tuple[float, float]]) -> int:
    """Ends that nobody was told of because the disk took nothing when the alarm was raised or ended, and the gateway
    was started anew on the repaired card: it did not know of the alarm any more."""
    return sum(any(begin - 15 <= one["ended"] <= end + 15 for begin, end in bad)
               for one in lost if one["event"] == "return")
