"""The server through grafana-client, which lives in an environment of its own: it brings urllib3-future, which takes
the place of urllib3 for everything installed beside it (docs/how-to/grafana.md)."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from gateway.model.errors import CommandError
from gateway.model.text import Text
from grafana.provision.server import Refused

_MISSING = Text("grafana-client is not installed in this environment", "当前环境未安装 grafana-client")
_MAKE = Text(
    "make an environment for it, never in that of the gateway: python3 -m venv /opt/davylamp-grafana && "
    "/opt/davylamp-grafana/bin/pip install 'davylamp[grafana]', then use /opt/davylamp-grafana/bin/davylamp",
    "为其建立独立环境（不可装入网关的环境）：python3 -m venv /opt/davylamp-grafana && "
    "/opt/davylamp-grafana/bin/pip install 'davylamp[grafana]'，然后使用 /opt/davylamp-grafana/bin/davylamp",
)


class GrafanaServer:
    """url: with the sub-path, if there is one. ca: certificate file for https."""

    def __init__(self, url: str, token: str, ca: str | None = None):
        try:
            from grafana_client import GrafanaApi, TokenAuth
            from grafana_client.client import GrafanaException
            from niquests.exceptions import RequestException
        except ImportError as missing:
            raise CommandError(_MISSING, fix=_MAKE) from missing
        self.url = url.rstrip("/")
        parts = urlsplit(self.url)
        self._refused, self._unreachable = GrafanaException, RequestException
        self._client = GrafanaApi(
            TokenAuth(token),
            host=parts.hostname or "",
            port=parts.port,
            protocol=parts.scheme or "http",
            url_path_prefix=f"{parts.path.strip('/')}/" if parts.path.strip("/") else "",
            verify=ca or True,
            timeout=30,
        ).client

    def ask(self, path: str) -> Any | None:
        try:
            return self._call("GET", path)
        except Refused as refused:
            if refused.status == 404:
                return None
            raise

    def tell(self, method: str, path: str, body: dict) -> Any:
        return self._call(method, path, json=body)

    def _call(self, method: str, path: str, **content: Any) -> Any:
        try:
            return getattr(self._client, method)(path, **content)
        except self._refused as refused:
            said = refused.response
            message = said.get("message", said) if isinstance(said, dict) else said
            raise Refused(refused.status_code or 0, str(message)) from refused
        except (self._unreachable, OSError) as error:
            raise Refused(0, str(error)) from error
