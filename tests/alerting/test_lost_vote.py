"""A vote that stands because its detectors are lost does not say that they see gas."""

from __future__ import annotations

import pytest

from alerting.ledger import AlarmLedger
from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.webhook import WebhookNotifier
from alerting.service import AlarmService
from gateway.model.clock import ManualClock
from gateway.model.condition import Condition
from gateway.model.text import Text
from tests.alerting.receiver import receiver
from tests.alerting.sites import START_NS, edge, verdicts
from tests.alerting.test_message import EXAMPLE

(VOTE,) = (alarm for alarm in EXAMPLE.alarms if alarm.condition == Condition.VOTE)
GAS, LOST = Text("two detectors see gas", "两个探测器检出可燃气体"), Text("detectors lost", "探测器失效，无法表决")


@pytest.mark.survives("all detectors of a vote are lost",
                      then="the alarm says that they are lost and the vote can not be made, not that there is gas")
@pytest.mark.parametrize(("votes", "said", "other"), [(0, LOST, GAS), (2, GAS, LOST)])
async def test_a_vote_says_what_it_stands_for(tmp_path, votes, said, other):
    with receiver() as phone:
        notifiers = [WebhookNotifier(WebhookSettings(id="phone", url=phone.url))]
        service = AlarmService(EXAMPLE.alarms, EXAMPLE, AlarmLedger(tmp_path / "alarms.db"), notifiers,
                               ManualClock(wall_ns=START_NS))
        await service.start()
        service.apply(verdicts(edge(EXAMPLE, VOTE.id, True, 1, votes)))
        await service.acknowledge(VOTE.id, "Wang")
        view = service.view(VOTE.id)
        service.apply(verdicts(edge(EXAMPLE, VOTE.id, False, 2, 0)))
        await phone.until(lambda phone: len(phone.taken) == 3)
        await service.close()
    assert [call.payload["event"] for call in phone.taken] == ["raise", "acknowledge", "return"]
    for call in phone.taken:
        assert call.payload["alarm"] == VOTE.id
        for language in ("en", "zh"):
            assert said[language] in call.payload["title"][language]
            assert other[language] not in call.payload["text"][language] + call.payload["title"][language]
    assert said.zh in view.definition.name.zh and view.definition.id == VOTE.id
    guidance = phone.taken[0].payload["guidance"]
    assert ("portable instrument" in guidance["en"], "便携式仪器" in guidance["zh"]) == (not votes, not votes)
