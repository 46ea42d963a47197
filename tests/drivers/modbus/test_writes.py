"""Davylamp writes to one sort of thing in the field: a contact that the site file names under `outputs`. All else is
read, and the wire can not say anything else."""

from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import drivers.modbus
from drivers.modbus import wire
from drivers.modbus.config import ModbusSource
from drivers.modbus.findings import findings
from drivers.modbus.output import ModbusOutput
from gateway.model.clock import ManualClock
from gateway.model.errors import SourceError
from tests.drivers.modbus.scene import device, holding, running, source
from tests.drivers.modbus.witness import SerialBus, Slave, TcpDevice

MODULES = sorted(Path(drivers.modbus.__file__).parent.rglob("*.py"))
FROM_PYMODBUS = {
    "wire.py": {"FramerRTU", "FramerSocket", "DecodePDU", "ModbusPDU", "create_serial_connection", "ReadCoilsRequest",
                "ReadDiscreteInputsRequest", "ReadHoldingRegistersRequest", "ReadInputRegistersRequest"},
    "output.py": {"WriteSingleCoilRequest", "WriteSingleRegisterRequest"}}
SIREN = {"id": "siren", "address": 3}


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
def test_one_module_alone_knows_how_to_write(path):
    found = {name for name in names(ast.parse(path.read_text(encoding="utf-8"))) if "write" in name.lower()}
    assert found <= {"wire.py": {"write"}, "output.py": FROM_PYMODBUS["output.py"]}.get(path.name, set())


def test_only_these_means_come_from_pymodbus():
    for path in MODULES:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module.startswith("pymodbus"):
                assert {alias.name for alias in node.names} <= FROM_PYMODBUS.get(path.name, set())
            if isinstance(node, ast.Import):
                assert not any(alias.name.startswith("pymodbus") for alias in node.names)


def test_bytes_leave_at_one_place_only_and_only_from_a_request():
    tree = ast.parse(inspect.getsource(wire))
    sends = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "write"]
    assert len(sends) == 1


def test_a_reading_with_any_other_function_can_not_be_made():
    for function in set(range(256)) - {1, 2, 3, 4}:
        with pytest.raises(KeyError):
            wire.reading(function, 1, 0, 1)


async def test_all_that_an_output_offers_is_to_be_driven_and_it_knows_two_commands():
    config = source(host="127.0.0.1", devices=[device(holding("a", 0), outputs=[SIREN])])
    output = ModbusOutput(config.devices[0], config.devices[0].outputs[0], wire.Line(config, ManualClock()))
    assert {name for name, _ in inspect.getmembers(output, callable) if not name.startswith("_")} == {"drive"}
    assert [command.tcp_tail[5:].hex() for command in output._commands.values()] == ["0500030000", "050003ff00"]


async def test_what_a_device_hears_are_reads_though_it_has_an_output():
    slave = Slave(relays={3})
    points = [{"signal": table, "table": table, "address": 1} for table in ("coil", "discrete", "holding", "input")]
    async with (TcpDevice(slave) as server,
                running(host="127.0.0.1", port=server.port, devices=[device(*points, outputs=[SIREN])]) as run):
        await run.until(lambda: slave.asked >= 8)
        assert {function for function, _, _ in slave.requests} == {1, 2, 3, 4}


async def test_a_contact_is_driven_and_released_while_the_device_is_polled():
    slave = Slave(relays={3})
    async with (TcpDevice(slave) as server,
                running(host="127.0.0.1", port=server.port, devices=[
                    device(holding("a", 7), outputs=[SIREN])]) as run):
        await run.until(lambda: bool(run.seen.good("a")))
        (siren,) = run.driver.outputs
        await siren.drive(True)
        assert slave.bits[1][:6] == [0, 0, 0, 1, 0, 0]
        await siren.drive(False)
        assert slave.bits[1][:6] == [0, 0, 0, 0, 0, 0]
        assert {request for request in slave.requests if request[0] > 4} == {(5, 3, 0xFF00), (5, 3, 0)}
        assert server.connections == 1, "one master per bus: reads and writes share the connection"
        seen = len(run.seen.good("a"))
        await run.until(lambda: len(run.seen.good("a")) > seen)


async def test_a_contact_on_a_serial_bus():
    slave = Slave(relays={3})
    async with (SerialBus(slave) as bus,
                running(transport="rtu", serial_port=bus.path, devices=[
                    device(holding("a", 7), outputs=[SIREN])]) as run):
        await run.until(lambda: bool(run.seen.good("a")))
        await run.driver.outputs[0].drive(True)
        assert slave.bits[1][3] == 1


async def test_a_register_is_written_with_the_two_contents_of_the_site_file():
    slave = Slave(relays={40})
    contact = {"id": "beacon", "table": "holding", "address": 41, "on": 0x0102, "off": 0x0200}
    async with (TcpDevice(slave) as server,
                running(host="127.0.0.1", port=server.port, devices=[
                    device(holding("a", 7), outputs=[contact], address_base=1)]) as run):
        await run.driver.outputs[0].drive(True)
        assert slave.registers[3][40] == 0x0102
        await run.driver.outputs[0].drive(False)
        assert slave.registers[3][40] == 0x0200


@pytest.mark.parametrize(("slave", "why"), [
    (Slave(relays={3}, jammed=True), "read back otherwise"), (Slave(), "illegal function"),
    (Slave(relays={3}, always="silent"), "no answer"), (Slave(relays={3}, always="unit"), "answered"),
], ids=["does not obey", "refuses", "silent", "another unit answers"])
async def test_what_is_not_seen_to_be_done_is_an_error(slave, why):
    async with (TcpDevice(slave) as server,
                running(host="127.0.0.1", port=server.port, devices=[
                    device(holding("a", 7), outputs=[SIREN], timeout="150ms")]) as run):
        with pytest.raises(SourceError, match=why):
            await run.driver.outputs[0].drive(True)


@pytest.mark.parametrize(("outputs", "message"), [
    ([SIREN, SIREN | {"address": 4}], "used twice"), ([SIREN, SIREN | {"id": "beacon"}], "same contact"),
    ([SIREN | {"table": "holding", "on": 0}], "same content"), ([SIREN | {"address": 70000}], "outside the table"),
])
def test_outputs_that_can_not_work_are_found(outputs, message):
    config = ModbusSource.model_validate({"id": "bus", "type": "modbus", "host": "127.0.0.1", "devices": [
        device(holding("a", 7), outputs=outputs)]})
    assert [what.en for _, what, _, severity in findings(config) if severity == "error" and message in what.en]
