"""The service as a whole: real file, real receiver. And what happens when the disk does not play along."""

from __future__ import annotations

import asyncio
import math
import shutil
import sqlite3
import subprocess
import threading
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from alerting.channel_rules import DeliverySettings
from alerting.ledger import AlarmLedger, Work
from alerting.lifecycle import Event, State
from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from alerting.service import AlarmService, AlarmSettings
from gateway.model.alarm import Priority, Risk
from gateway.model.clock import ManualClock
from gateway.model.errors import CommandError, LedgerError
from gateway.model.gateway_fault import GatewayFault
from gateway.model.text import Text
from tests.alerting.receiver import Receiver, receiver, until
from tests.alerting.sites import depot, edge, verdicts
from tests.servers import free_port

SITE = depot()
QUICK = AlarmSettings(commit_bound_s=20, settle_s=0.05, ledger_retry_s=0.02,
                      delivery=DeliverySettings(first_retry_s=0.02, longest_retry_s=0.05, rest_s=0.01))

survives = pytest.mark.survives
UNUSABLE = Text("alarms.db: the alarm file can not be used: {why}", "alarms.db: 告警文件无法使用：{why}")
SENT = ("alarms are shown and sent at once, marked not recorded, and a P1 says so; recorded as soon as the file can be "
        "written")


def ledger_fault(service: AlarmService) -> Text:
    """What the newest evidence of the gateway's own P1 alarm says."""
    return service.view(GatewayFault.LEDGER).evidence[0].note


