"""Modbus TCP against devices that behave, and against devices that do everything wrong."""

from __future__ import annotations

import pytest

from gateway.model.quality import Quality
from tests.drivers.modbus.scene import device, hasty, holding, is_nan, running
from tests.drivers.modbus.witness import Slave, TcpDevice


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


async def test_a_late_answer_is_never_the_current_one():
    """The device answers block A too late: its bytes come while block B is being asked for."""
    slave = Slave()
    points = [holding("a", 0), holding("b", 500)]
    async with TcpDevice(slave) as server, running(**tcp(server, hasty(*points))) as run:
        slave.script.extend(["late 0.2", "late 0.1", "late 0.2", "ok", "ok"])
        await run.until(lambda: run.counter("probe", "late") >= 2 and len(run.seen.good("b")) >= 5)
        assert set(run.seen.good("a")) == {0.0} and set(run.seen.good("b")) == {500.0}
        assert Quality.BAD_COMM_LOST in run.seen.qualities("a")


@pytest.mark.parametrize("fault", ["silent", "truncated", "transaction 0", "old transaction"])
async def test_no_usable_answer_in_time_is_comm_lost_then_recovers(fault):
    slave = Slave(always=fault)
    async with TcpDevice(slave) as server, running(**tcp(server, hasty(holding("a", 7)))) as run:
        await run.until(lambda: run.counter("probe", "timeouts") >= 2)
        assert run.seen.good("a") == [] and set(run.seen.qualities("a")) == {Quality.BAD_COMM_LOST}
        assert all(is_nan(value) for value, _ in run.seen.samples["a"])
        assert not run.status("probe").online and "no answer within" in run.status("probe").reason.en
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


@pytest.mark.parametrize(("fault", "message"), [
    ("short", "4 bytes of data were asked for, 2 came"),
    ("unit", "unit 1 was asked, unit 2 answered"),
    ("function", "function 3 was asked, function 4 answered"),
])
async def test_an_answer_to_something_else_is_refused_at_once(fault, message):
    slave = Slave(always=fault)
    async with TcpDevice(slave) as server, running(**tcp(server, device(holding("a", 7, type="int32")))) as run:
        await run.until(lambda: run.counter("probe", "rejected") >= 2)
        assert run.seen.good("a") == [] and run.counter("probe", "timeouts") == 0
        assert message in run.status("probe").reason.en


@pytest.mark.parametrize("fault", ["reset", "garbage"])
async def test_a_broken_connection_is_noticed_at_once_and_dialled_again(fault):
    slave = Slave()
    patient = device(holding("a", 7), timeout="1h")  # nothing here waits for a time-out
    async with TcpDevice(slave) as server, running(**tcp(server, patient)) as run:
        await run.until(lambda: bool(run.seen.good("a")))
        slave.always = fault
        await run.until(lambda: server.connections >= 3)
        slave.always = "ok"
        before = len(run.seen.good("a"))
        await run.until(lambda: len(run.seen.good("a")) > before)
        assert set(run.seen.good("a")) == {7.0}
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


@pytest.mark.parametrize("code", [1, 2, 3, 4, 5, 6, 8, 10, 11, 77])
async def test_an_exception_names_point_device_and_register(code):
    slave = Slave(always=f"exception {code}")
    async with TcpDevice(slave) as server, running(**tcp(server, device(holding("GD-01", 40)))) as run:
        await run.until(lambda: run.counter("probe", "exceptions") >= 2)
        assert set(run.seen.qualities("GD-01")) == {Quality.BAD_DEVICE}
        reason = run.status("probe").reason
        assert f"exception {code}," in reason.en and f"异常码 {code}，" in reason.zh and "probe" in reason.en
        if code not in (10, 11):  # those are said by a gateway in front: the device itself is out of reach
            assert "GD-01" in reason.en and "holding 40" in reason.en and run.status("probe").online
        else:
            assert not run.status("probe").online


async def test_one_illegal_register_is_isolated_and_the_rest_goes_on():
    slave = Slave(illegal={17})
    points = [holding(f"s{n}", n) for n in range(40)]
    async with TcpDevice(slave) as server, running(**tcp(server, device(*points))) as run:
        await run.until(lambda: len(run.seen.good("s39")) >= 3 and Quality.BAD_DEVICE in run.seen.qualities("s17"))
        assert set(run.seen.qualities("s17")) == {Quality.BAD_DEVICE}
        for n in (0, 16, 18, 39):
            assert set(run.seen.qualities(f"s{n}")) == {Quality.GOOD}, f"s{n} was never refused"
        assert "holding 17 (s17)" in run.status("probe").reason.en
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


async def test_a_device_that_refuses_everything_is_not_flooded():
    slave = Slave(always="exception 2")
    points = [holding(f"s{n}", n) for n in range(100)]
    async with TcpDevice(slave) as server, running(**tcp(server, device(*points, period="10s"))) as run:
        await run.until(lambda: all(run.seen.samples[f"s{n}"] for n in range(100)))
        assert slave.asked <= 1 + 2 * 16


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


async def test_a_busy_device_is_asked_again():
    slave = Slave()
    slave.script.extend(["exception 6", "ok"])
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


async def test_reconnect_after_the_server_restarts():
    server = await TcpDevice(Slave()).start()
    async with running(**tcp(server, device(holding("a", 7)))) as run:
        await run.until(lambda: bool(run.seen.good("a")))
        await server.stop()
        await run.until(lambda: "connection refused" in run.status("probe").reason.en)
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
