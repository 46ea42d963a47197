"""What a person names as recorded data: a gateway's data folder, a CSV file, or line protocol."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from gateway.data_folder import TELEMETRY
from gateway.model.errors import CommandError
from gateway.model.site import Site
from gateway.model.text import Text
from gateway.replay.lines import LineRecording, is_line_protocol
from gateway.replay.table import CsvRecording
from gateway.store import EVER, Recording

Data = Recording | CsvRecording | LineRecording
_LOOK = 1 << 16  # bytes that tell what a file is


def opened(path: Path, sites: Iterable[Site], start_wall_ns: int = EVER[0], end_wall_ns: int = EVER[1], *,
           skip_unknown: bool = False) -> Data:
    """The recording at `path`, for runs of these sites. Bounds are UTC ns; both belong to it.

    DavylampError says what can not be read, and where.
    """
    sites = tuple(sites)
    if not path.exists():
        raise CommandError(Text("there is no such file or folder", "该文件或目录不存在"), where=str(path), fix=Text(
            "give the data folder of a gateway that has run, a CSV file or line protocol",
            "请指定运行过的网关的数据目录、CSV 文件或行协议文件"))
    if path.is_dir():
        return Recording(path / TELEMETRY, start_wall_ns, end_wall_ns)
    known = dict.fromkeys(id for site in sites for id in site.signals.ids)
    with path.open("rb") as file:
        start = file.read(_LOOK)
    if is_line_protocol(start.decode("utf-8", "replace")):
        return LineRecording(path, known, start_wall_ns, end_wall_ns, site=sites[0].id, skip_unknown=skip_unknown)
    return CsvRecording(path, known, start_wall_ns, end_wall_ns, skip_unknown=skip_unknown)


def notes(data: Data) -> list[Text]:
    """What was passed over in it."""
    if isinstance(data, Recording):
        return [Text(f"{place}; skipped", f"{place}；已跳过") for place in data.damage]
    return data.notes
