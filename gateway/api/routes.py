"""The HTTP surface: what can be asked, and what a person can command. Every route is described in openapi.py."""

from __future__ import annotations

import hashlib
import logging
import mimetypes
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path

import orjson
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from alerting.engine import COMMENT_LENGTH, NAME_LENGTH
from alerting.figures.report import PERIODS
from alerting.oncall.escalation import wall
from alerting.overlays.hold import Kind
from alerting.overlays.overlays import Ask
from gateway.annunciation import AnnunciatorAct
from gateway.api import kpi, oncall, openapi, present, prometheus, relations
from gateway.api.answer import Json, refusal
from gateway.api.guard import Guard
from gateway.api.slips import slip_routes
from gateway.api.stream import Broadcast, EventStream
from gateway.api.view import GatewayView
from gateway.core.learning import LearningAct
from gateway.model.clock import NS
from gateway.model.errors import DavylampError
from gateway.model.text import Text

log = logging.getLogger(__name__)

STATIC = Path(__file__).parent / "static"
BODY_LIMIT = 8192
HOLDS = {"bypasses": Kind.BYPASS, "shelve": Kind.SHELF, "out-of-service": Kind.OUT_OF_SERVICE}
HISTORY_SIGNALS, HISTORY_MINUTES, HISTORY_POINTS = 64, 7 * 24 * 60, 2000
JOURNAL_ROWS, JOURNAL_ABOUT = 500, 16
ROSTER_DAYS = 60
EXPLAINED_MINUTES, EXPLAINED_MINUTES_MOST = 60.0, 24 * 60.0


def create_app(view: GatewayView) -> Starlette:
    """The page and its API over one running gateway. `app.state.broadcast` is the event stream, to be closed at the
    end; `gateway.api.server.serve` does."""
    api = Api(view, Broadcast(view))
    app = application([
        Route("/api/v1/site", api.site),
        Route("/api/v1/signals", api.signals),
        Route("/api/v1/signals/{signal:path}/history", api.history_of_one),
        Route("/api/v1/signals/{signal:path}/baseline", api.baseline),
        Route("/api/v1/signals/{signal:path}/baseline", api.teach, methods=["POST"]),
        Route("/api/v1/history", api.history),
        Route("/api/v1/alarms", api.alarms),
        Route("/api/v1/alarms/{alarm:path}/ack", api.acknowledge, methods=["POST"]),
        Route("/api/v1/alarms/{alarm:path}/explain", api.explain),
        Route("/api/v1/definitions", api.definitions),
        Route("/api/v1/rules", api.rules),
        *(route for path, kind in HOLDS.items() for route in (
            Route(f"/api/v1/{path}", partial(api.holds, kind)),
            Route(f"/api/v1/{path}", partial(api.hold, kind), methods=["POST"]),
            Route(f"/api/v1/{path}/{{target:path}}/end", partial(api.end_hold, kind), methods=["POST"]))),
        Route("/api/v1/suppressions", partial(api.holds, Kind.SUPPRESSION)),
        Route("/api/v1/annunciators", api.annunciators),
        Route("/api/v1/annunciators/{annunciator:path}", api.annunciate, methods=["POST"]),
        Route("/api/v1/notifiers", api.notifiers),
        Route("/api/v1/notifiers/{notifier:path}/test", api.test_notifier, methods=["POST"]),
        Route("/api/v1/selftest", api.selftest),
        Route("/api/v1/selftest", api.ask_selftest, methods=["POST"]),
        Route("/api/v1/drill", api.drill),
        Route("/api/v1/drill", api.drill_act, methods=["POST"]),
        Route("/api/v1/heartbeats", api.heartbeats),
        Route("/api/v1/heartbeats/{peer:path}", api.hear, methods=["POST"]),
        Route("/api/v1/oncall", api.oncall),
        Route("/api/v1/route", api.route),
        Route("/api/v1/journal", api.journal),
        Route("/api/v1/kpi", api.kpi),
        Route("/api/v1/proof-tests", api.proof_tests),
        Route("/api/v1/health", api.health),
        Route("/api/v1/events", EventStream(api.broadcast), methods=["GET"]),
        Route("/api/v1/openapi.json", api.description),
        Route("/metrics", api.metrics),
        Route("/healthz", api.healthz),
        *slip_routes(view),
        *pages(),
    ], view.public_host)
    app.state.broadcast = api.broadcast
    return app


