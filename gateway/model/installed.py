"""Where deploy/install.sh puts the parts of a gateway."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

CONFIG: Final = Path("/etc/davylamp")
SITE: Final = CONFIG / "site.toml"
DATA: Final = Path("/var/lib/davylamp")
BROKER: Final = Path("/etc/mosquitto/davylamp")
ADMIN: Final = Path("/etc/davylamp-admin")  # by which commands of this machine's administrators reach the gateway

BESIDE: Final[Mapping[str, Path]] = {"broker": BROKER, "admin": ADMIN}
"""What an installed gateway has elsewhere than in CONFIG and DATA, by its name in a backup."""


def site() -> Path | None:
    """The site file of the gateway that is installed here; None where none is. Who may not look there without sudo gets
    it all the same: whoever opens it says so."""
    try:
        SITE.stat()
    except PermissionError:
        return SITE
    except OSError:
        return None
    return SITE
