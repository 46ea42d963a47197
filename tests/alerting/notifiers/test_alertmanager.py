"""What a receiver that was written for Alertmanager gets."""

from __future__ import annotations

from alerting.notifiers.alertmanager import AlertmanagerNotifier
from alerting.notifiers.config import AlertmanagerSettings
from tests.alerting.notifiers.notices import ENDED, RAISED
from tests.alerting.receiver import receiver


async def test_an_alarm_fires_and_is_resolved_under_one_fingerprint():
    with receiver() as other:
        notifier = AlertmanagerNotifier(AlertmanagerSettings(type="alertmanager", id="am", url=other.url))
        await notifier.send(RAISED)
        await notifier.send(ENDED)
    first, last = (call.payload for call in other.calls)
    assert (first["version"], first["status"], last["status"]) == ("4", "firing", "resolved")
    fired, resolved = first["alerts"][0], last["alerts"][0]
    assert fired["labels"] == resolved["labels"] == {
        "alertname": "GD-01/HH", "site": "depot", "area": "tanks", "severity": "critical", "priority": "P1",
        "risk": "red"}
    assert fired["fingerprint"] == resolved["fingerprint"] and len(fired["fingerprint"]) == 16
    assert fired["annotations"]["summary"] == RAISED.title and fired["annotations"]["event"] == "raise"
    assert (fired["startsAt"], fired["endsAt"]) == ("2026-11-22T10:00:05+08:00", "0001-01-01T00:00:00Z")
    assert resolved["endsAt"] == "2026-11-22T10:09:00+08:00"
    assert [call.key for call in other.calls] == [RAISED.key, ENDED.key]
