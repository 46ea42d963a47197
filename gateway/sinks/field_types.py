"""Fields that a database holds with another type than the contract's: it would refuse every row with them. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Literal

from gateway.model.text import Text
from gateway.sinks.schema import CONTRACT, Retention

Found = Mapping[str, Iterable[tuple[str, str]]]  # measurement -> (field, type); a field may have one type in each shard

_WRONG = Text(
    "{place}: {measurement}.{field} is {has} there, and must be {wants}: rows with it are refused. Fix: {fix}",
    "{place}：字段 {measurement}.{field} 在库中为 {has}，应为 {wants}，含该字段的数据会被拒收。处理：{fix}")
_WAYS = {
    "v1": Text('write into another database (--name, or `database` of the sink), or, if those rows may go, DROP '
               'MEASUREMENT "{measurement}" there',
               "改用其他数据库（--name，或输出配置的 `database`）；若原有数据可以删除，"
               '则在该库执行 DROP MEASUREMENT "{measurement}"'),
    "v2": Text("write into another bucket (--name, or `bucket` of the sink), or, if those rows may go, delete this one "
               "and run this again",
               "改用其他存储桶（--name，或输出配置的 `bucket`）；若原有数据可以删除，则删除该存储桶后重新运行")}


def conflicts(place: str, found: Found, retentions: Iterable[Retention], api: Literal["v1", "v2"]) -> Iterator[Text]:
    """What is wrong with each such field, and the ways out. place: name of the database or bucket. retentions: the
    classes of rows that go there."""
    kept = {retention.name for retention in retentions}
    for measurement in CONTRACT.values():
        for name, has in found.get(measurement.name, ()) if measurement.retention.name in kept else ():
            field = measurement.fields.get(name)
            if field is not None and has != field.type:
                yield _WRONG.format(place=place, measurement=measurement.name, field=name, has=has,
                                    wants=str(field.type), fix=_WAYS[api].format(measurement=measurement.name))
