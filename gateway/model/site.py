"""One site: everything the detectors, alarms and pages need to know about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from zoneinfo import ZoneInfo

from gateway.model.alarm import AlarmDefinition, AlarmTable, Priority
from gateway.model.area import Area
from gateway.model.condition import LIMIT_CONDITIONS, NEVER_WITHHELD
from gateway.model.group import Group
from gateway.model.peer import Peer
from gateway.model.rules import Proved, Rule
from gateway.model.signal import Device, Signal, SignalTable
from gateway.model.site_alarms import site_alarms
from gateway.model.suppression import Suppression
from gateway.model.text import Text
from gateway.model.zone import GasZone, gas_zones

ONLINE_TARGET = 99.5  # per cent


@dataclass(frozen=True)
class Site:
    """id: used in topics and tags. name: for people. timezone: IANA name; every time a person sees is in it.

    devices        what the sources give, by device
    kinds          names of the kinds of its signals
    online_target  share of devices online that the site aims at, in per cent: shown, no alarm
    online_below   an alarm when fewer per cent are online; None: no alarm
    peers          other gateways whose life this one watches
    exercises      the alarms of drills: no detector of the site raises them
    suppressions   when some alarms call nobody, by design
    suppress_offline  the alarm of a silent device speaks for those of its signals that say the same
    advice         what the site says of a kind of alarm, by the names of gateway.model.advice
    latitude, longitude  degrees, WGS 84; None: not told. contact: whom a regulator calls, "" where not told
    page           address at which the office opens the gateway's page, "" where not told
    """

    id: str
    name: Text
    timezone: str
    language: str
    areas: tuple[Area, ...]
    signals: SignalTable
    rules: tuple[Rule, ...] = ()
    guidance: dict[str, Text] | None = None  # by kind of signal: shown with its limit alarms
    groups: tuple[Group, ...] = ()
    devices: tuple[Device, ...] = ()
    online_target: float = ONLINE_TARGET
    online_below: float | None = None
    kinds: Mapping[str, Text] = field(default_factory=dict, hash=False)
    peers: tuple[Peer, ...] = ()
    exercises: tuple[AlarmDefinition, ...] = ()
    suppressions: tuple[Suppression, ...] = ()
    suppress_offline: bool = True
    advice: Mapping[str, Text] = field(default_factory=dict, hash=False)
    latitude: float | None = None
    longitude: float | None = None
    contact: str = ""
    page: str = ""

    @cached_property
    def alarms(self) -> AlarmTable:
        """Every alarm that this site can raise, with all that is known of what to do about it."""
        return AlarmTable((*site_alarms(self), *self.exercises))

    @property
    def proved(self) -> tuple[Proved, ...]:
        """The rules that keep a proof-test log."""
        return tuple(rule for rule in self.rules if isinstance(rule, Proved))

    @cached_property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @cached_property
    def gas_zones(self) -> tuple[GasZone, ...]:
        """What watches each area that has gas detectors, by kind of gas."""
        return gas_zones(self.signals, self.kinds)

    def area_name(self, area: str) -> Text:
        return next((known.name for known in self.areas if known.id == area), Text.same(area))

    def may_be_suppressed(self, alarm: AlarmDefinition) -> bool:
        """By design, which nobody commands and nobody approves at that hour."""
        gas = alarm.origin in self.signals and self.signal(alarm.origin).gas
        return not (alarm.priority is Priority.P1 or alarm.condition in NEVER_WITHHELD
                    or (gas and alarm.condition in LIMIT_CONDITIONS))

    def signal(self, id: str) -> Signal:
        """By its id. KeyError when unknown."""
        return self.signals[self.signals.index(id)]
