"""Modbus TCP against devices that behave, and against devices that do everything wrong."""

from __future__ import annotations

import pytest

from gateway.model.quality import LABELS, Quality
from gateway.model.text import Text
from tests.drivers.modbus.scene import device, hasty, holding, is_nan, running
from tests.drivers.modbus.witness import Slave, TcpDevice

survives = pytest.mark.survives
SILENT = Text("probe: no answer within … s", "probe：… 秒内无应答")
LOST = "its points are bad: communication lost"
BACK = f"{LOST}; good again with the first right answer"


def tcp(server: TcpDevice, *devices: dict) -> dict:
    return {"host": "127.0.0.1", "port": server.port, "devices": list(devices)}


async def test_all_four_tables_arrive_as_engineering_values():
    slave = Slave()
    slave.bits[1][3], slave.bits[2][9] = 1, 1
    slave.registers[3][100], slave.registers[4][7] = 215, 0x8000
    points = [{"signal": "run", "table": "coil", "address": 3}, {"signal": "esd", "table": "discrete", "address": 9},
              holding("gas", 100, type="int16", scale=0.1),
              {"signal": "status", "table": "input", "address": 7, "type": "bit", "bit": 15}]
    async with TcpDevice(slave) as server, running(**tcp(server, device(*points))) as run:
        await run.until(lambda: all(run.seen.good(name) for name in ("run", "esd", "gas", "status")))
        assert run.seen.last("run") == run.seen.last("esd") == run.seen.last("status") == (1.0, Quality.GOOD)
        assert run.seen.last("gas")[0] == pytest.approx(21.5)
        status = run.status("probe")
        assert status.online and status.reason.en == "" and status.last_contact_wall_ns > 0


async def test_points_in_a_row_are_read_in_one_request():
    points = [holding(f"s{n}", n) for n in range(100)]
    async with TcpDevice(Slave()) as server, running(**tcp(server, device(*points))) as run:
        await run.until(lambda: len(run.seen.good("s99")) >= 3)
        assert set(server.slaves[1].requests) == {(3, 0, 100)}
        assert [run.seen.last(f"s{n}")[0] for n in range(100)] == list(range(100))


@survives("device answers too late, while something else is being asked",
          then="the late answer is counted and thrown away, its points are bad; no value lands in the wrong point")
async def test_a_late_answer_is_never_the_current_one():
    """The device answers block A too late: its bytes come while block B is being asked for."""
    slave = Slave()
    points = [holding("a", 0), holding("b", 500)]
    async with TcpDevice(slave) as server, running(**tcp(server, hasty(*points))) as run:
        slave.script.extend(["late 0.2", "late 0.1", "late 0.2", "ok", "ok"])
        await run.until(lambda: run.counter("probe", "late") >= 2 and len(run.seen.good("b")) >= 5)
        assert set(run.seen.good("a")) == {0.0} and set(run.seen.good("b")) == {500.0}
        assert Quality.BAD_COMM_LOST in run.seen.qualities("a")


@pytest.mark.parametrize("fault", [
    pytest.param("silent", marks=survives("device accepts and never answers", then=BACK, says=SILENT)),
    pytest.param("truncated", marks=survives("device sends half an answer", then=BACK, says=SILENT)),
    pytest.param("transaction 0", marks=survives("device answers with transaction 0", then=BACK, says=SILENT)),
    pytest.param("old transaction", marks=survives("device answers another transaction", then=BACK, says=SILENT))])
async def test_no_usable_answer_in_time_is_comm_lost_then_recovers(fault, says):
    slave = Slave(always=fault)
    async with TcpDevice(slave) as server, running(**tcp(server, hasty(holding("a", 7)))) as run:
        await run.until(lambda: run.counter("probe", "timeouts") >= 2)
        assert run.seen.good("a") == [] and set(run.seen.qualities("a")) == {Quality.BAD_COMM_LOST}
        assert all(is_nan(value) for value, _ in run.seen.samples["a"])
        assert not run.status("probe").online and says(run.status("probe").reason)
        slave.always = "ok"
        await run.until(lambda: bool(run.seen.good("a")))
        assert run.seen.last("a") == (7.0, Quality.GOOD) and run.status("probe").online


