"""Pages for a phone at night: no scripts, one screen, both languages. Behind links of messages, and the log-in."""

from __future__ import annotations

import base64
import hashlib
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from gateway.api.asked import BODY_LIMIT
from gateway.model.site import Site

_STYLE = """
:root { --ground: #dfe3e6; --panel: #f1f3f4; --text: #161b20; --soft: #4c565f; --edge: #bcc4ca; --P1: #c4122f;
  --P2: #d95f02; --P3: #e3b505; --P4: #3a6ea5; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --ground: #101417; --panel: #1a2024; --text: #e8ecee; --soft: #a3aeb6;
  --edge: #39424a; --P1: #ef3e54; --P2: #ff8a2a; --P3: #f3cf3a; --P4: #6aa5e3 } }
* { box-sizing: border-box }
body { margin: 0; background: var(--ground); color: var(--text);
  font: 17px/1.4 system-ui, "Noto Sans SC", "PingFang SC", "Microsoft YaHei", sans-serif }
main { max-width: 32rem; margin: 0 auto; padding: 1rem; background: var(--panel); min-height: 100vh }
h1 { font-size: 1.25rem; margin: 0 0 .5rem; padding-left: .6rem; border-left: .45rem solid var(--edge) }
h1.P1 { border-color: var(--P1) } h1.P2 { border-color: var(--P2) } h1.P3 { border-color: var(--P3) }
h1.P4 { border-color: var(--P4) }
p { margin: .5rem 0; white-space: pre-line } small { color: var(--soft) }
label { display: block; margin-top: .8rem; font-weight: 600 }
input { width: 100%; font: inherit; padding: .6rem; min-height: 2.9rem; color: inherit; background: var(--ground);
  border: 1px solid var(--edge); border-radius: .35rem }
button { width: 100%; margin-top: 1rem; font: inherit; font-weight: 700; min-height: 3.2rem; border: 0;
  border-radius: .35rem; color: var(--ground); background: var(--text) }
.wrong { font-weight: 700; border-left: .45rem solid var(--P1); padding-left: .6rem }
:focus-visible { outline: 3px solid var(--P4); outline-offset: 2px }
"""
_DIGEST = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_HEADERS = {"content-security-policy": f"default-src 'none'; style-src 'sha256-{_DIGEST}'; form-action 'self'; "
                                       "base-uri 'none'; frame-ancestors 'none'"}
_PAGE = """<!doctype html>
<html lang="{language}"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>Davylamp</title><style>{style}</style></head>
<body><main>{content}</main></body></html>"""


def page(language: str, content: str, status: int = 200) -> Response:
    """content: HTML, with everything in it escaped."""
    return HTMLResponse(_PAGE.format(language=language, style=_STYLE, content=content), status, _HEADERS)


def language_of(request: Request, site: Site) -> str:
    """What the browser asks for first; else the language of the site."""
    first = request.headers.get("accept-language", "").strip().lower()[:2]
    return first if first in ("en", "zh") else site.language


async def form_of(request: Request) -> dict[str, str]:
    """The fields of a form; what is too long or no text counts as empty, and is refused for that."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            return {}
    try:
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=8)
    except ValueError:  # too many fields
        return {}
    return {name: values[0] for name, values in fields.items()}
