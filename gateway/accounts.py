"""`davylamp account`, `davylamp token`, `davylamp ca`: who may come in, and by which certificate the page is known.

They change the files in the data folder; a gateway that runs notices within a second. Whoever may write there may do
this, so the first administrator needs nobody's leave, and one who has lost the password gets a new one.
"""

from __future__ import annotations

import argparse
import getpass
import os
import pwd
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from gateway.access import authority
from gateway.access.certificates import fingerprint
from gateway.access.file import RegisterFile
from gateway.access.passwords import generated, hashed
from gateway.access.register import Token, check_password, digest_of, new_token
from gateway.access.role import ROLE_NAMES, Role, Scope, role_of
from gateway.app import load
from gateway.model.clock import NS
from gateway.model.errors import CommandError, ConfigError
from gateway.model.text import Text


def account(options: argparse.Namespace, language: str) -> int:
    file, now, by = RegisterFile(_folder(options)), time.time_ns(), _user()
    match options.act:
        case "list":
            for one in file.read().accounts.values():
                print(f"{one.id:<20} {ROLE_NAMES[one.role][language]:<14} {one.name}  "
                      f"{Text('password of', '密码设置于')[language]} {_day(one.since_wall_ns)}")
        case "add":
            file.read()  # what is damaged is said before a password is asked for
            password = _password(options, options.account, language)
            file.change(lambda found: found.added(options.account, options.name or options.account, _role(options.role),
                                                  hashed(password), now, by))
            print(Text(f"{options.account} may log in.", f"{options.account} 可以登录。")[language])
            _show(options, password, language)
        case "role":
            file.change(lambda found: found.with_role(options.account, _role(options.role), now, by))
            print(Text("{id} is {role} now.", "{id} 现为{role}。").format(
                id=options.account, role=ROLE_NAMES[_role(options.role)])[language])
        case "password":
            file.read().account(options.account)
            password = _password(options, options.account, language)
            file.change(lambda found: found.with_password(options.account, hashed(password), now, by))
            print(Text("Changed; the sessions of this account are over.",
                       "已修改，该账户的登录会话已全部结束。")[language])
            _show(options, password, language)
        case "remove":
            file.change(lambda found: found.without(options.account, now, by, last=options.last))
            print(Text(f"{options.account} is removed.", f"{options.account} 已删除。")[language])
    return 0


def token(options: argparse.Namespace, language: str) -> int:
    file, now, by = RegisterFile(_folder(options)), time.time_ns(), _user()
    match options.act:
        case "list":
            for one in file.read().tokens.values():
                over = "" if one.ends_wall_ns > now else Text(" (expired)", "（已过期）")[language]
                print(f"{one.id:<20} {ROLE_NAMES[one.role][language]:<14} {one.scope:<10} "
                      f"{Text('until', '有效期至')[language]} {_day(one.ends_wall_ns)}{over}")
        case "create":
            if not 0 < options.days <= 3660:
                raise CommandError(Text("a token lasts 1 to 3660 days", "令牌有效期应为 1 至 3660 天"), where="--days",
                                   fix=Text("make a new one before it ends", "请在到期前创建新令牌"))
            secret = new_token()
            made = Token(options.token, _role(options.role), Scope(options.scope), digest_of(secret), now,
                         now + options.days * 86400 * NS, by)
            file.change(lambda found: found.with_token(made, by))
            print(Text("The token, shown this once; keep it in a file for one reader (chmod 600):",
                       "令牌如下，仅显示一次；请保存到仅限本人读取的文件（chmod 600）：")[language], file=sys.stderr)
            print(secret)
        case "revoke":
            file.change(lambda found: found.without_token(options.token, now, by))
            print(Text(f"{options.token} opens nothing any more.", f"{options.token} 已失效。")[language])
    return 0