async def test_after_half_an_answer_the_very_next_request_succeeds():
    """The rest of the torn frame must not be taken from the next answer."""
    slave = Slave()
    slave.script.append("truncated")
    async with TcpDevice(slave) as server, running(**tcp(server, hasty(holding("a", 7)))) as run:
        await run.until(lambda: len(run.seen.good("a")) >= 3)
        assert run.seen.qualities("a").count(Quality.BAD_COMM_LOST) == 1 and set(run.seen.good("a")) == {7.0}


@pytest.mark.parametrize("fault", [
    pytest.param("short", marks=survives("device answers short", then=LOST, says=Text(
        "probe: 4 bytes of data were asked for, 2 came", "probe：请求 4 字节数据，收到 2 字节"))),
    pytest.param("unit", marks=survives("device answers another unit", then=LOST, says=Text(
        "probe: unit 1 was asked, unit 2 answered", "probe：请求站号 1，应答站号为 2"))),
    pytest.param("function", marks=survives("device answers another function", then=LOST, says=Text(
        "probe: function 3 was asked, function 4 answered", "probe：请求功能码 3，应答功能码为 4")))])
async def test_an_answer_to_something_else_is_refused_at_once(fault, says):
    slave = Slave(always=fault)
    async with TcpDevice(slave) as server, running(**tcp(server, device(holding("a", 7, type="int32")))) as run:
        await run.until(lambda: run.counter("probe", "rejected") >= 2)
        assert run.seen.good("a") == [] and run.counter("probe", "timeouts") == 0
        assert says(run.status("probe").reason)


@pytest.mark.parametrize("fault", [
    pytest.param("reset", marks=survives("device resets mid-frame", then=f"{BACK}; dialled again at once", says=Text(
        "probe: the connection was closed while waiting for the answer", "probe：等待应答时连接被断开"))),
    pytest.param("garbage", marks=survives("another server listens on the port", then=f"{BACK}; dialled again at once",
                                           says=Text("probe: the byte stream made no sense: is this port Modbus TCP?",
                                                     "probe：收到的数据流无法识别，请确认该端口为 Modbus TCP")))])
async def test_a_broken_connection_is_noticed_at_once_and_dialled_again(fault, says):
    slave = Slave()
    patient = device(holding("a", 7), timeout="1h")  # nothing here waits for a time-out
    async with TcpDevice(slave) as server, running(**tcp(server, patient)) as run:
        await run.until(lambda: bool(run.seen.good("a")))
        slave.always = fault
        await run.until(lambda: server.connections >= 3)
        assert says(run.status("probe").reason)
        slave.always = "ok"
        before = len(run.seen.good("a"))
        await run.until(lambda: len(run.seen.good("a")) > before)
        assert set(run.seen.good("a")) == {7.0} and Quality.BAD_COMM_LOST in run.seen.qualities("a")
        assert run.counter("probe", "timeouts") >= 2


async def test_a_device_that_hangs_up_after_each_answer_is_served_all_the_same():
    slave = Slave(always="bye")
    shy = device(holding("a", 7), holding("b", 500), timeout="1h", pause="30ms", retries=1)
    async with TcpDevice(slave) as server, running(**tcp(server, shy)) as run:
        await run.until(lambda: len(run.seen.good("a")) >= 3 and len(run.seen.good("b")) >= 3)
        assert set(run.seen.qualities("a")) == set(run.seen.qualities("b")) == {Quality.GOOD}


async def test_a_device_that_accepts_and_never_answers_is_dialled_again():
    """A half-open connection looks just like that."""
    async with TcpDevice(Slave(always="silent")) as server, running(**tcp(server, hasty(holding("a", 7)))) as run:
        await run.until(lambda: server.connections >= 2)
        assert run.counter("probe", "timeouts") >= 3 and run.seen.good("a") == []


