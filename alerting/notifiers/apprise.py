"""Chat services and SMS gateways through the library Apprise.

What Apprise leaves open, measured on 2.2.0 and closed here:

- It says False without a reason: the reason is what the service answered, or what Apprise wrote into its log.
- It calls every HTTP 200 a success for DingTalk, WeCom, Feishu, Lark and ServerChan, but these answer 200 with an error
  code in the body (a wrong signature, a muted robot, too many messages): the answers are listened to and judged.
- It follows redirects, so the log-in page of a guest network is a success: redirects are off.
- It waits 5.5 s between two messages: rates are the outbox's task, and a P1 does not wait.
- A service that answers byte by byte holds it for ever: each notice has a thread, of which a bounded number may hang.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
import threading
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote

from alerting.notifiers.config import AppriseSettings
from alerting.notifiers.post import REFUSED
from alerting.notifiers.secrets import notifier_secret, say_at_start
from gateway.model.errors import NotifyError
from gateway.model.ports import Notice
from gateway.model.text import Text

HANGING: Final = 4  # threads that may wait for a service that never ends its answer
KEPT_BYTES: Final = 4096

_PHONE_BLANKS: Final = re.compile(r"(?<=[\d+)])[ ()-]+(?=[\d(])")  # Apprise takes the blanks in a number for a list

# Scheme -> the keys of which the answer must have one, and what it says when the message was taken.
TAKEN: Final[dict[str, tuple[tuple[str, ...], frozenset]]] = {
    "dingtalk": (("errcode",), frozenset((0,))), "wecombot": (("errcode",), frozenset((0,))),
    "feishu": (("code", "StatusCode"), frozenset((0,))), "lark": (("code", "StatusCode"), frozenset((0,))),
    "schan": (("code", "errno"), frozenset((0,))), "bark": (("code",), frozenset((200,))),
    "barks": (("code",), frozenset((200,))),
}


@dataclass
class _Heard:
    """What was answered and logged while one message was sent."""

    answers: list[tuple[int, bytes]] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)


class _Ear(threading.local):
    heard: _Heard | None = None


_EAR = _Ear()


class _LogEar(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        if _EAR.heard is not None:
            _EAR.heard.lines.append(record.getMessage())


def _apprise() -> Any:
    """The library, listening to answers from now on. Imported late: it costs 15 MB that most sites do without."""
    import apprise
    import requests

    if not getattr(requests.Session.send, "is_heard", False):
        send = requests.Session.send

        def heard(self: requests.Session, request: requests.PreparedRequest, **options: Any) -> requests.Response:
            response = send(self, request, **options)
            if _EAR.heard is not None:
                _EAR.heard.answers.append((response.status_code, response.content[:KEPT_BYTES]))
            return response

        heard.is_heard = True
        requests.Session.send = heard  # Apprise opens a session per message and gives no way to its answer
        logging.getLogger("apprise").addHandler(_LogEar(logging.WARNING))
        logging.getLogger("apprise").propagate = False  # what it says is in our errors, without tokens
    return apprise


class AppriseNotifier:
    """What is wrong with the address at the start is logged; `send` raises it."""

    def __init__(self, settings: AppriseSettings):
        self.id = settings.id
        self._settings = settings
        self._where = f"notifier {settings.id}"
        self._apprise = _apprise()
        self._asset = self._apprise.AppriseAsset(app_id="Davylamp", app_desc="Davylamp", app_url="")
        self._hanging = threading.BoundedSemaphore(HANGING)
        say_at_start(lambda: self._service(""))

    async def send(self, notice: Notice) -> None:
        """NotifyError, retryable or not."""
        service = self._service(notice.to)
        if not self._hanging.acquire(blocking=False):
            raise NotifyError(Text(f"{HANGING} messages hang at the service", f"有 {HANGING} 条消息卡在该服务上"),
                              where=self._where, fix=Text("check the network; restart the gateway if it lasts",
                                                          "检查网络；若持续存在请重启网关"))
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[tuple[bool, _Heard]] = loop.create_future()

        def work() -> None:
            _EAR.heard = heard = _Heard()
            try:
                taken = self._notify(service, notice)
            except Exception as error:  # last line of defence: a plugin of a library that loads 130 of them
                taken = False
                heard.lines.append(repr(error))
            finally:
                _EAR.heard = None
                self._hanging.release()
            if not loop.is_closed():
                loop.call_soon_threadsafe(lambda: answer.done() or answer.set_result((taken, heard)))

        threading.Thread(target=work, name=f"notifier-{self.id}", daemon=True).start()
        try:
            async with asyncio.timeout(self._settings.timeout):
                taken, heard = await answer
        except TimeoutError:
            raise NotifyError(Text("the service does not answer: timed out", "该服务无应答（超时）"),
                              where=self._where, fix=Text("check the network", "检查网络")) from None
        self._judge(service, taken, heard)

    def _service(self, to: str) -> Any:
        """The service of an address. A person's address may be an Apprise address of its own."""
        settings = self._settings
        written = (notifier_secret(self.id, settings.url_file, settings.url_env) or "").strip()
        address = to if "://" in to else written.replace("{to}", quote(_PHONE_BLANKS.sub("", to), safe=""))
        service = self._apprise.Apprise.instantiate(address, asset=self._asset)
        if service is None:
            scheme = address.partition("://")[0][:20] if "://" in address else "?"
            raise NotifyError(Text(f'Apprise does not understand the address "{scheme}://..."',
                                   f'Apprise 无法识别地址 "{scheme}://..."'), where=self._where,
                              fix=Text("see https://appriseit.com/services/ for the form of the address",
                                       "地址格式见 https://appriseit.com/services/"))
        service.request_rate_per_sec = 0
        service.redirects = False
        service.socket_read_timeout = service.socket_connect_timeout = settings.timeout
        return service

    def _notify(self, service: Any, notice: Notice) -> bool:
        kinds = self._apprise.NotifyType
        calm = notice.payload.get("event") in ("return", "acknowledge")
        kind = kinds.SUCCESS if calm else kinds.FAILURE if notice.payload.get("priority") == "P1" else kinds.WARNING
        return bool(service.notify(body=notice.text, title=notice.title, notify_type=kind,
                                   body_format=self._apprise.NotifyFormat.TEXT))

    def _judge(self, service: Any, taken: bool, heard: _Heard) -> None:
        objections = [said for status, body in heard.answers if (said := objection(_scheme(service), status, body))]
        if taken and not objections:
            return
        status = heard.answers[-1][0] if heard.answers else 0
        reason = "; ".join(objections) or (f"HTTP {status}" if status >= 300 else "") or "; ".join(heard.lines[-2:])
        reason = reason or "no reason given"
        name = str(service.service_name)
        raise NotifyError(Text(f"{name} did not take the message: {reason}", f"{name} 未接收消息：{reason}"),
                          where=self._where, retryable=status not in REFUSED,
                          fix=Text("check token, signature and key words of the robot, and the network",
                                   "检查机器人的令牌、加签、关键词以及网络"))


def objection(scheme: str, status: int, body: bytes) -> str:
    """Why an answer is no success although Apprise may take it for one; "" when it is one."""
    text = body.decode("utf-8", "replace").strip()
    if status >= 300:
        return f"HTTP {status} {text[:300]}".rstrip()
    try:
        said = json.loads(text)
    except ValueError:
        said = None
    if scheme in TAKEN:
        keys, good = TAKEN[scheme]
        codes = [said[key] for key in keys if key in said] if isinstance(said, dict) else []
        return "" if codes and codes[0] in good else f"HTTP {status} {text[:300] or 'empty answer'}"
    wrong = isinstance(said, dict) and (said.get("errcode") or said.get("ok") is False or said.get("success") is False)
    return f"HTTP {status} {text[:300]}" if wrong else ""


def _scheme(service: Any) -> str:
    known = service.secure_protocol or service.protocol
    return known if isinstance(known, str) else known[0]
