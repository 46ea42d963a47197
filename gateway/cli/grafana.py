"""`davylamp grafana`: dashboards and alert rules into a Grafana server."""

from __future__ import annotations

from gateway.cli.commands import Commands, Later


def register(commands: Commands) -> None:
    group = commands.group("grafana", "dashboards and alert rules in Grafana", "Grafana 看板与告警规则")
    command = group.add(
        "provision",
        Later("grafana.provision.command:run"),
        "write data source, folders, dashboards, alert rules, contact point and mute timing into a Grafana "
        "server; what is there already and what a person changed is left alone",
        "将数据源、文件夹、看板、告警规则、联络点和静默时段写入 Grafana；已有的和被人修改过的保持不变",
    )
    command.option(
        "--url", required=True, en="address of Grafana, such as https://grafana.example.org", zh="Grafana 地址"
    )
    command.option(
        "--token-file",
        default=None,
        metavar="FILE",
        en="file with the token of a service account (default: the variable DAVYLAMP_GRAFANA_TOKEN)",
        zh="服务账号令牌文件（默认取环境变量 DAVYLAMP_GRAFANA_TOKEN）",
    )
    command.option(
        "--dry-run",
        action="store_true",
        default=False,
        en="say what would be done, and do nothing",
        zh="只列出将要做的事，不执行",
    )
    command.option(
        "--overwrite",
        action="append",
        default=None,
        metavar="UID",
        en="replace this dashboard although a person has changed it (may be repeated)",
        zh="覆盖这个被人修改过的看板（可重复给出）",
    )
    command.option(
        "--email",
        default=None,
        en="whom the second line of alerting calls, where there is no contact point yet",
        zh="尚无联络点时，二线告警通知的邮箱",
    )
    command.option(
        "--ca", default=None, metavar="FILE", en="certificate of the authority, for https", zh="https 的 CA 证书文件"
    )
    command.option(
        "--influx-url",
        default=None,
        metavar="URL",
        en="the database, as Grafana's server reaches it",
        zh="数据库地址（从 Grafana 服务器访问）",
    )
    command.option("--database", default=None, en="name of the database", zh="数据库名")
    command.option("--influx-user", default=None, metavar="NAME", en="user of InfluxDB 1.x", zh="InfluxDB 1.x 用户名")
    command.option("--influx-password-file", default=None, metavar="FILE", en="file with its password", zh="密码文件")
    command.option(
        "--influx-token-file",
        default=None,
        metavar="FILE",
        en="file with a token of InfluxDB 2.x or 3.x",
        zh="InfluxDB 2.x、3.x 令牌文件",
    )
