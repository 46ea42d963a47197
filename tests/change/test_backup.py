"""A gateway in one file, and a new box made of it. Real files, real journal, a gateway that writes meanwhile."""

from __future__ import annotations

import io
import os
import sqlite3
import threading

import pytest

from alerting.ledger import AlarmLedger, Pending, Record, Work
from gateway.app import load
from gateway.backup import pack, sealed, unpack
from gateway.backup.pack import Asked, write
from gateway.backup.sealed import CHUNK, BackupError, Opening, Sealing
from gateway.change import files
from gateway.change.desk import Desk
from gateway.model.errors import CommandError
from gateway.model.text import Text
from gateway.store.archive import Archive, Row
from gateway.store.minutes import Minutes
from tests.change.sites import written
from tests.sites import gas
from tests.sites import site as small_site

survives = pytest.mark.survives
PASSPHRASE = "correct horse battery staple"


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The work factor is in the head; tests need no second of it each."""
    monkeypatch.setattr(sealed, "_N", 2**4)


def sealed_bytes(content: bytes) -> bytes:
    file = io.BytesIO()
    sealing = Sealing(file, PASSPHRASE, {"site": "yard"})
    for start in range(0, len(content), 300_000):
        sealing.write(content[start:start + 300_000])
    sealing.finish()
    return file.getvalue()


def opened(data: bytes, passphrase: str = PASSPHRASE) -> bytes:
    opening = Opening(io.BytesIO(data), passphrase)
    return opening.read()


class TestSealed:
    @pytest.mark.parametrize("size", [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 3 * CHUNK])
    def test_what_goes_in_comes_out(self, size):
        content = os.urandom(size)
        data = sealed_bytes(content)
        assert opened(data) == content
        assert size < 64 or content[:64] not in data

    @survives("a backup with a wrong passphrase", then="nothing is changed",
              says=Text("the passphrase is wrong, or the file is damaged", "口令错误或文件已损坏"))
    def test_another_passphrase_does_not_open_it(self, says):
        with pytest.raises(BackupError) as refused:
            opened(sealed_bytes(b"secret"), "correct horse battery stapler")
        says(refused.value.what)

    @survives("a backup that is damaged, cut off, or put together of two", then="nothing is changed",
              says=Text("the backup is damaged or cut off", "备份已损坏或不完整"))
    def test_whatever_is_changed_is_found(self, says):
        data = sealed_bytes(os.urandom(3 * CHUNK + 500))
        first = len(data) - 500 - 16 - 2 * (CHUNK + 16)
        for damaged in (data[:-1], data[:-500], data[:first + CHUNK + 16], data[:first],
                        data[:first + 9] + bytes([data[first + 9] ^ 1]) + data[first + 10:],
                        data[:first] + data[first + CHUNK + 16:], data + b"x"):
            with pytest.raises(BackupError) as refused:
                opened(damaged)
            says(refused.value.what)

    def test_the_head_is_authenticated(self):
        with pytest.raises(BackupError):
            opened(sealed_bytes(b"x").replace(b'"yard"', b'"farm"'))

    @survives("a file that is no backup, or one whose head asks for absurd work", then="nothing is changed",
              says=Text("this is no backup of a gateway", "这不是网关备份"))
    def test_what_is_no_backup(self, says):
        data = sealed_bytes(b"x")
        absurd = data.replace(b'"n": 16', b'"n": 1073741824')
        for wrong in (b"", b"PK\x03\x04", data[5:], data[:16] + b"{}\n" + data, absurd):
            with pytest.raises(BackupError) as refused:
                opened(wrong)
            says(refused.value.what)

    @survives("a backup in a newer format", then="nothing is changed; it says what is needed",
              says=Text("the backup has format 9", "备份格式为 9"))
    def test_a_newer_format(self, says):
        with pytest.raises(BackupError) as refused:
            opened(sealed_bytes(b"x").replace(b'"format": 1', b'"format": 9'))
        says(refused.value.what)


class Box:
    """A gateway's files; it has an alarm file with a journal, and a notice that waits."""

    def __init__(self, folder):
        self.site, self.data = folder / "etc" / "site.toml", folder / "data"
        self.elsewhere = {"broker": folder / "broker"}


