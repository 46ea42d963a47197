"""docs/how-to/replay-and-backtest.md: its commands, run as they are written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from tests.acceptance.processes import ROOT

PAGE = ROOT / "docs" / "how-to" / "replay-and-backtest.md"


def test_the_commands_of_the_page_work(tmp_path):
    shutil.copytree(ROOT / "deploy" / "sites", tmp_path / "deploy" / "sites")
    script = "".join(re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL))
    assert {"replay", "backtest", "explain"} <= set(re.findall(r"^davylamp (\w+)", script, re.MULTILINE))
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(["bash", "-e"], input=script, cwd=tmp_path, text=True, capture_output=True, check=False,
                          env=os.environ | {"PATH": path, "PYTHONPATH": str(ROOT), "LC_ALL": "C.UTF-8"})
    assert (done.returncode, done.stderr) == (0, "")
    for told in ("ALARM  P1 GD-03 high-high", "caught 3.0 s earlier", "1 of those before missed", "16.0 s before it",
                 "XV-102.closed == 1: not true; it read 0"):
        assert told in done.stdout
