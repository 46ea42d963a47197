"""The note beside the site file that says that a change is going on: .site.toml.trial

It is written before the first file is replaced and removed last of all. Whoever finds it at a start knows what to do:

    replacing   the files may be half old, half new         -> put the old ones back
    waiting     the new ones are there, not started yet     -> start them, on trial
    trying      the new ones were started and never proved  -> put the old ones back

So after kill -9 or a power cut at any moment either the old or the new configuration is in force, never half of one.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from pathlib import Path

from gateway.change import files
from gateway.change.files import Configuration


class Phase(StrEnum):
    REPLACING = "replacing"
    WAITING = "waiting"
    TRYING = "trying"


@dataclass(frozen=True, slots=True)
class Trial:
    """number: of the new configuration; back: of the old one; data: the data folder that holds both."""

    number: int
    back: int
    data: str
    phase: Phase

    def write(self, site: Path) -> None:
        files.replace(_note(site), json.dumps(asdict(self)).encode())

    def at(self, phase: Phase) -> Trial:
        return replace(self, phase=phase)


def find(site: Path) -> Trial | None:
    """The change that goes on with this site file; None: none does."""
    try:
        said = json.loads(_note(site).read_text(encoding="utf-8"))
        return Trial(said["number"], said["back"], said["data"], Phase(said["phase"]))
    except FileNotFoundError:
        return None


def replace_files(site: Path, trial: Trial, new: Configuration, then: Phase) -> None:
    """Put new files in force. Each step is on the medium before the next."""
    trial.at(Phase.REPLACING).write(site)
    files.put(site, new)
    trial.at(then).write(site)


def end(site: Path) -> None:
    """The change is over, either way."""
    _note(site).unlink(missing_ok=True)
    files.sync_folder(site.parent)


def _note(site: Path) -> Path:
    site = site.resolve()
    return site.with_name(f".{site.name}.trial")