def damage(path) -> None:
    """Every page but the first becomes rubbish."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


@asynccontextmanager
async def alarms(path, phone: Receiver | None = None, *, settings: AlarmSettings = QUICK, ledger=None,
                 url: str = "", clock: ManualClock | None = None):
    """A running service over the file at `path`, paging `phone`."""
    url = url or (phone.url if phone else "")
    notifiers = [WebhookNotifier(WebhookSettings(id="phone", url=url, timeout=5))] if url else []
    service = AlarmService(SITE.alarms, SITE, ledger or AlarmLedger(path), notifiers,
                           clock or ManualClock(line_ns=10**12), settings)
    await service.start()
    try:
        yield service
    finally:
        await service.close()


def say(service: AlarmService, *words: tuple[str, bool, float]) -> None:
    service.apply(verdicts(*(edge(SITE, alarm, active, second, 42.0) for alarm, active, second in words)))


def standing(service: AlarmService) -> dict[str, State]:
    return {view.definition.id: view.state for view in service.views()}


@pytest.fixture
def path(tmp_path):
    return tmp_path / "alarms.db"


@pytest.fixture
def phone():
    with receiver() as phone:
        yield phone


# -- the ordinary day

async def test_from_edge_to_phone_to_acknowledgement_to_normal(path, phone):
    async with alarms(path, phone) as service:
        say(service, ("GD-01/HH", True, 1))
        assert standing(service) == {"GD-01/HH": State.UNACKNOWLEDGED}, "the page sees it at once"
        view = await service.acknowledge("GD-01/HH", "王工", "on my way")
        assert (view.state, view.who, view.verified, view.recorded) == (State.ACKNOWLEDGED, "王工", False, True)
        say(service, ("GD-01/HH", False, 3))
        assert standing(service) == {}
        await until(lambda: service.status().notifiers[0].counters["delivered"] == 3)
    assert phone.events == [("GD-01/HH", "raise"), ("GD-01/HH", "acknowledge"), ("GD-01/HH", "return")]
    assert [row.body["event"] for row in AlarmLedger(path).history(10, kind="transition")] == [
        "clear_latching", "acknowledge", "raise"]
    contents = AlarmLedger(path).open()
    assert contents.outbox == ()
    assert [(state.state, state.occurrence) for state in contents.states] == [(State.NORMAL, 1)]


async def test_the_list_is_in_the_order_to_look_at_it(path):
    async with alarms(path) as service:
        say(service, ("GD-01/ROC+", True, 1), ("GD-01/H", True, 2), ("GD-02/H", True, 3), ("GD-03/H", True, 4),
            ("GD-03/H", False, 5), ("GD-01/HH", True, 6))
        await service.acknowledge("GD-01/H", "Li")
        assert [view.definition.id for view in service.views()] == [
            "GD-01/HH", "GD-02/H", "GD-03/H", "GD-01/H", "GD-01/ROC+"]
        oldest = service.views()[-1]
        assert oldest.first_out and oldest.age_s(ManualClock(line_ns=61 * 10**9).now()) == 60.0


async def test_risk_level_of_site_and_area(path):
    async with alarms(path) as service:
        assert service.risk_level() is Risk.BLUE
        say(service, ("GD-03/ROC+", True, 1))
        assert (service.risk_level(), service.risk_level("tank_farm")) == (Risk.YELLOW, Risk.BLUE)
        say(service, ("tank_farm/blind", True, 2))
        assert (service.risk_level(), service.risk_level("pump_house")) == (Risk.ORANGE, Risk.YELLOW)
        say(service, ("GD-02/HH", True, 3), ("GD-02/HH", False, 4))
        assert service.risk_level() is Risk.RED, "a latched alarm still stands"


async def test_pages_are_told_of_every_change_until_they_leave(path):
    async with alarms(path) as service:
        seen: list[int] = []
        leave = service.subscribe(lambda: seen.append(len(service.views())))
        say(service, ("GD-01/H", True, 1))
        assert seen == [1]
        await until(lambda: service.view("GD-01/H").recorded)
        assert len(seen) == 2, "becoming recorded is a change too"
        leave()
        say(service, ("GD-02/H", True, 2))
        assert len(seen) == 2


async def test_what_cannot_be_acknowledged(path):
    async with alarms(path) as service:
        for alarm in ("GD-01/H", "no such alarm"):
            with pytest.raises(CommandError):
                await service.acknowledge(alarm, "Li")
        with pytest.raises(CommandError):
            service.view("no such alarm")


async def test_history_pages_backwards(path):
    async with alarms(path) as service:
        say(service, ("GD-01/H", True, 1), ("GD-01/H", False, 2), ("GD-01/H", True, 3))
        await until(lambda: service.view("GD-01/H").recorded)
        newest = await service.history(2)
        assert [row.position for row in newest + await service.history(2, before=newest[-1].position)] == [3, 2, 1]


async def test_the_benchmark_hook_sees_every_transition_once_in_order(path):
    async with alarms(path) as service:
        seen = []
        service.on_commit.append(
            lambda steps, at_ns: seen.extend((step.alarm, step.event, at_ns) for step in steps))
        for second in range(1, 101):
            say(service, ("GD-01/H", second % 2 == 1, second))
        await until(lambda: len(seen) == 100)
        assert [event for _, event, _ in seen] == [Event.RAISE, Event.CLEAR] * 50
        assert [at_ns for *_, at_ns in seen] == sorted(at_ns for *_, at_ns in seen)


# -- stopping and starting

async def test_states_come_back_exactly_and_replayed_edges_change_nothing(path, phone):
    story = (("GD-01/HH", True, 1), ("GD-01/HH", False, 2), ("GD-02/H", True, 3), ("GD-03/H", True, 4),
             ("GD-03/H", False, 5))
    async with alarms(path, phone) as service:
        say(service, *story)
        await service.acknowledge("GD-02/H", "Li")
        before = service.views()
        await until(lambda: service.status().notifiers[0].counters["delivered"] == 6)
    async with alarms(path, phone) as service:
        assert repr(service.views()) == repr(before)
        say(service, *story)
        assert repr(service.views()) == repr(before)
        say(service, ("GD-01/HH", True, 9))
        await phone.until(lambda phone: len(phone.taken) == 7)
        assert phone.events[-1] == ("GD-01/HH", "raise") and service.view("GD-01/HH").occurrence == 2
    assert len(AlarmLedger(path).history(100, kind="transition")) == 7
    AlarmLedger(path).verify()


async def test_what_was_not_handed_over_is_sent_after_the_restart_under_its_old_key(path):
    port = free_port()
    url = f"http://127.0.0.1:{port}/"
    async with alarms(path, url=url) as service:
        say(service, ("GD-01/HH", True, 1), ("GD-02/ROC+", True, 2))
        await until(lambda: service.view("GD-01/HH").recorded)
    keys = [pending.key for pending in AlarmLedger(path).open().outbox]
    assert len(keys) >= 2
    with receiver(port) as phone:
        async with alarms(path, url=url) as service:
            await phone.until(lambda phone: {call.payload["key"] for call in phone.taken} >= set(keys))
            assert phone.taken[0].payload["alarm"] == "GD-01/HH", "P1 first"
            await until(lambda: service.status().notifiers[0].pending == 0)
    assert AlarmLedger(path).open().outbox == ()


async def test_notices_for_a_notifier_that_is_gone_are_dropped(path):
    async with alarms(path, url="http://127.0.0.1:9/") as service:
        say(service, ("GD-01/HH", True, 1))
        await until(lambda: service.view("GD-01/HH").recorded)
    async with alarms(path) as service:
        assert standing(service)["GD-01/HH"] is State.UNACKNOWLEDGED
    assert AlarmLedger(path).open().outbox == ()


# -- a way out that is closed

@survives("receiver of the notices is dead",
          then="kept and sent again under the same key; an own alarm until all are delivered",
          says=Text("the receiver can not be reached", "无法连接接收方"))
async def test_a_dead_notifier_raises_its_own_alarm_and_clears_it_when_everything_is_delivered(path, says):
    port = free_port()
    async with alarms(path, url=f"http://127.0.0.1:{port}/") as service:
        say(service, ("GD-01/HH", True, 1))
        await until(lambda: GatewayFault.NOTIFY in standing(service))
        view = service.view(GatewayFault.NOTIFY)
        assert view.active and view.evidence[0].signal == "phone" and says(view.evidence[0].note)
        with receiver(port) as phone:
            await until(lambda: standing(service).get(GatewayFault.NOTIFY) is State.RETURNED)
            assert ("GD-01/HH", "raise") in phone.events
            await phone.until(lambda phone: (GatewayFault.NOTIFY, "return") in phone.events)


async def test_a_dead_notifier_from_before_the_restart_is_cleared_too(path):
    port = free_port()
    async with alarms(path, url=f"http://127.0.0.1:{port}/") as service:
        say(service, ("GD-01/HH", True, 1))
        await until(lambda: GatewayFault.NOTIFY in standing(service) and service.view(GatewayFault.NOTIFY).recorded)
    with receiver(port) as phone:
        async with alarms(path, url=f"http://127.0.0.1:{port}/") as service:
            await phone.until(lambda phone: (GatewayFault.NOTIFY, "return") in phone.events)
            assert standing(service)[GatewayFault.NOTIFY] is State.RETURNED


@survives("receiver refuses a notice for good (400)", then="given up; in the journal; an own alarm is raised")
async def test_a_notice_that_was_given_up_is_in_the_journal(path, phone):
    phone.status = 400
    async with alarms(path, phone) as service:
        say(service, ("GD-01/H", True, 1))
        await until(lambda: GatewayFault.NOTIFY in standing(service) and service.view(GatewayFault.NOTIFY).recorded)
        rows = await service.history(10)
    given_up = [row for row in rows if row.kind == "given up" and row.alarm == "GD-01/H"]
    assert [(row.body["notifier"], row.body["key"].split("@")[0]) for row in given_up] == [("phone", "depot/GD-01/H#1")]


# -- a disk that does not play along

class FullDisk(AlarmLedger):
    """An alarm file on a medium that is full: SQLite's own page limit, so that the error is SQLite's own."""

    full = False

    def commit(self, work: Work) -> None:
        self._limit()
        super().commit(work)

    def _limit(self) -> None:
        used = self._connection.execute("PRAGMA page_count").fetchone()[0]
        self._connection.execute(f"PRAGMA max_page_count = {used if self.full else 1 << 30}")


@survives("alarm file full", then=f"{SENT}; nothing is sent twice",
          says=UNUSABLE.format(why="database or disk is full"))
async def test_full_disk_alarms_are_shown_and_sent_marked_and_the_file_catches_up(path, phone, says):
    ledger = FullDisk(path)
    async with alarms(path, phone, ledger=ledger) as service:
        ledger.full = True
        second = 0
        while not phone.taken or phone.taken[-1].payload["recorded"]:  # some commits still fit into the last page
            second += 1
            say(service, ("GD-01/HH", second % 2 == 1, second))
            sent = len(phone.taken)
            await phone.until(lambda phone, sent=sent: len(phone.taken) > sent)
        await phone.until(lambda phone: (GatewayFault.LEDGER, "raise") in phone.events)
        fault = service.view(GatewayFault.LEDGER)
        assert fault.active and fault.definition.priority is Priority.P1 and not fault.recorded
        assert says(fault.evidence[0].note) and str(path) in fault.evidence[0].note.zh
        assert service.status().ledger is not None

        say(service, ("GD-03/H", True, 1000), ("GD-03/H", False, 1001), ("GD-03/HH", True, 1002))
        await phone.until(lambda phone: ("GD-03/H", "return") in phone.events)
        marked = [call.payload for call in phone.taken if call.payload["alarm"].startswith("GD-03")]
        assert [notice["recorded"] for notice in marked] == [False] * 3
        assert all(notice["text"]["zh"].startswith("未记录") for notice in marked)
        assert not service.view("GD-03/HH").recorded
        view = await service.acknowledge("GD-03/HH", "Li")
        assert (view.state, view.recorded) == (State.ACKNOWLEDGED, False), "a person is never kept waiting by a disk"

        ledger.full = False
        await until(lambda: standing(service).get(GatewayFault.LEDGER) is State.RETURNED)
        await phone.until(lambda phone: (GatewayFault.LEDGER, "return") in phone.events)
        assert all(view.recorded for view in service.views()), "the notice of the end was sent after its commit"
        assert service.status().ledger is None
        say(service, ("GD-02/H", True, 2000))
        await phone.until(lambda phone: phone.events[-1] == ("GD-02/H", "raise"))
        assert phone.taken[-1].payload["recorded"] is True
        states = service.views()

    keys = [call.payload["key"] for call in phone.taken]
    assert len(keys) == len(set(keys)), "nothing was sent twice for having been late on disk"
    again = AlarmLedger(path)
    restored = {state.alarm: (state.state, state.occurrence) for state in again.open().states}
    assert all(restored[view.definition.id] == (view.state, view.occurrence) for view in states)
    journal = [(row.alarm, row.body["event"]) for row in reversed(again.history(1000, kind="transition"))
               if row.alarm.startswith("GD-03")]
    assert journal == [("GD-03/H", "raise"), ("GD-03/H", "clear"), ("GD-03/HH", "raise"), ("GD-03/HH", "acknowledge")]
    again.verify()


@pytest.fixture
def small_disk(tmp_path):
    """A real file system of 1 MiB."""
    folder = tmp_path / "card"
    folder.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder], capture_output=True).returncode != 0:
        pytest.skip("mounting a small disk needs root")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(file: Path) -> None:
    """Take every byte that the disk still has."""
    with file.open("ab", buffering=0) as ballast:
        for size in (4096, 512, 1):
            try:
                while True:
                    ballast.write(bytes(size))
            except OSError:
                continue


@survives("disk full (alarm file, a real one)", then=SENT, says=UNUSABLE.format(why="database or disk is full"))
async def test_a_real_disk_without_a_byte_left(small_disk, phone, says):
    path, ballast = small_disk / "alarms.db", small_disk / "ballast"
    async with alarms(path, phone) as service:
        say(service, ("GD-02/H", True, 1))
        await until(lambda: service.view("GD-02/H").recorded)
        fill(ballast)
        second = 1
        while GatewayFault.LEDGER not in standing(service):
            second += 1
            say(service, ("GD-01/HH", second % 2 == 0, second))
            await asyncio.sleep(0.01)
        await phone.until(lambda phone: (GatewayFault.LEDGER, "raise") in phone.events)
        assert ("GD-01/HH", "raise") in phone.events and says(ledger_fault(service))
        ballast.unlink()
        await until(lambda: standing(service).get(GatewayFault.LEDGER) is State.RETURNED)
        await until(lambda: all(view.recorded for view in service.views()))
    assert AlarmLedger(path).verify() > second


@survives("disk read-only (alarm file, a real one)", then=SENT, says=UNUSABLE.format(why="…"))
async def test_a_real_disk_that_turns_read_only(small_disk, phone, says):
    """What Linux does to a failing card."""
    path = small_disk / "alarms.db"
    async with alarms(path) as service:
        say(service, ("GD-02/H", True, 1))
        await until(lambda: service.view("GD-02/H").recorded)
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    async with alarms(path, phone) as service:
        say(service, ("GD-01/HH", True, 2))
        await phone.until(lambda phone: ("GD-01/HH", "raise") in phone.events)
        assert [call.payload["recorded"] for call in phone.taken] == [False] * len(phone.taken)
        assert GatewayFault.LEDGER in standing(service) and says(ledger_fault(service))
        subprocess.run(["mount", "-o", "remount,rw", small_disk], check=True)
        await until(lambda: standing(service).get(GatewayFault.LEDGER) is State.RETURNED)
        assert standing(service)["GD-02/H"] is State.UNACKNOWLEDGED, "known again as soon as the file opens"


@survives("folder of the alarm file is not there", then=SENT, says=UNUSABLE.format(why="unable to open database file"))
async def test_a_disk_that_is_gone_at_the_start(tmp_path, phone, says):
    """The folder does not exist: alarms work. When it appears, what happened meanwhile is written."""
    path = tmp_path / "not mounted" / "alarms.db"
    async with alarms(path, phone) as service:
        await phone.until(lambda phone: (GatewayFault.LEDGER, "raise") in phone.events)
        say(service, ("GD-01/HH", True, 1))
        await phone.until(lambda phone: ("GD-01/HH", "raise") in phone.events)
        assert [call.payload["recorded"] for call in phone.taken] == [False, False] and says(ledger_fault(service))
        with pytest.raises(LedgerError):
            await service.history()
        path.parent.mkdir()
        await until(lambda: service.view("GD-01/HH").recorded)
        steps = [row.alarm for row in reversed(await service.history(9)) if row.kind == "transition"]
        assert steps == [GatewayFault.LEDGER, "GD-01/HH"]


async def test_a_file_that_appears_late_brings_its_alarms_with_it(tmp_path, phone):
    """Yesterday's file comes back with its disk: alarms that have not moved since are taken from it."""
    kept, path = tmp_path / "kept.db", tmp_path / "card" / "alarms.db"
    async with alarms(kept) as service:
        say(service, ("GD-01/HH", True, 1), ("GD-02/H", True, 2))
        await until(lambda: service.view("GD-02/H").recorded)
    async with alarms(path, phone) as service:
        say(service, ("GD-02/H", True, 50), ("GD-02/H", False, 51))
        (tmp_path / "card.new").mkdir()
        shutil.move(kept, tmp_path / "card.new" / "alarms.db")
        (tmp_path / "card.new").rename(tmp_path / "card")
        await until(lambda: service.view("GD-02/H").recorded)
        assert standing(service)["GD-01/HH"] is State.UNACKNOWLEDGED
        assert standing(service)["GD-02/H"] is State.RETURNED
        assert AlarmLedger(path).verify() >= 4


