"""Links and codes: what they open, and what is said of those that do not."""

from __future__ import annotations

import asyncio
import os
from contextlib import asynccontextmanager

import pytest

from alerting.answers import Answers
from alerting.ledger import AlarmLedger
from alerting.lifecycle import State
from alerting.service import AlarmService
from alerting.slips import DAY_S, KEY_FILE, TRIES, VALID_S, Claim, Seal, Tries, claim_of, load_key
from gateway.model.clock import NS, ManualClock
from gateway.model.errors import CommandError
from gateway.model.text import Text
from tests.alerting.notifiers.notices import RAISED
from tests.alerting.sites import START_NS, depot
from tests.alerting.test_service import say

SITE = depot()
SEAL = Seal(b"k" * 32, "depot")
CLAIM = Claim("罐-1/HH", 17, 5, "wang")
NOW = 1_790_000_000 * NS


def test_a_link_and_a_code_lead_back_to_what_they_were_made_for():
    assert SEAL.read(SEAL.token(CLAIM, NOW), NOW) == CLAIM
    others = [Claim("罐-1/HH", number, 5, "wang") for number in range(50)]
    assert SEAL.find(SEAL.code(CLAIM, NOW), others, NOW) == CLAIM
    assert SEAL.find(SEAL.code(CLAIM, NOW).replace("-", " "), others, NOW + DAY_S * NS) == CLAIM
    assert len({SEAL.code(claim, NOW) for claim in others}) == 50


def test_a_notice_says_what_its_slip_is_for():
    assert claim_of(RAISED.payload) == Claim("GD-01/HH", 17, 5)
    assert claim_of(RAISED.payload | {"person": {"id": "wang"}}).person == "wang"
    assert claim_of(RAISED.payload | {"state": "acknowledged"}) is None
    assert claim_of(RAISED.payload | {"occurrence": 0}) is None


@pytest.mark.survives("link with a forged signature, or cut off by a chat app", then="refused: 409, what to do",
                      says=Text("was not made by this gateway", "不是本网关生成的"))
@pytest.mark.parametrize("change", [
    lambda token: token[:-2], lambda token: token.partition(".")[0], lambda _: "", lambda _: "...", lambda _: "北.北",
    lambda token: "A" + token[1:], lambda _: Seal(b"other" * 8, "depot").token(CLAIM, NOW),
    lambda _: Seal(b"k" * 32, "another site").token(CLAIM, NOW)])
def test_a_forged_link_is_refused(change, says):
    with pytest.raises(CommandError) as caught:
        SEAL.read(change(SEAL.token(CLAIM, NOW)), NOW)
    assert says(caught.value.what) and caught.value.fix.zh


@pytest.mark.survives("link older than a day", then="refused: what to do instead",
                      says=Text("this link has expired", "该链接已过期"))
def test_an_expired_link_is_refused(says):
    with pytest.raises(CommandError) as caught:
        SEAL.read(SEAL.token(CLAIM, NOW), NOW + (VALID_S + 1) * NS)
    assert says(caught.value.what) and "page" in caught.value.fix.en


def test_codes_that_are_old_wrong_or_fit_twice_are_told_apart():
    code = SEAL.code(CLAIM, NOW)
    for later, wanted in ((0, None), (2, "expired"), (30, "no alarm has this code")):
        if wanted:
            with pytest.raises(CommandError, match=wanted):
                SEAL.find(code, [CLAIM], NOW + later * DAY_S * NS)
    for wrong in ("", "北", "1234", "٣" * 8):
        with pytest.raises(CommandError, match="no alarm has this code"):
            SEAL.find(wrong, [CLAIM], NOW)


def test_after_too_many_wrong_codes_none_is_looked_at_for_a_minute():
    tries = Tries()
    for _ in range(TRIES):
        tries.check(0.0)
        tries.wrong(0.0)
    with pytest.raises(CommandError, match="too many wrong codes"):
        tries.check(59.0)
    tries.check(60.0)


def test_the_key_is_made_once_and_only_its_owner_reads_it(tmp_path, caplog):
    key = load_key(tmp_path)
    file = tmp_path / KEY_FILE
    assert load_key(tmp_path) == key and file.stat().st_mode & 0o777 == 0o600
    file.chmod(0o644)
    assert load_key(tmp_path) == key and file.stat().st_mode & 0o777 == 0o600 and "can be read by others" in caplog.text
    file.write_bytes(b"")
    assert load_key(tmp_path) != key and len(file.read_bytes()) == 32
    assert len(load_key(tmp_path / "nowhere")) == 32 and "until the next restart" in caplog.text
    assert not os.path.exists(tmp_path / "nowhere")


