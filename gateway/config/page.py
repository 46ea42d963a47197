"""`[api]`: where the page is served, and to whom."""

from __future__ import annotations

import ipaddress
import re
from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from gateway.config.section import Section
from gateway.config.values import PositiveDuration, Whole, is_ip
from gateway.model.text import Text

_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")


def is_loopback(host: str) -> bool:
    return host == "localhost" or (is_ip(host) and ipaddress.ip_address(host).is_loopback)


def _address(value: str) -> str:
    if not is_loopback(value) and not is_ip(value):
        raise ValueError(Text(f'"{value}" is no address of this machine', f'"{value}" 不是本机地址'),
                         Text('give an IP address, such as "127.0.0.1" or "0.0.0.0" (all); names go into `names`',
                              '请填写 IP 地址，例如 "127.0.0.1" 或 "0.0.0.0"（全部）；域名请写入 names'))
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value.lower()) and not is_ip(value):
        raise ValueError(Text(f'"{value}" is no host name', f'"{value}" 不是主机名'),
                         Text("only the name or address, without https:// and port",
                              "只写名称或地址，不含 https:// 和端口"))
    return value.lower()


class ApiSection(Section):
    host: Annotated[str, AfterValidator(_address)] = "127.0.0.1"
    """Address the page and the API listen on. One that is not loopback needs `tls_cert` and `tls_key` here, and an
    account (`davylamp account add`)."""
    port: Annotated[Whole, Field(ge=0, le=65535)] = 8080
    """TCP port; 0 takes any free one."""
    names: tuple[Annotated[str, AfterValidator(_name)], ...] = ()
    """Names and addresses under which browsers may open the page, such as `gateway.site.example`, beside the loopback
    ones and `host`. Any other is refused."""
    tls_cert: str | None = None
    """File with the certificate of the page, PEM, with those behind it (`davylamp ca issue`). A renewed one is taken
    up without a restart."""
    tls_key: str | None = None
    """File with its key, PEM, without a password."""
    session_idle: Annotated[PositiveDuration, Field(ge=60)] = 12 * 3600.0
    """So long after the last act a person may still act without logging in again; looking goes on."""
    session_longest: Annotated[PositiveDuration, Field(ge=3600)] = 7 * 86400.0
    """So long after logging in the page shows anything at all."""

    @model_validator(mode="after")
    def _fits_together(self) -> ApiSection:
        if (self.tls_cert is None) != (self.tls_key is None):
            raise ValueError(Text("tls_cert and tls_key belong together", "tls_cert 与 tls_key 必须同时设置"),
                             Text("davylamp ca issue NAME makes both", "可用 davylamp ca issue 名称 生成"))
        if not is_loopback(self.host) and self.tls_cert is None:
            raise ValueError(
                Text(f'"{self.host}" would open the page to the network without TLS',
                     f'"{self.host}" 会把页面以明文开放给网络'),
                Text('give tls_cert and tls_key (davylamp ca makes them); or keep "127.0.0.1" and reach the page '
                     'through an SSH tunnel: ssh -L 8080:127.0.0.1:8080 USER@GATEWAY',
                     '请设置 tls_cert 和 tls_key（可用 davylamp ca 生成）；或保留 "127.0.0.1"，通过 SSH 隧道访问页面：'
                     'ssh -L 8080:127.0.0.1:8080 用户名@网关地址'))
        return self
