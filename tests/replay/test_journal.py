"""`davylamp journal` over the files of a gateway that has really run: what was changed is named, what is exported can
be checked by anybody."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import random
import shutil
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path

import pytest

from alerting.journal.chain import Damage
from alerting.journal.reader import examine
from alerting.ledger import AlarmLedger
from alerting.service import AlarmService
from gateway.app import load
from gateway.cli import main
from gateway.core.bank import Bank
from gateway.model.clock import ManualClock
from gateway.model.frame import Frame
from gateway.model.text import Text
from gateway.pipeline import Pipeline
from gateway.store import StoreSettings, TelemetryStore

survives = pytest.mark.survives

SITE = """
[site]
id = "depot"
name = { en = "North depot", zh = "北站油库" }
timezone = "Asia/Shanghai"

[[signals]]
id = "GD-1"
kind = "combustible_gas"
limits = { H = 20, HH = { value = 40, on_delay = "0s", off_delay = "0s", latch = true } }
deadman = "1d"

[[signals]]
id = "FT-1"
kind = "level"
limits = "none"
deadman = "1d"
"""
KEPT = StoreSettings(keep_free=0)


@pytest.fixture
def site(tmp_path):
    path = tmp_path / "site.toml"
    path.write_text(SITE, encoding="utf-8")
    return path


@pytest.fixture
async def data(site):
    """Two hours: a leak after 50 min, another one after 100 min, both acknowledged. One sample of each signal a minute.
    """
    here, clock, folder = load(site).site_file.site, ManualClock(), site.parent / "data"
    folder.mkdir()
    store = TelemetryStore(folder / "telemetry", here.signals, KEPT, clock)
    store.open()
    alarms = AlarmService(here.alarms, here, AlarmLedger(folder / "alarms.db"), [], clock)
    await alarms.start()
    pipeline = Pipeline(Bank(here), store, alarms.apply, clock)
    pipeline.replay()
    for minute in range(120):
        clock.advance(60)
        gas = 60.0 if minute in (50, 51, 100, 101) else 1.0 + minute / 100
        await pipeline.put(Frame.of((0, 1), (gas, minute), clock.now()))
        pipeline.step()
        if minute in (55, 105):
            await alarms.acknowledge("GD-1/HH", "=王工", "seen, 现场已处置")
    await alarms.close()
    await store.close()
    return folder


def ask(capsys, *words: object) -> tuple[int, Text]:
    """The command in both languages: its status, and what it said (a refusal, else the answer)."""
    said, status = [], set()
    for language in ("en", "zh"):
        status.add(main(["journal", *map(str, words), "--lang", language]))
        out, err = capsys.readouterr()
        said.append(err or out)
    assert len(status) == 1
    return status.pop(), Text(*said)


def tampered(data: Path, *sentences: str) -> Path:
    path = data / "alarms.db"
    with closing(sqlite3.connect(path)) as other, other:
        for sentence in ("DROP TRIGGER journal_keeps_rows", "DROP TRIGGER journal_keeps_text", *sentences):
            other.execute(sentence)
    return path


def test_an_untouched_journal(data, site, capsys):
    head = AlarmLedger(data / "alarms.db").history(1)[0]
    for named in (data, data / "alarms.db", site):
        status, said = ask(capsys, "verify", named)
        assert status == 0
        assert f"{head.position} journal rows, unbroken" in said.en and head.hash in said.en and head.hash in said.zh


async def test_while_the_gateway_writes(data, capsys):
    site = load(data.parent / "site.toml").site_file.site
    running = AlarmService(site.alarms, site, AlarmLedger(data / "alarms.db"), [], ManualClock(line_ns=10**14))
    await running.start()
    try:
        assert ask(capsys, "verify", data)[0] == 0
    finally:
        await running.close()


@survives("one byte of the journal is changed", then="the row is named with its time and what was done to it; status 1",
          says=Text("row 2, …, transition GD-1/…: its content was changed",
                    "第 2 行，…，transition GD-1/…：内容被修改"))
def test_a_changed_byte_is_named(data, capsys, says):
    path = data / "alarms.db"
    body = sqlite3.connect(path).execute("SELECT body FROM journal WHERE position = 2").fetchone()[0].encode()
    content = bytearray(path.read_bytes())
    content[content.index(body) + 3] ^= 0x01
    path.write_bytes(content)
    status, said = ask(capsys, "verify", path)
    assert status == 1 and says(said)
    assert len(said.en.splitlines()) == 2, "one row is named, not all that come after it"


def test_every_changed_byte_of_a_body_or_hash_is_found(data):
    """Also where what it makes is no UTF-8 and no JSON."""
    path, chance = data / "alarms.db", random.Random(62682)
    whole = path.read_bytes()
    rows = sqlite3.connect(path).execute("SELECT position, body, hash FROM journal").fetchall()
    for position, body, stored in chance.choices(rows, k=40):
        for part, damage in ((body.encode(), Damage.CHANGED), (stored, Damage.HASH)):
            content = bytearray(whole)
            content[content.index(part) + chance.randrange(len(part))] ^= 1 << chance.randrange(8)
            path.write_bytes(content)
            found = examine(path).faults
            last = position == len(rows)  # behind the last row there is nothing that tells the two apart
            assert [(fault.position, fault.damage) for fault in found] == [
                (position, Damage.CHANGED if last else damage)]


@survives("a row of the journal is removed", then="its place is named; status 1",
          says=Text("row 3, …: it was removed", "第 3 行，…：该行被删除"))
def test_a_removed_row(data, capsys, says):
    status, said = ask(capsys, "verify", tampered(data, "DELETE FROM journal WHERE position = 3"))
    assert status == 1 and says(said)


@survives("the end of the journal is cut off", then="found by an older export; status 1",
          says=Text("the end was cut off", "日志末尾被截断"))
def test_a_cut_end_is_seen_against_an_export(data, site, tmp_path, capsys, says):
    assert main(["journal", "export", str(site), "--out", str(tmp_path / "old")]) == 0
    capsys.readouterr()
    path = tampered(data, "DELETE FROM journal WHERE position > 4")
    assert ask(capsys, "verify", path)[0] == 0, "by itself it does not show"
    status, said = ask(capsys, "verify", path, "--against", tmp_path / "old")
    assert status == 1 and says(said)


@survives("journal verify of a file that is none", then="refused",
          says=Text("the alarm file can not be read: file is not a database",
                    "告警文件无法读取：file is not a database"))
def test_no_database(tmp_path, capsys, says):
    (tmp_path / "alarms.db").write_bytes(b"no database " * 100)
    status, said = ask(capsys, "verify", tmp_path / "alarms.db")
    assert status == 1 and says(said)


@survives("journal verify where no gateway has run", then="refused",
          says=Text("there is no alarm file here", "此处没有告警文件"))
def test_no_file(tmp_path, capsys, says):
    status, said = ask(capsys, "verify", tmp_path / "alarms.db")
    assert status == 1 and says(said)


@pytest.fixture
def export(data, site, tmp_path, capsys):
    """`export(...)`: the folder that it wrote."""
    def made(*words: str) -> Path:
        out = tmp_path / f"out-{len(list(tmp_path.iterdir()))}"
        assert main(["journal", "export", str(site), "--out", str(out), "--lang", "en", *words]) == 0
        capsys.readouterr()
        return out
    return made


@pytest.mark.parametrize("form", ["csv", "json"])
def test_an_export_carries_rows_and_samples(export, data, form):
    out = export("--alarm", "GD-1/HH", "--to", "2026-09-21T23:10", "--format", form)
    assert {path.name for path in out.iterdir()} == {
        f"journal.{form}", f"samples.{form}", "SHA256SUMS", "manifest.json", "manifest.sig", "public-key.pem"}
    rows, samples = (table(out / f"{name}.{form}") for name in ("journal", "samples"))
    steps = [row for row in rows if row["kind"] == "transition"]
    assert {row["alarm"] for row in steps} == {"GD-1/HH"}
    assert [(row["event"], row["old"], row["new"]) for row in steps] == [
        ("raise", "normal", "unacknowledged"), ("clear_latching", "unacknowledged", "latched"),
        ("remind", "latched", "latched"), ("acknowledge", "latched", "normal")]
    assert steps[0]["time_local"].endswith("+08:00") and steps[0]["time_utc"].endswith("+00:00")
    assert steps[3]["why"] == "seen, 现场已处置"
    assert steps[3]["who"] == ("'=王工" if form == "csv" else "=王工"), "a spreadsheet does not run what somebody typed"
    assert {row["signal"] for row in samples} == {"GD-1"}
    raised = int(steps[0]["wall_ns"])
    stamps = [int(row["wall_ns"]) for row in samples]
    assert stamps[0] == raised - 1800 * 10**9 and stamps[-1] == raised + 1800 * 10**9 and len(stamps) == 61
    assert [float(row["value"]) for row in samples][30:33] == [60.0, 60.0, 1.52]
    assert {row["quality"] for row in samples} == {"good"}


def table(path: Path) -> list[dict]:
    if path.suffix == ".json":
        return json.loads(path.read_text())
    with path.open(encoding="utf-8-sig", newline="") as file:
        return list(csv.DictReader(file))


def test_all_alarms_of_a_stretch_without_samples(export, data):
    out = export("--from", "2026-09-21T23:10")
    rows = table(out / "journal.csv")
    everything = AlarmLedger(data / "alarms.db").history(1000)
    assert [int(row["position"]) for row in rows] == [
        row.position for row in reversed(everything) if row.wall_ns >= 1_790_003_400 * 10**9]
    assert 0 < len(rows) < len(everything) and not (out / "samples.csv").exists()


def test_an_export_is_proved_by_its_signature(export, data, capsys):
    out = export("--alarm", "GD-1/HH")
    status, said = ask(capsys, "verify-export", out)
    assert status == 0 and "as it was exported" in said.en
    key = data / "journal-key.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    again = export()
    assert (again / "public-key.pem").read_bytes() == (out / "public-key.pem").read_bytes(), "one key for ever"
    assert ask(capsys, "verify-export", out, "--key", again / "public-key.pem")[0] == 0


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not installed")
def test_anybody_can_check_it_without_davylamp(export):
    out = export("--alarm", "GD-1/HH")
    signature = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", "public-key.pem", "-rawin", "-in",
                 "manifest.json", "-sigfile", "manifest.sig"]
    answer = subprocess.run(signature, cwd=out, capture_output=True, text=True)
    assert "Signature Verified Successfully" in answer.stdout
    assert subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=out).returncode == 0
    listed = {file["name"]: file["sha256"] for file in json.loads((out / "manifest.json").read_text())["files"]}
    assert listed["SHA256SUMS"] == hashlib.sha256((out / "SHA256SUMS").read_bytes()).hexdigest()


def change(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x01
    path.write_bytes(content)


def forge(out: Path) -> None:
    """Somebody changes a row and mends all the sums, but has not the key."""
    text = (out / "journal.csv").read_text("utf-8-sig").replace("unacknowledged", "acknowledged")
    (out / "journal.csv").write_text(text, "utf-8-sig")
    manifest = json.loads((out / "manifest.json").read_text())
    for name in ("journal.csv", "SHA256SUMS"):
        digest = hashlib.sha256((out / name).read_bytes()).hexdigest()
        next(file for file in manifest["files"] if file["name"] == name)["sha256"] = digest
    (out / "manifest.json").write_text(json.dumps(manifest))


@pytest.mark.parametrize("how", [
    pytest.param(lambda out: change(out / "samples.csv"), id="samples",
                 marks=survives("a file of an export is changed", then="named; status 1",
                                says=Text("samples.csv was changed", "文件 samples.csv 被修改"))),
    pytest.param(forge, id="forged", marks=survives(
        "a row of an export is changed and all sums are mended", then="row and signature give it away; status 1",
        says=Text("the signature does not fit: the manifest was changed, or another gateway made it",
                  "签名不符：清单被修改，或并非由该网关导出"))),
    pytest.param(lambda out: change(out / "manifest.sig"), id="signature", marks=survives(
        "forged signature of an export", then="refused; status 1",
        says=Text("the signature does not fit", "签名不符"))),
    pytest.param(lambda out: (out / "samples.csv").unlink(), id="gone", marks=survives(
        "a file of an export is missing", then="named; status 1",
        says=Text("samples.csv is missing", "缺少文件 samples.csv"))),
    pytest.param(lambda out: (out / "more.csv").write_text("x"), id="added", marks=survives(
        "a file is added to an export", then="named; status 1",
        says=Text("more.csv is not part of the export", "more.csv 不属于该导出"))),
])
def test_a_changed_export(export, capsys, says, how):
    out = export("--alarm", "GD-1/HH")
    how(out)
    status, said = ask(capsys, "verify-export", out)
    assert status == 1 and says(said)
    if how is forge:
        assert "does not fit its hash" in said.en


@survives("an export is held against the key of another gateway", then="refused; status 1",
          says=Text("or another gateway made it", "或并非由该网关导出"))
def test_another_key(export, data, capsys, says):
    out = export()
    os.rename(data / "journal-key.pem", data / "gone.pem")
    status, said = ask(capsys, "verify-export", out, "--key", export() / "public-key.pem")
    assert status == 1 and says(said)


@survives("a broken journal is exported", then="exported as evidence; the manifest and verify-export say so; status 1",
          says=Text("the journal was already broken when this was exported: rows 2", "导出时日志链条已断裂：第 2 行"))
def test_a_broken_journal_is_exported_as_such(data, site, tmp_path, capsys, says):
    tampered(data, "UPDATE journal SET body = 'nonsense' WHERE position = 2")
    assert main(["journal", "export", str(site), "--out", str(tmp_path / "out")]) == 1
    capsys.readouterr()
    status, said = ask(capsys, "verify-export", tmp_path / "out")
    assert status == 1 and says(said)


@survives("journal export into a folder with other files", then="refused, nothing is written",
          says=Text("the folder is not empty", "目录不为空"))
def test_a_used_folder(data, site, capsys, says):
    status, said = ask(capsys, "export", site, "--out", data)
    assert status == 1 and says(said)


@survives("journal export of an alarm that is not there", then="refused, with the nearest id",
          says=Text("the site has no such alarm; did you mean `GD-1/HH`?", "站点没有此告警；是否应为 `GD-1/HH`？"))
def test_an_unknown_alarm(data, site, capsys, says):
    status, said = ask(capsys, "export", site, "--alarm", "GD-1/HHH")
    assert status == 1 and says(said)


@survives("the measured data of an export were deleted", then="the rows are exported; said",
          says=Text("no measured data is stored here", "此处没有已存储的测量数据"))
def test_without_samples(data, site, tmp_path, capsys, says):
    shutil.rmtree(data / "telemetry")
    said = []
    for language in ("en", "zh"):
        assert main(["journal", "export", str(site), "--alarm", "GD-1/HH", "--out", str(tmp_path / language),
                     "--lang", language]) == 0
        said.append(capsys.readouterr().err)
    assert says(Text(*said))
    assert ask(capsys, "verify-export", tmp_path / "en")[0] == 0
