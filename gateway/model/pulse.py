"""The pulse of a task of ours: that it makes progress, whatever the world outside does.

A task promises when it will beat again. A poller whose bus is dead still asks, times out and beats; a poller that waits
for something that never comes does not. So what is fed by pulses (the watchdog, the heartbeat) tells a fault of ours
from a fault of the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from gateway.model.clock import NS, Clock
from gateway.model.text import Text

HANG_S: Final = 300.0  # far longer than anything takes that waits for others: a line full of silent devices, a receiver


class Pulse:
    """name: for people, such as "gas/controller". Rests until its first beat."""

    def __init__(self, name: str, clock: Clock):
        self.name = name
        self._clock = clock
        self._due_ns: int | None = None

    def beat(self, within_s: float = HANG_S) -> None:
        """Progress was made, and will be again within so many seconds."""
        self._due_ns = self._clock.now().line_ns + round(within_s * NS)

    def rest(self) -> None:
        """Nothing is to be done until something comes, which may take for ever."""
        self._due_ns = None

    def late_s(self) -> float:
        """Seconds since it should have beaten; 0 while it keeps its promise."""
        return 0.0 if self._due_ns is None else max(self._clock.now().line_ns - self._due_ns, 0) / NS


def hung(pulses: Iterable[Pulse]) -> tuple[Text, ...]:
    """Names of those that have broken their promise."""
    return tuple(Text.same(pulse.name) for pulse in pulses if pulse.late_s() > 0)


def no_progress(names: Sequence[Text]) -> Text:
    """Says it of these tasks; empty when there are none."""
    return Text("no progress: {names}", "没有进展：{names}").format(names=Text(
        ", ".join(name.en for name in names), "、".join(name.zh for name in names))) if names else Text("", "")
