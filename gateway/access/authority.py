"""A certificate authority of the site's own, for pages that no public authority knows: one key, made once, kept away.

It may only sign servers, and only for the names that it is told (`pathlen 0`). EC P-256; ten years for the authority,
397 days for a page, which is the most that browsers of today accept.
"""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from gateway.access.certificates import is_address
from gateway.access.file import sync_folder
from gateway.model.errors import CommandError, DavylampError
from gateway.model.text import Text

AUTHORITY_DAYS: Final = 3650
PAGE_DAYS: Final = 397
CERTIFICATE, KEY = "ca.crt", "ca.key"


def create(folder: Path, name: str) -> x509.Certificate:
    """`ca.crt` and `ca.key` in the folder. CommandError: there is one already; DavylampError: the disk."""
    if (folder / KEY).exists() or (folder / CERTIFICATE).exists():
        raise CommandError(
            Text("there is a certificate authority here already", "此处已有证书机构"), where=str(folder),
            fix=Text("use it, or name another folder with --folder. Every phone must import a new one",
                     "请直接使用，或用 --folder 指定其他目录。新建后所有手机都须重新导入"))
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    begin = datetime.now(UTC) - timedelta(days=1)  # phones whose clock is late
    certificate = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number(), begin,
                                begin + timedelta(days=AUTHORITY_DAYS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256()))
    _write(folder, {KEY: _pem_of(key), CERTIFICATE: certificate.public_bytes(serialization.Encoding.PEM)})
    return certificate


def issue(folder: Path, name: str, dns: Sequence[str], ips: Sequence[str]) -> x509.Certificate:
    """`NAME.crt` (with the authority's behind it) and `NAME.key` in the folder, in place of older ones."""
    authority, signer = _read(folder)
    if bad := next((ip for ip in ips if not is_address(ip)), None):
        raise CommandError(Text(f"`{bad}` is no IP address", f"`{bad}` 不是 IP 地址"), where="--ip",
                           fix=Text("give names with --dns", "名称请用 --dns 指定"))
    if not name or not all(char.isalnum() or char in "._-" for char in name) or name.startswith("."):
        raise CommandError(Text(f"`{name}` can not be a file name", f"`{name}` 不能用作文件名"), where="NAME",
                           fix=Text("letters, digits, dot, dash, underscore", "请使用字母、数字、点、连字符或下划线"))
    key = ec.generate_private_key(ec.SECP256R1())
    names = [*(x509.DNSName(one) for one in dns or ([] if ips else [name])),
             *(x509.IPAddress(ipaddress.ip_address(one)) for one in ips)]
    begin = datetime.now(UTC) - timedelta(hours=1)
    certificate = (
        x509.CertificateBuilder(authority.subject, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]),
                                key.public_key(), x509.random_serial_number(), begin,
                                begin + timedelta(days=PAGE_DAYS))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
        .sign(signer, hashes.SHA256()))
    chain = b"".join(one.public_bytes(serialization.Encoding.PEM) for one in (certificate, authority))
    _write(folder, {f"{name}.key": _pem_of(key), f"{name}.crt": chain})
    return certificate


def move_key(folder: Path, to: Path) -> Path:
    """The key of the authority, taken to another disk and removed here (a card may hold what was removed until it is
    written over). Returns where it is. CommandError: it is no other disk, or has a key; DavylampError: it fails."""
    certificate, key = _read(folder)
    target = to / KEY
    try:
        if to.stat().st_dev == folder.stat().st_dev:
            raise CommandError(Text("this is the same disk", "这是同一块磁盘"), where=str(to),
                               fix=Text("name a folder on a USB stick that is mounted; lsblk shows where",
                                        "请指定已挂载的 U 盘上的目录；可用 lsblk 查看"))
        if target.exists():
            raise CommandError(Text("there is a key already", "该处已有密钥文件"), where=str(target),
                               fix=Text("take another folder, one for each site", "请换一个目录，每个站点一个"))
        _write(to, {KEY: _pem_of(key), CERTIFICATE: certificate.public_bytes(serialization.Encoding.PEM)})
        sync_folder(to)
        (folder / KEY).unlink()
        sync_folder(folder)
    except OSError as error:
        raise DavylampError(Text(f"can not be moved: {error.strerror}", f"无法移动：{error.strerror}"),
                            where=str(error.filename or to), fix=Text("mount the USB stick, and name a folder on it",
                                                                      "请挂载 U 盘，并指定其上的目录")) from error
    return target


def _read(folder: Path) -> tuple[x509.Certificate, ec.EllipticCurvePrivateKey]:
    try:
        authority = x509.load_pem_x509_certificate((folder / CERTIFICATE).read_bytes())
        key = load_pem_private_key((folder / KEY).read_bytes(), None)
    except (OSError, ValueError, TypeError) as error:
        raise DavylampError(Text(f"the certificate authority can not be read: {error}", f"证书机构无法读取：{error}"),
                            where=str(folder), fix=Text("davylamp ca create", "davylamp ca create")) from error
    return authority, key


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(digital_signature=True, content_commitment=False, key_encipherment=False,
                         data_encipherment=False, key_agreement=False, key_cert_sign=signs, crl_sign=signs,
                         encipher_only=False, decipher_only=False)


def _pem_of(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Keys for their owner alone."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            new = folder / f"{name}.new"
            new.unlink(missing_ok=True)
            with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL,
                                   0o600 if name.endswith(".key") else 0o644), "wb") as file:
                file.write(content)
                os.fsync(file.fileno())
            os.replace(new, folder / name)
    except OSError as error:
        raise DavylampError(Text(f"can not be written: {error.strerror}", f"无法写入：{error.strerror}"),
                            where=str(folder), fix=Text("name another folder with --folder",
                                                        "请用 --folder 另指目录")) from error
