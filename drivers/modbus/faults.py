"""Why a read gave nothing, in words for the technician.

    SourceError
    └── ReadFailed        one read request gave no data; `quality` is what its points become
        ├── LinkDown      no connection to the endpoint: every device behind it is out of reach
        ├── NoAnswer      nothing in time, or the connection broke while waiting
        ├── WrongAnswer   an answer to this request that is not what was asked for (other unit, function or length)
        └── Refused       the device answered with a Modbus exception code

Busy (5, 6) and "the device behind me does not respond" (10, 11) are an answer that did not come, not a failed device: a
serial gateway reports each lost request so, and one lost request must not make a gas zone blind.
"""

from __future__ import annotations

import errno
import socket

from gateway.model.errors import SourceError
from gateway.model.quality import Quality
from gateway.model.text import Text

EXCEPTIONS: dict[int, Text] = {
    1: Text("illegal function: the device does not serve this table", "非法功能码：设备不支持读取该寄存器区"),
    2: Text("illegal data address: the device has no such address", "非法数据地址：设备没有该地址"),
    3: Text("illegal data value: often too many registers in one request", "非法数据值：多为单次读取的寄存器过多"),
    4: Text("device failure", "从站设备故障"),
    5: Text("accepted, still working on it", "已接受，仍在处理"),
    6: Text("device busy", "从站设备忙"),
    8: Text("memory parity error", "存储奇偶校验错误"),
    10: Text("gateway path unavailable", "网关路径不可用"),
    11: Text("the device behind the gateway does not respond", "网关后端设备无响应"),
}
ILLEGAL_ADDRESS, ILLEGAL_VALUE = 2, 3
_BUSY = (5, 6)
_UNREACHABLE = (10, 11)
_NO_RESPONSE = 11
_CAUSES: dict[int, Text] = {
    errno.ECONNREFUSED: Text("connection refused", "连接被拒绝"),
    errno.EHOSTUNREACH: Text("host not reachable", "主机不可达"),
    errno.ENETUNREACH: Text("network not reachable", "网络不可达"),
    errno.ENOENT: Text("no such port", "端口不存在"),
    errno.EACCES: Text("no permission", "没有访问权限"),
    errno.EAGAIN: Text("in use by another program", "被其他程序占用"),
    errno.EBUSY: Text("in use by another program", "被其他程序占用"),
}


class ReadFailed(SourceError):
    quality = Quality.BAD_COMM_LOST


class LinkDown(ReadFailed):
    pass


class NoAnswer(ReadFailed):
    pass


class WrongAnswer(ReadFailed):
    pass


class Refused(ReadFailed):
    def __init__(self, code: int):
        self.code = code
        self.quality = Quality.BAD_COMM_LOST if code in _BUSY + _UNREACHABLE else Quality.BAD_DEVICE
        self.retryable = code in _BUSY or code == _NO_RESPONSE
        super().__init__(Text("exception {code}, {meaning}", "异常码 {code}，{meaning}").format(
            code=code, meaning=EXCEPTIONS.get(code, Text("not defined by the standard", "标准未定义"))))

    @property
    def splits(self) -> bool:
        """A part of the same block may well be readable."""
        return self.code in (ILLEGAL_ADDRESS, ILLEGAL_VALUE)

    @property
    def unreachable(self) -> bool:
        """Said by a gateway in front of the device, not by the device."""
        return self.code in _UNREACHABLE


def silent(seconds: float) -> NoAnswer:
    return NoAnswer(Text("no answer within {time:.3g} s", "{time:.3g} 秒内无应答").format(time=seconds))


def hung_up() -> NoAnswer:
    return NoAnswer(Text("the connection was closed while waiting for the answer", "等待应答时连接被断开"))


def out_of_step() -> NoAnswer:
    return NoAnswer(Text("the byte stream made no sense: is this port Modbus TCP?",
                         "收到的数据流无法识别，请确认该端口为 Modbus TCP"))


def unreachable(endpoint: str, error: OSError) -> LinkDown:
    if isinstance(error, socket.gaierror):
        why = Text("host name not known", "主机名无法解析")
    elif isinstance(error, TimeoutError):
        why = Text("timed out", "连接超时")
    else:
        why = _CAUSES.get(error.errno or 0) or Text.same(str(error) or type(error).__name__)
    return LinkDown(Text("no connection to {where}: {why}", "无法连接 {where}：{why}").format(where=endpoint, why=why))


def not_done() -> WrongAnswer:
    return WrongAnswer(Text("the contact was commanded and read back otherwise: is it switched to manual?",
                            "已下发输出命令，但回读状态不一致：请检查继电器是否处于手动模式"))


def wrong_unit(asked: int, answered: int) -> WrongAnswer:
    return _wrong("unit {asked} was asked, unit {answered} answered", "请求站号 {asked}，应答站号为 {answered}",
                  asked, answered)


def wrong_function(asked: int, answered: int) -> WrongAnswer:
    return _wrong("function {asked} was asked, function {answered} answered",
                  "请求功能码 {asked}，应答功能码为 {answered}", asked, answered)


def wrong_length(asked: int, answered: int) -> WrongAnswer:
    return _wrong("{asked} bytes of data were asked for, {answered} came",
                  "请求 {asked} 字节数据，收到 {answered} 字节", asked, answered)


def _wrong(en: str, zh: str, asked: int, answered: int) -> WrongAnswer:
    return WrongAnswer(Text(en, zh).format(asked=asked, answered=answered))
