"""What can go wrong at a site, one function each. A scenario calls it: `do = "drift", target = "GD-03", rate = 0.2`.

A fault changes the plant, an instrument, the wire of a device or a publisher, and returns the way back. `FAULTS` is the
table of all of them, `markdown()` prints it for the handbook.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from simulators.plant import CALIBRATION, INHIBIT, WARM_UP
from simulators.text import Text

if TYPE_CHECKING:
    from simulators.world import World

Undo = Callable[[], None]
SERVICE = {"inhibit": INHIBIT, "warm_up": WARM_UP, "calibration": CALIBRATION}

# kind of target -> what a person calls it
TARGETS = {
    "quantity": Text("quantity", "测量量"), "detector": Text("detector", "探测器"), "valve": Text("valve", "阀门"),
    "machine": Text("machine", "机泵"), "camera": Text("camera", "摄像机"), "persons": Text("person count", "人数"),
    "device": Text("Modbus device", "Modbus 设备"), "publisher": Text("MQTT publisher", "MQTT 发布端"),
    "any": Text("anything above", "以上任一对象"), "": Text("none", "无"),
}


@dataclass(frozen=True, slots=True)
class Argument:
    """default None: must be given. choices: for words; otherwise a number from `least` to `most`."""

    default: float | str | None
    unit: str = ""
    least: float = -math.inf
    most: float = math.inf
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fault:
    """on: kind of target, named in the scenario under the key `key`. lasts: takes `for`."""

    name: str
    on: str
    key: str
    meaning: Text
    arguments: Mapping[str, Argument]
    apply: Callable[..., Undo | None]
    lasts: bool


FAULTS: dict[str, Fault] = {}


def fault(name: str, on: str, en: str, zh: str, *, key: str = "target", lasts: bool = True, **arguments: Argument):
    """Enter a function (world, target, **arguments) -> undo into the table."""
    def enter(function: Callable[..., Undo | None]) -> Callable[..., Undo | None]:
        FAULTS[name] = Fault(name, on, key, Text(en, zh), arguments, function, lasts)
        return function
    return enter


# --- the process ----------------------------------------------------------------------------------------------------

@fault("leak", "detector", "Gas escapes `distance` upwind of the detector; full rate after a few times `rise`.",
       "在该探测器上风向 `distance` 处发生泄漏，经数倍 `rise` 时间达到全速率。", key="near",
       rate=Argument(340.0, "g/s", 0), distance=Argument(3.0, "m", 0), rise=Argument(12.0, "s", 0.1))
def leak(world: World, target: str, rate: float, distance: float, rise: float) -> Undo:
    source = world.plant.leak_near(target, rate=rate, distance=distance, rise=rise)
    return lambda: world.plant.leaks.remove(source)


@fault("wind", "", "The wind changes. 0 degrees blows along +x of the layout.",
       "风速风向改变。0 度为沿布局 +x 方向吹。", lasts=False,
       speed=Argument(2.0, "m/s", 0.2), towards=Argument(0.0, "deg"))
def wind(world: World, target: str, speed: float, towards: float) -> None:
    world.plant.wind_speed, world.plant.wind_towards = speed, math.radians(towards)


@fault("start", "machine", "The machine is started.", "启动该机泵。", lasts=False)
def start(world: World, target: str) -> None:
    world.plant.start(target, True)


@fault("stop", "machine", "The machine is stopped.", "停止该机泵。", lasts=False)
def stop(world: World, target: str) -> None:
    world.plant.start(target, False)


@fault("persons", "persons", "So many people are in the picture.", "画面中的人数变为该值。", lasts=False,
       count=Argument(None, "", 0, 1000))
def persons(world: World, target: str, count: float) -> None:
    world.plant.persons[world.position("persons", target)] = count


@fault("reset_esd", "", "The simulated certified system is reset by hand; the valves open.",
       "人工复位模拟认证系统，阀门重新打开。", lasts=False)
def reset_esd(world: World, target: str) -> None:
    world.plant.esd = False


@fault("slow_valve", "valve", "The valve needs `stroke` from end to end.", "该阀门全行程需要 `stroke`。",
       stroke=Argument(None, "s", 0.1))
def slow_valve(world: World, target: str, stroke: float) -> Undo:
    return _set(world.plant.stroke, world.position("valve", target), stroke)


@fault("jammed_valve", "valve", "The valve does not move.", "该阀门卡住不动。")
def jammed_valve(world: World, target: str) -> Undo:
    return _set(world.plant.jammed, world.position("valve", target), True)


# --- instruments ----------------------------------------------------------------------------------------------------

@fault("stuck", "quantity", "The instrument shows the same value for ever.", "仪表读数冻结不变。")
def stuck(world: World, target: str) -> Undo:
    return _set(world.plant.instruments.held, world.plant.index[target], world.plant[target])


@fault("drift", "quantity", "The zero of the instrument moves by `rate` per second, in its unit.",
       "仪表零点以每秒 `rate`（自身单位）漂移。", rate=Argument(None, "unit/s"))
def drift(world: World, target: str, rate: float) -> Undo:
    k, instruments = world.plant.index[target], world.plant.instruments
    instruments.drift_rate[k] = rate

    def undo() -> None:
        instruments.drift_rate[k] = instruments.drift[k] = 0.0
    return undo


@fault("wrapped", "detector", "The probe is wrapped in film: a fifth of the gas, twenty times as late.",
       "探头被薄膜包住：只感受到五分之一的气体，且慢二十倍。")
def wrapped(world: World, target: str) -> Undo:
    return _set(world.plant.wrapped, world.position("detector", target), True)


@fault("noise", "quantity", "The instrument is noisy: standard deviation `sigma`, in its unit.",
       "仪表噪声增大：标准差 `sigma`（自身单位）。", sigma=Argument(None, "unit", 0))
def noise(world: World, target: str, sigma: float) -> Undo:
    return _set(world.plant.instruments.noise, world.plant.index[target], sigma)


@fault("dropout", "quantity", "No value (gas: 0x8000 and status 3; 4-20 mA: 0 mA): `out` seconds in every `every` "
       "seconds; 0 is all the time.",
       "仪表无值（气体：0x8000 且状态 3；4-20 mA：0 mA）：每 `every` 秒中断 `out` 秒；0 表示一直中断。",
       out=Argument(0.0, "s", 0), every=Argument(0.0, "s", 0))
def dropout(world: World, target: str, out: float, every: float) -> Undo:
    k, instruments = world.plant.index[target], world.plant.instruments
    instruments.lost_from[k] = world.plant.elapsed
    instruments.lost_for[k], instruments.lost_every[k] = out or math.inf, every or math.inf

    def undo() -> None:
        instruments.lost_from[k] = math.inf
    return undo


@fault("test_gas", "detector", "A bump test: test gas of `level` under a cup; the status says calibration until it is "
       "gone.", "功能测试（通气测试）：用标定罩通入 `level` 的标准气体，直至气体散尽，状态字为标定。",
       level=Argument(50.0, "%LEL", 0, 100))
def test_gas(world: World, target: str, level: float) -> Undo:
    return _set(world.plant.test_gas, world.position("detector", target), level)


@fault("service", "detector", "The detector is not in normal service, and says so in its status.",
       "探测器处于非正常工作状态，并由状态字给出。", state=Argument("inhibit", choices=tuple(SERVICE)))
def service(world: World, target: str, state: str) -> Undo:
    return _set(world.plant.service, world.position("detector", target), SERVICE[state])


# --- cameras and publishers -----------------------------------------------------------------------------------------

@fault("camera_loss", "camera", "The camera gives no pictures: 0 frames per second, counts stand still.",
       "摄像机无画面：帧率为 0，人数不再变化。")
def camera_loss(world: World, target: str) -> Undo:
    return _set(world.plant.camera_lost, world.position("camera", target), True)


@fault("broker_loss", "publisher", "The publisher loses its connection without goodbye: last will, then it comes back.",
       "发布端异常断线：代理发布遗嘱消息，之后自动重连。")
def broker_loss(world: World, target: str) -> Undo:
    return _attribute(world.publishers[target], "lost", True)


@fault("silent", "publisher", "The publisher stays connected and says nothing.", "发布端保持连接但不再发送。")
def silent(world: World, target: str) -> Undo:
    return _attribute(world.publishers[target], "silent", True)


@fault("garbled_payload", "publisher", "Payloads arrive cut in half.", "消息内容只剩前一半。")
def garbled_payload(world: World, target: str) -> Undo:
    return _attribute(world.publishers[target], "garbled", True)


@fault("clock_step", "publisher", "The clock of the device jumps: its stamps are off by `seconds`.",
       "设备时钟跳变：其时间戳偏差 `seconds`。", seconds=Argument(None, "s"))
def clock_step(world: World, target: str, seconds: float) -> Undo:
    return _attribute(world.publishers[target], "clock_offset", seconds)


# --- Modbus devices -------------------------------------------------------------------------------------------------

@fault("dead_slave", "device", "The device takes requests and never answers.", "设备接收请求但从不应答。")
def dead_slave(world: World, target: str) -> Undo:
    return _attribute(world.devices[target].wire, "dead", True)


@fault("unplugged", "device", "Connections are reset and new ones refused; silence on a serial bus.",
       "现有连接被重置、新连接被拒绝；串行总线上无应答。")
def unplugged(world: World, target: str) -> Undo:
    return _attribute(world.devices[target].wire, "unplugged", True)


@fault("reboot", "device", "Unplugged until it is up again; then its detectors warm up for `warm_up`.",
       "设备重启期间断线；启动后其探测器预热 `warm_up`。", warm_up=Argument(10.0, "s", 0))
def reboot(world: World, target: str, warm_up: float) -> Undo:
    device, plant = world.devices[target], world.plant
    back = _attribute(device.wire, "rebooting", True)

    def undo() -> None:
        back()
        for name in world.targets("detector"):
            if name in device.quantities:
                plant.warm_until[world.position("detector", name)] = plant.elapsed + warm_up
    return undo


@fault("garbled_frame", "device", "A `share` of the answers (0 to 1) has a wrong byte: RTU anywhere, TCP in front.",
       "占比 `share`（0 到 1）的应答出现错误字节：RTU 任意位置，TCP 在报文头。", share=Argument(0.5, "", 0, 1))
def garbled_frame(world: World, target: str, share: float) -> Undo:
    return _attribute(world.devices[target].wire, "garbled", share)


@fault("late_answer", "device", "Answers come late by `delay` of real time, whatever `speed` is.",
       "应答推迟 `delay`（真实时间，不受 `speed` 影响）。", delay=Argument(None, "s", 0))
def late_answer(world: World, target: str, delay: float) -> Undo:
    return _attribute(world.devices[target].wire, "delay", delay)


@fault("short_answer", "device", "Answers carry one register (or eight bits) too few, in a correct frame.",
       "应答帧正确，但少一个寄存器（或 8 位）。")
def short_answer(world: World, target: str) -> Undo:
    return _attribute(world.devices[target].wire, "short", True)


@fault("wrong_unit", "device", "Answers name another unit id.", "应答中的站号不符。")
def wrong_unit(world: World, target: str) -> Undo:
    return _attribute(world.devices[target].wire, "wrong_unit", True)


@fault("wrong_transaction", "device", "Answers name another transaction (TCP).", "应答中的事务号不符（TCP）。")
def wrong_transaction(world: World, target: str) -> Undo:
    return _attribute(world.devices[target].wire, "wrong_transaction", True)


@fault("torn_frame", "device", "Half an answer, then the connection is closed; on a serial bus half an answer only.",
       "应答只发一半后断开连接；串行总线上只有半帧。")
def torn_frame(world: World, target: str) -> Undo:
    return _attribute(world.devices[target].wire, "torn", True)


@fault("exception", "device", "Every request is answered with this exception code.", "所有请求都以该异常码应答。",
       code=Argument(4.0, "", 1, 255))
def exception(world: World, target: str, code: float) -> Undo:
    return _attribute(world.devices[target].wire, "exception", int(code))


@fault("restore", "any", "Everything that is wrong with the target ends now.", "该对象上的所有故障立即结束。",
       lasts=False)
def restore(world: World, target: str) -> None:
    world.end_faults(target)


def _set(array, place: int, value) -> Undo:
    before = array[place]
    array[place] = value

    def undo() -> None:
        array[place] = before
    return undo


def _attribute(thing: object, name: str, value: object) -> Undo:
    before = getattr(thing, name)
    setattr(thing, name, value)
    return lambda: setattr(thing, name, before)


def markdown() -> str:
    """The table of all faults, for docs/how-to/simulate-a-site.md."""
    rows = ["| `do` | on (key) | arguments | what happens | 作用 |", "|---|---|---|---|---|"]
    for entry in FAULTS.values():
        where = f"{TARGETS[entry.on].en} (`{entry.key}`)" if entry.on else "-"
        given = [f"`{name}`{_default(argument)}" for name, argument in entry.arguments.items()]
        given += ["`for`"] if entry.lasts else []
        cells = (f"`{entry.name}`", where, ", ".join(given) or "-", entry.meaning.en, entry.meaning.zh)
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows) + "\n"


def _default(argument: Argument) -> str:
    unit = f" {argument.unit}" if argument.unit else ""
    if argument.choices:
        return " = " + " / ".join(argument.choices)
    if argument.default is None:
        return f"{' in' + unit if unit else ''}, must be given"
    return f" = {argument.default:g}{unit}"
