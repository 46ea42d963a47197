"""Log records: to a real datagram socket as the journal's, bounded, and louder for a while."""

from __future__ import annotations

import logging
import os
import socket
import sys

import pytest

from gateway.logs import Bounded, JournalHandler, LogLevel, in_journal, syslog_priority


@pytest.fixture
def logger():
    logger = logging.Logger("drivers.modbus.poller")
    yield logger
    for handler in logger.handlers:
        handler.close()


class Journal:
    def __init__(self, path: str):
        self.inlet = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.inlet.bind(path)
        self.inlet.settimeout(10)

    def fields(self) -> dict[str, str]:
        datagram, fields = self.inlet.recv(1 << 20), {}
        while datagram:
            name, rest = datagram.split(b"\n", 1)
            length = int.from_bytes(rest[:8], "little")
            fields[name.decode()], datagram = rest[8:8 + length].decode(), rest[9 + length:]
        return fields


def test_a_record_reaches_the_journal_with_fields_and_a_trace_is_one_entry(tmp_path, logger):
    journal = Journal(str(tmp_path / "socket"))
    logger.addHandler(JournalHandler(str(tmp_path / "socket")))
    logger.warning("%s: no connection to %s", "gas", "192.0.2.1")
    fields = journal.fields()
    assert (fields["MESSAGE"], fields["PRIORITY"], fields["LOGGER"]) == (
        "gas: no connection to 192.0.2.1", "4", "drivers.modbus.poller")
    assert fields["SYSLOG_IDENTIFIER"] == "davylamp" and fields["CODE_FILE"] == __file__
    try:
        raise ValueError("轴承温度")
    except ValueError:
        logger.exception("has failed")
    fields = journal.fields()
    assert fields["PRIORITY"] == "3" and fields["MESSAGE"].endswith("ValueError: 轴承温度")
    assert "Traceback" in fields["MESSAGE"] and "\n" in fields["MESSAGE"]
    logger.error("x" * 1_000_000)
    assert len(journal.fields()["MESSAGE"]) == 48_000


def test_without_a_journal_the_record_is_on_stderr_with_its_priority(tmp_path, logger, capsys):
    logger.addHandler(JournalHandler(str(tmp_path / "none")))
    logger.error("disk\nfull")
    assert capsys.readouterr().err == ("<3>drivers.modbus.poller: disk\n<3>drivers.modbus.poller: full\n")


def test_what_repeats_is_counted_and_hides_nothing_else(logger, capsys):
    now = [0.0]
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Bounded(lambda: now[0]))
    logger.addHandler(handler)
    for number in range(5000):
        logger.warning("%s: no answer", f"device {number}")
    logger.warning("another thing")
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 21 and lines[-1] == "another thing"
    now[0] = 10.0
    for _ in range(3):
        logger.warning("%s: no answer", "gas")
    assert capsys.readouterr().err == "gas: no answer (and 4980 more like it)\n"
    now[0] = 20.0
    logger.warning("%s: no answer", "gas")
    assert capsys.readouterr().err == "gas: no answer (and 2 more like it)\n"


def test_as_many_kinds_of_records_as_one_likes_take_bounded_memory():
    bounded = Bounded(lambda: 0.0)
    for number in range(5000):
        assert bounded.filter(logging.LogRecord("x", logging.ERROR, "", 0, f"text {number}", (), None))
    assert len(bounded._kinds) == 1000


def test_a_louder_level_ends_by_itself(monkeypatch):
    root, now = logging.getLogger(), [100.0]
    monkeypatch.setattr(root, "level", logging.WARNING)
    level = LogLevel(now=lambda: now[0])
    level.change("debug", 60.0)
    assert (level.level, level.left_s) == ("debug", 60.0)
    now[0] = 159.0
    level.judge()
    assert level.level == "debug"
    now[0] = 160.0
    level.judge()
    assert (level.level, level.left_s) == ("warning", 0.0)
    level.change("warning", 60.0)
    assert level.left_s == 0.0


def test_the_journal_is_taken_for_ours_only_when_stderr_is_it(monkeypatch, tmp_path):
    with (tmp_path / "stderr").open("w") as stderr:
        monkeypatch.setattr(sys, "stderr", stderr)
        stat = os.fstat(stderr.fileno())
        assert in_journal({"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino}"})
        assert not in_journal({"JOURNAL_STREAM": f"{stat.st_dev}:{stat.st_ino + 1}"}) and not in_journal({})


def test_levels_as_syslog_counts_them():
    assert [syslog_priority(level) for level in (logging.CRITICAL, logging.ERROR, logging.WARNING, logging.INFO,
                                                 logging.DEBUG, 5)] == [2, 3, 4, 6, 7, 7]
