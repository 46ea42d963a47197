"""The gateway's own key: an Ed25519 signature says that an export came from this gateway and was not changed since.

The private key is made when it is first needed and never leaves the data folder (PEM, PKCS #8, mode 0600). Who checks
an export needs the public key by a way of its own, or its fingerprint: one that merely lies beside the signature proves
that nothing was changed by accident.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from gateway.model.errors import CommandError
from gateway.model.text import Text

KEY_FILE: Final = "journal-key.pem"


def own_key(folder: Path) -> Ed25519PrivateKey:
    """The key of this data folder; the first call makes it. CommandError when it can not be read or made."""
    path = folder / KEY_FILE
    try:
        try:
            return _private(path.read_bytes(), path)
        except FileNotFoundError:
            key = Ed25519PrivateKey.generate()
            pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                                    serialization.NoEncryption())
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(pem)
                file.flush()
                os.fsync(file.fileno())
            return key
    except OSError as error:
        raise CommandError(
            Text(f"the signing key can not be used: {error.strerror}", f"签名密钥无法使用：{error.strerror}"),
            where=str(path), fix=Text("run it as the user of the gateway, who may write to the data folder",
                                      "请以网关运行用户执行（须有数据目录写权限）")) from error


def public_pem(key: Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


def fingerprint(pem: bytes, where: Path) -> str:
    """SHA-256 of the public key (DER), as hex: short enough to be read out over a telephone."""
    der = _public(pem, where).public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(der).hexdigest()


def is_signed(pem: bytes, where: Path, signature: bytes, document: bytes) -> bool:
    """CommandError when `pem`, read from `where`, is no Ed25519 public key."""
    try:
        _public(pem, where).verify(signature, document)
    except InvalidSignature:
        return False
    return True


def _private(pem: bytes, path: Path) -> Ed25519PrivateKey:
    try:
        key = serialization.load_pem_private_key(pem, None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(path)
    return key


def _public(pem: bytes, path: Path) -> Ed25519PublicKey:
    try:
        key = serialization.load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        key = None
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(path)
    return key


def _no_key(path: Path) -> CommandError:
    return CommandError(Text("this is no Ed25519 key", "这不是 Ed25519 密钥"), where=str(path),
                        fix=Text("take the PEM file that the gateway wrote; move a damaged one away",
                                 "请使用网关生成的 PEM 文件；已损坏的请移走"))
