"""Davylamp never writes to a field device: no write function exists in the driver, and the wire can not say one."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import drivers.modbus
from drivers.modbus import wire
from gateway.model.clock import ManualClock
from tests.drivers.modbus.scene import device, holding, running, source
from tests.drivers.modbus.witness import Slave, TcpDevice

MODULES = sorted(Path(drivers.modbus.__file__).parent.rglob("*.py"))
PYMODBUS_ALLOWED = {"FramerRTU", "FramerSocket", "DecodePDU", "create_serial_connection", "ReadCoilsRequest",
                    "ReadDiscreteInputsRequest", "ReadHoldingRegistersRequest", "ReadInputRegistersRequest"}


def names(tree: ast.AST) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        match node:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.FunctionDef(name=name) | ast.keyword(arg=str(name)):
                found.add(name)
            case ast.alias(name=name):
                found |= set(name.split("."))
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda path: path.name)
def test_no_module_names_a_write_function(path):
    found = {name for name in names(ast.parse(path.read_text(encoding="utf-8"))) if "write" in name.lower()}
    allowed = {"write"} if path.name == "wire.py" else set()  # transport.write: bytes of a request onto the wire
    assert found <= allowed


def test_only_the_four_reads_and_the_means_to_send_them_come_from_pymodbus():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("pymodbus"):
                assert path.name == "wire.py" and {alias.name for alias in node.names} <= PYMODBUS_ALLOWED
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("pymodbus") for alias in node.names)


def test_bytes_leave_at_one_place_only_and_only_from_a_request():
    tree = ast.parse(inspect.getsource(wire))
    sends = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "write"]
    assert len(sends) == 1


def test_a_request_with_any_other_function_can_not_be_made():
    for function in set(range(256)) - {1, 2, 3, 4}:
        with pytest.raises(KeyError):
            wire.Request(function, 1, 0, 1)


async def test_all_that_a_line_offers_is_read_and_close():
    line = wire.Line(source(host="127.0.0.1", devices=[device(holding("a", 0))]), ManualClock())
    assert {name for name, _ in inspect.getmembers(line, callable) if not name.startswith("_")} == {"read", "close"}


async def test_what_a_device_hears_are_reads():
    slave = Slave()
    points = [{"signal": table, "table": table, "address": 1} for table in ("coil", "discrete", "holding", "input")]
    async with (TcpDevice(slave) as server,
                running(host="127.0.0.1", port=server.port, devices=[device(*points)]) as run):
        await run.until(lambda: slave.asked >= 8)
        assert {function for function, _, _ in slave.requests} == {1, 2, 3, 4}
