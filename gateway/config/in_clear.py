"""Secrets do not stand in the site file: it is mailed, printed, compared and kept in every backup."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from gateway.config.document import Document, Location, children
from gateway.model.errors import Problem
from gateway.model.text import Text

KEYS: Final = frozenset({"password", "passwd", "token", "secret", "api_key"})
_CREDENTIALS: Final = re.compile(r"\s*[a-z][a-z0-9+.-]*://[^/@\s]*:[^/@\s]*@", re.IGNORECASE)


def of_key(key: str) -> tuple[Text, Text]:
    """For a key that would hold one."""
    return (Text("a secret does not stand in the site file", "站点文件中不得出现明文密钥"),
            Text(f"put it into a file for one reader, and write {key}_file = \"...\"; or {key}_env. Then change it: it "
                 "was seen here",
                 f"请将其存入仅限本用户读取的文件，并写 {key}_file = \"……\"，或使用 {key}_env；"
                 "然后更换该密钥，因为它已在此处泄露"))


def problems(document: Document) -> Iterator[Problem]:
    """Addresses with a password in them. The value is not repeated."""
    for location in _addresses(document.data):
        yield document.spot(location).problem(
            Text("a password stands in this address", "该网址中含有密码"),
            Text("take it out, and use the keys for user name, password_file or url_file beside it; then change the "
                 "password", "请移除密码，改用 username、password_file 或 url_file 等键；并更换该密码"))


def _addresses(node: object, path: Location = ()) -> Iterator[Location]:
    for key, child in children(node):
        if isinstance(child, str):
            if _CREDENTIALS.match(child):
                yield (*path, key)
        else:
            yield from _addresses(child, (*path, key))