class StuckDisk(AlarmLedger):
    """A medium that takes its time: commits wait until the test lets them. No real disk hangs on command."""

    def __init__(self, path):
        super().__init__(path)
        self.free = threading.Event()
        self.free.set()

    def commit(self, work: Work) -> None:
        assert self.free.wait(20)
        super().commit(work)


@survives("disk of the alarm file hangs", then="alarms are shown at once and sent after the bound, marked not recorded",
          says=Text("the alarm file took longer than 0.05 s", "告警文件写入超过 0.05 秒"))
async def test_a_disk_that_hangs_delays_a_notice_by_the_bound_and_no_longer(path, phone, says):
    ledger = StuckDisk(path)
    settings = AlarmSettings(commit_bound_s=0.05, settle_s=0.05, delivery=QUICK.delivery)
    async with alarms(path, phone, ledger=ledger, settings=settings) as service:
        ledger.free.clear()
        say(service, ("GD-01/HH", True, 1))
        await phone.until(lambda phone: len(phone.taken) == 2)
        assert phone.events == [("GD-01/HH", "raise"), (GatewayFault.LEDGER, "raise")]
        assert [call.payload["recorded"] for call in phone.taken] == [False, False] and says(ledger_fault(service))
        ledger.free.set()
        await until(lambda: standing(service).get(GatewayFault.LEDGER) is State.RETURNED)
        await phone.until(lambda phone: (GatewayFault.LEDGER, "return") in phone.events)
    assert len(phone.taken) == 3


