"""The units as systemd itself judges them."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

DEPLOY = Path(__file__).parent.parent.parent / "deploy"
UNITS = ("davylamp.service", "davylamp-watch.service")


def analyze(*arguments: str) -> subprocess.CompletedProcess[str]:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    return subprocess.run(["systemd-analyze", *arguments], capture_output=True, text=True)


@pytest.mark.parametrize("unit", UNITS)
def test_the_exposure_is_low(unit):
    """2.5 of 10 is the target of the project; what is left is the network, the serial lines and adjtimex."""
    found = re.search(r"Overall exposure level for \S+ ([\d.]+)",
                      analyze("security", "--offline=yes", "--no-pager", str(DEPLOY / unit)).stdout)
    assert found is not None and float(found[1]) <= 2.5


@pytest.mark.parametrize("unit", UNITS)
def test_systemd_understands_every_line(unit, tmp_path):
    text = (DEPLOY / unit).read_text(encoding="utf-8")
    (tmp_path / unit).write_text(re.sub("ExecStart=.*", "ExecStart=/bin/true", text), encoding="utf-8")
    said = analyze("verify", "--man=no", str(tmp_path / unit)).stderr
    assert not [line for line in said.splitlines() if unit in line]
