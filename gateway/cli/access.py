"""Who may come in: `davylamp account`, `davylamp token`, and the certificate authority, `davylamp ca`."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.commands import Command, Commands, Later
from gateway.model import installed

INSTALLED = installed.SITE
ROLES = ("viewer", "operator", "engineer", "administrator")
SCOPES = ("all", "metrics", "heartbeat")


def register(commands: Commands) -> None:
    _accounts(commands.group("account", "people who may log in", "登录账户"))
    _tokens(commands.group("token", "tokens for programs", "程序使用的令牌"))
    _authority(commands.group("ca", "a certificate authority for the page", "页面证书机构"))


def _accounts(accounts: Commands) -> None:
    command = _act(accounts, "account", "add", "one more account", "添加账户")
    command.option("account", metavar="ID", en="id to log in with", zh="登录编号")
    command.option("--name", default=None, en="name of the person, as the journal has it", zh="人员姓名（记入日志）")
    command.option("--role", choices=ROLES, required=True, en="what they may do", zh="角色")
    _password(command)
    _act(accounts, "account", "list", "all accounts", "列出账户")
    command = _act(accounts, "account", "role", "another role", "修改角色")
    command.option("account", metavar="ID")
    command.option("role", choices=ROLES)
    command = _act(accounts, "account", "password", "a new password; ends the sessions of the account",
                   "修改密码，并结束该账户的登录会话")
    command.option("account", metavar="ID")
    _password(command)
    command = _act(accounts, "account", "remove", "it can not log in any more", "删除账户")
    command.option("account", metavar="ID")
    command.option("--last", action="store_true", default=False, en="also when it is the last one",
                   zh="即使是最后一个账户")


def _tokens(tokens: Commands) -> None:
    command = _act(tokens, "token", "create", "a new token, shown once", "创建令牌，仅显示一次")
    command.option("token", metavar="ID", en="what it is for, such as prometheus", zh="用途，如 prometheus")
    command.option("--role", choices=ROLES, default="viewer", en="what it may do", zh="角色")
    command.option("--scope", choices=SCOPES, default="all", en="all that the role may do; only /metrics; only "
                   "heartbeats of another gateway",
                   zh="all：角色的全部权限；metrics：仅 /metrics；heartbeat：仅其他网关的心跳")
    command.option("--days", type=int, default=365, en="so long it is good", zh="有效天数")
    _act(tokens, "token", "list", "all tokens", "列出令牌")
    command = _act(tokens, "token", "revoke", "it opens nothing any more", "吊销令牌")
    command.option("token", metavar="ID")


def _authority(authority: Commands) -> None:
    command = authority.add("create", Later("gateway.accounts:ca"), "make it, once", "创建证书机构（一次）")
    command.parser.set_defaults(act="create")
    command.option("--name", default="Davylamp", en="as phones show it", zh="在手机上显示的名称")
    _in_folder(command)
    command = authority.add("issue", Later("gateway.accounts:ca"), "a certificate for a page, or a new one",
                            "签发或续签页面证书")
    command.parser.set_defaults(act="issue")
    command.option("certificate", metavar="NAME", en="name of the files; without --dns and --ip also of the host",
                   zh="文件名；未给出 --dns 和 --ip 时也作为主机名")
    command.option("--dns", action="append", default=[], metavar="NAME", en="name of the host; may be repeated",
                   zh="主机名，可重复")
    command.option("--ip", action="append", default=[], metavar="ADDRESS", en="address of the host; may be repeated",
                   zh="主机地址，可重复")
    _in_folder(command)
    _key(authority)


def _key(authority: Commands) -> None:
    command = authority.add("move-key", Later("gateway.accounts:move_key"),
                            "take the key of the authority away from this machine", "将证书机构的密钥移出本机")
    command.option("to", type=Path, metavar="DIR", en="where it shall be, such as a folder on a USB stick",
                   zh="存放位置，如 U 盘上的目录")
    command.option("--folder", type=Path, default=installed.CONFIG / "tls",
                   en=f"where it is ({installed.CONFIG / 'tls'})", zh=f"当前位置（{installed.CONFIG / 'tls'}）")


def _act(among: Commands, command: str, act: str, en: str, zh: str) -> Command:
    made = among.add(act, Later(f"gateway.accounts:{command}"), en, zh)
    made.parser.set_defaults(act=act)
    made.option("--site", type=Path, default=INSTALLED, metavar="SITE.toml",
                en=f"site file, for its data folder ({INSTALLED})", zh=f"站点配置文件，用于确定数据目录（{INSTALLED}）")
    made.data()
    return made


def _password(command: Command) -> None:
    command.option("--generate", action="store_true", default=False, en="make the password and show it once",
                   zh="自动生成密码，仅显示一次")
    command.option("--password-file", type=Path, default=None, metavar="FILE", en="read it from there; default: ask",
                   zh="从文件读取；默认在终端询问")


def _in_folder(command: Command) -> None:
    command.option("--folder", type=Path, default=Path("davylamp-ca"), en="where its files are (davylamp-ca)",
                   zh="文件所在目录（davylamp-ca）")
