"""A small plant for stories: sites in a few words, samples at seconds, edges as readable triples."""

from __future__ import annotations

from collections.abc import Iterable

from gateway.core import Bank
from gateway.model.alarm import Priority, Risk
from gateway.model.area import Area
from gateway.model.clock import NS, Instant
from gateway.model.condition import Condition
from gateway.model.frame import Frame
from gateway.model.quality import Quality
from gateway.model.rules import Rule
from gateway.model.signal import Limit, Signal, SignalTable
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Verdicts

Told = tuple[str, str, float]  # alarm, begins or ends, second
WALL = 1_790_000_000 * NS


def limit(condition: Condition | str, value: float, **settings) -> Limit:
    return Limit(Condition(condition), value, Priority.P2, Risk.ORANGE, **settings)


def signal(name: str, *limits: Limit, **settings) -> Signal:
    return Signal(name, Text.same(name), settings.pop("kind", "any"), "u", settings.pop("area", "tank_farm"),
                  limits=limits, **settings)


def gas(name: str, *limits: Limit, **settings) -> Signal:
    return signal(name, *limits, **{"low": 0.0, "high": 100.0, "deadman_s": 5.0, "gas": True} | settings)


def site(*signals: Signal, rules: Iterable[Rule] = ()) -> Site:
    areas = tuple(Area(area, Text.same(area)) for area in sorted({signal.area for signal in signals}))
    return Site("depot", Text.same("depot"), "Asia/Shanghai", "en", areas, SignalTable(signals), tuple(rules))


class Plant:
    """A bank under watch. Times are seconds on the time line since the start of watching."""

    def __init__(self, site: Site, bank: Bank | None = None):
        self.site, self.bank = site, bank or Bank(site)
        self.verdicts, self.strokes = Verdicts.none(), []
        if bank is None:
            self.bank.begin(instant(0))

    def at(self, second: float, values: dict[str, float], quality: Quality = Quality.GOOD) -> list[Told]:
        """These signals are read at this second; what begins and ends because of it."""
        at = instant(second)
        index = [self.site.signals.index(name) for name in values]
        return self._told(self.bank.step(Frame.of(index, list(values.values()), at, quality)))

    def wait(self, second: float) -> list[Told]:
        """Nothing comes until this second."""
        return self._told(self.bank.tick(instant(second)))

    def after_restart(self, site: Site | None = None) -> Plant:
        site = site or self.site
        bank = Bank(site)
        bank.restore(self.bank.snapshot())
        return Plant(site, bank)

    def standing(self) -> set[str]:
        return {self.site.alarms[edge.alarm].id for edge in self.bank.standing()}

    def trace(self) -> list[str]:
        """The evidence of the newest edge, as a person reads it."""
        return [f"{line.signal}: {line.note}" for line in list(self.verdicts)[-1].evidence]

    def _told(self, verdicts: Verdicts) -> list[Told]:
        self.strokes += verdicts.strokes
        if len(verdicts):
            self.verdicts = verdicts
        return [(self.site.alarms[edge.alarm].id, "begins" if edge.active else "ends", edge.line_ns / NS)
                for edge in verdicts]


def instant(second: float) -> Instant:
    line = round(second * NS)
    return Instant(line, WALL + line)
