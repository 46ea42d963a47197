"""`[centre]`: to whom this gateway reports."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from gateway.config.values import Host
from gateway.config.vigil import BrokerSection, Patience


class CentreSection(BrokerSection):
    host: Host
    """MQTT broker that takes the reports. Best the one on this machine, with a bridge to the centre: it keeps them
    while the line is down (deploy/mosquitto-bridge.conf)."""
    prefix: Annotated[str, Field(pattern=r"^[^#+\s]+$")] = "davylamp"
    """Topics begin with `PREFIX/SITE/`."""
    every: Annotated[Patience, Field(ge=5, le=3600)] = 60.0
    """How often the report is sent. What has changed is told within seconds all the same."""
