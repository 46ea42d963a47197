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
_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})

log = logging.getLogger(__name__)


def tell_address(url: str) -> None:
    """Nothing where no service runs. A failure costs commands their default, the gateway nothing."""
    if folder := os.environ.get(FOLDER):
        try:
            file = Path(folder, NAME)
            file.write_text(f"{_from_here(url)}\n", encoding="ascii")
            file.chmod(0o644)  # the unit has a umask; this is no secret
        except OSError as error:
            log.warning("commands on this machine must be given --url: %s", error)


def _from_here(url: str) -> str:
    """Not by a name, which the least machine can not look up."""
    parts = urlsplit(url)
    return f"{parts.scheme}://127.0.0.1:{parts.port}" if parts.hostname in _EVERYWHERE else url