@pytest.fixture
def old(tmp_path):
    box = Box(tmp_path / "old")
    written(box.site.parent)
    Desk(box.site, box.data, load).found(load(box.site))
    (box.site.parent / "secrets").mkdir(mode=0o700)
    (box.site.parent / "secrets" / "mail").write_text("hush")
    (box.site.parent / "secrets" / "mail").chmod(0o600)
    (box.data / "accounts.json").write_text("{}")
    for name in ("saved/bank.saved", "saved/cursor-influx.saved", "telemetry/1.seg", "lock"):
        path = box.data / "telemetry" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    ledger = AlarmLedger(box.data / "alarms.db")
    ledger.open()
    for number in range(3):
        ledger.commit(Work(records=[Record("gap", "", number, {"n": number})],
                           outbox={(f"k{number}", "phone"): Pending(f"k{number}", "phone", "GD-1/H", 2, 5, {"a": 1})}))
    box.archive = Archive(box.data / "minutes.db", small_site(gas("GD-1")).signals)
    box.archive.open()
    box.archive.add(Minutes.empty(), 7, [Row("state", 60, {}, {"n": 1})])  # what was written last lies in its -wal
    box.ledger = ledger  # open, as of a gateway that runs
    yield box
    box.archive.close()
    ledger.close()


BARE = Asked(secrets=False)


def backed_up(box: Box, asked: Asked = BARE) -> io.BytesIO:
    file = io.BytesIO()
    write(file, PASSPHRASE, box.site, "yard", files.read(box.site, load(box.site).points_files), box.data, asked,
          box.elsewhere)
    file.seek(0)
    return file


def restored(file: io.BytesIO, box: Box, passphrase: str = PASSPHRASE, **how) -> unpack.Restored:
    return unpack.restore(file, passphrase, box.site, box.data, load, "Li", elsewhere=box.elsewhere, **how)


def names(box: Box) -> set[str]:
    return {str(path.relative_to(box.data)) for path in box.data.rglob("*") if path.is_file()}


def test_a_new_box_is_made_of_it(tmp_path, old):
    file = backed_up(old)
    old.ledger.commit(Work(records=[Record("gap", "", 9, {})]))  # the old box goes on
    new = Box(tmp_path / "new")
    done = restored(file, new)
    assert (done.site, done.rows, done.pending, done.aside) == ("yard", 3, 3, None)
    assert load(new.site).site_file is not None
    assert (new.site.parent / "points" / "gas.csv").exists() and not (new.site.parent / "secrets").exists()
    assert names(new) == {"alarms.db", "accounts.json", "telemetry/saved/bank.saved", "configurations/0001/about.json",
                          "configurations/0001/files/site.toml", "configurations/0001/files/points/gas.csv"}
    ledger = AlarmLedger(new.data / "alarms.db")
    contents = ledger.open()
    assert [one.key for one in contents.outbox] == ["k0", "k1", "k2"], "what waits keeps its keys: nothing is new by it"
    assert [row.kind for row in ledger.history(9)] == ["restore", "gap", "gap", "gap"]
    assert ledger.verify() == 4
    ledger.close()


def test_secrets_and_telemetry_only_when_they_are_asked_for(tmp_path, old):
    new = Box(tmp_path / "new")
    old.elsewhere = new.elsewhere = {}
    (old.site.parent / "gateway.crt").write_text("a certificate")
    (old.site.parent / "gateway.crt").chmod(0o644)
    restored(backed_up(old, Asked(secrets=True, telemetry=True)), new)
    assert (new.site.parent / "gateway.crt").stat().st_mode & 0o777 == 0o644, "root's, and the gateway reads it"
    secret = new.site.parent / "secrets" / "mail"
    assert secret.read_text() == "hush"
    assert secret.stat().st_mode & 0o777 == 0o600 and not secret.parent.stat().st_mode & 0o007, "not for others"
    assert {"telemetry/saved/cursor-influx.saved", "telemetry/telemetry/1.seg"} <= names(new)
    assert "telemetry/lock" not in names(new)


def test_the_archive_of_minutes_goes_along_whole_where_what_was_measured_is_asked_for(tmp_path, old):
    new = Box(tmp_path / "new")
    file = backed_up(old, Asked(secrets=False, telemetry=True))
    old.archive.add(Minutes.empty(), 8, [Row("state", 120, {}, {"n": 2})])  # the old box goes on
    restored(file, new)
    assert {name for name in names(new) if name.startswith("minutes")} == {"minutes.db"}
    archive = Archive(new.data / "minutes.db", small_site(gas("GD-1")).signals)
    archive.open()
    assert archive.counted == 7 and [row.fields for row in archive.rows_after(0, 9)] == [{"n": 1}]
    archive.close()


