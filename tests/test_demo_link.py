"""The demo: what its messages point to is the page that it really serves."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time

import pytest

from gateway.demo import DemoOptions, _gateway


def test_the_link_of_a_message_has_the_port_of_the_demo(tmp_path):
    options = DemoOptions(None, None, tmp_path, 18123, 15020, 11883, 1.0, "zh", None, "auto")
    gateway = _gateway(options, "http://127.0.0.1:9/", lambda *_: None)
    assert gateway.site_file.alarms.base_url == "http://127.0.0.1:18123"
    assert gateway.site_file.site.language == "zh", "the page opens in the language of the demo"


_ORPHAN = """
import asyncio, os, signal, sys
from pathlib import Path
from gateway import demo
options = demo.DemoOptions(None, None, Path(sys.argv[1]), 0, 0, int(sys.argv[2]), 1.0, "en", None, "auto")

async def main():
    async with demo._running(demo._find_broker(options), options):
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ties a child to its parent")
def test_the_broker_ends_with_a_demo_that_is_killed(tmp_path):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    done = subprocess.run([sys.executable, "-c", _ORPHAN, str(tmp_path), str(port)], timeout=30)
    assert done.returncode == -signal.SIGKILL, "the broker listened"
    for _ in range(100):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)
    pytest.fail("the broker still listens")
