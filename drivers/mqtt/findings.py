"""What is suspicious in an `mqtt` section although every key is right."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address
from itertools import product
from typing import TYPE_CHECKING

from drivers.mqtt.topics import Pattern, overlap
from gateway.model.text import Text

if TYPE_CHECKING:
    from drivers.mqtt.config import MqttSource

Finding = tuple[tuple, Text, Text, str]


def findings(source: MqttSource) -> Iterator[Finding]:
    """(location in the section, what, fix, "error" or "warning")"""
    yield from _devices(source)
    yield from _subscriptions(source)
    yield from _safety_of_the_line(source)


def _devices(source: MqttSource) -> Iterator[Finding]:
    seen: set[str] = set()
    for number, device in enumerate(source.devices):
        if device.id in seen:
            yield (("devices", number, "id"), Text(f'device "{device.id}" is listed twice', f'设备 "{device.id}" 重复'),
                   Text("give each device its own id", "为每个设备使用不同的 id"), "error")
        seen.add(device.id)
        if not device.signals and not device.topics:
            yield (("devices", number), Text(f'device "{device.id}" sets no signal',
                                                f'设备 "{device.id}" 没有对应任何信号'),
                   Text("add signals or topics, or remove it", "添加 signals 或 topics，或删除该设备"), "warning")
    if not source.topics and not source.devices:
        yield ((), Text("nothing is subscribed to", "没有订阅任何主题"),
               Text("add topics or devices", "添加 topics 或 devices"), "warning")


def _subscriptions(source: MqttSource) -> Iterator[Finding]:
    topics = dict.fromkeys([*((feed.topic, feed.subscription) for feed in source.feeds),
                            *((Pattern(each.topic), each.topic) for each in source.presences)])
    wild = [one for one in dict.fromkeys(subscription for _, subscription in topics) if not Pattern(one).exact]
    told: set[frozenset[str]] = set()
    for (topic, one), two in product(topics, wild):
        pair = frozenset((one, two))
        if len(pair) < 2 or pair in told or not overlap(topic.filter, two):
            continue
        told.add(pair)
        yield (("topics",), Text(f'{topic.text} matches both "{one}" and "{two}": some brokers deliver it twice',
                                 f'{topic.text} 同时匹配 "{one}" 和 "{two}"：部分消息服务器会重复投递'),
               Text("make one of them narrower", "缩小其中一个的范围"), "warning")
    zero = [feed for feed in source.feeds if feed.qos == 0]
    if zero:
        yield (zero[0].points[0].location[:-1] if zero[0].points else (),
               Text("qos 0: messages lost on the way or while the gateway is down are not repeated",
                    "qos 为 0：传输途中或网关停机期间丢失的报文不会补发"),
               Text("use qos = 1 unless the device can not", "除设备不支持外，请使用 qos = 1"), "warning")


def _safety_of_the_line(source: MqttSource) -> Iterator[Finding]:
    if source.password_file and source.password_env:
        yield (("password_env",), Text("password_file and password_env are both given",
                                       "同时填写了 password_file 和 password_env"),
               Text("keep one of them", "只保留其中一个"), "error")
    if (source.password_file or source.password_env) and not source.username:
        yield (("username",), Text("a password without a user name is never sent",
                                   "只有密码而没有用户名，密码不会被发送"),
               Text("add username", "补上 username"), "error")
    if source.tls is not None and bool(source.tls.cert) != bool(source.tls.key):
        yield (("tls",), Text("cert and key belong together", "cert 与 key 必须同时填写"),
               Text("give both or none", "两者都填或都不填"), "error")
    if source.username and source.tls is None and not _loopback(source.host):
        yield (("tls",), Text("the password crosses the network unencrypted", "密码以明文在网络上传输"),
               Text("add tls", "添加 tls"), "warning")


def _loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
