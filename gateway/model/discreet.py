"""What must not be told on: secrets that were read are covered in whatever is quoted, from logs to the journal.

A receiver may answer with what it was sent, token and all, and what it answered is evidence that the journal never
forgets. So the one who quotes others (notifier errors, database answers, every log record) lets `covered` look first.
"""

from __future__ import annotations

import base64
import re
from typing import Final
from urllib.parse import quote, unquote, urlsplit

SHORTEST: Final = 6  # what is shorter would cover half of what is said, and is no secret
MOST: Final = 1000
COVER: Final = "***"

_CREDENTIALS = re.compile(r"(?i)\b(basic|bearer|token)(\s+|%20)[\w+/=.~-]{8,}")
_known: dict[str, None] = {}  # oldest first


def remember(secret: str) -> None:
    """From now on it is covered: it, and where it is an address, the parts of it that open something."""
    secret = secret.strip()
    parts = {secret, secret.partition("?")[0]} | (_parts(secret) if "://" in secret else set())
    for part in parts:
        for form in (part, quote(part, safe=""), unquote(part)):
            if len(form) >= SHORTEST:
                _known.setdefault(form)
    while len(_known) > MOST:
        del _known[next(iter(_known))]


def covered(text: str) -> str:
    for secret in sorted((one for one in tuple(_known) if one in text), key=len, reverse=True):
        text = text.replace(secret, COVER)
    return _CREDENTIALS.sub(rf"\1\2{COVER}", text)


def _parts(address: str) -> set[str]:
    """User, password, path and query; Apprise also takes tokens for the host, so a host without a dot counts."""
    try:
        found = urlsplit(address)
        host, user, password = found.hostname or "", found.username or "", found.password or ""
    except ValueError:
        return set()
    login = base64.b64encode(f"{unquote(user)}:{unquote(password)}".encode()).decode() if password else ""
    named = {value for pair in found.query.split("&") for value in pair.split("=")[1:]}
    return {password, login, *found.path.split("/"), *named} | ({user, host} if "." not in host else set())
