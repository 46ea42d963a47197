"""The file of a backup: encrypted and authenticated, in chunks, so that it needs no memory and no temporary copy.

    "DAVYLAMP BACKUP" LF, one line of JSON (the head, readable by everybody), LF,
    then chunks of 1 MiB, each AES-256-GCM; the last one is shorter or empty

The key is made of the passphrase by scrypt (RFC 7914) with a salt of its own for every file, so chunks may be numbered
in the nonce. The nonce also says which chunk is the last (as STREAM does: Hoang et al., 2015), and the head is
authenticated with each of them: a file that was cut, joined, reordered or given another head does not open.
"""

from __future__ import annotations

import io
import json
import os
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, BinaryIO, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.scrypt import Scrypt

from gateway.model.errors import DavylampError
from gateway.model.text import Text

FORMAT: Final = 1
CHUNK: Final = 1 << 20
_MAGIC: Final = b"DAVYLAMP BACKUP\n"
_TAG: Final = 16
_LONGEST_HEAD: Final = 65_536
_N, _R, _P = 2**16, 8, 1  # 64 MiB of memory
_MOST_N = 2**20  # a head from a stranger must not take all memory


class BackupError(DavylampError):
    """It is no backup, is damaged, or does not open with this passphrase."""


class Sealing(io.RawIOBase):
    """Where a backup is written to. `finish` writes the last chunk: without it the file does not open."""

    def __init__(self, file: BinaryIO, passphrase: str, head: Mapping[str, Any]):
        salt = os.urandom(16)
        kdf = {"name": "scrypt", "n": _N, "r": _R, "p": _P, "salt": salt.hex()}
        line = json.dumps({"format": FORMAT, **head, "kdf": kdf, "chunk": CHUNK}, ensure_ascii=False).encode()
        self._file, self._cipher = file, AESGCM(_key(passphrase, salt, _N, _R, _P))
        self._head, self._number, self._waiting = sha256(line).digest(), 0, bytearray()
        file.write(_MAGIC + line + b"\n")

    def writable(self) -> bool:
        return True

    def write(self, data) -> int:  # type: ignore[override]
        self._waiting += data
        while len(self._waiting) > CHUNK:
            self._seal(bytes(self._waiting[:CHUNK]), last=False)
            del self._waiting[:CHUNK]
        return len(data)

    def finish(self) -> None:
        self._seal(bytes(self._waiting), last=True)

    def _seal(self, chunk: bytes, *, last: bool) -> None:
        self._file.write(self._cipher.encrypt(_nonce(self._number, last), chunk, self._head))
        self._number += 1


class Opening(io.RawIOBase):
    """What a backup holds. `read` gives nothing that was not authenticated; BackupError at the first doubt. `finish`
    makes sure that it was all there."""

    def __init__(self, file: BinaryIO, passphrase: str):
        self.head, line = read_head(file)
        kdf = self.head["kdf"]
        self._file, self._chunk = file, self.head["chunk"]
        self._cipher = AESGCM(_key(passphrase, bytes.fromhex(kdf["salt"]), kdf["n"], kdf["r"], kdf["p"]))
        self._head, self._number = sha256(line).digest(), 0
        self._next = file.read(self._chunk + _TAG)
        self._open = b""
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer) -> int:  # type: ignore[override]
        while not self._open and not self._ended:
            self._unseal()
        taken = self._open[:len(buffer)]
        buffer[:len(taken)] = taken
        self._open = self._open[len(taken):]
        return len(taken)

    def finish(self) -> None:
        """Read on to the end."""
        while self.read(CHUNK):
            pass

    def _unseal(self) -> None:
        chunk, self._next = self._next, self._file.read(self._chunk + _TAG)
        self._ended = not self._next
        try:
            self._open = self._cipher.decrypt(_nonce(self._number, self._ended), chunk, self._head)
        except InvalidTag:
            raise _DAMAGED if self._number else _WRONG from None
        self._number += 1


def read_head(file: BinaryIO) -> tuple[dict[str, Any], bytes]:
    """What everybody may read: of which site, when, by which version. BackupError: it is none, or a newer one."""
    if file.read(len(_MAGIC)) != _MAGIC:
        raise _NONE
    line = file.readline(_LONGEST_HEAD)
    try:
        head = json.loads(line)
        if head["format"] > FORMAT:
            raise BackupError(Text(f"the backup has format {head['format']}, this version reads {FORMAT}",
                                   f"备份格式为 {head['format']}，本版本只能读取 {FORMAT}"),
                              fix=Text("install the version of the gateway that wrote it, or a newer one",
                                       "请安装写出该备份的网关版本或更新版本"))
        kdf = head["kdf"]
        bytes.fromhex(kdf["salt"])
        if not (kdf["name"] == "scrypt" and 2 <= kdf["n"] <= _MOST_N and 1 <= kdf["r"] <= 16 and 1 <= kdf["p"] <= 4
                and 1 <= head["chunk"] <= 64 * CHUNK):
            raise _NONE
    except (ValueError, KeyError, TypeError):
        raise _NONE from None
    return head, line[:-1]


def _key(passphrase: str, salt: bytes, n: int, r: int, p: int) -> bytes:
    return Scrypt(salt=salt, length=32, n=n, r=r, p=p).derive(passphrase.encode())


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + bytes((last,))


_NONE = BackupError(Text("this is no backup of a gateway, or its head is damaged", "这不是网关备份，或文件头已损坏"),
                    fix=Text("give a file that `davylamp backup` wrote", "请使用 `davylamp backup` 写出的文件"))
_WRONG = BackupError(Text("it does not open: the passphrase is wrong, or the file is damaged",
                          "无法打开：口令错误或文件已损坏"),
                     fix=Text("try the passphrase again, or another copy of the backup",
                              "请重试口令，或使用该备份的另一份副本"))
_DAMAGED = BackupError(Text("the backup is damaged or cut off", "备份已损坏或不完整"),
                       fix=Text("take another copy of it, or an older backup", "请使用另一份副本或更早的备份"))