@survives("another program locks the alarm file", then=SENT, says=UNUSABLE.format(why="database is locked"))
async def test_a_locked_file(path, phone, says):
    """Another program holds the file locked: SQLite refuses every write."""
    async with alarms(path, phone) as service:
        say(service, ("GD-02/H", True, 1))
        await until(lambda: service.view("GD-02/H").recorded)
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        say(service, ("GD-01/HH", True, 2))
        await phone.until(lambda phone: (GatewayFault.LEDGER, "raise") in phone.events)
        assert ("GD-01/HH", "raise") in phone.events and says(ledger_fault(service))
        other.execute("ROLLBACK")
        other.close()
        await until(lambda: standing(service).get(GatewayFault.LEDGER) is State.RETURNED)


@survives("alarm file is damaged", then="set aside, a new one is begun with all that is known; alarms go on",
          says=Text("the alarm file was damaged and set aside as alarms.db.damaged-…",
                    "告警文件已损坏，另存为 alarms.db.damaged-…"))
async def test_a_damaged_file_is_replaced_and_the_alarms_go_on(path, phone, says):
    path.write_bytes(b"not a database at all, " * 1000)
    async with alarms(path, phone) as service:
        assert says(ledger_fault(service))
        say(service, ("GD-01/HH", True, 1))
        await phone.until(lambda phone: ("GD-01/HH", "raise") in phone.events)
        await until(lambda: standing(service).get(GatewayFault.LEDGER) is State.RETURNED)
    assert AlarmLedger(path).verify() >= 3


