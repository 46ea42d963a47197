"""`davylamp fleet`."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.commands import Commands, Later


def register(commands: Commands) -> None:
    command = commands.add("fleet", Later("gateway.cli.calling_roll:fleet"),
                           "all gateways as they reported to the centre: who is silent, what differs",
                           "各网关向中心上报的情况：哪些失联、有何差异")
    command.option("broker", metavar="BROKER[:PORT]", en="MQTT broker of the centre", zh="中心的 MQTT 代理")
    command.option("--prefix", default="davylamp", en="topics begin with it (davylamp)", zh="主题前缀（davylamp）")
    command.option("--username", default=None, en="user name at the broker", zh="用户名")
    command.option("--password-file", type=Path, default=None, en="file that holds the password", zh="口令文件")
    command.option("--ca", type=Path, default=None, metavar="CA.pem", en="encrypted; checked against this authority",
                   zh="使用加密连接，并用此 CA 证书校验")
    command.option("--cert", type=Path, default=None, metavar="CERT.pem", en="our own certificate", zh="客户端证书")
    command.option("--key", type=Path, default=None, metavar="KEY.pem", en="its key", zh="客户端密钥")
    command.json()
