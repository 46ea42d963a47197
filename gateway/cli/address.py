"""Where the running gateway is reached from its own machine: told in the runtime folder that systemd gives the service,
and read by deploy/install/davylamp. A site file that moves the page (`davylamp apply`) moves this with it."""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

FOLDER: Final = "RUNTIME_DIRECTORY"  # systemd.exec(5)
NAME: Final = "address"
_LOCAL: Final = frozenset({"127.0.0.1", "::1", "0.0.0.0", "::"})

log = logging.getLogger(__name__)


def tell_address(url: str) -> None:
    """Nothing where no service runs. A failure costs commands their default, the gateway nothing."""
    if folder := os.environ.get(FOLDER):
        try:
            Path(folder, NAME).write_text(f"{_from_here(url)}\n", encoding="ascii")
        except OSError as error:
            log.warning("commands on this machine must be given --url: %s", error)


def _from_here(url: str) -> str:
    """By the name that the page's certificate has for this machine, where the page is served to all addresses."""
    parts = urlsplit(url)
    return f"{parts.scheme}://localhost:{parts.port}" if parts.hostname in _LOCAL else url
