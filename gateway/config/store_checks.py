"""Does what is to be kept fit where it is to be kept?"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from gateway.config.draft import Draft
from gateway.model.errors import Problem
from gateway.model.text import Text

DAY_S: Final = 86_400
BYTES_A_DAY: Final = 26_000  # of the minutes of one signal at 1 Hz, measured: docs/decisions/minutes-by-the-gateway.md


def store_problems(draft: Draft) -> Iterator[Problem]:
    """Minutes that are deleted for their size long before they are old enough."""
    store, signals = draft.store, len(draft.named["signals"])
    if store is None or not signals:
        return
    fit, asked = store.minutes_max_size / (signals * BYTES_A_DAY), store.minutes_max_age / DAY_S
    if fit < asked:
        needed = -(-signals * BYTES_A_DAY * asked // 1e9)
        yield draft.document.spot(("store", "minutes_max_size")).problem(
            Text("minutes of {signals} signals reach back about {fit:.0f} days, not {asked:.0f}: then "
                 "`minutes_max_size` ({size:g} GB) is full",
                 "{signals} 个信号的分钟数据约 {fit:.0f} 天即占满 `minutes_max_size`（{size:g} GB），"
                 "不足 {asked:.0f} 天").format(
                signals=signals, fit=fit, asked=asked, size=store.minutes_max_size / 1e9),
            Text('if the disk has room, write minutes_max_size = "{needed:.0f}GB"; else shorten minutes_max_age, and '
                 "let a database keep them", '磁盘空间足够时填写 minutes_max_size = "{needed:.0f}GB"；否则缩短 '
                 "minutes_max_age，由数据库长期保存").format(needed=needed), "warning")
