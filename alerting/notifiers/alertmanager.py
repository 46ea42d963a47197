"""POSTs a notice in the format of Alertmanager's webhook (version "4"), for receivers that were written for it.

Alertmanager knows "firing" and "resolved" only: the end of a condition is "resolved", everything else "firing"; what
happened stands in the annotations and in the label-free field `event` of each alert. One alarm has one fingerprint.
"""

from __future__ import annotations

import hashlib
import json
from urllib.parse import quote

from alerting.notifiers.config import AlertmanagerSettings
from alerting.notifiers.post import Post
from gateway.model.ports import Notice

NEVER = "0001-01-01T00:00:00Z"  # how Go writes a time that is not set


class AlertmanagerNotifier:
    def __init__(self, settings: AlertmanagerSettings):
        self.id = settings.id
        self._receiver = settings.receiver
        self._post = Post(settings.id, settings.url, settings.timeout)

    async def send(self, notice: Notice) -> None:
        """NotifyError, retryable or not."""
        body = json.dumps(group(notice, self._receiver), ensure_ascii=False, allow_nan=False).encode()
        await self._post(body, {"Idempotency-Key": quote(notice.key, safe="/#:@.+-_")})


def group(notice: Notice, receiver: str) -> dict:
    """The notice as the only alert of a group. Labels name the alarm, so they are the same from raise to end."""
    payload = notice.payload
    ended = payload["event"] == "return"
    labels = {"alertname": notice.alarm, "site": payload["site"]["id"], "area": payload["area"]["id"],
              "severity": {"P1": "critical", "P2": "warning"}.get(payload["priority"], "info"),
              "priority": payload["priority"], "risk": payload["risk"]}
    annotations = {"summary": notice.title, "description": notice.text, "event": payload["event"]}
    alert = {"status": "resolved" if ended else "firing", "labels": labels, "annotations": annotations,
             "startsAt": payload["raised"], "endsAt": payload["time"] if ended else NEVER,
             "generatorURL": payload["link"] or "",
             "fingerprint": hashlib.sha256(f"{labels['site']}/{notice.alarm}".encode()).hexdigest()[:16]}
    return {"version": "4", "groupKey": f'{{}}:{{alertname="{notice.alarm}"}}', "truncatedAlerts": 0,
            "status": alert["status"], "receiver": receiver, "groupLabels": {"alertname": notice.alarm},
            "commonLabels": labels, "commonAnnotations": annotations, "externalURL": payload["link"] or "",
            "alerts": [alert]}