def test_what_is_left_out_is_told(old):
    """Its cursor would point into another recording, and it is gigabytes."""
    sizes = {path.name: path.stat().st_size for path in old.data.rglob("*") if path.is_file()}
    measured = sum(size for name, size in sizes.items() if name.startswith("minutes.db") or name in ("1.seg", "lock"))
    assert pack.left_out(old.data) == measured > sizes["minutes.db"]
    assert pack.left_out(old.data / "nowhere") == 0


def test_a_copy_ends_however_often_the_gateway_writes_meanwhile(tmp_path):
    source, most, begun, done = tmp_path / "minutes.db", 1000, threading.Event(), threading.Event()
    commits = []
    connection = sqlite3.connect(source, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("CREATE TABLE one (content BLOB)")
    for _ in range(8):
        connection.execute("INSERT INTO one VALUES (zeroblob(4000000))")

    def write_on():
        while not done.wait(0.001) and len(commits) < most:
            connection.execute("INSERT INTO one VALUES (x'00')")
            commits.append(1)
            begun.set()

    writer = threading.Thread(target=write_on)
    writer.start()
    assert begun.wait(30)
    pack._copy_database(source, tmp_path / "copy.db")
    done.set()
    writer.join()
    assert len(commits) < most, "it was copied while the gateway wrote"
    with sqlite3.connect(tmp_path / "copy.db") as copy:
        assert copy.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.fixture
def broker(tmp_path, old):
    """Of the old box: a device with its password, its line to the centre."""
    folder = old.elsewhere["broker"]
    (folder / "conf.d").mkdir(parents=True)
    (folder / "passwd").write_text("bay:$7$hash")
    (folder / "passwd").chmod(0o640)
    (folder / "acl").write_text("user bay")
    (folder / "acl.new").write_text("half")
    (folder / "conf.d" / "centre.conf").write_text("connection centre")
    return folder


def test_devices_speak_to_the_new_box_with_their_old_passwords(tmp_path, old, broker):
    new = Box(tmp_path / "new")
    mine = new.elsewhere["broker"]
    mine.mkdir(parents=True)
    (mine / "passwd").write_text("davylamp:$7$mine")
    done = restored(backed_up(old, Asked()), new)
    assert {str(path.relative_to(mine)): path.read_text() for path in mine.rglob("*") if path.is_file()} == {
        "passwd": "bay:$7$hash", "acl": "user bay", "conf.d/centre.conf": "connection centre"}
    assert (mine / "passwd").stat().st_mode & 0o777 == 0o640
    assert (done.aside / "broker" / "passwd").read_text() == "davylamp:$7$mine"
    assert done.parts == {"site", "data", "broker"}


def test_a_simulator_is_made_of_it_without_the_devices(tmp_path, old, broker):
    new = Box(tmp_path / "new")
    new.elsewhere = {}
    assert "broker" in restored(backed_up(old, Asked()), new).parts


@survives("a backup of an installed gateway is restored where none is installed", then="nothing is changed",
          says=Text("this machine is none yet", "本机尚未安装"))
def test_a_box_without_a_broker(tmp_path, old, broker, says):
    new = Box(tmp_path / "new")
    with pytest.raises(CommandError) as refused:
        restored(backed_up(old, Asked()), new)
    says(refused.value.what)
    assert not names(new) and not new.site.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody who may not look")
def test_a_backup_that_may_not_look_everywhere_is_none(tmp_path, old, broker):
    broker.chmod(0o700)
    tmp_path.chmod(0o755)
    os.seteuid(65534)
    try:
        with pytest.raises(OSError, match="Permission denied"):
            list(pack._files(broker))
    finally:
        os.seteuid(0)


def test_what_was_there_is_moved_aside(tmp_path, old):
    new = Box(tmp_path / "new")
    new.data.mkdir(parents=True)
    (new.data / "alarms.db").write_text("mine")
    done = restored(backed_up(old), new)
    assert (done.aside / "alarms.db").read_text() == "mine"
    assert not list(new.data.glob(".restore-*"))


def test_the_site_files_that_it_replaces_are_kept(tmp_path, old):
    new = Box(tmp_path / "new")
    mine = written(new.site.parent, ("H = 20", "H = 22"), points="mine").read_text()
    done = restored(backed_up(old), new)
    assert "H = 20" in new.site.read_text()
    assert (done.aside / "site" / "site.toml").read_text() == mine
    assert (done.aside / "site" / "points" / "gas.csv").read_text() == "mine"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_what_only_root_could_read_stays_so_where_it_is_kept(tmp_path, old):
    """The key of the authority: the gateway's user, to whom the data folder belongs, must not come by it."""
    (old.site.parent / "ca.key").write_text("theirs")
    new = Box(tmp_path / "new")
    old.elsewhere = new.elsewhere = {}
    new.data.mkdir(parents=True)
    (new.data / "alarms.db").write_text("mine")
    os.chown(new.data, 65534, 65534)
    os.chown(new.data / "alarms.db", 65534, 65534)
    written(new.site.parent)
    (new.site.parent / "ca.key").write_text("mine")
    (new.site.parent / "ca.key").chmod(0o600)
    done = restored(backed_up(old, Asked()), new)
    kept = done.aside / "site" / "ca.key"
    assert kept.read_text() == "mine" and (kept.stat().st_uid, kept.stat().st_mode & 0o777) == (0, 0o600)
    assert {path.stat().st_uid for path in new.data.iterdir()} == {65534}


@survives("a backup is restored over a link, which leads out of the folder", then="nothing is changed",
          says=Text("this is a link", "这是一个链接"))
@pytest.mark.parametrize("where", ["points", "points/gas.csv"])
def test_a_link_leads_nowhere(tmp_path, old, where, says):
    """Who may write beside the site file must not choose what root reads and writes."""
    new, elsewhere = Box(tmp_path / "new"), tmp_path / "etc"
    (elsewhere / "points").mkdir(parents=True)
    (elsewhere / "points" / "gas.csv").write_text("hush")
    (new.site.parent / where).parent.mkdir(parents=True)
    (new.site.parent / where).symlink_to(elsewhere / where)
    with pytest.raises(CommandError) as refused:
        restored(backed_up(old), new)
    says(refused.value.what)
    assert (elsewhere / "points" / "gas.csv").read_text() == "hush" and not names(new)


@pytest.mark.parametrize("how", ["passphrase", "cut", "check"])
def test_nothing_is_changed_by_a_backup_that_is_not_whole_or_by_a_check(tmp_path, old, how):
    new, file = Box(tmp_path / "new"), backed_up(old)
    new.data.mkdir(parents=True)
    (new.data / "alarms.db").write_text("mine")
    if how == "check":
        assert restored(file, new, check=True).rows == 3
    else:
        with pytest.raises(BackupError):
            restored(io.BytesIO(file.getvalue()[:-20]) if how == "cut" else file, new,
                     "something else" if how == "passphrase" else PASSPHRASE)
    assert names(new) == {"alarms.db"} and not new.site.exists()


@survives("a backup from a newer version of the gateway is restored", then="nothing is changed",
          says=Text("the backup is from version 99.1", "备份来自版本 99.1"))
def test_a_newer_version(tmp_path, old, monkeypatch, says):
    monkeypatch.setattr(pack, "__version__", "99.1")
    with pytest.raises(BackupError) as refused:
        restored(backed_up(old), Box(tmp_path / "new"))
    says(refused.value.what)


@survives("a restore over a gateway that runs", then="nothing is changed",
          says=Text("a gateway runs with this data folder", "网关正在使用该数据目录"))
def test_a_gateway_that_runs_is_not_overwritten(tmp_path, old, says, monkeypatch):
    monkeypatch.setattr(unpack, "in_use", lambda folder: True)
    with pytest.raises(CommandError) as refused:
        restored(backed_up(old), Box(tmp_path / "new"))
    says(refused.value.what)


@survives("a backup whose journal was changed before it was backed up", then="nothing is changed",
          says=Text("the journal in the backup is not as it was written", "备份中的日志与原始记录不符"))
def test_a_journal_that_was_changed(tmp_path, old, says):
    with sqlite3.connect(old.data / "alarms.db") as connection:
        connection.execute("DROP TRIGGER journal_keeps_text")
        connection.execute("UPDATE journal SET body = '{}' WHERE position = 2")
    with pytest.raises(BackupError) as refused:
        restored(backed_up(old), Box(tmp_path / "new"))
    says(refused.value.what)
