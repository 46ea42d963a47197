"""The data contract as a page: docs/reference/data-contract.md."""

from __future__ import annotations

from collections.abc import Iterator

from gateway.model.text import Text
from gateway.sinks.schema import CONTRACT, LONGER, RETENTIONS, Measurement

_HEAD = """\
# Data contract

<!-- written by `python -m tests.config.documents` from gateway/sinks/contract.toml; do not edit -->

What the gateway writes into a database. Dashboards, reports and other people's programs may rely on it; how to send it
there: [InfluxDB](../how-to/influxdb.md).

- A row is named by its time and its tags. Writing it again overwrites it: sending twice does no harm, and a sample that
  comes late rewrites its minute.
- Times are UTC.
- A field marked "optional" is absent where it has no meaning or is not known; it is never 0 for "not known".
- Tags come from the site file only, never from a topic or a message: the number of series is bounded whatever arrives.

网关写入数据库的内容。同一时间、同一标签的行会被覆盖，重复发送无害，迟到的样本会重写所在分钟。
时间均为 UTC；“可省略”的字段在无意义或未知时不写入。标签只来自站点文件，序列数量有上限。

"""


def reference() -> str:
    return _HEAD + "\n".join([*_retentions(), *_tags(), *(line for one in CONTRACT.values() for line in _page(one))])


def _both(text: Text) -> str:
    return text.en if text.en == text.zh else f"{text.en} <br> {text.zh}"


def _retentions() -> Iterator[str]:
    yield "## How long rows are kept · 保存期限\n"
    yield "`davylamp influx setup` creates databases or buckets that keep them so long.\n"
    yield "| class | days | what |\n|---|---|---|"
    for one in RETENTIONS.values():
        yield f"| {one.name} | {one.days} | {_both(one.meaning)} |"
    yield "\nLonger on a site that has signals of these kinds: " + ", ".join(
        f"{kind} ({name} {days} days)" for kind, asked in LONGER.items() for name, days in asked.items()) + ".\n"


def _tags() -> Iterator[str]:
    yield "## Tags · 标签\n\n| tag | values |\n|---|---|"
    for tag in sorted({tag for one in CONTRACT.values() for tag in one.tags}, key=lambda tag: tag.name):
        yield f"| `{tag.name}` | {_both(tag.values)} |"
    yield ""


def _page(one: Measurement) -> Iterator[str]:
    yield f"## {one.name}\n\n{_both(one.meaning)}\n"
    yield f"- tags: {', '.join(f'`{tag.name}`' for tag in one.tags)}"
    yield f"- written: {_both(one.written)}"
    yield f"- series: {_both(one.series)}"
    yield f"- kept: {one.retention.name}\n"
    yield "| field | type | unit | meaning |\n|---|---|---|---|"
    for field in one.fields.values():
        yield f"| `{field.name}` | {field.type}{', optional' if field.optional else ''} | {field.unit} " \
              f"| {_both(field.meaning)} |"
    yield ""
