"""Questions of the command line to the API of a running gateway: token, certificate, and what a refusal says."""

from __future__ import annotations

import argparse
import json
import os
import ssl
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

from gateway.model.errors import CommandError, DavylampError
from gateway.model.secret import read_secret
from gateway.model.text import Text


def ask(options: argparse.Namespace, path: str, about: str, body: dict[str, Any] | None = None,
        timeout_s: float = 10) -> dict[str, Any]:
    """One question to the API: a GET, or a POST with `body`. about: what the refusal is told to be about. Unreachable:
    no gateway answers; DavylampError: it refuses."""
    base = options.url.rstrip("/")
    request = urllib.request.Request(f"{base}/api/v1/{path}", None if body is None else json.dumps(body).encode(),
                                     {"Content-Type": "application/json", **token_header(options)})
    try:
        with urllib.request.urlopen(request, timeout=timeout_s, context=_trusted(options.ca, base)) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        raise _refused(error, about) from error
    except urllib.error.URLError as error:
        if isinstance(error.reason, ssl.SSLError):
            raise DavylampError(Text(f"the certificate of {base} is not trusted: {error.reason}",
                                     f"{base} 的证书不受信任：{error.reason}"),
                                fix=Text("give the certificate authority of the site with --ca ca.crt, and the name "
                                         "that the certificate is for with --url",
                                         "请用 --ca ca.crt 指定站点证书机构，并用 --url 填写证书所对应的名称",
                                         )) from error
        raise _silent(base, error.reason) from error
    except OSError as error:
        raise _silent(base, error) from error


class Unreachable(DavylampError):
    """No gateway answers at the address."""


def _silent(base: str, error: object) -> Unreachable:
    return Unreachable(Text(f"the gateway at {base} does not answer: {error}", f"网关 {base} 无应答：{error}"),
                       fix=Text("start it with `davylamp run`, or give its address with --url",
                                "用 `davylamp run` 启动网关，或用 --url 指定地址"))


def token_header(options: argparse.Namespace) -> dict[str, str]:
    """Where accounts are asked for. Without --token-file: DAVYLAMP_TOKEN_FILE, which is not shown to another gateway
    than DAVYLAMP_URL, where that is set; without that no token is sent."""
    ours = options.url == os.environ.get("DAVYLAMP_URL", options.url)
    if not (file := options.token_file or (os.environ.get("DAVYLAMP_TOKEN_FILE") if ours else None)):
        return {}
    secret = read_secret(file=str(file), env=None, where="--token-file")
    return {"Authorization": f"Bearer {(secret or '').strip()}"}


def _trusted(authority: Path | None, base: str) -> ssl.SSLContext | None:
    if not base.startswith("https:"):
        return None
    try:
        return ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise DavylampError(Text(f"can not be read: {error}", f"无法读取：{error}"), where=str(authority),
                            fix=Text("give the file ca.crt of `davylamp ca create`",
                                     "请指定 davylamp ca create 生成的 ca.crt")) from error


def _refused(error: urllib.error.HTTPError, about: str) -> DavylampError:
    try:
        told = json.load(error)["error"]
        if error.code == 401:
            return DavylampError(Text(**told["what"]), where=about, fix=Text(
                "on an installed gateway use sudo; elsewhere give a token with --token-file FILE, made with: "
                "davylamp token create NAME --role operator > FILE",
                "在已安装的网关上请使用 sudo；在其他机器上请用 --token-file 文件 指定令牌，"
                "令牌可执行 davylamp token create 名称 --role operator > 文件 生成"))
        return DavylampError(Text(told["what"]["en"], told["what"]["zh"]), where=about,
                             fix=Text(told["fix"]["en"], told["fix"]["zh"]))
    except (ValueError, KeyError, TypeError):
        return DavylampError(f"HTTP {error.code} {error.reason}", where=about)


def missing(option: str, what: Text) -> CommandError:
    """The refusal of a command without this option. what: what it says."""
    return CommandError(Text(f"{option} is missing: {what.en}", f"缺少 {option}：{what.zh}"), where="davylamp",
                        fix=Text(f"add {option} ...", f"请加上 {option} ……"))