EXCEPTIONS = {
    1: Text("illegal function: the device does not serve this table", "非法功能码：设备不支持读取该寄存器区"),
    2: Text("illegal data address: the device has no such address", "非法数据地址：设备没有该地址"),
    3: Text("illegal data value: often too many registers in one request", "非法数据值：多为单次读取的寄存器过多"),
    4: Text("device failure", "从站设备故障"),
    5: Text("accepted, still working on it", "已接受，仍在处理"),
    6: Text("device busy", "从站设备忙"),
    8: Text("memory parity error", "存储奇偶校验错误"),
    10: Text("gateway path unavailable", "网关路径不可用"),
    11: Text("the device behind the gateway does not respond", "网关后端设备无响应"),
    77: Text("not defined by the standard", "标准未定义"),
}
BEHIND_A_GATEWAY = (10, 11)  # said by a gateway in front: the device itself is out of reach
NO_DATA_YET = (5, 6, *BEHIND_A_GATEWAY)  # no failed device: the deadman decides when that has lasted too long


def exception(code: int):
    behind = code in BEHIND_A_GATEWAY
    return pytest.param(code, marks=survives(
        f"device answers exception code {code}",
        then=f"its points are bad: {'communication lost' if code in NO_DATA_YET else 'device error'}" + (
            "; the device counts as out of reach" if behind else "; the device counts as online"),
        says=Text(f"probe{'' if behind else ', holding 40 (GD-01)'}: exception {code}, {EXCEPTIONS[code].en}",
                  f"probe{'' if behind else '，holding 40 (GD-01)'}：异常码 {code}，{EXCEPTIONS[code].zh}")))


@pytest.mark.parametrize("code", [exception(code) for code in EXCEPTIONS])
async def test_an_exception_names_point_device_and_register(code, says):
    slave = Slave(always=f"exception {code}")
    async with TcpDevice(slave) as server, running(**tcp(server, device(holding("GD-01", 40)))) as run:
        await run.until(lambda: run.counter("probe", "exceptions") >= 2)
        assert set(run.seen.qualities("GD-01")) == {
            Quality.BAD_COMM_LOST if code in NO_DATA_YET else Quality.BAD_DEVICE}
        assert says(run.status("probe").reason)
        assert run.status("probe").online == (code not in BEHIND_A_GATEWAY)


def no_number(case: str, words: list[int], **settings):
    return pytest.param(words, settings, id=case, marks=survives(
        case, then="the sample is bad and has no value; its neighbour in the same block is good",
        says=LABELS[Quality.BAD_SENSOR]))


@pytest.mark.parametrize(("words", "settings"), [
    no_number("register holds NaN", [0x7FC0, 0]),
    no_number("register holds a signalling NaN", [0x7FA0, 1]),
    no_number("register holds +Inf", [0x7F80, 0]),
    no_number("register holds -Inf", [0xFF80, 0]),
    no_number("overflow: the scaled value is beyond any number", [0x7F7F, 0xFFFF], scale=1e300),
    no_number("register holds the code that the device uses for no value", [0x8000, 0], type="int16",
              fault_values=[0x8000]),
])
async def test_what_is_no_number_is_bad_and_its_neighbour_good(words, settings, says):
    slave = Slave()
    slave.registers[3][0:2] = words
    points = [holding("a", 0, **{"type": "float32"} | settings), holding("b", 2)]
    async with TcpDevice(slave) as server, running(**tcp(server, device(*points))) as run:
        await run.until(lambda: len(run.seen.samples["a"]) >= 3)
        assert all(is_nan(value) for value, _ in run.seen.samples["a"])
        assert says(LABELS[run.seen.last("a")[1]]) and len(set(run.seen.qualities("a"))) == 1
        assert set(run.seen.qualities("b")) == {Quality.GOOD} and run.status("probe").online
        slave.registers[3][0:2] = [0x41A0, 0]
        await run.until(lambda: bool(run.seen.good("a")))


