"""Who is let in: the register, the sessions and the log-ins of one running gateway.

Without any account nobody is asked who they are (`open`), and the page is served to this machine only; a page that is
served to the network when its last account is removed lets nobody in. A register that
can not be read at the start lets nobody in (`closed`); one that is damaged or lost later does not turn away those whom
the gateway knows: they may be needed now.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from gateway.access.approvals import Act, Approvals
from gateway.access.audit import Audit, Entry
from gateway.access.file import RegisterFile, write_private
from gateway.access.passwords import Checker, hashed
from gateway.access.register import PASSWORD_LENGTH, Register, Token, check_password, digest_of, new_token
from gateway.access.role import OPEN, ROLE_NAMES, Identity, Role, Scope
from gateway.access.sessions import Session, Sessions
from gateway.access.throttle import Throttle
from gateway.model import person
from gateway.model.clock import NS, Clock
from gateway.model.errors import CommandError, DavylampError
from gateway.model.text import Text

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
KEPT: Final = "access.json"  # sessions, and how far the changes of the register are journalled

Journal = Callable[[str, dict], None]  # whom it is about, what happened


@dataclass(frozen=True, slots=True)
class AccessSettings:
    """idle_s: so long after the last act a session may act; longest_s: so long after its beginning it may look on."""

    idle_s: float = 12 * 3600.0
    longest_s: float = 7 * 86400.0


@dataclass(frozen=True, slots=True)
class Welcome:
    """What a browser keeps after a log-in: the session, and the mark that it was used for this account."""

    session: str
    mark: str


class Access:
    """journal: takes what happened, and never fails. to_network: others than this machine reach the page. `run` keeps
    up with the register; all other methods are for the event loop and do not touch the disk."""

    def __init__(self, folder: Path, clock: Clock, journal: Journal, settings: AccessSettings | None = None, *,
                 to_network: bool = False):
        settings = settings or AccessSettings()
        self._file, self._clock, self._journal = RegisterFile(folder), clock, journal
        self._kept_path, self._to_network = folder / KEPT, to_network
        self._sessions = Sessions(settings.idle_s, settings.longest_s)
        self.longest_s = settings.longest_s
        self._throttle, self._checker, self._audit = Throttle(), Checker(), Audit()
        self._approvals = Approvals()
        self._used: dict[str, int] = {}  # token -> when it was used last
        self._register, self._stamp, self._journalled = Register(), None, 0
        self.trouble: DavylampError | None = None
        self._known = False  # the register was read once
        self._read_kept()
        self.look()

    @property
    def open(self) -> bool:
        """Nobody is asked who they are."""
        return self._known and not self._register.accounts and not self._to_network

    @property
    def peopled(self) -> bool:
        """There are accounts."""
        return bool(self._register.accounts)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the people with an account."""
        return tuple(account.name for account in self._register.accounts.values())

    @property
    def closed(self) -> bool:
        """Nobody can be let in."""
        return not self._known

    async def run(self) -> None:
        while True:
            await asyncio.to_thread(self.look)
            self._tell_changes()
            for entry in self._audit.due(self._now_s()):
                self._write(entry)
            self._sessions.tidy(self._register, self._clock.now().line_ns)
            if self._sessions.changed:
                await asyncio.to_thread(self._keep)
            await asyncio.sleep(LOOK_S)

    def close(self) -> None:
        if self._sessions.changed:  # who has just logged in and applied a change is not logged out by it
            self._keep()
        self._checker.close()

    def look(self) -> None:
        """Read the register if it has changed. Touches the disk."""
        try:
            stamp = self._file.stamp()
            if self._known and stamp == self._stamp:
                return
            if self._known and stamp is None and self._register.accounts:
                raise DavylampError(Text("the accounts are gone", "账户文件已丢失"), where=str(self._file.path),
                                    fix=Text("restore the file from a backup; those who are known may still log in",
                                             "请从备份恢复该文件；已知账户在重启前仍可登录"))
            register = self._file.read()
        except DavylampError as error:
            if self.trouble is None or self.trouble.what != error.what:
                log.error("%s", error)
            self.trouble = error
            return
        self._register, self._stamp, self._known, self.trouble = register, stamp, True, None

    # -- who asks

    def by_token(self, secret: str, address: str) -> Identity | None:
        token = self._register.token_for(secret, self._clock.now().wall_ns)
        if token is None:
            self._note("token refused", "", address)
            return None
        self._used[token.id] = self._clock.now().wall_ns
        return Identity(f"token:{token.id}", token.id, token.role, token.role, token.scope)

    def by_session(self, secret: str, *, use: bool) -> Identity | None:
        """use: a person acts; else somebody looks on."""
        now = self._clock.now().line_ns
        session = self._sessions.find(secret, self._register, now, use=use)
        return None if session is None else self._identity(session, now)

    def nobody(self) -> Identity | None:
        """For who shows nothing."""
        return OPEN if self.open else None

    def _identity(self, session: Session, now_line_ns: int) -> Identity:
        account = self._register.accounts[session.account]
        role = Role.VIEWER if self._sessions.idle(session, now_line_ns) else account.role
        return Identity(account.id, account.name, role, account.role)

    # -- logging in and out

    async def log_in(self, account: str, password: str, address: str, mark: str) -> Welcome:
        """CommandError: wrong, or not now (retryable)."""
        account = account.strip().lower()[:64]
        known = self._register.accounts.get(account)
        familiar = known is not None and mark == self._register.device_mark(known)
        if (wait := self._throttle.wait_s(address, account, familiar, self._now_s())) > 0:
            self._note("log-in held back", account, address)
            raise CommandError(Text(f"too many tries: wait {wait:.0f} s", f"尝试次数过多，请等待 {wait:.0f} 秒"),
                               retryable=True, fix=Text("use a browser that you have logged in with before, or wait",
                                                        "请使用曾登录过的浏览器，或稍候再试"))
        fits = (len(password) <= PASSWORD_LENGTH[1]
                and await self._checker.fits(password, known and known.hash, known=familiar))
        if not fits or self._register.accounts.get(account) != known:
            self._note("log-in refused", account, address)
            raise CommandError(Text("name or password is wrong", "账户或密码错误"),
                               fix=Text("try again, or ask an administrator: davylamp account password",
                                        "请重试，或请管理员执行 davylamp account password"))
        self._throttle.right(address, account, familiar, self._now_s())
        self._note("logged in", account, address)
        return Welcome(self._sessions.begin(account, self._register, self._clock.now().line_ns),
                       self._register.device_mark(known))

    def log_out(self, secret: str, address: str) -> None:
        if (session := self._sessions.end(secret)) is not None:
            self._note("logged out", session.account, address)

    # -- kept by people who have logged in

    @property
    def register(self) -> Register:
        return self._register

    def is_person(self, identity: Identity) -> bool:
        """Not a token, and not anybody where nobody is asked."""
        return identity.account in self._register.accounts

    async def hashed(self, password: str) -> str:
        return await asyncio.to_thread(hashed, password)

    async def change(self, change: Callable[[Register], Register]) -> None:
        """CommandError: the register refuses it; DavylampError: the disk. In force on return."""
        await asyncio.to_thread(self._file.change, change)
        await asyncio.to_thread(self.look)

    async def make_token(self, id: str, role: Role, scope: Scope, lasts_ns: int, now_wall_ns: int, by: str) -> str:
        secret = new_token()
        made = Token(id, role, scope, digest_of(secret), now_wall_ns, now_wall_ns + lasts_ns, by)
        await self.change(lambda found: found.with_token(made, by))
        return secret

    async def change_own(self, identity: Identity, old: str, new: str, now_wall_ns: int, address: str) -> None:
        """CommandError: the old one is wrong, or not now, or the new one is too weak. Ends the account's sessions."""
        check_password(new, identity.account)
        await self._known_to(identity.account, old, address)
        hash = await self.hashed(new)
        await self.change(lambda found: found.with_password(identity.account, hash, now_wall_ns, identity.account))

    async def _known_to(self, account: str, password: str, address: str) -> None:
        if (wait := self._throttle.wait_s(address, account, False, self._now_s())) > 0:
            self._note("log-in held back", account, address)
            raise CommandError(Text(f"too many tries: wait {wait:.0f} s", f"尝试次数过多，请等待 {wait:.0f} 秒"),
                               where="password", retryable=True)
        known = self._register.accounts[account]
        if len(password) > PASSWORD_LENGTH[1] or not await self._checker.fits(password, known.hash, known=False):
            self._note("log-in refused", account, address)
            raise CommandError(Text("the present password is wrong", "当前密码错误"), where="password",
                               fix=Text("try again, or ask an administrator", "请重试，或联系管理员"))
        self._throttle.right(address, account, False, self._now_s())

    def sessions(self) -> tuple[Session, ...]:
        return self._sessions.all()

    def end_session(self, digest: str, address: str) -> None:
        for ended in self._sessions.end_known(digest):
            self._note("session ended", ended.account, address)

    def ago_s(self, line_ns: int) -> float:
        return round((self._clock.now().line_ns - line_ns) / NS, 1)

    def used(self, token: str) -> int:
        """Wall time of its last use since the start; 0: none."""
        return self._used.get(token, 0)

    # -- a second person

    def approve(self, identity: Identity, act: Act, address: str) -> str:
        """A code with which somebody else may do this once. CommandError: no person has logged in."""
        account = self._register.accounts.get(identity.account)
        if account is None:
            raise CommandError(Text("only somebody who has logged in can approve", "仅已登录的人员可以批准"),
                               where="approval", fix=Text("log in on the page", "请在页面登录"))
        self._note("approval given", account.id, address)
        return self._approvals.give(account, act, self._clock.now().line_ns)

    async def second(self, account: str, secret: str, act: Act, first: Identity, needed: Role, address: str, *,
                     said: str = "") -> str:
        """The verified name of a second person, who has shown who they are: by their password, or by the code that
        `approve` gave them for this act. said: for whom a program asks, by its own word. CommandError: they have not,
        or may not."""
        account = account.strip().lower()[:64]
        token = self._register.tokens.get(first.name) if first.account == f"token:{first.name}" else None
        known = self._register.accounts.get(account)
        own = first.program and known is not None and said.casefold() in (account, known.name.casefold())
        if own or account == first.account or (token is not None and token.by == account):
            raise CommandError(Text("the second person must be another one", "批准人须为另一人"), where="approved",
                               fix=Text("ask somebody else", "请由他人批准"))
        if (wait := self._throttle.wait_s(address, account, False, self._now_s())) > 0:
            self._note("approval held back", account, address)
            raise CommandError(Text(f"too many tries: wait {wait:.0f} s", f"尝试次数过多，请等待 {wait:.0f} 秒"),
                               where="approved", retryable=True)
        fits = (known is not None and self._approvals.take(known, act, secret, self._clock.now().line_ns)) or (
            len(secret) <= PASSWORD_LENGTH[1] and await self._checker.fits(secret, known and known.hash, known=False))
        if not fits or known is None or self._register.accounts.get(account) != known:
            self._note("approval refused", account, address)
            raise CommandError(Text("the second person could not be verified", "无法核实批准人身份"), where="approved",
                               fix=Text("their account, and their password or a code that they made for this very "
                                        "alarm in the last 10 minutes",
                                        "请填写批准人账户，以及其密码或其 10 分钟内为该告警生成的批准码"))
        self._throttle.right(address, account, False, self._now_s())
        if known.role < needed:
            self._note("approval refused", account, address)
            raise CommandError(Text("{id} may not approve this: it needs the role {needed}",
                                    "{id} 无权批准：需要“{needed}”角色").format(id=account, needed=ROLE_NAMES[needed]),
                               where="approved", fix=Text("ask somebody who has it", "请联系具有该角色的人员"))
        self._note("approved", account, address)
        return person.verified(known.name, known.id)

    # -- inside

    def _note(self, act: str, account: str, address: str) -> None:
        for entry in self._audit.take(Entry(act, account, address), self._now_s()):
            self._write(entry)

    def _write(self, entry: Entry) -> None:
        count = {"count": entry.count} if entry.count > 1 else {}
        self._journal(entry.account, {"act": entry.act, "address": entry.address, **count})

    def _tell_changes(self) -> None:
        """What was done to the register, by whom, is taken into the journal once."""
        changes = self._register.changes
        if changes and changes[-1].number < self._journalled:  # a register that was begun anew
            self._journalled = 0
        fresh = [change for change in changes if change.number > self._journalled]
        for change in fresh:
            self._journal(change.about, {"act": change.act, "by": change.by, "at_wall_ns": change.wall_ns,
                                         **({"role": change.role} if change.role else {})})
            self._journalled = change.number
        self._sessions.changed |= bool(fresh)

    def _read_kept(self) -> None:
        try:
            kept = json.loads(self._kept_path.read_bytes())
            self._journalled = int(kept["journalled"])
            self._sessions.restore(kept["sessions"])
        except FileNotFoundError:
            pass
        except (OSError, ValueError, KeyError, TypeError) as error:
            log.warning("%s can not be read (%s): people log in again", self._kept_path, error)

    def _keep(self) -> None:
        try:
            write_private(self._kept_path, json.dumps({
                "journalled": self._journalled, "sessions": self._sessions.kept()}).encode())
        except OSError as error:
            log.warning("%s can not be written (%s): after a restart people log in again", self._kept_path, error)

    def _now_s(self) -> float:
        return self._clock.now().line_ns / NS