@asynccontextmanager
async def answering(path):
    clock = ManualClock(line_ns=10 * NS, wall_ns=START_NS + 10 * NS)
    service = AlarmService(SITE.alarms, SITE, AlarmLedger(path), [], clock)
    await service.start()
    yield service, Answers(SEAL, service, ["wang"], SITE.zone, clock), clock
    await service.close()


def slip(service, alarm: str, person: str = "wang") -> Claim:
    view = service.view(alarm)
    return Claim(alarm, view.occurrence, view.raised_wall_ns, person)


async def test_an_alarm_is_acknowledged_once_by_link_or_code(tmp_path):
    async with answering(tmp_path / "alarms.db") as (service, answers, clock):
        say(service, ("GD-01/HH", True, 1), ("GD-02/H", True, 1))
        claim, other = slip(service, "GD-01/HH"), slip(service, "GD-02/H")
        token, now = SEAL.token(claim, clock.now().wall_ns), clock.now().wall_ns
        assert answers.look(token) == (claim, service.view("GD-01/HH"))
        assert service.view("GD-01/HH").state is State.UNACKNOWLEDGED, "looking does nothing"
        view = await answers.acknowledge("Wang", "on my way", token=token)
        assert (view.state, view.who, view.recorded) == (State.ACKNOWLEDGED, "Wang", True)
        done = await answers.command({"code": SEAL.code(other, now), "name": "Li"})
        assert done == {"done": True, "alarm": "GD-02/H", "name": "Li", "recorded": True}
        rows = [row.body for row in await service.history(20) if row.kind == "delivery"]
        assert [(row["person"], row["via"]) for row in rows] == [("wang", "mqtt"), ("wang", "link")]


@pytest.mark.survives("link or code used twice", then="refused: who acknowledged when, nothing left to do",
                      says=Text("was already acknowledged by Wang at", "已由 Wang 于"))
async def test_a_used_slip_is_refused_and_says_by_whom(tmp_path, says):
    async with answering(tmp_path / "alarms.db") as (service, answers, clock):
        say(service, ("GD-01/HH", True, 1))
        claim, now = slip(service, "GD-01/HH"), clock.now().wall_ns
        await answers.acknowledge("Wang", token=SEAL.token(claim, now))
        for again in ({"token": SEAL.token(claim, now)}, {"code": SEAL.code(claim, now)}):
            with pytest.raises(CommandError) as caught:
                await answers.acknowledge("Li", **again)
            assert says(caught.value.what)
        say(service, ("GD-01/HH", False, 2), ("GD-01/HH", True, 3))
        with pytest.raises(CommandError, match="earlier occurrence"):
            await answers.acknowledge("Li", token=SEAL.token(claim, now))
        assert service.view("GD-01/HH").state is State.UNACKNOWLEDGED, "a new occurrence needs a new slip"


async def test_of_many_codes_that_are_tried_at_once_only_a_few_are_looked_at(tmp_path, monkeypatch):
    looked: list[str] = []
    find = Seal.find
    monkeypatch.setattr(Seal, "find", lambda seal, code, *rest: looked.append(code) or find(seal, code, *rest))
    async with answering(tmp_path / "alarms.db") as (service, answers, clock):
        say(service, ("GD-01/HH", True, 1))
        claim = slip(service, "GD-01/HH")
        for _ in range(2 * TRIES):  # a right one does not count
            assert await answers._find(SEAL.code(claim, clock.now().wall_ns)) == claim
        looked.clear()
        said = await asyncio.gather(*(answers.acknowledge("x", code=f"{number:08d}") for number in range(50)),
                                    return_exceptions=True)
        assert all(isinstance(one, CommandError) for one in said) and len(looked) == TRIES


@pytest.mark.parametrize("asked", [{}, {"code": "1", "token": "2", "name": "x"}, {"code": "1", "who": "x"}])
async def test_a_command_that_makes_no_sense_says_how_it_is_done(tmp_path, asked):
    async with answering(tmp_path / "alarms.db") as (_, answers, _):
        with pytest.raises(CommandError, match='expected "code" or "token"'):
            await answers.command(asked)