@survives("one register of a block does not exist", then="only its own point is bad; the block is split and remembered",
          says=Text("probe, holding 17 (s17): exception 2", "probe，holding 17 (s17)：异常码 2"))
async def test_one_illegal_register_is_isolated_and_the_rest_goes_on(says):
    slave = Slave(illegal={17})
    points = [holding(f"s{n}", n) for n in range(40)]
    async with TcpDevice(slave) as server, running(**tcp(server, device(*points))) as run:
        await run.until(lambda: len(run.seen.good("s39")) >= 3 and Quality.BAD_DEVICE in run.seen.qualities("s17"))
        assert set(run.seen.qualities("s17")) == {Quality.BAD_DEVICE}
        for n in (0, 16, 18, 39):
            assert set(run.seen.qualities(f"s{n}")) == {Quality.GOOD}, f"s{n} was never refused"
        assert says(run.status("probe").reason)
        assert slave.requests.count((3, 0, 40)) == 1, "what was learned is remembered"


async def test_a_register_in_a_hole_does_not_cost_its_neighbours():
    slave = Slave(illegal={5})
    async with TcpDevice(slave) as server, running(**tcp(server, device(holding("a", 4), holding("b", 6)))) as run:
        await run.until(lambda: bool(run.seen.good("a")) and bool(run.seen.good("b")))
        assert set(run.seen.qualities("a")) == set(run.seen.qualities("b")) == {Quality.GOOD}


async def test_a_device_with_a_smaller_maximum_is_found_out():
    slave = Slave(longest=30)
    points = [holding(f"s{n}", n) for n in range(100)]
    async with TcpDevice(slave) as server, running(**tcp(server, device(*points))) as run:
        await run.until(lambda: all(len(run.seen.good(f"s{n}")) >= 2 for n in range(100)))
        assert all(set(run.seen.qualities(f"s{n}")) == {Quality.GOOD} for n in range(100))


@survives("device refuses all that it is asked", then="its points are bad: device error; it is not flooded")
async def test_a_device_that_refuses_everything_is_not_flooded():
    slave = Slave(always="exception 2")
    points = [holding(f"s{n}", n) for n in range(100)]
    async with TcpDevice(slave) as server, running(**tcp(server, device(*points, period="10s"))) as run:
        await run.until(lambda: all(run.seen.samples[f"s{n}"] for n in range(100)))
        assert slave.asked <= 1 + 2 * 16 and set(run.seen.qualities("s0")) == {Quality.BAD_DEVICE}


async def test_a_block_that_is_never_answered_costs_only_its_own_points():
    slave = Slave()
    points = [holding("deaf", 0), holding("b", 100), holding("c", 200)]

    def answer(pdu, honest=slave.answer):
        fault, frame = honest(pdu)
        return ("silent" if slave.requests[-1][1] == 0 else fault), frame

    slave.answer = answer
    async with TcpDevice(slave) as server, running(**tcp(server, hasty(*points))) as run:
        await run.until(lambda: len(run.seen.good("b")) >= 5 and len(run.seen.good("c")) >= 5)
        assert set(run.seen.qualities("deaf")) == {Quality.BAD_COMM_LOST}
        assert set(run.seen.qualities("b")) == set(run.seen.qualities("c")) == {Quality.GOOD}
        assert run.status("probe").online and "deaf" in run.status("probe").reason.en


async def test_a_lost_answer_is_asked_for_again():
    slave = Slave()
    slave.script.extend(["silent", "ok"])
    async with TcpDevice(slave) as server, running(**tcp(server, hasty(holding("a", 7), retries=1))) as run:
        await run.until(lambda: bool(run.seen.good("a")))
        assert set(run.seen.qualities("a")) == {Quality.GOOD} and run.counter("probe", "timeouts") == 1


