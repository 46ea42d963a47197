"""What every connection to a broker needs: its encryption, and in words why it does not stand."""

from __future__ import annotations

import ssl

from gateway.model.errors import DavylampError
from gateway.model.text import Text


def tls_context(ca: str | None, cert: str | None, key: str | None, where: str) -> ssl.SSLContext:
    """Read anew for each connection, so that renewed certificates are taken up. where: the section, for the error."""
    try:
        context = ssl.create_default_context(cafile=ca)
        if cert:
            context.load_cert_chain(cert, key)
    except OSError as error:  # ssl.SSLError is one
        raise DavylampError(Text(f"certificate or key can not be read: {error}", f"证书或私钥无法读取：{error}"),
                            where=f"{where}.tls",
                            fix=Text("check ca, cert and key: paths, permissions, PEM format",
                                     "检查 ca、cert、key 的路径、权限和 PEM 格式")) from error
    return context


def explain(error: BaseException, where: str) -> Text:
    if isinstance(error, DavylampError):
        return Text(error.message("en"), error.message("zh"))
    said = str(error) or type(error).__name__
    for sign, hint in _HINTS:
        if sign in said.lower():
            return Text(f"broker {where}: {said}. {hint.en}", f"消息服务器 {where}：{said}。{hint.zh}")
    return Text(f"broker {where}: {said}", f"消息服务器 {where}：{said}")


_HINTS = (
    ("certificate verify failed", Text("Check tls.ca, the host name and the clock", "请检查 tls.ca、主机名和系统时钟")),
    ("user name or password", Text("Check username and password", "请检查用户名和密码")),
    ("not authori", Text("Check username, password and the broker's access list",
                         "请检查用户名、密码及访问控制列表")),
    ("taken over", Text("Another client uses the same client_id", "有其他客户端使用了相同的 client_id")),
    ("protocol version", Text('Try protocol = "3.1.1"', '请尝试 protocol = "3.1.1"')),
    ("without an answer", Text("Does the broker want TLS, or a certificate of ours?",
                               "请确认消息服务器是否要求 TLS 或客户端证书")),
    ("refused", Text("Is the broker running, and is the port right?", "请确认消息服务器已运行且端口正确")),
    ("timed out", Text("The broker does not answer; check network and firewall",
                       "消息服务器无应答，请检查网络和防火墙")),
)
