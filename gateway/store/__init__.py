"""Store and forward: telemetry on disk before anyone relies on it, and history without any database.

    disk      the few file system calls, and what their errors mean
    block     what one commit writes: frames in columns, CRC-framed
    segment   files of blocks with signal table, index and seal
    saved     small things replaced whole: snapshots, cursors
    journal   the disk side: commit, recovery, retention
    queue     what waits to be written, bounded
    keeping   how long the samples of each signal are kept
    erasure   takes off the disk what is kept no longer
    reader    a consumer with a durable cursor: newest first, backlog behind
    history   downsampling for trends
    recording what a data folder holds, read without a lock
    store     TelemetryStore: all of it behind one door
"""

from gateway.store.history import Trend
from gateway.store.journal import StoreSettings, in_use, kept, last_instant
from gateway.store.reader import StoreReader
from gateway.store.recording import EVER, Recording
from gateway.store.store import StoreStats, TelemetryStore

__all__ = ["EVER", "Recording", "StoreReader", "StoreSettings", "StoreStats", "TelemetryStore", "Trend", "in_use",
           "kept", "last_instant"]
