"""Where log records go: to a terminal as lines, under systemd to its journal as records with fields. Bounded: a fault
that repeats a thousand times a second neither fills the card nor hides the rest. The level changes while the gateway
runs, and goes back by itself.

No alarm depends on a log record: what is left out here is left out of the log only, and counted.
"""

from __future__ import annotations

import logging
import os
import socket
import sys
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gateway.model.discreet import covered

LEVELS = ("debug", "info", "warning", "error")
JOURNAL = "/run/systemd/journal/socket"
LONGEST = 48_000  # bytes of a message; a datagram of more than some 200 kB would be refused
TEMPLATES = 1000  # kinds of records that are counted apart
_SYSLOG = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6), (0, 7))


@dataclass(frozen=True, slots=True)
class Rate:
    """So many records of one kind at once, then one every so often."""

    burst: int
    every_s: float


TROUBLE, CHATTER = Rate(20, 10.0), Rate(300, 0.05)  # from warning on; below


def begin(level: str, environment: Mapping[str, str] = os.environ) -> None:
    """Once, at the start of the process."""
    if in_journal(environment):
        handler: logging.Handler = JournalHandler()
    else:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(Discreet("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    handler.addFilter(Bounded())
    logging.basicConfig(level=level.upper(), handlers=[handler])


def in_journal(environment: Mapping[str, str]) -> bool:
    """Whether our stderr is the journal's, as systemd says in JOURNAL_STREAM ("device:inode")."""
    try:
        stderr = os.fstat(sys.stderr.fileno())
    except (OSError, ValueError):
        return False
    return environment.get("JOURNAL_STREAM") == f"{stderr.st_dev}:{stderr.st_ino}"


class Discreet(logging.Formatter):
    """Covers secrets, also in the traces and in what libraries log of what they sent and got."""

    def format(self, record: logging.LogRecord) -> str:
        return covered(super().format(record))


class Bounded(logging.Filter):
    """Lets records pass while their kind (logger, level, text without its arguments) keeps to its rate. How many were
    left out stands in the next one of the kind that passes."""

    def __init__(self, now: Callable[[], float] = time.monotonic):
        super().__init__()
        self._now = now
        self._kinds: OrderedDict[tuple[str, int, str], _Bucket] = OrderedDict()

    def filter(self, record: logging.LogRecord) -> bool:
        rate = TROUBLE if record.levelno >= logging.WARNING else CHATTER
        kind, now = (record.name, record.levelno, str(record.msg)), self._now()
        bucket = self._kinds.get(kind)
        if bucket is None:
            bucket = self._kinds[kind] = _Bucket(float(rate.burst), now)
            if len(self._kinds) > TEMPLATES:
                self._kinds.popitem(last=False)
        bucket.full = min(bucket.full + (now - bucket.at) / rate.every_s, rate.burst)
        bucket.at = now
        if bucket.full < 1:
            bucket.left_out += 1
            return False
        bucket.full -= 1
        if bucket.left_out:
            record.msg, record.args = f"{record.getMessage()} (and {bucket.left_out} more like it)", ()
            bucket.left_out = 0
        return True


@dataclass(slots=True)
class _Bucket:
    full: float
    at: float
    left_out: int = 0


class JournalHandler(logging.Handler):
    """One datagram per record, in the journal's own protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL), so that a trace is
    one entry, and `journalctl -u davylamp LOGGER=drivers.modbus.poller -p warning` finds what it says. Never waits:
    where the journal does not take it, the record goes to stderr with its priority in front (sd-daemon(3))."""

    def __init__(self, address: str = JOURNAL):
        super().__init__()
        self.setFormatter(Discreet())
        self._address = address
        self._outlet = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC)
        self._outlet.setblocking(False)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text, priority = self.format(record), syslog_priority(record.levelno)
            try:
                self._outlet.sendto(entry({
                    "MESSAGE": text, "PRIORITY": str(priority), "SYSLOG_IDENTIFIER": "davylamp", "LOGGER": record.name,
                    "CODE_FILE": record.pathname, "CODE_LINE": str(record.lineno), "CODE_FUNC": record.funcName,
                }), self._address)
            except OSError:
                for line in text.splitlines():
                    print(f"<{priority}>{record.name}: {line}", file=sys.stderr, flush=True)
        except Exception:  # as every logging.Handler: a record that can not be told must not stop who told it
            self.handleError(record)

    def close(self) -> None:
        self._outlet.close()
        super().close()


def entry(fields: Mapping[str, str]) -> bytes:
    """Of the journal: each field with its length, so that it may have many lines."""
    parts = []
    for name, value in fields.items():
        content = value.encode("utf-8", "replace")[:LONGEST]
        parts.append(b"%s\n%s%s\n" % (name.encode(), len(content).to_bytes(8, "little"), content))
    return b"".join(parts)


def syslog_priority(level: int) -> int:
    """syslog(3): 2 critical ... 7 debug."""
    return next(priority for least, priority in _SYSLOG if level >= least)


class LogLevel:
    """The level of the whole program. `change` holds for a while: who searches for a fault forgets to turn it back, and
    the card would pay for it."""

    def __init__(self, usual: str | None = None, now: Callable[[], float] = time.monotonic):
        self._usual = usual or logging.getLevelName(logging.getLogger().level).lower()
        self._now, self._until = now, 0.0

    @property
    def level(self) -> str:
        return logging.getLevelName(logging.getLogger().level).lower()

    @property
    def left_s(self) -> float:
        """Until it goes back; 0: it is the usual one."""
        return max(self._until - self._now(), 0.0)

    def change(self, level: str, for_s: float) -> None:
        logging.getLogger().setLevel(level.upper())
        self._until = self._now() + for_s if level != self._usual else 0.0

    def judge(self) -> None:
        """Called about once a second."""
        if self._until and not self.left_s:
            logging.getLogger().setLevel(self._usual.upper())
            self._until = 0.0
