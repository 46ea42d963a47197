"""The field: the drivers of its buses, and what a person has armed of sirens and beacons on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway import plugins
from gateway.annunciation import Annunciation
from gateway.config import SiteFile
from gateway.model.ports import DeviceStatus, Source
from gateway.model.site import Site
from gateway.parts.chain import Chain


@dataclass(frozen=True, slots=True)
class Field:
    sources: Sequence[Source]
    annunciation: Annunciation

    def devices(self) -> Sequence[DeviceStatus]:
        return [device for source in self.sources for device in source.devices()]

    def online(self) -> frozenset[str]:
        """The devices that answer, as SOURCE/DEVICE."""
        return frozenset(f"{device.source}/{device.device}" for device in self.devices() if device.online)

    def offline(self) -> frozenset[str]:
        """Those that do not."""
        return frozenset(f"{device.source}/{device.device}" for device in self.devices() if not device.online)


def build_field(site_file: SiteFile, site: Site, folder: Path, chain: Chain) -> Field:
    """folder: data folder, where it is kept what is armed."""
    sources = [plugins.source(section, site.signals, chain.pipeline, chain.clock) for section in site_file.sources]
    return Field(sources, Annunciation(site_file.annunciators, plugins.outputs(sources), chain.alarms, chain.clock,
                                       folder))