def application(routes: list[Route], public_host: str = "") -> Starlette:
    """These routes, guarded, with our errors as answers. public_host: see Guard."""
    return Starlette(routes=routes, middleware=[Middleware(Guard, public_host=public_host)], exception_handlers={
        HTTPException: _http_error, DavylampError: _our_error, Refused: _refused, Exception: _bug})


class Refused(Exception):
    """The request asks for something that makes no sense; carries the answer."""

    def __init__(self, status: int, what: Text, where: str, fix: Text):
        self.answer = refusal(status, what, where=where, fix=fix)
        super().__init__(what.en)


@dataclass(frozen=True, slots=True)
class _PageMetric:
    name: str
    kind: str
    help: str
    samples: tuple[tuple[dict[str, str], float], ...]


class Api:
    """broadcast: the event stream; None where there is none."""

    def __init__(self, view: GatewayView, broadcast: Broadcast | None = None):
        self._view, self.broadcast = view, broadcast

    async def site(self, _: Request) -> Response:
        return Json(present.site(self._view))

    async def signals(self, _: Request) -> Response:
        return Json(present.signals(self._view))

    async def history_of_one(self, request: Request) -> Response:
        trends = await self._history(request, [request.path_params["signal"]])
        return Json(trends[0])

    async def history(self, request: Request) -> Response:
        wanted = request.query_params.getlist("signal")
        if not 1 <= len(wanted) <= HISTORY_SIGNALS:
            raise _out_of_range("signal", f"1..{HISTORY_SIGNALS}")
        return Json({"trends": await self._history(request, wanted)})

    async def _history(self, request: Request, wanted: list[str]) -> list[dict]:
        table = self._view.site.signals
        if unknown := [signal for signal in wanted if signal not in table]:
            raise _unknown_signal(unknown[0])
        minutes = _number(request, "minutes", 10.0, 0.1, HISTORY_MINUTES)
        points = _number(request, "points", 300, 2, HISTORY_POINTS)
        end = self._view.now().wall_ns + 1  # exclusive
        found = await self._view.history([table.index(signal) for signal in wanted],
                                         end - int(minutes * 60 * NS), end, int(points))
        return present.trends(wanted, found)

    async def alarms(self, _: Request) -> Response:
        return Json(present.alarm_list(self._view))

    async def definitions(self, _: Request) -> Response:
        return Json(relations.definitions(self._view.site))

    async def explain(self, request: Request) -> Response:
        alarm = self._alarm(request)
        minutes = _number(request, "minutes", EXPLAINED_MINUTES, 0.1, EXPLAINED_MINUTES_MOST)
        at_ms = _number(request, "at_ms", 0, 0, 2**53) if "at_ms" in request.query_params else None
        at_wall_ns = None if at_ms is None else round(at_ms) * 1_000_000
        return Json(await self._view.explain(alarm, at_wall_ns, minutes * 60))

    async def rules(self, _: Request) -> Response:
        return Json(relations.rules(self._view.site, self._view.groups()))

    async def acknowledge(self, request: Request) -> Response:
        alarm = self._alarm(request)
        body = await _json_body(request)
        who = _line(body, "name", 1, NAME_LENGTH)
        comment = _line(body, "comment", 0, COMMENT_LENGTH)
        after = await self._view.acknowledge(alarm, who, comment)
        return Json({"alarm": alarm, "state": after.state, "name": after.who, "verified": after.verified,
                     "recorded": after.recorded})

    async def baseline(self, request: Request) -> Response:
        return Json(self._learnt(self._signal(request)))

    async def teach(self, request: Request) -> Response:
        signal, body = self._signal(request), await _json_body(request)
        if body.get("act") not in [*LearningAct]:
            raise _out_of_range("act", ", ".join(LearningAct))
        who, why = _line(body, "name", 1, NAME_LENGTH), _line(body, "why", 1, COMMENT_LENGTH)
        recorded = await self._view.teach(signal, LearningAct(body["act"]), who, why)
        return Json({"name": who, "verified": False, "recorded": recorded,
                     "baseline": self._learnt(signal)})

    def _learnt(self, signal: str) -> dict:
        view = self._view
        pictures = view.pictures(view.site.signals.index(signal))
        return present.baseline(view.site, view.lessons(), pictures, view.now(), signal)

    async def notifiers(self, _: Request) -> Response:
        return Json(present.notifiers(self._view.notifiers(), self._view.site.zone))

    async def test_notifier(self, request: Request) -> Response:
        await _json_body(request)
        reason = await self._view.test_notifier(request.path_params["notifier"])
        return Json({"taken": reason is None, "reason": reason or Text("", "")})

    async def holds(self, kind: Kind, _: Request) -> Response:
        return Json(present.hold_list(self._view, kind))

    async def hold(self, kind: Kind, request: Request) -> Response:
        body = await _json_body(request)
        target = _line(body, "target", 1, NAME_LENGTH)
        who, why = _line(body, "name", 1, NAME_LENGTH), _line(body, "why", 1, COMMENT_LENGTH)
        approved = _line(body, "approved", 0, NAME_LENGTH)
        for_s, once = body.get("for_s"), body.get("once", False)
        if isinstance(for_s, bool) or not isinstance(for_s, int | float):
            raise _out_of_range("for_s", "0..")
        if not isinstance(once, bool) or (once and kind is not Kind.SHELF):
            raise _out_of_range("once", "true, false" if kind is Kind.SHELF else "false")
        made, recorded = await self._view.hold(kind, Ask(target, who, why, float(for_s), approved, once))
        return Json(present.held(self._view, made, recorded))

    async def end_hold(self, kind: Kind, request: Request) -> Response:
        body = await _json_body(request)
        who, why = _line(body, "name", 1, NAME_LENGTH), _line(body, "why", 0, COMMENT_LENGTH)
        ended, recorded = await self._view.end_hold(kind, request.path_params["target"], who, why)
        return Json(present.held(self._view, ended, recorded))

    def _alarm(self, request: Request) -> str:
        return self._known_alarm(request.path_params["alarm"])

    def _known_alarm(self, alarm: str) -> str:
        if alarm not in self._view.site.alarms:
            raise Refused(404, Text(f"unknown alarm {alarm!r}", f"未知告警 {alarm!r}"), "alarm",
                          Text("see /api/v1/definitions", "见 /api/v1/definitions"))
        return alarm

    async def annunciators(self, _: Request) -> Response:
        return Json(present.annunciators(self._view))

    async def annunciate(self, request: Request) -> Response:
        """Arm, disarm or test a siren or beacon."""
        body = await _json_body(request)
        try:
            act = AnnunciatorAct(body.get("act"))
        except ValueError:
            raise _out_of_range("act", ", ".join(AnnunciatorAct)) from None
        who, why = _line(body, "name", 1, NAME_LENGTH), _line(body, "why", 1, COMMENT_LENGTH)
        await self._view.annunciate(request.path_params["annunciator"], act, who, why)
        return Json(present.annunciators(self._view))

    def _signal(self, request: Request) -> str:
        signal = request.path_params["signal"]
        if signal not in self._view.site.signals:
            raise _unknown_signal(signal)
        return signal

    async def oncall(self, request: Request) -> Response:
        view, days = self._view, _number(request, "days", 7, 1, ROSTER_DAYS)
        return Json(oncall.document(view.routing(), view.ladders(), view.now(), int(days)))

    async def route(self, request: Request) -> Response:
        """Who would be told; nothing is sent."""
        alarm = self._known_alarm(request.query_params.get("alarm", ""))
        return Json(oncall.route(self._view.routing(), self._view.site.alarms.get(alarm), self._at(request)))

    def _at(self, request: Request) -> datetime:
        if "at" not in request.query_params:
            return wall(self._view.now())
        try:
            at = datetime.fromisoformat(request.query_params["at"])
            return at if at.tzinfo is not None else at.replace(tzinfo=self._view.site.zone)
        except ValueError:
            raise _out_of_range("at", "2026-09-21T20:53") from None

    async def journal(self, request: Request) -> Response:
        limit = _number(request, "limit", 100, 1, JOURNAL_ROWS)
        before = _number(request, "before", 0, 1, 2**63) if "before" in request.query_params else None
        about = request.query_params.getlist("alarm")
        if len(about) > JOURNAL_ABOUT:
            raise _out_of_range("alarm", f"0..{JOURNAL_ABOUT}")
        rows = await self._view.journal(int(limit), None if before is None else int(before), about)
        return Json(present.journal(rows, self._view.site.zone))

    async def kpi(self, request: Request) -> Response:
        view, asked = self._view, request.query_params.getlist("period")
        if set(asked) - set(PERIODS):
            raise _out_of_range("period", ", ".join(PERIODS))
        return Json(kpi.document(view.site, view.figures(), view.alarms(), view.now(), asked or PERIODS))

    async def selftest(self, _: Request) -> Response:
        return Json(present.selftest(self._view))

    async def ask_selftest(self, request: Request) -> Response:
        self._view.ask_selftest(_line(await _json_body(request), "name", 1, NAME_LENGTH))
        return Json(present.selftest(self._view))

    async def drill(self, _: Request) -> Response:
        return Json(present.drill(self._view, await self._view.drill_sheet()))

    async def drill_act(self, request: Request) -> Response:
        view, body = self._view, await _json_body(request)
        who, why = _line(body, "name", 1, NAME_LENGTH), _line(body, "why", 0, COMMENT_LENGTH)
        match body.get("act"):
            case "begin":
                signals = body.get("signals")
                if not isinstance(signals, list) or not all(isinstance(signal, str) for signal in signals):
                    raise _out_of_range("signals", "[\"GD-01\", ...]")
                await view.begin_drill(signals, who, why, _figure(body, "for_s"), _figure(body, "target_s", 300.0))
            case "inject":
                value, for_s = body.get("value"), body.get("for_s")
                await view.inject(_line(body, "signal", 1, NAME_LENGTH),
                                  None if value is None else _figure(body, "value"),
                                  None if for_s is None else _figure(body, "for_s"), who)
            case "end":
                await view.end_drill(who, why)
            case _:
                raise _out_of_range("act", "begin, inject, end")
        return Json(present.drill(view, await view.drill_sheet()))

    async def heartbeats(self, _: Request) -> Response:
        return Json(present.heartbeats(self._view.heartbeats(), self._view.site.zone))

    async def hear(self, request: Request) -> Response:
        peer = request.path_params["peer"]
        if not self._view.hear(peer):
            raise Refused(404, Text(f"no gateway {peer!r} is watched here", f"此处未监视网关 {peer!r}"), "peer",
                          Text("add it under [heartbeat] peers", "在 [heartbeat] peers 中添加该网关"))
        return Json({"gateway": peer, "heard": True})

    async def proof_tests(self, _: Request) -> Response:
        view = self._view
        return Json(present.proof_tests(view.site, await view.strokes(), view.now().wall_ns))

    async def health(self, _: Request) -> Response:
        return Json(present.health(self._view, {"viewers": self.broadcast.viewers, **self.broadcast.counters}))

    async def healthz(self, _: Request) -> Response:
        health = self._view.health()
        return Json({"working": health.working, "reason": health.reason}, 200 if health.working else 503)

    async def metrics(self, _: Request) -> Response:
        page = self.broadcast
        own = [_PageMetric("davylamp_page_viewers", "gauge", "Pages that follow the event stream.",
                           (({}, page.viewers),)),
               *(_PageMetric(f"davylamp_page_{name}_total", "counter", f"Event stream of the page: {name}.",
                             (({}, count),)) for name, count in page.counters.items())]
        return PlainTextResponse(prometheus.exposition([*self._view.metrics(), *own]),
                                 headers={"content-type": prometheus.CONTENT_TYPE})

    async def description(self, _: Request) -> Response:
        return Json(openapi.description(self._view.health().version))


