"""Tells systemd that we are ready, alive, and what we do (sd_notify(3)): lines in a datagram, no library.

Fed on progress, not on success: a dead bus or no internet must not reboot the box, a task of ours that hangs must. The
unit's WatchdogSec asks for it; without NOTIFY_SOCKET (a terminal, a container, the demo) nothing is sent.
"""

from __future__ import annotations

import asyncio
import logging
import os
import socket
from collections.abc import Callable, Mapping

from gateway.model.text import Text

log = logging.getLogger(__name__)

LOOK_S = 1.0  # at least so often it is looked whether all tasks make progress


class Systemd:
    """The service manager's socket. environment: os.environ."""

    def __init__(self, environment: Mapping[str, str] = os.environ):
        address = environment.get("NOTIFY_SOCKET", "")
        self._address = "\0" + address[1:] if address.startswith("@") else address  # "@": an abstract socket
        self._told_trouble = False
        self.watchdog_s: float | None = None  # how often it wants to hear of us
        usec, pid = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
        if usec.isascii() and usec.isdigit() and int(usec) and pid in ("", str(os.getpid())):
            self.watchdog_s = int(usec) / 1e6

    def tell(self, *lines: str) -> None:
        """Never waits and never raises: a full or missing socket is logged once."""
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as outlet:
                outlet.setblocking(False)
                outlet.sendto("\n".join(lines).encode(), self._address)
        except OSError as error:
            if not self._told_trouble:
                log.error("systemd can not be told how we are: %s", error)
            self._told_trouble = True


async def feed(systemd: Systemd, hung: Callable[[], Text], status: Callable[[], str]) -> None:
    """Until cancelled: feed the watchdog while nothing is hung. hung: what is, empty when all make progress."""
    pause = min(LOOK_S, (systemd.watchdog_s or LOOK_S) / 3)
    said = Text("", "")
    while True:
        reason = hung()
        if reason != said:
            (log.critical if reason.en else log.warning)("%s", reason.en or "every task makes progress again")
            said = reason
        systemd.tell(*(() if reason.en else ("WATCHDOG=1",)), f"STATUS={reason.en or status()}")
        await asyncio.sleep(pause)
