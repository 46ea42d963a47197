"""What a database is asked to delete: samples and minutes of signals that the site keeps for a shorter time than the
database does (`keep` of a signal), once a day. Pure; the clock is asked.

InfluxDB 1.x deletes by InfluxQL (measured on 1.6.7), 2.x by /api/v2/delete as InfluxData documents it. InfluxDB 3 and
VictoriaMetrics have neither: they say so, the sink's status repeats it, and a database or bucket with a shorter
retention is what is left.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from gateway.model.clock import NS, Clock
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.sinks import schema
from gateway.sinks.schema import Measurement

EVERY_S: Final = 86400.0
AGAIN_S: Final = 600.0  # after the database did not answer, or while nobody knows what time it is
ABOUT: Final = (schema.TELEMETRY, schema.MINUTE)
UNABLE: Final = Text("{place} does not delete ({status} {reason}): samples and minutes of people stay there for longer "
                     "than their `keep`. Give it a shorter retention, or the user the right to write",
                     "{place} 无法删除数据（{status} {reason}）：人员相关样本和分钟数据的保留时间超过 `keep`。"
                     "请缩短该库的保留期，或授予该用户写入权限")


@dataclass(frozen=True, slots=True)
class Over:
    """Rows of this signal before this time. tags: which name it, with the site."""

    measurement: Measurement
    tags: Mapping[str, str]
    before_wall_ns: int


class Erasure:
    def __init__(self, site: Site, clock: Clock):
        self._site, self._clock = site, clock
        self._kept = [(one.id, round(one.keep_s * NS)) for one in site.signals if one.keep_s is not None]

    @property
    def asked_for(self) -> bool:
        return bool(self._kept)

    def due(self) -> list[Over]:
        """Nothing while nobody knows what time it is: a wrong clock must not delete."""
        now = self._clock.now()
        return [Over(measurement, {"site": self._site.id, "signal": signal}, now.wall_ns - keep_ns)
                for signal, keep_ns in self._kept for measurement in ABOUT] if now.trusted else []
