"""The machine as the doctor sees it: its files below a root folder, and what a few of its programs answer."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from gateway.model.clock import kernel_clock_synchronised

ASK_WITHIN_S = 10.0


class Machine:
    """root: "/" for the real one, else a folder that stands for it. answers: what its programs say, by command line;
    None: they are run. Nothing here raises: what can not be read is None or empty, which the topics take as unknown."""

    def __init__(self, root: Path = Path("/"), answers: Mapping[str, str] | None = None):
        self._root, self._answers = root, answers

    def path(self, name: str) -> Path:
        """name: absolute on that machine."""
        return self._root / name.lstrip("/")

    def text(self, name: str) -> str | None:
        try:
            return self.path(name).read_text(encoding="utf-8", errors="replace").strip()
        except OSError:
            return None

    def number(self, name: str) -> int | None:
        try:
            return int(self.text(name) or "", 0)
        except ValueError:
            return None

    def names(self, folder: str, pattern: str = "*") -> list[str]:
        """Absolute on that machine, sorted. Links are not followed."""
        try:
            return sorted("/" + str(path.relative_to(self._root)) for path in self.path(folder).glob(pattern))
        except OSError:
            return []

    def link(self, name: str) -> str | None:
        """Where a link points, absolute on that machine; the name itself when it is none, None when it is not there."""
        if not os.path.lexists(self.path(name)):
            return None
        try:
            return os.path.normpath(os.path.join(os.path.dirname(name), os.readlink(self.path(name))))
        except OSError:
            return name

    def stat(self, name: str) -> os.stat_result | None:
        try:
            return self.path(name).stat()
        except OSError:
            return None

    def tree(self, folder: str) -> Iterator[tuple[str, os.stat_result]]:
        """The folder and everything below it, links as such."""
        for here, _, files in os.walk(self.path(folder)):
            for path in (Path(here), *(Path(here, file) for file in files)):
                try:
                    yield "/" + str(path.relative_to(self._root)), path.lstat()
                except OSError:  # it went away meanwhile
                    continue

    def room(self, name: str) -> tuple[int, int] | None:
        """Bytes of the file system, and how many of them are free."""
        try:
            usage = shutil.disk_usage(self.path(name))
        except OSError:
            return None
        return usage.total, usage.free

    def ask(self, *command: str) -> str | None:
        """What a program prints; None where it is absent, fails without a word, or does not answer."""
        if self._answers is not None:
            return self._answers.get(" ".join(command))
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=ASK_WITHIN_S,
                                  env={**os.environ, "LC_ALL": "C"})
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.strip() or None

    def kernel_clock_synchronised(self) -> bool | None:
        """As the gateway asks it, which marks its samples by the answer; None for a machine that is only a folder."""
        return kernel_clock_synchronised() if self._answers is None else None

    def settings(self, *command: str) -> dict[str, str]:
        """KEY=VALUE lines that a program prints."""
        return dict(line.split("=", 1) for line in (self.ask(*command) or "").splitlines() if "=" in line)