def ca(options: argparse.Namespace, language: str) -> int:
    folder: Path = options.folder
    if options.act == "create":
        made = authority.create(folder, options.name)
        print(Text(
            "{file}: give this one to every phone and computer that opens the page. SHA-256:\n  {print}\n"
            "{key}: keep it away from the gateway; whoever has it can pass for any page of the site.\n"
            "Windows: open ca.crt, Install certificate, Local machine, Trusted root certification authorities.\n"
            "Android: Settings, Security, Encryption and credentials, Install a certificate, CA certificate.\n"
            "iPhone: send ca.crt, install the profile, then Settings, General, About, Certificate trust settings.\n"
            "Compare the fingerprint on the device with the one above.",
            "{file}：请安装到所有需要打开页面的手机和电脑。SHA-256 指纹：\n  {print}\n"
            "{key}：请勿存放在网关上；持有该文件者可以冒充本站点的任何页面。\n"
            "Windows：打开 ca.crt，安装证书，选择“本地计算机”，放入“受信任的根证书颁发机构”。\n"
            "安卓：设置，安全，加密与凭据，安装证书，CA 证书。\n"
            "iPhone：发送 ca.crt 并安装描述文件，再到 设置，通用，关于本机，证书信任设置 中启用。\n"
            "请核对设备上显示的指纹与上面一致。").format(
                file=folder / authority.CERTIFICATE, key=folder / authority.KEY, print=fingerprint(made))[language])
    else:
        made = authority.issue(folder, options.certificate, options.dns, options.ip)
        print(Text(
            '[api]\ntls_cert = "{crt}"\ntls_key = "{key}"\n# for {names}; until {until}; SHA-256 {print}',
            '[api]\ntls_cert = "{crt}"\ntls_key = "{key}"\n# 适用于 {names}；有效期至 {until}；SHA-256 {print}').format(
                crt=folder / f"{options.certificate}.crt", key=folder / f"{options.certificate}.key",
                names=", ".join(_names(made)), until=f"{made.not_valid_after_utc:%Y-%m-%d}",
                print=fingerprint(made))[language])
    return 0


def move_key(options: argparse.Namespace, language: str) -> int:
    target = authority.move_key(options.folder, options.to)
    print(Text("{target}: keep it like the key of the door. To renew the certificate, bring it back to {folder}, run "
               "the installer.",
               "{target}：请妥善保管。续签证书时，请将其放回 {folder} 并重新运行安装程序。").format(
        target=target, folder=options.folder)[language])
    return 0


def _folder(options: argparse.Namespace) -> Path:
    """The data folder: given, or of the site file."""
    if options.data is not None:
        return options.data
    loaded = load(options.site)
    if loaded.site_file is None:
        raise ConfigError(tuple(problem for problem in loaded.problems if problem.severity == "error"))
    return Path(loaded.site_file.store.folder)


def _role(word: str) -> Role:
    role = role_of(word)
    assert role is not None, "argparse lets no other through"
    return role


def _password(options: argparse.Namespace, id: str, language: str) -> str:
    if options.generate:
        return generated()
    if options.password_file is not None:
        try:
            password = options.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        except OSError as error:
            raise CommandError(Text(f"can not be read: {error.strerror}", f"无法读取：{error.strerror}"),
                               where=str(options.password_file), fix=Text("check the path", "请检查路径")) from error
    elif sys.stdin.isatty():
        password = getpass.getpass(Text("Password: ", "密码：")[language])
        if getpass.getpass(Text("Again: ", "再次输入：")[language]) != password:
            raise CommandError(Text("the two are not the same", "两次输入不一致"), where="password",
                               fix=Text("type it again", "请重新输入"))
    else:
        raise CommandError(Text("there is no terminal to ask for the password", "没有终端，无法询问密码"),
                           where="password", fix=Text("--generate, or --password-file FILE",
                                                        "--generate，或 --password-file 文件"))
    check_password(password, id)
    return password


def _show(options: argparse.Namespace, password: str, language: str) -> None:
    if options.generate:
        print(Text("The password, shown this once:", "密码如下，仅显示一次：")[language], file=sys.stderr)
        print(password)


def _user() -> str:
    return os.environ.get("SUDO_USER") or pwd.getpwuid(os.getuid()).pw_name


def _day(wall_ns: int) -> str:
    return f"{datetime.fromtimestamp(wall_ns / NS, UTC):%Y-%m-%d}"


def _names(certificate: x509.Certificate) -> list[str]:
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    return [*found.get_values_for_type(x509.DNSName), *map(str, found.get_values_for_type(x509.IPAddress))]
