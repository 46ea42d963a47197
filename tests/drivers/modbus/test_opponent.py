"""Against another Modbus stack: pymodbus' own server, plain TCP and RTU frames over TCP."""

from __future__ import annotations

import struct

import pytest
from pymodbus.framer import FramerType
from pymodbus.server import ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

from gateway.model.quality import Quality
from tests.drivers.modbus.scene import device, holding, running
from tests.servers import free_port

COILS = [False] * 16
COILS[1] = COILS[10] = True


@pytest.mark.parametrize(("transport", "framer"), [("tcp", FramerType.SOCKET), ("rtu_over_tcp", FramerType.RTU)])
async def test_every_table_and_bit_order_agree_with_pymodbus(transport, framer):
    high, low = struct.unpack(">HH", struct.pack(">f", 230.5))
    simulated = SimDevice(id=3, simdata=(
        [SimData(0, values=COILS, datatype=DataType.BITS)],
        [SimData(0, values=COILS[::-1], datatype=DataType.BITS)],
        [SimData(0, values=[11, 22, 33, high, low, 0x0008], datatype=DataType.REGISTERS)],
        [SimData(0, values=[low, high, 65535], datatype=DataType.REGISTERS)]))
    port = free_port()
    server = ModbusTcpServer(simulated, framer=framer, address=("127.0.0.1", port))
    await server.serve_forever(background=True)
    coils = [{"signal": f"c{n}", "table": "coil", "address": n} for n in range(16)]
    inputs = [{"signal": f"d{n}", "table": "discrete", "address": n} for n in range(16)]
    points = [*coils, *inputs, holding("a", 1), holding("volt", 3, type="float32"),
              holding("bit", 5, type="bit", bit=3),
              {"signal": "swapped", "table": "input", "address": 0, "type": "float32", "order": "CDAB"},
              {"signal": "minus", "table": "input", "address": 2, "type": "int16"}]
    try:
        async with running(transport=transport, host="127.0.0.1", port=port,
                           devices=[device(*points, unit=3, timeout="2s")]) as run:
            await run.until(lambda: all(run.seen.samples.values()))
            assert {quality for samples in run.seen.samples.values() for _, quality in samples} == {Quality.GOOD}
            assert [run.seen.last(f"c{n}")[0] for n in range(16)] == [float(bit) for bit in COILS]
            assert [run.seen.last(f"d{n}")[0] for n in range(16)] == [float(bit) for bit in COILS[::-1]]
            assert [run.seen.last(name)[0] for name in ("a", "volt", "bit", "swapped", "minus")] == [
                22.0, 230.5, 1.0, 230.5, -1.0]
    finally:
        await server.shutdown()
