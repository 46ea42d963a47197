"""POSTs a notice as JSON: its payload; `words`, the title and text as a person is to read them, with link and code to
acknowledge; `to` and `language` where it is for one person. Headers:

    Idempotency-Key       the notice's key, percent-encoded where it is not plain ASCII; the same on every repeat
    Davylamp-Signature    "sha256=" + hex of HMAC-SHA256(secret, body), where a secret is configured
"""

from __future__ import annotations

import hashlib
import hmac
import json
from urllib.parse import quote

from alerting.notifiers.config import WebhookSettings
from alerting.notifiers.post import Post
from alerting.notifiers.secrets import notifier_secret, say_at_start
from gateway.model.ports import Notice


class WebhookNotifier:
    """What is wrong with the secret at the start is logged; `send` raises it."""

    def __init__(self, settings: WebhookSettings):
        self.id = settings.id
        self._settings = settings
        self._post = Post(settings.id, settings.url, settings.timeout)
        say_at_start(self._secret)

    async def send(self, notice: Notice) -> None:
        """NotifyError, retryable or not."""
        body = json.dumps(notice.payload | reader(notice), ensure_ascii=False, allow_nan=False).encode()
        headers = {"Idempotency-Key": quote(notice.key, safe="/#:@.+-_")}
        if (secret := self._secret()) is not None:
            headers["Davylamp-Signature"] = "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
        await self._post(body, headers)

    def _secret(self) -> str | None:
        return notifier_secret(self.id, self._settings.secret_file, self._settings.secret_env)


def reader(notice: Notice) -> dict[str, str]:
    """For whom it is, where it is for one person, and its words."""
    words = {"title": notice.title, "text": notice.text} if notice.text else None
    told = {"to": notice.to, "language": notice.language, "words": words}
    return {key: value for key, value in told.items() if value}