# the page's own files

def pages() -> list[Route]:
    """One route per file of the page; "/" is index.html. The files are small and are kept in memory."""
    return [Route("/" if path.name == "index.html" else f"/{path.name}", _file(path))
            for path in sorted(STATIC.iterdir())]


def _file(path: Path) -> Callable[[Request], Awaitable[Response]]:
    body = path.read_bytes()
    kind = mimetypes.types_map.get(path.suffix, "application/octet-stream")
    kind = "text/javascript" if path.suffix == ".js" else kind
    tag = f'"{hashlib.sha256(body).hexdigest()[:16]}"'
    headers = {"etag": tag, "cache-control": "no-cache"}

    async def answer(request: Request) -> Response:
        if request.headers.get("if-none-match") == tag:
            return Response(status_code=304, headers=headers)
        return Response(body, media_type=kind, headers=headers)

    return answer


# what a request says, checked

def _unknown_signal(signal: str) -> Refused:
    return Refused(404, Text(f"unknown signal {signal!r}", f"未知信号 {signal!r}"), "signal",
                   Text("see /api/v1/site for the signals of this site", "本站信号见 /api/v1/site"))


def _out_of_range(name: str, accepted: str) -> Refused:
    return Refused(400, Text(f"{name}: expected {accepted}", f"{name}：应为 {accepted}"), name, Text("", ""))


