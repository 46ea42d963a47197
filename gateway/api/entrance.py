"""The way in from outside: the page's address, its certificate, and who is let in, over one running gateway."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from gateway.access.access import Access, AccessSettings, Journal
from gateway.access.certificates import WARN_DAYS, Facts, PageCertificate, findings
from gateway.api.server import serve
from gateway.api.view import GatewayView, Part
from gateway.config.page import ApiSection, is_loopback
from gateway.model.clock import Clock, Instant
from gateway.model.errors import DavylampError, Problem
from gateway.model.text import Text

log = logging.getLogger(__name__)

LOOK_S: Final = 60.0
WAIT_S: Final = 0.5
EVERYWHERE: Final = ("0.0.0.0", "::")
_NO_ACCOUNT: Final = Text("the page is not served yet: it waits for its first account",
                         "页面尚未开放：等待创建第一个账户")
_ADD_ACCOUNT: Final = "davylamp account add NAME --role administrator"


def problems(file: str, section: ApiSection, now_wall_ns: int) -> tuple[Problem, ...]:
    """What `davylamp check` says of the certificate. Warnings: whatever is wrong with it, a gateway starts."""
    if section.tls_cert is None or section.tls_key is None:
        return ()
    try:
        facts = PageCertificate(Path(section.tls_cert), Path(section.tls_key)).facts()
    except DavylampError as error:
        return (Problem(file, "api", "tls_cert", error.what, error.fix, "warning"),)
    names = [name for name in (section.host, *section.names) if name not in EVERYWHERE and not is_loopback(name)]
    return tuple(Problem(file, "api", "tls_cert", what, fix, "warning")
                 for what, fix in findings(facts, names, now_wall_ns))


def address(url: str, section: ApiSection) -> str:
    """That a person can open: not the one that stands for every network card."""
    if section.host not in EVERYWHERE or not section.names:
        return url
    return f"{url.partition('://')[0]}://{section.names[0]}:{url.rpartition(':')[2]}"


class Entrance:
    """journal: see Access. folder: data folder."""

    def __init__(self, section: ApiSection, folder: Path, clock: Clock, journal: Journal):
        self._section = section
        self.access = Access(folder, clock, journal, AccessSettings(section.session_idle, section.session_longest),
                             to_network=not is_loopback(section.host))
        self._certificate = (None if section.tls_cert is None or section.tls_key is None
                             else PageCertificate(Path(section.tls_cert), Path(section.tls_key)))
        self._facts: Facts | None = None

    async def serve(self, view: GatewayView, ready: Callable[[str], None]) -> None:
        """Until cancelled; a renewed certificate is taken up meanwhile. DavylampError: see gateway.api.server."""
        following = None
        if self._certificate is not None:
            self._facts = await asyncio.to_thread(self._certificate.facts)
            following = asyncio.create_task(self._follow(self._certificate), name="certificate")
        try:
            await self.first_account()
            await serve(view, self._section.host, self._section.port, access=self.access,
                        certificate=self._certificate, names=self._section.names,
                        ready=lambda url: ready(address(url, self._section)))
        finally:
            if following is not None:
                following.cancel()

    @property
    def _waits(self) -> bool:
        """Nobody could log in yet, so the network is not served."""
        return self._certificate is not None and not (
            is_loopback(self._section.host) or self.access.peopled or self.access.closed)

    async def first_account(self) -> None:
        """A new gateway waits for it: that is no failure."""
        if self._waits:
            log.warning("%s: %s", _NO_ACCOUNT.en, _ADD_ACCOUNT)
        while True:
            if not self._waits:
                return
            await asyncio.sleep(WAIT_S)

    async def _follow(self, certificate: PageCertificate) -> None:
        while True:
            await asyncio.sleep(LOOK_S)
            if await asyncio.to_thread(certificate.look):
                self._facts = await asyncio.to_thread(certificate.facts)

    def ends(self, now: Instant) -> bool:
        """Is the certificate to be renewed? Not known by a clock that nobody trusts."""
        return self._facts is not None and now.trusted and self._facts.days_left(now.wall_ns) < WARN_DAYS

    def part(self, now: Instant) -> Part:
        """For health."""
        trouble, facts = self.access.trouble, self._facts
        detail = trouble.what if trouble is not None else Text("", "")
        if not detail.en and self._waits:
            detail = Text("{what}: {fix}", "{what}：{fix}").format(what=_NO_ACCOUNT, fix=_ADD_ACCOUNT)
        if not detail.en and facts is not None and self.ends(now):
            days = facts.days_left(now.wall_ns)
            detail = Text(f"the certificate of the page ends in {days:.0f} days", f"页面证书还有 {days:.0f} 天到期")
        figures = {} if facts is None else {"certificate_days": round(facts.days_left(now.wall_ns), 1)}
        return Part("access", Text("Access", "访问控制"), not detail.en, detail, figures)
