"""What a database said, in words for the person who must act."""

from __future__ import annotations

import re
from typing import Final

from gateway.model.text import Text
from gateway.sinks.config import InfluxSettings
from gateway.sinks.endpoint import Answer

_CONFLICT: Final = re.compile(
    r'input field \\?"(?P<field>[^"\\]+)\\?" on measurement \\?"(?P<measurement>[^"\\]+)\\?" is '
    r'type (?P<ours>\w+), already exists as type (?P<theirs>\w+)')


def explain(answer: Answer, settings: InfluxSettings, place: str) -> Text:
    """Why nothing is taken, and what to do. place: the database or bucket."""
    where = settings.url
    if answer.status == 0:
        return Text(f"{where} does not answer ({answer.reason[:120]}): data is kept on disk and sent later",
                    f"{where} 无应答（{answer.reason[:120]}）：数据保留在本地磁盘，稍后补发")
    if answer.status in (401, 403):
        return Text(f"{where} refuses the credentials ({answer.status}): check token or user of sink {settings.id}",
                    f"{where} 拒绝访问（{answer.status}）：请检查 {settings.id} 的令牌或用户名密码")
    if answer.status == 404:
        return Text(f"{where} does not know {place} (404): create it (davylamp influx setup), or correct the sink's "
                    "settings", f"{where} 中不存在 {place}（404）：请创建（davylamp influx setup），或更正该输出的配置")
    return Text(f"{where} is not taking data ({answer.status} {answer.reason[:120]}): kept on disk and sent later",
                f"{where} 暂不接收数据（{answer.status} {answer.reason[:120]}）：数据保留在本地磁盘，稍后补发")


def conflict(answer: Answer, place: str) -> Text | None:
    """A field that somebody has written with another type before; None: the refusal has another reason."""
    if (found := _CONFLICT.search(answer.reason)) is None:
        return None
    return Text(
        "{place}: field {field} of measurement {measurement} is {theirs} there, but {ours} by the data contract: its "
        "rows are refused. Find out who writes it; give them another database, or drop the measurement",
        "{place}：测量 {measurement} 的字段 {field} 在库中为 {theirs}，按数据约定应为 {ours}，相关数据被拒收。"
        "请查明写入者并改用其他数据库，或删除该测量").format(place=place, **found.groupdict())
