"""The certificate of the page: what is wrong with it, how long it is good for, and taking up a renewed one."""

from __future__ import annotations

import ipaddress
import logging
import ssl
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from gateway.model.clock import NS
from gateway.model.errors import DavylampError
from gateway.model.text import Text

log = logging.getLogger(__name__)

WARN_DAYS: Final = 30
_RENEW: Final = Text("renew it: davylamp ca issue NAME, or whoever has issued it",
                     "请续签：davylamp ca issue 名称，或联系签发机构")


@dataclass(frozen=True, slots=True)
class Facts:
    """Of the first certificate of the file. names: DNS names and addresses. Times: UTC ns."""

    subject: str
    issuer: str
    self_signed: bool
    names: tuple[str, ...]
    begins_wall_ns: int
    ends_wall_ns: int
    fingerprint: str  # SHA-256, as browsers show it

    def days_left(self, now_wall_ns: int) -> float:
        return (self.ends_wall_ns - now_wall_ns) / NS / 86400


class PageCertificate:
    """Touches the disk: `facts`, `context`, `look`."""

    def __init__(self, certificate: Path, key: Path):
        self._certificate, self._key = certificate, key
        self._context: ssl.SSLContext | None = None
        self._stamp: tuple[int, ...] = ()

    def facts(self) -> Facts:
        """DavylampError: it can not be read, or the key is not its key."""
        try:
            found = x509.load_pem_x509_certificate(self._certificate.read_bytes())
            key = load_pem_private_key(self._key.read_bytes(), None)
        except OSError as error:
            raise _error(Text(f"{error.filename} can not be read: {error.strerror}",
                              f"{error.filename} 无法读取：{error.strerror}"), "tls_cert, tls_key",
                         Text("create it, and let the gateway's user read it",
                              "请创建该文件并允许网关用户读取")) from error
        except (ValueError, TypeError) as error:  # TypeError: a key with a password
            raise _error(Text("certificate or key is not PEM, or the key has a password",
                              "证书或私钥不是 PEM 格式，或私钥带有密码"), f"{self._certificate}, {self._key}",
                         Text("davylamp ca issue NAME makes both", "可用 davylamp ca issue 名称 生成")) from error
        form = serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        if key.public_key().public_bytes(*form) != found.public_key().public_bytes(*form):
            raise _error(Text("the key is not the key of this certificate", "私钥与证书不匹配"), str(self._key),
                         Text("take the pair that was made together", "请使用同时生成的一对文件"))
        return _facts(found)

    def context(self) -> ssl.SSLContext:
        """For the server. A renewed certificate is put into the same one by `look`."""
        self.facts()  # its errors say more
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self._load(context)
        self._context, self._stamp = context, self._stamped()
        return context

    def look(self) -> bool:
        """Take up a pair that was renewed, for all connections from now on; True when that was done. What can not be
        used is left alone: the old one goes on."""
        stamp = self._stamped()
        if self._context is None or stamp == self._stamp:
            return False
        self._stamp = stamp
        try:
            self.facts()
            self._load(self._context)
        except DavylampError as error:
            log.error("the new certificate is not taken up: %s", error)
            return False
        log.info("a renewed certificate is used from now on")
        return True

    def _load(self, context: ssl.SSLContext) -> None:
        try:
            context.load_cert_chain(self._certificate, self._key)
        except (OSError, ssl.SSLError) as error:
            raise _error(Text(f"TLS can not use it: {error}", f"TLS 无法使用该证书：{error}"), str(self._certificate),
                         Text("davylamp ca issue NAME makes one that works",
                              "可用 davylamp ca issue 名称 重新生成")) from error

    def _stamped(self) -> tuple[int, ...]:
        try:
            return tuple(part for path in (self._certificate, self._key)
                         for part in (path.stat().st_mtime_ns, path.stat().st_ino))
        except OSError:
            return self._stamp


def findings(facts: Facts, names: Collection[str], now_wall_ns: int) -> Iterator[tuple[Text, Text]]:
    """(what, fix): expired, not begun, soon over, self-signed, of another name."""
    ends = f"{datetime.fromtimestamp(facts.ends_wall_ns / NS, UTC):%Y-%m-%d}"
    if now_wall_ns >= facts.ends_wall_ns:
        yield Text(f"the certificate has expired on {ends}", f"证书已于 {ends} 过期"), _RENEW
    elif facts.days_left(now_wall_ns) < WARN_DAYS:
        yield Text(f"the certificate expires on {ends}", f"证书将于 {ends} 过期"), _RENEW
    if now_wall_ns < facts.begins_wall_ns:
        yield (Text("the certificate is not valid yet, by the clock of this machine",
                    "按本机时钟，证书尚未生效"), Text("check the clock", "请检查时钟"))
    if facts.self_signed:
        yield Text("the certificate is signed by itself: every browser and phone warns of it, and people learn "
                          "to click warnings away",
                          "证书为自签名：浏览器和手机都会告警，久而久之人们会习惯忽略警告"), Text(
            "use a certificate authority: davylamp ca create, davylamp ca issue NAME",
            "请使用证书机构：davylamp ca create，davylamp ca issue 名称")
    missing = [name for name in names if name not in facts.names]
    if missing:
        yield Text(f"the certificate is not for {', '.join(missing)}", f"证书不包含 {'、'.join(missing)}"), Text(
            f"issue it for these names, too (it has: {', '.join(facts.names) or '-'})",
            f"请为这些名称重新签发（现有：{'、'.join(facts.names) or '-'}）")


def _facts(found: x509.Certificate) -> Facts:
    try:
        alternative = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        names = (*alternative.get_values_for_type(x509.DNSName),
                 *(str(ip) for ip in alternative.get_values_for_type(x509.IPAddress)))
    except x509.ExtensionNotFound:
        names = ()
    return Facts(found.subject.rfc4514_string(), found.issuer.rfc4514_string(), found.subject == found.issuer, names,
                 _ns(found.not_valid_before_utc), _ns(found.not_valid_after_utc), fingerprint(found))


def fingerprint(certificate: x509.Certificate) -> str:
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def _ns(time: datetime) -> int:
    return int(time.timestamp()) * NS


def _error(what: Text, where: str, fix: Text) -> DavylampError:
    return DavylampError(what, where=where, fix=fix)
