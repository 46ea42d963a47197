"""The slip in a message with which its reader acknowledges: a signed link, or a short code for who can only type.

A slip is bound to one occurrence of one alarm and to one person; it needs no memory of its own: an occurrence can be
acknowledged once, so a used slip is found out by the state of its alarm, also after a restart and on another way in.

    token = base64url( JSON [alarm, occurrence, raised_wall_ns, person, expires_s] ) "." base64url( HMAC-SHA256[:16] )
    code  = 8 digits of HMAC-SHA256( alarm, occurrence, raised, person, day ), valid on its day and the next

Whoever has the slip may acknowledge: that is its purpose, and all that it can do. A code that fits two open alarms is
refused, and wrong codes are counted (`Tries`), or eight digits could be guessed.

The key lies in the data folder, readable by its owner alone. Without it (a full disk) a key of this run is used: links
of before are then refused with the reason, and the page still works.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import json
import logging
import os
import secrets
from collections import deque
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import astuple, dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from gateway.model.clock import NS
from gateway.model.errors import CommandError
from gateway.model.text import Text

log = logging.getLogger(__name__)

KEY_FILE: Final = "acknowledge.key"
VALID_S: Final = 86_400
DAY_S: Final = 86_400
KEPT_DAYS: Final = 7  # a code so old is still told as expired, an older one as unknown
WAITS: Final = frozenset(("unacknowledged", "returned", "latched"))
TRIES, TRIES_S = 10, 60.0

_PAGE: Final = Text("open the gateway's page, or ask whoever is on duty", "请打开网关页面处理，或联系值班人员")


@dataclass(frozen=True, slots=True)
class Claim:
    """What a slip is for. raised_wall_ns tells occurrences apart where a lost alarm file counts from 1 again."""

    alarm: str
    occurrence: int
    raised_wall_ns: int
    person: str = ""


def claim_of(payload: dict) -> Claim | None:
    """Of a notice about an alarm that waits for a person; None for all others."""
    if payload.get("state") not in WAITS or not payload.get("occurrence"):
        return None
    _, _, stamp = str(payload["key"]).partition("@")
    raised = stamp.partition(":")[0]
    if not raised.isdigit():
        return None
    return Claim(payload["alarm"], payload["occurrence"], int(raised), payload.get("person", {}).get("id", ""))


class Seal:
    """Signs and reads slips. site: a slip of one gateway is none of another, even under the same key."""

    def __init__(self, key: bytes, site: str):
        self._key, self._site = key, site

    def token(self, claim: Claim, now_wall_ns: int) -> str:
        body = json.dumps([*astuple(claim), now_wall_ns // NS + VALID_S], ensure_ascii=False,
                          separators=(",", ":")).encode()
        return f"{_text(body)}.{_text(self._sign(b'link', body)[:16])}"

    def read(self, token: str, now_wall_ns: int) -> Claim:
        """CommandError: not signed by us, or expired."""
        body, _, signature = token.partition(".")
        try:
            raw, signed = _bytes(body), _bytes(signature)
        except (ValueError, binascii.Error):
            raw, signed = b"", b""
        if not hmac.compare_digest(self._sign(b"link", raw)[:16], signed):
            raise CommandError(Text("this link was not made by this gateway, or it was cut off or changed",
                                    "该链接不是本网关生成的，或已被截断、改动"),
                               fix=Text("open the whole link from the message; if that does not help, use the page",
                                        "请从消息中重新打开完整链接；若仍无效，请在网关页面确认"))
        *claim, expires_s = json.loads(raw)
        if now_wall_ns // NS > expires_s:
            raise expired(Text("this link has expired", "该链接已过期"))
        return Claim(*claim)

    def code(self, claim: Claim, now_wall_ns: int) -> str:
        """"1234-5678"."""
        return self._code(claim, now_wall_ns // NS // DAY_S)

    def find(self, code: str, claims: Iterable[Claim], now_wall_ns: int) -> Claim:
        """The claim that the code is for. CommandError: none, several, or expired."""
        digits = "".join(character for character in code if character.isdecimal())
        written = f"{digits[:4]}-{digits[4:]}" if digits.isascii() else ""
        today = now_wall_ns // NS // DAY_S
        fresh, old = [], False
        for claim in claims:
            if written in (self._code(claim, today), self._code(claim, today - 1)):
                fresh.append(claim)
            elif not fresh and not old:
                old = any(written == self._code(claim, today - days) for days in range(2, KEPT_DAYS + 1))
        if len({claim.alarm for claim in fresh}) > 1:
            raise CommandError(Text("this code fits several alarms", "该确认码对应多条告警"),
                               fix=Text("use the link of the message, or the page",
                                        "请使用消息中的链接，或在网关页面确认"))
        if fresh:
            return fresh[0]
        if old:
            raise expired(Text("this code has expired", "该确认码已过期"))
        raise CommandError(Text("no alarm has this code", "没有与该确认码对应的告警"),
                           fix=Text("compare it with the message: eight digits", "请与消息核对，应为 8 位数字"))

    def _code(self, claim: Claim, day: int) -> str:
        body = json.dumps([*astuple(claim), day], ensure_ascii=False).encode()
        number = int.from_bytes(self._sign(b"code", body)[:8], "big") % 100_000_000
        return f"{number // 10_000:04d}-{number % 10_000:04d}"

    def _sign(self, purpose: bytes, body: bytes) -> bytes:
        return hmac.digest(self._key, purpose + b"\0" + self._site.encode() + b"\0" + body, "sha256")


class Tries:
    """Counts wrong codes: after so many in a minute none is looked at for the rest of it. Links go on."""

    def __init__(self) -> None:
        self._wrong: deque[float] = deque(maxlen=TRIES)

    def check(self, now_s: float) -> None:
        """CommandError: too many."""
        if len(self._wrong) == TRIES and now_s - self._wrong[0] < TRIES_S:
            raise CommandError(Text("too many wrong codes", "确认码错误次数过多"), retryable=True,
                               fix=Text("wait a minute, or use the link or the page",
                                        "请等待一分钟，或使用链接或网关页面"))

    def wrong(self, now_s: float) -> None:
        self._wrong.append(now_s)

    def right(self, now_s: float) -> None:
        """The one that was counted then was not wrong."""
        with suppress(ValueError):  # so long ago that it is forgotten
            self._wrong.remove(now_s)


def used(claim: Claim, who: str, since: datetime | None) -> CommandError:
    """since: when it was acknowledged, in the site's zone; None: it is over otherwise."""
    if since is not None:
        what = Text(f"{claim.alarm} was already acknowledged by {who} at {since:%Y-%m-%d %H:%M:%S}",
                    f"{claim.alarm} 已由 {who} 于 {since:%Y-%m-%d %H:%M:%S} 确认")
    else:
        what = Text(f"this message is about an earlier occurrence of {claim.alarm}",
                    f"该消息对应 {claim.alarm} 以前的一次报警")
    return CommandError(what, where=claim.alarm, fix=Text(
        "nothing is left to do with this message; look at the page for how it stands now",
        "本消息无需再处理；当前状态请查看网关页面"))


def expired(what: Text) -> CommandError:
    return CommandError(what, fix=_PAGE)


def load_key(folder: Path) -> bytes:
    """The key of this gateway, made when there is none yet. Never raises: see the module's word on a full disk."""
    path = folder / KEY_FILE
    try:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        except FileExistsError:
            if path.stat().st_mode & 0o077:
                log.warning("%s can be read by others; its permissions are corrected", path)
                path.chmod(0o600)
            key = path.read_bytes()
            if len(key) >= 32:
                return key
            log.error("%s is too short to be a key; a new one replaces it, links of before no longer work", path)
            path.unlink()
            return load_key(folder)
        with os.fdopen(handle, "wb") as file:
            key = secrets.token_bytes(32)
            file.write(key)
            file.flush()
            os.fsync(file.fileno())
        return key
    except OSError as error:
        log.error("%s can not be used (%s): links and codes work until the next restart only", path, error)
        return secrets.token_bytes(32)


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _bytes(text: str) -> bytes:
    return base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
