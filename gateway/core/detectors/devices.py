"""Devices that are silent as a whole, and the share of devices that are not."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gateway.core.detectors.deadman import is_watched
from gateway.core.edges import Edges, Outage, Outages
from gateway.model.condition import Condition
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.model.verdict import Evidence


@dataclass(frozen=True, slots=True)
class OnlineShare:
    """How many devices of the site give data now, and how many there are that are watched."""

    online: int
    devices: int

    @property
    def ratio(self) -> float:
        """1.0 where no device is watched."""
        return self.online / self.devices if self.devices else 1.0


class Devices:
    """A device is silent while all its watched signals are; the site is told when too few devices are not.

    Formula: a device (what one Modbus slave or one MQTT publisher gives) is silent from the instant at which the
    deadman of the last of its watched signals begins, until one of them is heard again. Signals without one are not
    watched. A device with two or more has a `deadman` alarm of its own. The share of devices online is
    1 - silent / watched devices; `online` begins when it falls below `online_below` of the site, and ends when it is
    back. The value of its edge is the share in per cent.

    On a plant: one cable, one alarm that names the device, beside those of its signals, which it neither delays nor
    replaces. The share says how much of what should be seen is seen.

    Delay: that of the slowest deadman of the device. False alarms: none of its own.

    Like `blind`, it is told by the deadman, and looks once per instant after all that happened in it.
    """

    name = "devices"

    def __init__(self, site: Site):
        self._site, count = site, len(site.signals)
        numbers = {alarm.id: number for number, alarm in enumerate(site.alarms)}
        members = [(device, np.array([number for number in map(site.signals.index, device.signals)
                                      if is_watched(site.signals[number])], np.int64)) for device in site.devices]
        members = [(device, own) for device, own in members if own.size]
        self._devices = [device for device, _ in members]
        self._members = [own for _, own in members]
        self._alarm = [numbers.get(f"{device.id}/{Condition.DEADMAN}", -1) for device in self._devices]
        self._online = numbers.get(f"{site.id}/{Condition.ONLINE}", -1)
        self._of = np.full(count, -1, np.int64)  # device of each signal
        for place, own in enumerate(self._members):
            self._of[own] = place
        self._silent_signals = np.zeros(count, np.bool_)
        self._silent = np.zeros(len(members), np.bool_)
        self._few = False

    @property
    def share(self) -> OnlineShare:
        return OnlineShare(int(np.count_nonzero(~self._silent)), len(self._members))

    def settle(self, outages: list[Outage], edges: Edges) -> None:
        """Outages of one step, in order of time."""
        touched: set[int] = set()
        for position, (line, by_sample, signal, cause, began) in enumerate(outages):
            if cause == Outages.SILENT and self._of[signal] >= 0:
                self._silent_signals[signal] = began
                touched.add(int(self._of[signal]))
            if touched and (position + 1 == len(outages) or outages[position + 1][:2] != (line, by_sample)):
                for device in sorted(touched):
                    self._look(device, line, edges)
                self._count(line, edges)
                touched.clear()

    def state(self) -> dict[str, NDArray]:
        return {"silent": self._silent_signals}

    def restored(self, active: NDArray[np.bool_]) -> None:
        """State was written from outside; `active` is the state of all alarms, by number."""
        for device, own in enumerate(self._members):
            self._silent[device] = self._silent_signals[own].all()
        self._few = bool(self._online >= 0 and active[self._online])

    def adopt(self, alarms: NDArray[np.int64]) -> NDArray[np.int64]:
        """These alarms are known to stand. Returns the signals of those devices: who of them is heard ends it."""
        found = [own for alarm, own in zip(self._alarm, self._members, strict=True) if alarm in alarms]
        for own in found:
            self._silent_signals[own] = True
            self._silent[self._of[own[0]]] = True
        if self._online in alarms:
            self._few = True
            found = self._members
        return np.concatenate(found) if found else np.empty(0, np.int64)

    def _look(self, device: int, line: int, edges: Edges) -> None:
        own = self._members[device]
        silent = bool(self._silent_signals[own].all())
        if silent != self._silent[device]:
            self._silent[device] = silent
            if self._alarm[device] >= 0:
                edges.add(self._alarm[device], silent, np.nan, line)
                if silent:
                    note = Text("no data from any of its {n} watched signals", "其 {n} 个受监视信号均无数据").format(
                        n=own.size)
                    edges.explain((Evidence(line + edges.skew_ns, self._devices[device].id, np.nan, note),))

    def _count(self, line: int, edges: Edges) -> None:
        below = self._site.online_below
        few = below is not None and self.share.ratio * 100 < below
        if self._online >= 0 and few != self._few:
            self._few = few
            edges.add(self._online, few, self.share.ratio * 100, line)
            lost = [device.id for device, silent in zip(self._devices, self._silent, strict=True) if silent]
            note = Text("{online} of {devices} devices give data; silent: {lost}",
                        "{devices} 台设备中 {online} 台有数据；中断：{lost}").format(
                online=self.share.online, devices=self.share.devices, lost=", ".join(lost) or "-")
            edges.explain((Evidence(line + edges.skew_ns, self._site.id, self.share.ratio * 100, note),))