class NoCache(AlarmLedger):
    """Looks at the medium before each commit instead of trusting its page cache."""

    def commit(self, work: Work) -> None:
        self._connection.execute("PRAGMA shrink_memory")
        super().commit(work)


async def test_a_file_damaged_while_running_is_replaced_with_everything_that_is_known(path):
    ledger = NoCache(path)
    async with alarms(path, ledger=ledger) as service:
        say(service, ("GD-01/HH", True, 1), ("GD-02/H", True, 2))
        await until(lambda: service.view("GD-02/H").recorded)
        ledger.tidy()
        damage(path)
        say(service, ("GD-03/H", True, 3))
        await until(lambda: GatewayFault.LEDGER in standing(service))
        await until(lambda: standing(service).get(GatewayFault.LEDGER) is State.RETURNED)
    restored = {state.alarm for state in AlarmLedger(path).open().states}
    assert {"GD-01/HH", "GD-02/H", "GD-03/H"} <= restored
    assert len(list(path.parent.glob("alarms.db.damaged-*[0-9]"))) == 1


async def test_a_long_failure_keeps_the_beginning_and_says_how_much_is_missing(path, phone):
    ledger = FullDisk(path)
    settings = AlarmSettings(commit_bound_s=20, settle_s=0.05, ledger_retry_s=0.02, journal_limit=50,
                             delivery=QUICK.delivery)
    async with alarms(path, ledger=ledger, settings=settings) as service:
        ledger.full = True
        for second in range(1, 1001):
            say(service, ("GD-01/H", second % 2 == 1, second))
            if second % 100 == 0:
                await asyncio.sleep(0.03)
        assert service.status().uncommitted <= 50
        await until(lambda: service.status().ledger is not None)
        ledger.full = False
        await until(lambda: service.view("GD-01/H").recorded)
        lost = service.status().counters["journal_rows_lost"]
        assert lost > 0
    rows = list(reversed(AlarmLedger(path).history(5000)))
    gaps = [row for row in rows if row.kind == "gap"]
    assert sum(row.body["rows_lost"] for row in gaps) == lost
    kept = [row for row in rows if row.alarm == "GD-01/H"]
    assert kept[0].body["occurrence"] == 1
    faults = sum(row.alarm == GatewayFault.LEDGER for row in rows)
    bursts = 10  # a flood and chattering begin, and end with the ledger alarm's own time
    assert 1000 <= len(kept) + lost <= 1000 + faults + bursts
    state, = (state for state in AlarmLedger(path).open().states if state.alarm == "GD-01/H")
    assert (state.state, state.occurrence, math.isnan(state.value)) == (State.RETURNED, 500, False)
