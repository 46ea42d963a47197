"""A Grafana server as the plan sees it: asked, told, and refusing. What a refusal means to a person stands here."""

from __future__ import annotations

from typing import Any, Protocol

from gateway.model.errors import CommandError
from gateway.model.text import Text


class Refused(Exception):
    """status: of HTTP; 0: no answer. message: what the server said."""

    def __init__(self, status: int, message: str):
        super().__init__(f"{status} {message}")
        self.status, self.message = status, message


class Grafana(Protocol):
    """One server, with a token."""

    url: str

    def ask(self, path: str) -> Any | None:
        """GET below /api. None: 404. Refused otherwise."""
        ...

    def tell(self, method: str, path: str, body: dict) -> Any:
        """POST or PUT below /api. Refused."""
        ...


_WORDS: dict[int, tuple[Text, Text]] = {
    0: (
        Text("no answer: {message}", "无应答：{message}"),
        Text("check the address, the network and the certificate (--ca)", "检查地址、网络和证书（--ca）"),
    ),
    400: (
        Text("Grafana does not take the content: {message}", "Grafana 不接受该内容：{message}"),
        Text(
            "is it Grafana 11 or newer? See docs/how-to/grafana.md",
            "Grafana 是否为 11 或更高版本？见 docs/how-to/grafana.md",
        ),
    ),
    401: (
        Text(
            "the token is not accepted: wrong, expired or of another server", "令牌无效：错误、已过期或属于其他服务器"
        ),
        Text(
            "make a service account token (Administration, Users and access) and write it into the token file",
            "在 Grafana“管理 - 用户和访问 - 服务账号”中生成令牌并写入令牌文件",
        ),
    ),
    403: (
        Text("the token may not do this: {message}", "令牌权限不足：{message}"),
        Text("give its service account the role Admin of the organisation", "将该服务账号设为组织的 Admin 角色"),
    ),
    404: (
        Text("there is no such thing at this address: {message}", "该地址不存在此接口：{message}"),
        Text(
            "check the address, with the sub-path where Grafana is behind one; it must be Grafana 11 or newer",
            "检查地址（如有子路径须包含在内）；须为 Grafana 11 或更高版本",
        ),
    ),
    409: (
        Text("something else already has this name: {message}", "名称已被占用：{message}"),
        Text(
            "rename or remove the other one in Grafana, then run this again", "在 Grafana 中改名或删除同名项后重新运行"
        ),
    ),
    412: (
        Text(
            "somebody changed it meanwhile, or another in the folder has its title: {message}",
            "期间被他人修改，或文件夹中已有同名项：{message}",
        ),
        Text("look at it in Grafana, then run this again", "请在 Grafana 中查看后重新运行"),
    ),
    422: (
        Text("Grafana finds a value not valid: {message}", "Grafana 认为某项内容无效：{message}"),
        Text("correct the value that it names", "更正其指出的内容"),
    ),
}
_OTHER = (
    Text("Grafana failed: {status} {message}", "Grafana 出错：{status} {message}"),
    Text("see the log of the Grafana server, then run this again", "查看 Grafana 服务器日志后重新运行"),
)
HOPELESS = (0, 401, 403)  # nothing else will go better


def explained(refused: Refused, where: str) -> CommandError:
    what, fix = _WORDS.get(refused.status, _OTHER)
    return CommandError(
        what.format(status=refused.status, message=refused.message[:300]),
        where=where,
        fix=fix,
        retryable=refused.status == 0 or refused.status >= 500,
    )
