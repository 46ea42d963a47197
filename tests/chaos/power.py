"""Real power cuts, as root: an ext4 file system on a loop device whose image is copied while the writers stand still.

The loop device bypasses the cache of its image, so the copy holds what reached the "disk" and nothing that was only in
memory. Writers are stopped, not killed, before the copy is taken: what they said until then, they said before the cut.

    with power_supply(tmp_path) as power:
        process = subprocess.Popen([..., power.disk])
        power.cut(process)          # kills it, and mounts what survived at the same place
        check(power.disk)

Without root or loop devices `power_supply` skips the test and says so. tests/store/cuts.py needs neither.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

_SBIN = ("/usr/sbin", "/sbin")


class Power:
    """disk: where the file system is mounted. cuts: how often the power has failed."""

    def __init__(self, folder: Path, megabytes: int, options: str = "defaults"):
        self.disk = folder / "disk"
        self.cuts = 0
        self._folder = folder
        self._image = folder / "image-0"
        self._loop = ""
        self._options = options
        self.disk.mkdir()
        with self._image.open("wb") as image:
            image.truncate(megabytes << 20)
        run("mkfs.ext4", "-q", "-F", "-b", 4096, self._image)  # as on a card; a small image would get 1024
        self._mount()

    def cut(self, *writers: subprocess.Popen) -> None:
        """The power fails and comes back: writers are gone, `disk` holds what was on the medium."""
        for writer in writers:
            writer.send_signal(signal.SIGSTOP)
        for writer in writers:
            os.waitpid(writer.pid, os.WUNTRACED)  # it stands still
        self.cuts += 1
        survived = self._folder / f"image-{self.cuts}"
        run("cp", "--sparse=always", self._image, survived)
        for writer in writers:
            writer.kill()
            writer.wait()
        self.off()
        self._image.unlink()
        self._image = survived
        self._mount()

    def written_bytes(self) -> int:
        """What has reached the block device since it was set up, the journal of the file system included."""
        return 512 * int(Path(f"/sys/block/{Path(self._loop).name}/stat").read_text().split()[6])

    def wears_out(self) -> None:
        """The file system finds an error and makes itself read-only, as it does on a dying card."""
        Path(f"/sys/fs/ext4/{Path(self._loop).name}/trigger_fs_error").write_text("worn out")

    def repaired(self) -> None:
        """Checked and mounted again; nobody may have a file open."""
        self.off()
        run("fsck.ext4", "-fy", self._image, status=1)
        self._mount()

    def off(self) -> None:
        """Unmount; a file that a failed test still has open must not leave the device behind."""
        if self._loop:
            try:
                run("umount", self.disk)
            except RuntimeError:
                run("umount", "-l", self.disk)
            run("losetup", "-d", self._loop)
            self._loop = ""

    def _mount(self) -> None:
        loop = run("losetup", "-f", "--show", "--direct-io=on", self._image).strip()
        try:
            run("mount", "-t", "ext4", "-o", self._options, loop, self.disk)
        except RuntimeError:
            run("losetup", "-d", loop)
            raise
        self._loop = loop


@contextmanager
def power_supply(folder: Path, megabytes: int = 64) -> Iterator[Power]:
    """A file system whose power can be cut, for the time of the block."""
    try:
        power = Power(folder, megabytes)
    except (RuntimeError, OSError) as error:
        pytest.skip(f"NOT TESTED: real power cuts need root, loop devices and ext4 ({error})")
    try:
        yield power
    finally:
        power.off()


def run(program: str, *arguments: object, status: int = 0) -> str:
    """Its standard output; RuntimeError where it ends with more than `status`."""
    path = shutil.which(program, path=os.pathsep.join((os.environ.get("PATH", ""), *_SBIN)))
    if path is None:
        raise RuntimeError(f"{program} is not installed")
    done = subprocess.run([path, *map(str, arguments)], capture_output=True, text=True)
    if done.returncode > status or done.returncode < 0:
        raise RuntimeError(f"{program}: {done.stderr.strip()}")
    return done.stdout
