"""Every configuration that was ever asked for, as numbered copies: DATA/configurations/0001, 0002 ...

    0007/about.json     who, when, why, what it changed, and what became of it
    0007/files/         the site file, as site.toml, and what it names

A copy appears whole or not at all. Nothing is ever deleted: a copy is small and a person made it.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any

from gateway.change import files
from gateway.change.files import Configuration
from gateway.model.errors import CommandError
from gateway.model.text import Text

FOLDER = "configurations"
_ABOUT, _SITE, _OTHERS = "about.json", "site.toml", "files"


class Act(StrEnum):
    FOUND = "found"  # written by hand: found at a start
    APPLIED = "applied"
    BACK = "back"  # to an earlier one


class Outcome(StrEnum):
    WAITING = "waiting"  # for its first start
    TRIAL = "trial"
    IN_FORCE = "in force"
    TAKEN_BACK = "taken back"


@dataclass(frozen=True, slots=True)
class Entry:
    """One configuration. who: who asked for it (gateway.model.person). changes: what it changed, in words. reason:
    why it was taken back."""

    number: int
    digest: str
    act: Act
    who: str
    why: str
    wall_ns: int
    outcome: Outcome
    back_to: int | None = None
    changes: tuple[Text, ...] = ()
    reason: Text | None = None

    def as_json(self) -> dict[str, Any]:
        return {"number": self.number, "digest": self.digest, "act": self.act, "who": self.who, "why": self.why,
                "wall_ns": self.wall_ns, "outcome": self.outcome, "back_to": self.back_to,
                "changes": [text.both for text in self.changes], "reason": self.reason and self.reason.both}

    @classmethod
    def of(cls, said: dict[str, Any]) -> Entry:
        return cls(said["number"], said["digest"], Act(said["act"]), said["who"], said["why"], said["wall_ns"],
                   Outcome(said["outcome"]), said["back_to"],
                   tuple(Text(**text) for text in said["changes"]), said["reason"] and Text(**said["reason"]))


class History:
    """The folder. Read whenever asked: there are few entries, and a person asks."""

    def __init__(self, data: Path):
        self.folder = data / FOLDER

    def entries(self) -> list[Entry]:
        """Oldest first; what can not be read is left out."""
        found = []
        for number in self._numbers():
            with suppress(OSError, ValueError, KeyError, TypeError):
                found.append(self.entry(number))
        return found

    def entry(self, number: int) -> Entry:
        return Entry.of(json.loads((self._place(number) / _ABOUT).read_text(encoding="utf-8")))

    def in_force(self) -> Entry | None:
        """The newest that passed its trial, or was found."""
        for number in reversed(self._numbers()):  # one or two are read: it is asked every second (gateway.fleet)
            with suppress(OSError, ValueError, KeyError, TypeError):
                if (entry := self.entry(number)).outcome is Outcome.IN_FORCE:
                    return entry
        return None

    def known(self, number: int) -> Entry:
        """CommandError: there is none of that number."""
        try:
            return self.entry(number)
        except (OSError, ValueError, KeyError, TypeError):
            numbers = self._numbers()
            there = f"{numbers[0]}..{numbers[-1]}" if numbers else "-"
            raise CommandError(Text(f"there is no configuration {number}", f"没有编号为 {number} 的配置"),
                               where=f"--back {number}", fix=Text(
                                   f"there are: {there}; see davylamp apply --history",
                                   f"可选：{there}，见 davylamp apply --history")) from None

    def site(self, number: int) -> Path:
        """Its copy of the site file; what it names lies where it expects it."""
        return self._place(number) / _OTHERS / _SITE

    def read(self, number: int) -> Configuration:
        """OSError: it can not be read."""
        folder = self._place(number) / _OTHERS
        others = {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*"))
                  if path.is_file() and path != folder / _SITE}
        return Configuration((folder / _SITE).read_bytes(), others)

    def add(self, configuration: Configuration, entry: Entry) -> Entry:
        """A copy of it. entry.number is given here. OSError: the disk does not take it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        entry = replace(entry, number=max(self._numbers(), default=0) + 1, digest=configuration.digest)
        new = Path(tempfile.mkdtemp(prefix=".new-", dir=self.folder))
        try:
            _write(new / _OTHERS, configuration)
            (new / _ABOUT).touch(0o640)
            files.replace(new / _ABOUT, _text(entry))
            _as_parent(new)
            new.rename(self._place(entry.number))
        except OSError:
            shutil.rmtree(new, ignore_errors=True)
            raise
        files.sync_folder(self.folder)
        return entry

    def settle(self, number: int, outcome: Outcome, reason: Text | None = None) -> Entry:
        """What became of it. OSError."""
        entry = replace(self.entry(number), outcome=outcome, reason=reason)
        files.replace(self._place(number) / _ABOUT, _text(entry))
        return entry

    def _place(self, number: int) -> Path:
        return self.folder / f"{number:04d}"

    def _numbers(self) -> Sequence[int]:
        try:
            return sorted(int(path.name) for path in self.folder.iterdir() if path.name.isdecimal())
        except OSError:
            return ()


def _write(folder: Path, configuration: Configuration) -> None:
    folder.mkdir()
    files.put(folder / _SITE, configuration)


def _as_parent(new: Path) -> None:
    """Where root writes, the gateway's user must be able to read and to settle it."""
    new.chmod(0o750)
    if os.geteuid() == 0:
        stat = new.parent.parent.stat()
        for path in (new.parent, new, *new.rglob("*")):
            os.chown(path, stat.st_uid, stat.st_gid)


def _text(entry: Entry) -> bytes:
    return json.dumps(entry.as_json(), ensure_ascii=False, indent=1).encode()