@pytest.mark.parametrize("code", [5, 6, 11])
async def test_a_device_that_is_busy_or_was_not_heard_by_its_gateway_is_asked_again(code):
    slave = Slave()
    slave.script.extend([f"exception {code}", "ok"])
    async with TcpDevice(slave) as server, running(**tcp(server, device(holding("a", 7), retries=1))) as run:
        await run.until(lambda: bool(run.seen.good("a")))
        assert set(run.seen.qualities("a")) == {Quality.GOOD}


async def test_a_silent_device_is_probed_with_one_request_at_a_time():
    slave = Slave(always="silent")
    points = [holding(f"s{n}", n * 100) for n in range(5)]  # five blocks
    async with TcpDevice(slave) as server, running(**tcp(server, hasty(*points, retries=1))) as run:
        await run.until(lambda: slave.asked >= 6)
        # first turn: block 0 twice, block 1 once; from then on one block per turn, each time another
        assert [first for _, first, _ in slave.requests[:6]] == [0, 0, 100, 100, 200, 300]
        assert all(set(run.seen.qualities(f"s{n}")) == {Quality.BAD_COMM_LOST} for n in range(5))
        slave.always = "ok"
        await run.until(lambda: all(run.seen.good(f"s{n}") for n in range(5)))


@survives("device restarts", then=BACK, says=Text(
    "probe: no connection to 127.0.0.1:…: connection refused", "probe：无法连接 127.0.0.1:…：连接被拒绝"))
async def test_reconnect_after_the_server_restarts(says):
    server = await TcpDevice(Slave()).start()
    async with running(**tcp(server, device(holding("a", 7)))) as run:
        await run.until(lambda: bool(run.seen.good("a")))
        await server.stop()
        await run.until(lambda: says(run.status("probe").reason))
        assert run.seen.last("a")[1] == Quality.BAD_COMM_LOST and not run.status("probe").online
        await server.start()
        before = len(run.seen.good("a"))
        await run.until(lambda: len(run.seen.good("a")) > before)
        assert run.status("probe").online and run.counter("probe", "connects") == 2
        await server.stop()


async def test_one_slow_tcp_device_does_not_slow_another():
    slow, quick = Slave(always="late 0.1"), Slave()
    async with (TcpDevice(slow) as slow_server, TcpDevice(quick) as quick_server,
                running(**tcp(slow_server, device(holding("a", 7)))) as slow_run,
                running(**tcp(quick_server, device(holding("b", 7)))) as quick_run):
        await slow_run.until(lambda: len(slow_run.seen.good("a")) >= 5)
        assert len(quick_run.seen.good("b")) > 2 * len(slow_run.seen.good("a"))
        assert quick_run.counter("probe", "missed_cycles") <= slow_run.counter("probe", "missed_cycles")


async def test_two_units_behind_one_tcp_gateway_one_of_them_dead():
    alive = Slave(unit=1)
    async with (TcpDevice(alive) as server,
                running(**tcp(server, device(holding("a", 7), name="alive", unit=1),
                              hasty(holding("b", 7), name="dead", unit=2))) as run):
        await run.until(lambda: run.counter("dead", "timeouts") >= 5)
        assert set(run.seen.qualities("a")) == {Quality.GOOD}
        assert set(run.seen.qualities("b")) == {Quality.BAD_COMM_LOST}
        assert run.status("alive").online and not run.status("dead").online
        assert server.connections == 1, "a dead unit must not cost the living one its connection"


async def test_cycles_that_could_not_start_in_time_are_counted():
    slave = Slave(always="late 0.1")
    async with TcpDevice(slave) as server, running(**tcp(server, device(holding("a", 7)))) as run:
        await run.until(lambda: len(run.seen.good("a")) >= 3)
        assert run.counter("probe", "missed_cycles") >= 6  # 100 ms answers on a 20 ms grid
