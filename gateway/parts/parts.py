"""What a running gateway consists of."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from alerting.answers import Answers
from gateway.api.entrance import Entrance
from gateway.change.desk import Desk
from gateway.config import SiteFile
from gateway.model.site import Site
from gateway.parts.chain import Chain
from gateway.parts.databases import Databases
from gateway.parts.field import Field
from gateway.parts.people import People
from gateway.parts.vigil import Vigil


@dataclass(frozen=True, slots=True)
class Parts:
    """site: that of the site file, with the alarms of its drills. folder: data folder. desk: where a change of the
    configuration is asked for; None: nowhere."""

    site_file: SiteFile
    site: Site
    folder: Path
    desk: Desk | None
    people: People
    chain: Chain
    entrance: Entrance
    answers: Answers
    field: Field
    databases: Databases
    vigil: Vigil
