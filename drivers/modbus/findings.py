"""Cross-checks of a Modbus section: what can not work (error), and what probably is not meant (warning).

Overlaps. Bits of a register are exempt: naming sixteen bits of one status word is what they are for. Otherwise two
points on exactly the same registers are a warning (one number under two names, or with two meanings: sometimes meant),
and two points that share only part of their registers are an error: no device stores two numbers that way, so one of
the two addresses or types is wrong, and the number it yields would look plausible.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from gateway.model.text import Text

if TYPE_CHECKING:
    from drivers.modbus.config import Device, ModbusSource, Point

Finding = tuple[tuple, Text, Text, str]  # place in the section, what, fix, severity

_MAPPABLE = ("int16", "uint16", "int32", "uint32", "bool", "bit", "string")
_RANGES = {"bool": (0, 1), "bit": (0, 1), "int16": (-2**15, 2**16 - 1), "uint16": (0, 2**16 - 1),
           "int32": (-2**31, 2**32 - 1), "uint32": (0, 2**32 - 1),
           "int64": (-2**63, 2**64 - 1), "uint64": (0, 2**64 - 1)}
_BITS_PER_BYTE = 11  # start, 8 data, parity or second stop, stop
_OVERHEAD_BYTES = 13  # request 8, answer without data 5
_FULL_LINE = 0.8  # share of the time a serial line may be busy

_MESSAGES: dict[str, tuple[str, Text, Text]] = {
    "no serial port": ("error", Text(
        "transport rtu needs a serial port", "transport 为 rtu 时必须指定串口"), Text(
        'add serial_port = "/dev/serial/by-id/..." (that name survives a reboot)',
        '添加 serial_port = "/dev/serial/by-id/..."（该名称重启后不变）')),
    "no host": ("error", Text(
        "transport {transport} needs a host", "transport 为 {transport} 时必须指定主机地址"), Text(
        'add host = "192.168.1.10"', '添加 host = "192.168.1.10"')),
    "device twice": ("error", Text(
        "device id {id} is used twice", "设备编号 {id} 重复"), Text(
        "give each device its own id", "为每台设备设置唯一编号")),
    "signal twice": ("error", Text(
        "signal {signal} is read twice", "信号 {signal} 被重复读取"), Text(
        "a signal has one source: remove one of the points", "一个信号只能有一个来源：请删除其中一个测点")),
    "no such unit": ("error", Text(
        "no device answers as unit {unit} on RTU", "RTU 总线上不存在站号 {unit}"), Text(
        "use 1 to 247", "请使用 1 至 247")),
    "no points": ("warning", Text(
        "device {id} has no points", "设备 {id} 没有测点"), Text(
        "add points or remove the device", "添加测点或删除该设备")),
    "short period": ("warning", Text(
        "the period is shorter than the time-out: a lost answer costs several cycles",
        "轮询周期短于超时时间：一次应答丢失会错过多个周期"), Text(
        "shorten `timeout` or lengthen `period`", "减小 `timeout` 或增大 `period`")),
    "long back-off": ("warning", Text(
        "a device that comes back may go unnoticed for more than a minute", "设备恢复后可能超过一分钟才被发现"), Text(
        "keep it to a few seconds", "建议设为几秒")),
    "line too busy": ("warning", Text(
        "the line would be busy {percent:.0f} % of the time at {baudrate} baud",
        "波特率 {baudrate} 下总线占用率将达 {percent:.0f} %"), Text(
        "lengthen the periods, raise the baud rate, or spread the devices over two lines",
        "增大轮询周期、提高波特率，或将设备分到两条总线")),
    "zone backwards": ("error", Text(
        "`last` is before `first`", "`last` 小于 `first`"), Text("swap them", "请交换两者")),
    "address out of range": ("error", Text(
        "address {address} is outside the table", "地址 {address} 超出范围"), Text(
        "addresses run from {low} to {high}", "地址范围为 {low} 至 {high}")),
    "reference number": ("warning", Text(
        "{address} looks like a reference number that already contains the table",
        "{address} 像是已包含寄存器区号的参考地址"), Text(
        'with table = "{table}" write {hint} and address_base = 1',
        '已指定 table = "{table}" 时请写 {hint}，并设 address_base = 1')),
    "too wide": ("error", Text(
        "the point needs {width} registers, the device allows {limit} in one request",
        "该测点占 {width} 个寄存器，设备单次只允许读取 {limit} 个"), Text(
        "raise `max_registers`", "增大 `max_registers`")),
    "forbidden": ("error", Text(
        "the point lies in a do_not_read range", "该测点位于 do_not_read 范围内"), Text(
        "remove the point or shrink the range", "删除该测点或缩小该范围")),
    "wrong table": ("error", Text(
        "table {table} can not hold a {type}", "{table} 区不能使用类型 {type}"), Text(
        'coil and discrete hold "bool"; registers hold numbers, "bit" (with `bit`) and "string"',
        'coil 和 discrete 用 "bool"；寄存器区用数值类型、"bit"（配合 `bit`）或 "string"')),
    "bit": ("error", Text(
        'type "bit" and the key `bit` belong together', '类型 "bit" 与键 `bit` 必须同时出现'), Text(
        'write type = "bit" and bit = 0 (least significant) to 15', '请写 type = "bit" 和 bit = 0（最低位）至 15')),
    "length": ("error", Text(
        'type "string" and the key `length` belong together', '类型 "string" 与键 `length` 必须同时出现'), Text(
        "write the number of characters, two to a register", "请填写字符数，每个寄存器两个字符")),
    "text without map": ("error", Text(
        "a string needs a map from text to number", "字符串测点需要文本到数值的映射"), Text(
        'map = { "RUN" = 1, "STOP" = 0 }', 'map = { "RUN" = 1, "STOP" = 0 }')),
    "scale 0": ("error", Text(
        "scale 0 makes every value the same", "scale 为 0 会使所有值相同"), Text(
        "use 1 for no scaling", "不需要换算时请用 1")),
    "no map here": ("error", Text(
        "a {type} can not have a map", "类型 {type} 不支持映射"), Text(
        "use it with integers of up to 32 bits, bits or strings", "仅适用于 32 位以内整数、位或字符串")),
    "map and scale": ("error", Text(
        "map and scale or offset exclude each other", "map 与 scale、offset 不能同时使用"), Text(
        "put the final numbers into the map", "请在映射中直接填写最终数值")),
    "no such raw value": ("error", Text(
        "{raw} can not occur in a {type}", "{type} 类型不会出现 {raw}"), Text(
        'give raw values, before scaling, such as 3 or 0x0F', '请填写换算前的原始值，例如 3 或 0x0F')),
    "same registers": ("warning", Text(
        "the same registers as point {other}", "与测点 {other} 的寄存器完全相同"), Text(
        "check that both are meant", "请确认两者均为所需")),
    "output twice": ("error", Text(
        "output id {id} is used twice", "输出编号 {id} 重复"), Text(
        "give each output its own id", "为每个输出设置唯一编号")),
    "same contact": ("error", Text(
        "the same contact as output {other}", "与输出 {other} 为同一触点"), Text(
        "one contact has one output: correct the address, or remove one of them",
        "一个触点只对应一个输出：请更正地址或删除其中一个")),
    "on is off": ("error", Text(
        "on and off are the same content: {content}", "on 与 off 内容相同：{content}"), Text(
        "write what the manual of the relay says for each", "请按继电器手册分别填写")),
    "overlap": ("error", Text(
        "shares some registers with point {other} at {address}: one address or type is wrong",
        "与地址 {address} 的测点 {other} 部分重叠：其中一个地址或类型有误"), Text(
        "look both up in the manual", "请对照设备手册核对两者")),
}


def findings(source: ModbusSource) -> Iterator[Finding]:
    if source.transport == "rtu" and not source.serial_port:
        yield _say("no serial port", ("serial_port",))
    if source.transport != "rtu" and not source.host:
        yield _say("no host", ("host",), transport=source.transport)
    ids = [device.id for device in source.devices]
    for row, device in enumerate(source.devices):
        if device.id in ids[:row]:
            yield _say("device twice", ("devices", row, "id"), id=device.id)
        yield from _device(source, device, ("devices", row))
    outputs: set[str] = set()
    for output, place in source.contacts():
        if output in outputs:
            yield _say("output twice", place, id=output)
        outputs.add(output)
    seen: set[str] = set()
    for signal, place in source.bindings():
        if signal in seen:
            yield _say("signal twice", place, signal=signal)
        seen.add(signal)
    if source.transport == "rtu" and (busy := _busy(source)) > _FULL_LINE:
        yield _say("line too busy", ("baudrate",), percent=100 * busy, baudrate=source.baudrate)


def _say(message: str, place: tuple, **values: object) -> Finding:
    severity, what, fix = _MESSAGES[message]
    return place, what.format(**values) if values else what, fix.format(**values) if values else fix, severity


def _device(source: ModbusSource, device: Device, place: tuple) -> Iterator[Finding]:
    if source.transport != "tcp" and not 1 <= device.unit <= 247:
        yield _say("no such unit", (*place, "unit"), unit=device.unit)
    if device.period < device.timeout:
        yield _say("short period", (*place, "period"))
    if device.backoff_ceiling > 60:
        yield _say("long back-off", (*place, "backoff_ceiling"))
    for number, zone in enumerate(device.do_not_read):
        if zone.last < zone.first:
            yield _say("zone backwards", (*place, "do_not_read", number, "last"))
    if not device.points and not device.outputs:
        yield _say("no points", (*place, "points"), id=device.id)
    for number, point in enumerate(device.points):
        at = (*place, "points", number)
        yield from _address(device, point, at)
        yield from _type(point, at)
    yield from _overlaps(device, (*place, "points"))
    yield from _contacts(device, (*place, "outputs"))


def _contacts(device: Device, place: tuple) -> Iterator[Finding]:
    known: dict[tuple, str] = {}
    for number, contact in enumerate(device.outputs):
        first = device.wire_address(contact)
        if not 0 <= first < 65536:
            yield _say("address out of range", (*place, number, "address"), address=contact.address,
                       low=device.address_base, high=65535 + device.address_base)
        if contact.table == "holding" and contact.on == contact.off:
            yield _say("on is off", (*place, number, "on"), content=contact.on)
        other = known.setdefault((contact.table, contact.address), contact.id)
        if other != contact.id:
            yield _say("same contact", (*place, number, "address"), other=other)


def _address(device: Device, point: Point, at: tuple) -> Iterator[Finding]:
    first = device.wire_address(point)
    if first < 0 or first + point.width > 65536:
        yield _say("address out of range", (*at, "address"), address=point.address, low=device.address_base,
                   high=65536 - point.width + device.address_base)
    elif (hint := _reference(point)) is not None:
        yield _say("reference number", (*at, "address"), address=point.address, table=point.table, hint=hint)
    limit = device.max_bits if point.kind == "bool" else device.max_registers
    if point.width > limit:
        yield _say("too wide", (*at, "address"), width=point.width, limit=limit)
    if any(zone.table == point.table and zone.first < point.address + point.width and point.address <= zone.last
           for zone in device.do_not_read):
        yield _say("forbidden", (*at, "address"))


def _type(point: Point, at: tuple) -> Iterator[Finding]:
    kind = point.kind
    if (point.table in ("coil", "discrete")) != (kind == "bool"):
        yield _say("wrong table", (*at, "type"), table=point.table, type=kind)
    if (kind == "bit") != (point.bit is not None):
        yield _say("bit", (*at, "bit"))
    if (kind == "string") != (point.length is not None):
        yield _say("length", (*at, "length"))
    if kind == "string" and not point.map:
        yield _say("text without map", (*at, "map"))
    if point.scale == 0:
        yield _say("scale 0", (*at, "scale"))
    if point.map and kind not in _MAPPABLE:
        yield _say("no map here", (*at, "map"), type=kind)
    elif point.map:
        if point.scale != 1 or point.offset != 0:
            yield _say("map and scale", (*at, "map"))
        for raw in point.map if kind != "string" else ():
            if not _fits(kind, raw):
                yield _say("no such raw value", (*at, "map"), raw=raw, type=kind)
    for code in point.fault_values:
        if not _fits(kind, code):
            yield _say("no such raw value", (*at, "fault_values"), raw=f"{code:g}", type=kind)


def _overlaps(device: Device, place: tuple) -> Iterator[Finding]:
    spans = sorted((point.function, point.address, point.address + point.width, number)
                   for number, point in enumerate(device.points) if point.kind != "bit")
    reach: tuple[int, int, int, int] | None = None  # the span that reaches furthest so far
    for span in spans:
        table, first, end, number = span
        if reach is not None and reach[0] == table and first < reach[2]:
            other = device.points[reach[3]]
            message = "same registers" if (first, end) == reach[1:3] else "overlap"
            yield _say(message, (*place, number, "address"), other=other.signal, address=other.address)
        if reach is None or reach[0] != table or end >= reach[2]:
            reach = span


def _busy(source: ModbusSource) -> float:
    """The least share of the time that a serial line is busy: every register once per period, in full requests."""
    seconds = 0.0
    for device in source.devices:
        registers = sum(point.width for point in device.points if point.kind not in ("bool", "bit"))
        requests = -(-registers // device.max_registers) or 1
        seconds += (2 * registers + requests * _OVERHEAD_BYTES) * _BITS_PER_BYTE / source.baudrate / device.period
    return seconds


def _reference(point: Point) -> int | None:
    """40011 with table "holding" is the eleventh holding register."""
    digit = {"discrete": 1, "input": 3, "holding": 4}.get(point.table)
    for start in () if digit is None else (digit * 10_000, digit * 100_000):
        if start < point.address <= start + 9999:
            return point.address - start
    return None


def _fits(kind: str, raw: str | float) -> bool:
    """Whether a raw value, as a number or as written, can occur in a type. Signed types also take the bit pattern."""
    try:
        code = float(int(raw, 0)) if isinstance(raw, str) else raw
    except ValueError:
        return False
    if kind not in _RANGES:
        return kind != "string"
    low, high = _RANGES[kind]
    return low <= code <= high and code.is_integer()
