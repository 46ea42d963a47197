"""Stopping the gateway while others hang: what was accepted is on disk, and it does end."""

from __future__ import annotations

import signal
import socket
import sqlite3
from contextlib import closing

from tests.acceptance.processes import eventually, get
from tests.acceptance.test_run import Yard

HANGING = """
[[notifiers]]
type = "webhook"
id = "duty-room"
url = "http://127.0.0.1:{port}/"
timeout = "5min"

[[sinks]]
type = "influx"
id = "influx"
url = "http://127.0.0.1:{port}"
database = "yard"
timeout = "5min"
"""


def test_a_receiver_and_a_database_that_hang_do_not_keep_the_gateway_from_ending(tmp_path):
    yard = Yard(tmp_path)
    with socket.socket() as hanging:  # connections are taken by the kernel, and nobody ever answers
        hanging.bind(("127.0.0.1", 0))
        hanging.listen()
        yard.file.write_text(yard.file.read_text() + HANGING.format(port=hanging.getsockname()[1]))
        with yard.simulator() as simulator, yard.gateway() as gateway:
            simulator.wait_for('"ready"')
            eventually(lambda: get(yard.page, "/healthz"), "the page")
            yard.set_gas(45)
            eventually(lambda: "GAS-1/HH" in yard.alarms(), "the alarm")
            assert gateway.stop(signal.SIGTERM) == 0, gateway.errors
            assert not [line for line in gateway.errors if "Traceback" in line]
    with closing(sqlite3.connect(tmp_path / "data" / "alarms.db")) as ledger:
        assert ledger.execute("SELECT state FROM alarm WHERE id = 'GAS-1/HH'").fetchone() == ("unacknowledged",)
        assert ledger.execute("SELECT count(*) FROM outbox WHERE alarm = 'GAS-1/HH'").fetchone() == (1,)
