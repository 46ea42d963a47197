"""The register of accounts and tokens: immutable, made anew with every change, and each change is written down in it.

    {"version": 1, "key": hex, "accounts": [...], "tokens": [...], "changes": [...]}

Passwords are there as argon2id hashes, tokens as SHA-256 (they are 256 random bits: there is nothing to guess). The
changes wait here until a running gateway has taken them into its journal; the newest KEPT_CHANGES are kept.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Final

from gateway.access.role import Role, Scope, role_of
from gateway.model import person
from gateway.model.errors import CommandError
from gateway.model.text import Text

VERSION: Final = 1
KEPT_CHANGES: Final = 200
PASSWORD_LENGTH: Final = (10, 128)
TOKEN_PREFIX: Final = "dvl_"
_ID: Final = re.compile(rf"[a-z][a-z0-9._-]{{0,{person.ACCOUNT_LENGTH - 1}}}")
_HASH: Final = re.compile(r"\$argon2id\$v=19\$m=\d+,t=\d+,p=\d+\$[A-Za-z0-9+/]+\$[A-Za-z0-9+/]+")


@dataclass(frozen=True, slots=True)
class Account:
    """since_wall_ns: when the password was set."""

    id: str
    name: str
    role: Role
    hash: str
    since_wall_ns: int


@dataclass(frozen=True, slots=True)
class Token:
    """For programs. digest: SHA-256 of it, hex. by: who made it."""

    id: str
    role: Role
    scope: Scope
    digest: str
    made_wall_ns: int
    ends_wall_ns: int
    by: str


@dataclass(frozen=True, slots=True)
class Change:
    """number: 1, 2, 3 ... by: the user of this machine who did it."""

    number: int
    wall_ns: int
    act: str
    about: str
    by: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Register:
    key: bytes = b""
    accounts: Mapping[str, Account] = field(default_factory=dict)
    tokens: Mapping[str, Token] = field(default_factory=dict)
    changes: tuple[Change, ...] = ()

    def added(self, id: str, name: str, role: Role, hash: str, now_wall_ns: int, by: str) -> Register:
        """With one more account. CommandError: there is one, or the id is none."""
        if not _ID.fullmatch(id):
            raise CommandError(
                Text(f"`{id}` can not be the id of an account", f"`{id}` 不能用作账户编号"), where="account",
                fix=Text("a small letter, then small letters, digits, dot, dash or underscore; at most 32",
                         "以小写字母开头，由小写字母、数字、点、连字符或下划线组成，最多 32 个字符"))
        if id in self.accounts:
            raise CommandError(Text(f"there is an account {id} already", f"账户 {id} 已存在"), where="account",
                               fix=Text(f"davylamp account role {id} ..., or davylamp account password {id}",
                                        f"davylamp account role {id} ……，或 davylamp account password {id}"))
        account = Account(id, " ".join(person.typed(name).split())[:person.NAME_LENGTH] or id, role, hash, now_wall_ns)
        return self._with_account(account, "account added", now_wall_ns, by)

    def with_role(self, id: str, role: Role, now_wall_ns: int, by: str) -> Register:
        return self._with_account(replace(self.account(id), role=role), "role changed", now_wall_ns, by)

    def with_password(self, id: str, hash: str, now_wall_ns: int, by: str) -> Register:
        """Its sessions end."""
        account = self.account(id)
        since = now_wall_ns if now_wall_ns != account.since_wall_ns else now_wall_ns + 1  # sessions know it by this
        changed = replace(account, hash=hash, since_wall_ns=since)
        return self._with_account(changed, "password changed", now_wall_ns, by)

    def without(self, id: str, now_wall_ns: int, by: str, *, last: bool = False) -> Register:
        """last: also when it is the last one, after which the page is open to this machine, and to it alone."""
        account = self.account(id)
        left = {name: one for name, one in self.accounts.items() if name != id}
        if not left and not last:
            raise CommandError(
                Text(f"{id} is the last account", f"{id} 是最后一个账户"), where="account",
                fix=Text("add another one first, or say --last: the page is then served to this machine only, to "
                         "everybody on it",
                         "请先添加其他账户，或加 --last：此后页面只对本机开放，且本机任何人均可使用"))
        return replace(self, accounts=left, changes=self._noted("account removed", account.id, now_wall_ns, by))

    def governed(self) -> Register:
        """Itself. CommandError: nobody would be left who may keep the accounts."""
        if not any(one.role is Role.ADMINISTRATOR for one in self.accounts.values()):
            raise CommandError(Text("this is the last administrator", "这是最后一个管理员"), where="account",
                               fix=Text("make somebody else an administrator first", "请先将他人设为管理员"))
        return self

    def with_token(self, token: Token, by: str) -> Register:
        if not _ID.fullmatch(token.id) or token.id in self.tokens:
            raise CommandError(
                Text(f"`{token.id}` can not be the id of a new token", f"`{token.id}` 不能用作新令牌编号"),
                where="token",
                fix=Text("choose another: a small letter, then small letters, digits, dot, dash or underscore",
                         "请另选：以小写字母开头，由小写字母、数字、点、连字符或下划线组成"))
        return replace(self, tokens={**self.tokens, token.id: token},
                       changes=self._noted("token made", token.id, token.made_wall_ns, by, token.role.word))

    def without_token(self, id: str, now_wall_ns: int, by: str) -> Register:
        if id not in self.tokens:
            raise _unknown("token", id, self.tokens)
        return replace(self, tokens={name: one for name, one in self.tokens.items() if name != id},
                       changes=self._noted("token revoked", id, now_wall_ns, by))

    def account(self, id: str) -> Account:
        if id not in self.accounts:
            raise _unknown("account", id, self.accounts)
        return self.accounts[id]

    def token_for(self, secret: str, now_wall_ns: int) -> Token | None:
        """The one whose secret this is, if it has not expired."""
        digest = digest_of(secret)
        return next((token for token in self.tokens.values()
                     if hmac.compare_digest(token.digest, digest) and now_wall_ns < token.ends_wall_ns), None)

    def device_mark(self, account: Account) -> str:
        """Kept by a browser in which this account was logged in with its present password (see throttle)."""
        return hmac.digest(self.key, f"device {account.id} {account.hash}".encode(), "sha256").hex()

    def document(self) -> bytes:
        return json.dumps({
            "version": VERSION, "key": self.key.hex(),
            "accounts": [asdict(one) | {"role": one.role.word} for one in self.accounts.values()],
            "tokens": [asdict(one) | {"role": one.role.word} for one in self.tokens.values()],
            "changes": [asdict(one) for one in self.changes]}, ensure_ascii=False, indent=1).encode()

    def _with_account(self, account: Account, act: str, now_wall_ns: int, by: str) -> Register:
        return replace(self, key=self.key or secrets.token_bytes(32), accounts={**self.accounts, account.id: account},
                       changes=self._noted(act, account.id, now_wall_ns, by, account.role.word))

    def _noted(self, act: str, about: str, now_wall_ns: int, by: str, role: str = "") -> tuple[Change, ...]:
        number = self.changes[-1].number + 1 if self.changes else 1
        return (*self.changes, Change(number, now_wall_ns, act, about, by, role))[-KEPT_CHANGES:]


def read(document: bytes) -> Register:
    """ValueError: it is not what `Register.document` writes."""
    found = json.loads(document)
    try:
        if found["version"] != VERSION:
            raise ValueError(f"version {found['version']!r}")
        accounts = [Account(**one | {"role": _role(one["role"])}) for one in found["accounts"]]
        tokens = [Token(**one | {"role": _role(one["role"]), "scope": Scope(one["scope"])}) for one in found["tokens"]]
        key, changes = bytes.fromhex(found["key"]), tuple(Change(**one) for one in found["changes"])
    except (KeyError, TypeError, AttributeError) as error:
        raise ValueError(str(error)) from error
    for account in accounts:
        if not (_ID.fullmatch(account.id) and _HASH.fullmatch(account.hash) and isinstance(account.name, str)):
            raise ValueError(f"account {account.id!r}")
    return Register(key, {one.id: one for one in accounts}, {one.id: one for one in tokens}, changes)


def new_token() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def digest_of(secret: str) -> str:
    return hashlib.sha256(secret.encode("utf-8", "replace")).hexdigest()


def check_password(password: str, id: str) -> None:
    """CommandError: too short, too long, or the first that anybody would try."""
    shortest, longest = PASSWORD_LENGTH
    weak = len(set(password)) < 5 or id in password.lower() or any(
        word in password.lower() for word in ("password", "12345", "qwerty", "davylamp", "admin"))
    if not shortest <= len(password) <= longest or weak:
        raise CommandError(
            Text(f"this password is too easy to guess, or not of {shortest} to {longest} characters",
                 f"密码过于简单，或长度不在 {shortest} 至 {longest} 个字符之间"), where="password",
            fix=Text("take four words that do not belong together", "建议使用四个互不相关的词组成密码"))


def _role(word: str) -> Role:
    if (role := role_of(word)) is None:
        raise ValueError(f"role {word!r}")
    return role


def _unknown(what: str, id: str, known: Mapping[str, object]) -> CommandError:
    return CommandError(
        Text(f"there is no {what} {id}", f"没有{'账户' if what == 'account' else '令牌'} {id}"), where=what,
        fix=Text("there are: {ids}", "现有：{ids}").format(ids=", ".join(sorted(known)) or "-"))
