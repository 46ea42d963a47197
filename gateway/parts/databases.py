"""What is kept for years, and what is sent to databases."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from gateway import plugins
from gateway.config import SiteFile
from gateway.data_folder import ALARM_FILE, ARCHIVE_FILE
from gateway.historian.historian import Historian, Limits
from gateway.historian.streams import streams
from gateway.model.clock import Instant
from gateway.model.ports import Sink
from gateway.model.site import Site
from gateway.parts.chain import Chain
from gateway.sinks.erasure import Erasure
from gateway.sinks.stream import Samples
from gateway.store.archive import Archive

DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class Databases:
    historian: Historian
    sinks: Sequence[Sink]


def build_databases(site_file: SiteFile, site: Site, folder: Path, chain: Chain,
                    own: Callable[[Instant], Mapping[str, object]], closing: AsyncExitStack) -> Databases:
    """folder: data folder. own: the gateway's own row; first asked for when the historian runs."""
    section, archive = site_file.store, Archive(folder / ARCHIVE_FILE, site.signals)
    sent = {settings.id: streams(settings.id, archive, site, folder / ALARM_FILE, settings.batch,
                                 lambda: chain.timekeeping.holds_back)
            for settings in site_file.sinks}
    erasure = Erasure(site, chain.clock)
    sinks = [plugins.sink(settings, Samples(settings, site, chain.store.reader(settings.id, settings.backfill_rate)),
                          sent[settings.id], folder, erasure) for settings in site_file.sinks]
    historian = Historian(
        site, archive, chain.store, chain.bank, chain.alarms, chain.clock, own,
        Limits(section.minutes_max_age / DAY_S, section.minutes_max_size), section.commit_interval + 1,
        tuple(stream.wake for one in sent.values() for stream in one), told=chain.timekeeping.told)
    chain.pipeline.on_step.append(historian.look)
    closing.push_async_callback(historian.close)
    chain.alarms.on_commit.append(lambda *_: [stream.wake() for stream, *_ in sent.values()])
    return Databases(historian, sinks)
