"""Quality of one sample, after OPC UA Part 8: good, uncertain or bad, each with its reason.

A quality is a uint16. The low byte is the code: 0x00 good, 0x40-0x7f uncertain, 0x80-0xbf bad. The high byte
holds flags that do not change the severity. Quality travels with the value from the wire to the database; a bad
value can never read as normal.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import ArrayLike, NDArray

from gateway.model.text import Text


class Quality(IntEnum):
    """Codes. The names follow OPC UA status codes where one exists."""

    GOOD = 0x00
    UNCERTAIN = 0x40  # usable with care, no nearer reason
    UNCERTAIN_STALE = 0x41  # retained by the broker, or older than the signal's deadman: never evidence of *now*
    UNCERTAIN_SUBSTITUTED = 0x42  # simulated, forced or held value
    UNCERTAIN_SENSOR = 0x43  # device says: warm-up, calibration, inhibit, maintenance
    BAD = 0x80  # no nearer reason
    BAD_COMM_LOST = 0x81  # no answer in time, link down, broker or publisher offline
    BAD_DEVICE = 0x82  # the device answered with an exception or reports itself failed
    BAD_SENSOR = 0x83  # fault code, open or short 4-20 mA loop (NAMUR NE 43)
    BAD_RANGE = 0x84  # outside what the sensor can measure
    BAD_PAYLOAD = 0x85  # malformed message, not a number
    BAD_WAITING = 0x86  # nothing received yet since start
    BAD_CALCULATION = 0x87  # a derived signal whose formula has no result: division by zero, overflow, root of -1


class Flag(IntFlag):
    CLOCK_NOT_TRUSTED = 0x0100  # wall time was stamped while the clock was not synchronised
    CLOCK_CORRECTED = 0x0200  # it was, and has been made right since


_CODE = np.uint16(0x00FF)
_SEVERITY = np.uint16(0x00C0)
_UNCERTAIN = np.uint16(0x40)
_BAD = np.uint16(0x80)

QualityArray = NDArray[np.uint16]


def is_good(quality: ArrayLike) -> NDArray[np.bool_]:
    """True where the value may be used without reserve. Any shape of uint16 in, same shape of bool out."""
    return (np.asarray(quality, np.uint16) & _SEVERITY) == 0


def is_bad(quality: ArrayLike) -> NDArray[np.bool_]:
    """True where the value must not be used at all."""
    return (np.asarray(quality, np.uint16) & _SEVERITY) >= _BAD


def is_stale(quality: ArrayLike) -> NDArray[np.bool_]:
    return (np.asarray(quality, np.uint16) & _CODE) == Quality.UNCERTAIN_STALE


def code(quality: int) -> Quality:
    """The code without its flags; an unknown code reads as plain BAD."""
    try:
        return Quality(int(quality) & 0xFF)
    except ValueError:
        return Quality.BAD


def severity(quality: int) -> str:
    """"good", "uncertain" or "bad"."""
    level = int(quality) & 0xC0
    return "good" if level == 0 else "uncertain" if level == 0x40 else "bad"


LABELS: dict[Quality, Text] = {
    Quality.GOOD: Text("good", "正常"),
    Quality.UNCERTAIN: Text("uncertain", "存疑"),
    Quality.UNCERTAIN_STALE: Text("stale", "陈旧值"),
    Quality.UNCERTAIN_SUBSTITUTED: Text("substituted", "替代值"),
    Quality.UNCERTAIN_SENSOR: Text("sensor not in normal service", "传感器非正常工作状态"),
    Quality.BAD: Text("bad", "坏值"),
    Quality.BAD_COMM_LOST: Text("communication lost", "通信中断"),
    Quality.BAD_DEVICE: Text("device error", "设备报错"),
    Quality.BAD_SENSOR: Text("sensor fault", "传感器故障"),
    Quality.BAD_RANGE: Text("outside measuring range", "超出量程"),
    Quality.BAD_PAYLOAD: Text("unreadable message", "报文无法解析"),
    Quality.BAD_WAITING: Text("no data yet", "尚无数据"),
    Quality.BAD_CALCULATION: Text("can not be calculated", "无法计算"),
}
