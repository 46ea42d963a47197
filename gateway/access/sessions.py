"""Sessions of browsers. After an idle time one may still look, but no longer act; after the longest time it is over.

A page on the wall of a control room must not go dark at 3 a.m. because nobody has touched it; but who finds it open
must not be able to bypass an alarm. Times are on the gateway's time line, so a clock that is set ends no session and
prolongs none. Only the SHA-256 of a session's id is kept.
"""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass, replace
from typing import Final

from gateway.access.register import Register, digest_of
from gateway.model.clock import NS

PER_ACCOUNT, ALL = 20, 500
SEEN_EVERY_NS: Final = 600 * NS  # what the disk knows of the last use is at most so old


@dataclass(frozen=True, slots=True)
class Session:
    """since_wall_ns: of the password with which it was begun: another one ends it."""

    digest: str
    account: str
    since_wall_ns: int
    begun_line_ns: int
    used_line_ns: int


class Sessions:
    """idle_s, longest_s: see above. changed: something is to be written to disk."""

    def __init__(self, idle_s: float, longest_s: float):
        self._idle_ns, self._longest_ns = round(idle_s * NS), round(longest_s * NS)
        self._sessions: dict[str, Session] = {}
        self._saved: dict[str, int] = {}
        self.changed = False

    def begin(self, account: str, register: Register, now_line_ns: int) -> str:
        """Its id, which only the browser knows from now on. Of too many the ones used longest ago end."""
        secret = secrets.token_urlsafe(32)
        digest = digest_of(secret)
        self._sessions[digest] = Session(digest, account, register.accounts[account].since_wall_ns, now_line_ns,
                                         now_line_ns)
        own = [one for one in self._sessions.values() if one.account == account]
        for crowd, most in ((own, PER_ACCOUNT), ([*self._sessions.values()], ALL)):
            for surplus in sorted(crowd, key=lambda one: one.used_line_ns)[:max(len(crowd) - most, 0)]:
                self._sessions.pop(surplus.digest, None)
        self.changed = True
        return secret

    def find(self, secret: str, register: Register, now_line_ns: int, *, use: bool) -> Session | None:
        """None: there is none, or it is over. use: a person is there; looking on does not count as that."""
        session = self._sessions.get(digest_of(secret))
        if session is None or not self._stands(session, register, now_line_ns):
            return None
        if use and not self.idle(session, now_line_ns):
            session = self._sessions[session.digest] = replace(session, used_line_ns=now_line_ns)
            self.changed |= now_line_ns - self._saved.get(session.digest, 0) > SEEN_EVERY_NS
        return session

    def idle(self, session: Session, now_line_ns: int) -> bool:
        return now_line_ns - session.used_line_ns > self._idle_ns

    def end(self, secret: str) -> Session | None:
        self.changed = True
        return self._sessions.pop(digest_of(secret), None)

    def all(self) -> tuple[Session, ...]:
        return tuple(self._sessions.values())

    def end_known(self, digest: str) -> list[Session]:
        """Those whose digest begins so."""
        ended = [one for one in self._sessions.values() if one.digest.startswith(digest)]
        for one in ended:
            del self._sessions[one.digest]
        self.changed |= bool(ended)
        return ended

    def tidy(self, register: Register, now_line_ns: int) -> None:
        """Forget those that are over."""
        over = [one.digest for one in self._sessions.values() if not self._stands(one, register, now_line_ns)]
        for digest in over:
            del self._sessions[digest]
        self.changed |= bool(over)

    def kept(self) -> list[dict]:
        """JSON-ready, for the next start; from now on it is on disk."""
        self.changed = False
        self._saved = {one.digest: one.used_line_ns for one in self._sessions.values()}
        return [asdict(one) for one in self._sessions.values()]

    def restore(self, kept: list[dict]) -> None:
        """ValueError, TypeError: it is not what `kept` gives."""
        self._sessions = {one.digest: one for one in (Session(**found) for found in kept)} | self._sessions

    def _stands(self, session: Session, register: Register, now_line_ns: int) -> bool:
        account = register.accounts.get(session.account)
        return (account is not None and account.since_wall_ns == session.since_wall_ns
                and 0 <= now_line_ns - session.begun_line_ns <= self._longest_ns)
