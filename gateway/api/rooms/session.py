"""Logging in and out, and who one is."""

from __future__ import annotations

from html import escape

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from gateway.access.register import PASSWORD_LENGTH
from gateway.access.role import ROLE_NAMES, Role
from gateway.api import asked
from gateway.api.admission import address, cookie_name, set_cookie
from gateway.api.answer import Json
from gateway.api.paper import form_of, language_of, page
from gateway.api.room import Door, House, Room
from gateway.api.schema import BOOLEAN, STRING, TEXT, answer, exactly, get, nullable, one_of, post, text
from gateway.model.errors import DavylampError
from gateway.model.text import Text

MARK_S = 400 * 86400.0  # browsers keep no cookie longer

_WORDS = {
    "title": Text("Log in", "登录"), "account": Text("Account", "账户"), "password": Text("Password", "密码"),
    "code": Text("I have a code from a message", "使用消息中的确认码"),
}


async def enter(house: House, request: Request) -> Response:
    return _page(house, request) if house.access and not house.access.open else RedirectResponse("/", 303)


async def log_in(house: House, request: Request) -> Response:
    access, form = house.access, await form_of(request)
    if access is None or access.open:
        return RedirectResponse("/", 303)
    try:
        if access.closed:
            raise access.trouble
        welcome = await access.log_in(form.get("account", ""), form.get("password", ""), address(request),
                                      request.cookies.get(cookie_name(request, "browser"), ""))
    except DavylampError as error:
        return _page(house, request, error, form.get("account", ""))
    response = RedirectResponse("/", 303)
    set_cookie(response, request, "session", welcome.session, access.longest_s)
    set_cookie(response, request, "browser", welcome.mark, MARK_S)
    return response


async def log_out(house: House, request: Request) -> Response:
    await asked.json_body(request)
    response = Json({"account": None, "name": None, "role": None, "role_name": None, "idle": False})
    if house.access is not None and (secret := request.cookies.get(cookie_name(request))) is not None:
        house.access.log_out(secret, address(request))
        set_cookie(response, request, "session", "", 0)
    return response


async def session(_: House, request: Request) -> Response:
    identity = request.state.identity
    return Json({"account": identity.account or None, "name": identity.name or None, "role": identity.role.word,
                 "role_name": ROLE_NAMES[identity.role], "idle": identity.role < identity.full})


def _page(house: House, request: Request, error: DavylampError | None = None, account: str = "") -> Response:
    site = house.view.site
    language = language_of(request, site)
    said = {word: escape(text[language]) for word, text in _WORDS.items()}
    wrong = "" if error is None else (
        f'<p class="wrong" role="alert">{escape(error.what[language])}</p><p>{escape(error.fix[language])}</p>')
    status = 200 if error is None else 429 if error.retryable else 503 if house.access.closed else 403
    return page(language, f"""<h1>{escape(site.name[language])}</h1>{wrong}<form method="post" action="/login">
<label for="account">{said["account"]}</label><input id="account" name="account" required autocomplete="username"
 autocapitalize="none" spellcheck="false" maxlength="64" value="{escape(account[:64])}">
<label for="password">{said["password"]}</label><input id="password" name="password" type="password" required
 autocomplete="current-password" maxlength="{PASSWORD_LENGTH[1]}"><button>{said["title"]}</button></form>
<p><a href="/ack">{said["code"]}</a></p>""", status)


_SESSION = answer("who asks", "Session")

ROOM = Room((
    Door("GET", "/login", enter, None, get("The page to log in", text("a page", "text/html"),
                                           **{"303": {"description": "there are no accounts: nobody is asked"}})),
    Door("POST", "/login", log_in, None, {
        "summary": "Log in (form: account, password); gives a session cookie",
        "requestBody": {"required": True, "content": {"application/x-www-form-urlencoded": {"schema": {
            "type": "object", "required": ["account", "password"],
            "properties": {"account": STRING, "password": STRING}}}}},
        "responses": {"303": {"description": "logged in; to the page"},
                      "403": text("name or password is wrong, as a page", "text/html"),
                      "429": text("too many tries, as a page", "text/html"),
                      "503": text("the accounts can not be read, as a page", "text/html")}}),
    Door("GET", "/api/v1/session", session, Role.VIEWER, get("Who asks, and what they may do", _SESSION),
         own=True),
    Door("POST", "/api/v1/session/end", log_out, Role.VIEWER, post("Log out", "Nothing", _SESSION), own=True),
), {"Session": exactly(
    account={**nullable(STRING), "description": "null: there are no accounts, or a log-out"}, name=nullable(STRING),
    role=nullable(one_of(*(role.word for role in Role))), role_name=nullable(TEXT),
    idle={**BOOLEAN, "description": "nothing was done for long: may look, and must log in again to act"})})
