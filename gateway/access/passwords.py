"""Hashing and checking passwords, away from the event loop and never more than a few at a time.

argon2id with the parameters that OWASP gives for servers with little memory (docs/decisions/accounts.md has what they
cost). Browsers that a person has used before have a lane of their own, so a storm of strangers holds nobody up.
"""

from __future__ import annotations

import asyncio
import secrets
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from gateway.model.errors import CommandError
from gateway.model.text import Text

HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
WAITING: Final = 4  # per lane, with the one that is looked at
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
_NOBODY: Final = HASHER.hash("of no account")  # an unknown name costs the same time as a known one


def generated() -> str:
    """A password of 80 bits that can be told by telephone: no letter that is read as another."""
    return "-".join("".join(secrets.choice(_LETTERS) for _ in range(4)) for _ in range(4))


def hashed(password: str) -> str:
    return HASHER.hash(password)


class Checker:
    def __init__(self) -> None:
        self._lanes = {known: ThreadPoolExecutor(1, "password") for known in (True, False)}
        self._waiting = dict.fromkeys(self._lanes, 0)

    async def fits(self, password: str, hash: str | None, *, known: bool) -> bool:
        """hash None: of an account that there is not. known: the browser was used for it before. CommandError: too
        many wait."""
        if self._waiting[known] >= WAITING:
            raise CommandError(Text("too many log-ins at once", "同时登录的人数过多"), retryable=True,
                               fix=Text("try again in a few seconds", "请几秒后重试"))
        self._waiting[known] += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(self._lanes[known], _fits, password, hash)
        finally:
            self._waiting[known] -= 1

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.shutdown(wait=False, cancel_futures=True)


def _fits(password: str, hash: str | None) -> bool:
    try:
        return HASHER.verify(hash or _NOBODY, password) and hash is not None
    except (VerificationError, InvalidHashError):
        return False
