"""Which instruments can be relied on now: what summaries of a system (video, shut-off) count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from gateway.core.detectors.deadman import GAS_SILENCE_S, Deadman, is_watched
from gateway.core.detectors.validity import Validity
from gateway.core.latest import Latest
from gateway.core.rows import NEVER
from gateway.model.clock import NS
from gateway.model.quality import is_good
from gateway.model.site import Site


class Availability:
    """An instrument works from its first good sample until it is silent, invalid or out of service, and again from its
    next good sample: as in `blind`, one lost request is no outage. One without a deadman fails when it has been asked
    and gave nothing good for 60 s. Before its first good sample it is neither: not known yet.

    changes: grows whenever an instrument has gone out of or come back into service."""

    def __init__(self, site: Site, latest: Latest, deadman: Deadman, validity: Validity):
        self._latest, self._deadman, self._validity = latest, deadman, validity
        self._patience_ns = np.array([NEVER if is_watched(signal) else round(GAS_SILENCE_S * NS)
                                      for signal in site.signals], np.int64)
        self.changes = 0

    def of(self, signal: NDArray[np.int64], line_ns: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
        """Of each of these signals: it works; it has failed."""
        deadman, validity = self._deadman, self._validity
        nothing_good = ~is_good(self._latest.quality[signal])
        failed = (deadman.silent[signal] | validity.invalid[signal] | validity.inhibited[signal]
                  | nothing_good & (line_ns - deadman.since[signal] >= self._patience_ns[signal]))
        return ~failed & ~deadman.waiting[signal], failed
