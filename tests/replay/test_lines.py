"""Recordings from line protocol: what our own encoder writes is read back, and what is said of what can not be."""

from __future__ import annotations

import numpy as np
import pytest

from gateway.model.clock import NS, Instant
from gateway.model.errors import ConfigError
from gateway.model.frame import Frame
from gateway.model.quality import Flag, Quality
from gateway.model.text import Text
from gateway.replay.data import opened
from gateway.replay.lines import LineRecording
from gateway.replay.run import run
from gateway.replay.table import CsvRecording
from gateway.sinks.line_protocol import Encoder
from gateway.store import EVER
from tests.sites import gas, site

survives = pytest.mark.survives

SITE = site(gas("GD-01"), gas("GD 02,=x"))
START = 1_790_000_000


def recording(tmp_path, text: str, **more):
    path = tmp_path / "export.lp"
    path.write_text(text, encoding="utf-8")
    return opened(path, [SITE], **more)


def whole(recorded) -> Frame:
    return Frame.concat([frame for _, frame in recorded.frames(SITE.signals)])


def line(second: float, rest: str = "signal=GD-01 value=1") -> str:
    return f"telemetry,{rest} {round((START + second) * NS)}\n"


def test_what_the_encoder_writes_is_read_back_in_order_of_time(tmp_path):
    random = np.random.default_rng(4)
    frames = [Frame.of([0, 1], random.normal(size=2), Instant(n * NS, (START + n) * NS, trusted=n != 3),
                       [Quality.GOOD, Quality.BAD_SENSOR if n == 5 else Quality.UNCERTAIN_STALE]) for n in range(8)]
    lines = Encoder(SITE.id, SITE.signals).encode(Frame.concat(frames)).decode().splitlines(keepends=True)
    by_series = sorted(lines, key=lambda one: one.split(" value")[0])
    assert by_series != lines, "an export comes series by series"
    found, wrote = whole(recording(tmp_path, "".join(by_series))), Frame.concat(frames)
    order = np.lexsort((found.signal, found.wall_ns))
    assert found.signal[order].tolist() == wrote.signal.tolist()
    assert found.quality[order].tolist() == wrote.quality.tolist() and Flag.CLOCK_NOT_TRUSTED & int(found.quality.max())
    bad = (wrote.quality & 0x80) > 0
    np.testing.assert_array_equal(found.value[order], np.where(bad, np.nan, wrote.value))
    assert (np.diff(found.wall_ns) >= 0).all() and found.wall_ns[order].tolist() == wrote.wall_ns.tolist()


def test_stamps_may_be_coarser_and_values_of_any_type(tmp_path):
    text = (f"telemetry,signal=GD-01 value=1.5 {START}\ntelemetry,signal=GD-01 value=2i {(START + 1) * 1000}\n"
            f"# a comment\n\ntelemetry,signal=GD-01 value=true,note=\"a b, c=d\" {(START + 2) * 10**6}\n"
            f"telemetry,signal=GD-01 value=4u {(START + 3) * 10**9}\n")
    found = whole(recording(tmp_path, text))
    assert found.value.tolist() == [1.5, 2, 1, 4]
    assert (found.wall_ns - START * NS).tolist() == [0, NS, 2 * NS, 3 * NS]


def test_other_measurements_and_sites_are_left_out_and_counted(tmp_path):
    other = f"cpu,host=pi load=0.3 {START}\n" + line(1, "signal=GD-01,site=north value=9")
    found = recording(tmp_path, line(0) + other)
    assert whole(found).value.tolist() == [1] and len(found.notes) == 1 and "2 line(s)" in found.notes[0].en


def test_a_stretch_of_time_is_cut_out(tmp_path):
    found = recording(tmp_path, "".join(line(n, f"signal=GD-01 value={n}") for n in range(9)),
                      start_wall_ns=(START + 3) * NS, end_wall_ns=(START + 5) * NS)
    assert whole(found).value.tolist() == [3, 4, 5]


@survives("line protocol for replay: half a line at the end", then="that line is left out, all others are evaluated",
          says=Text("line 2: half a line at the end was left out", "第 2 行：末尾的半行已忽略"))
def test_half_a_line_at_the_end_is_left_out_and_said(tmp_path, says):
    found = recording(tmp_path, line(0) + "telemetry,signal=GD-01 val")
    assert len(whole(found)) == 1
    assert says(found.notes[0])


@survives("line protocol for replay: a line without value, NaN", then="a bad sample, as live")
def test_what_has_no_number_is_a_bad_sample(tmp_path):
    found = whole(recording(tmp_path, line(0) + line(1, "signal=GD-01 quality=0i") + line(2, "signal=GD-01 value=NaN")))
    assert found.quality.tolist() == [Quality.GOOD, Quality.BAD, Quality.BAD_PAYLOAD]


@pytest.mark.parametrize("text, place", [
    pytest.param(line(0) + "what is this\n", "line 2", id="no line protocol", marks=survives(
        "line protocol for replay: something else in a line", then="refused; the line is named",
        says=Text("this is not line protocol", "不符合行协议格式"))),
    pytest.param(line(0) + "telemetry,signal=GD-01 value=1\n", "line 2", id="no time", marks=survives(
        "line protocol for replay: a line without time", then="refused; the line is named",
        says=Text("the line has no time", "该行没有时间戳"))),
    pytest.param(line(0) + "telemetry,signal=GD-01 value=1 17\n", "line 2", id="a count", marks=survives(
        "line protocol for replay: a count for a time", then="refused; the line is named",
        says=Text("`17` is not a time", "`17` 不是时间"))),
    pytest.param(line(0) + line(1, "signal=GD-01 value=high"), "line 2", id="a word", marks=survives(
        "line protocol for replay: a word for a number", then="refused; the line is named",
        says=Text("not a number or not a quality", "数值或质量码无效"))),
    pytest.param(line(0) + line(1, "signal=GD-1 value=1"), "", id="unknown signal", marks=survives(
        "line protocol for replay: unknown signal", then="refused; every such signal is named, with the nearest id",
        says=Text("no signal of the site has this id; did you mean `GD-01`?", "是否应为 `GD-01`？"))),
])
def test_an_error_names_the_line(tmp_path, text, place, says):
    with pytest.raises(ConfigError) as refused:
        recording(tmp_path, text)
    (problem,) = refused.value.problems
    assert problem.place == place and says(problem.what) and problem.fix.en and problem.fix.zh


def test_unknown_signals_are_left_out_on_demand(tmp_path):
    found = recording(tmp_path, line(0) + line(1, "signal=GD-1 value=1"), skip_unknown=True)
    assert len(whole(found)) == 1 and found.ids == {"GD-01"}


def test_line_protocol_and_csv_of_the_same_samples_give_the_same_alarms(tmp_path):
    values = [5, 5, 30, 30, 60, 60, 5, 5, *[5] * 60]
    lines = recording(tmp_path, "".join(line(n, f"signal=GD-01 value={value}") for n, value in enumerate(values)))
    table = tmp_path / "data.csv"
    table.write_text("time,GD-01\n" + "".join(f"{START + n},{value}\n" for n, value in enumerate(values)))
    csv = opened(table, [SITE])
    assert isinstance(lines, LineRecording) and isinstance(csv, CsvRecording)
    one, other = run(SITE, lines), run(SITE, csv)
    assert one.transitions == other.transitions and {"GD-01/H", "GD-01/HH"} <= {t.alarm for t in one.transitions}
    assert EVER[0] < one.first_wall_ns == START * NS