def _number(request: Request, name: str, default: float, low: float, high: float) -> float:
    try:
        value = float(request.query_params.get(name, default))
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise _out_of_range(name, f"{low:g}..{high:g}")
    return value


def _figure(body: dict, key: str, default: float | None = None) -> float:
    value = body.get(key, default)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _out_of_range(key, "0..")
    return float(value)


async def _json_body(request: Request) -> dict:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_LIMIT:
            raise Refused(413, Text("the request is too large", "请求过大"), "body",
                          Text(f"send at most {BODY_LIMIT} bytes", f"最多发送 {BODY_LIMIT} 字节"))
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise Refused(400, Text(f"not JSON: {error}", f"不是有效的 JSON：{error}"), "body", Text("", "")) from error
    if not isinstance(document, dict):
        raise Refused(400, Text("expected a JSON object", "应为 JSON 对象"), "body", Text("", ""))
    return document


_WANTED = {"name": Text("say who does it", "请填写操作人姓名"), "why": Text("say why", "请填写原因")}


def _line(body: dict, key: str, shortest: int, longest: int) -> str:
    text = body.get(key, "")
    if isinstance(text, str):
        text = " ".join(text.split())
        if shortest <= len(text) <= longest and text.isprintable():
            return text
    raise Refused(400, Text(f"{key}: expected a text of {shortest} to {longest} characters",
                            f"{key}：应为 {shortest} 到 {longest} 个字符的文本"), key,
                  _WANTED.get(key, Text("", "")))


# errors as answers

async def _refused(_: Request, error: Refused) -> Response:
    return error.answer


async def _our_error(request: Request, error: DavylampError) -> Response:
    return refusal(503 if error.retryable else 409, error.what, where=error.where or request.url.path, fix=error.fix,
                   retryable=error.retryable)


_HTTP_ERRORS = {404: Text("there is nothing at this address", "该地址不存在"),
                405: Text("this address does not take that method", "该地址不支持此请求方法")}


async def _http_error(request: Request, error: HTTPException) -> Response:
    answer = refusal(error.status_code, _HTTP_ERRORS.get(error.status_code, Text.same(error.detail)),
                     where=request.url.path, fix=Text("see /api/v1/openapi.json", "见 /api/v1/openapi.json"))
    answer.headers.update(error.headers or {})
    return answer


async def _bug(request: Request, error: Exception) -> Response:
    """Last line of defence: one broken answer must not take the gateway with it."""
    log.error("no answer to %s %s", request.method, request.url.path, exc_info=error)
    return refusal(500, Text("the gateway could not answer: an error of its own", "网关内部错误，无法应答"),
                   where=request.url.path, fix=Text("report the gateway's log", "请上报网关日志"))
