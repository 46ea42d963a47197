"""`davylamp fleet`."""

from __future__ import annotations

from pathlib import Path

from gateway.cli.commands import Commands, Later


def register(commands: Commands) -> None:
    command = commands.add("fleet", Later("gateway.cli.calling_roll:fleet"),
                           "all gateways as they reported to the centre: who is silent, what differs",
                           "各网关向中心上报的情况：哪些失联、有何差异")
    command.option("broker", metavar="BROKER[:PORT]", en="MQTT broker of the centre; [IPv6]:PORT",
                   zh="中心的 MQTT 代理；IPv6 写成 [地址]:端口")
    command.option("--expect", type=Path, default=None, metavar="FOLDER",
                   en="site files as the centre holds them (NAME/site.toml or SITE.toml): says who runs another "
                      "configuration and who has never reported",
                   zh="中心保存的站点文件目录（名称/site.toml 或 站点.toml）：指出配置不同和从未上报的网关")
    command.option("--listen", default="0s", metavar=command.text("TIME", "时长"),
                   en="also listen for so long, such as 90s: a wrong clock and two gateways of one name are then seen "
                      "for sure",
                   zh="另外监听一段时间（如 90s），可准确判断时钟错误和重名网关")
    command.option("--prefix", default="davylamp", en="topics begin with it (davylamp)", zh="主题前缀（davylamp）")
    command.option("--username", default=None, en="user name at the broker", zh="用户名")
    command.option("--password-file", type=Path, default=None, en="file that holds the password", zh="口令文件")
    command.option("--ca", type=Path, default=None, metavar="CA.pem", en="encrypted; checked against this authority",
                   zh="使用加密连接，并用此 CA 证书校验")
    command.option("--cert", type=Path, default=None, metavar="CERT.pem", en="our own certificate", zh="客户端证书")
    command.option("--key", type=Path, default=None, metavar="KEY.pem", en="its key", zh="客户端密钥")
    command.json()
    command.parser.epilog = command.text(
        "Exit status: 0 every gateway is online and as it should be; 1 some are not; 2 it can not be told.",
        "退出码：0 所有网关在线且正常；1 有网关不正常；2 无法判断。")
