"""The detection core: frames in, verdicts out. Pure: no I/O, no clock of its own.

bank        Bank: all detectors of a site in lock-step, with snapshot and restore
instruments what instruments say of themselves, and what their readings are worth
rows        one round of samples, every signal at most once
setpoints   set points with deadband and delays, in lock-step
edges       what detectors find, and how it becomes Verdicts
latest      the newest accepted sample of every signal
detectors/  one kind of warning per file
rules/      relations between signals, one kind per file
snapshot    the state as bytes
"""

from gateway.core.bank import Bank, Failure
from gateway.core.detectors.blind import Zone
from gateway.core.latest import Latest
from gateway.core.snapshot import SnapshotError

__all__ = ["Bank", "Failure", "Latest", "SnapshotError", "Zone"]
