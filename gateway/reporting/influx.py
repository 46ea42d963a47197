"""InfluxDB 1.x, or 2.x through its InfluxQL, as the source of a report: the measurements of the data contract.

The journal itself is not there: no chain, no old and new settings, and a proof test counts for all valves of its rule.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from typing import Any, Final
from urllib.parse import urlencode

import numpy as np
import urllib3

from alerting.engine import Transition
from alerting.lifecycle import Event, State
from gateway.historian.journal import ACTS
from gateway.model.errors import SinkError
from gateway.model.secret import read_secret
from gateway.model.site import Site
from gateway.model.stroke import Outcome, Seen, Stroke
from gateway.model.text import Text
from gateway.reporting.source import Act, Chain, Standing, Stretch
from gateway.sinks.config import InfluxSettings
from gateway.sinks.schema import (
    ALARM,
    AUDIT,
    CLOCK_UNTRUSTED,
    CONTRACT,
    GATEWAY,
    LONG,
    MINUTE,
    STROKE,
    Measurement,
)
from gateway.store.minutes import MINUTE_NS

_ASKED: Final = 50  # signals whose minutes are in one answer
_LONGEST_S: Final = 120.0
_STEP, _STROKE, _ACT = ("alarm", "event", "occurrence"), ("rule", "outcome", "test", "seconds"), ("kind", "position")


class Influx:
    def __init__(self, site: Site, settings: InfluxSettings):
        self._site, self._url = site, settings.url.rstrip("/")
        self._number = {signal.id: number for number, signal in enumerate(site.signals)}
        self._database = settings.place(LONG)
        self._left: dict[str, tuple[State, int]] = {}  # of each alarm before the period: its state, when it was raised
        self._headers: dict[str, str] = {}
        where = f"sink {settings.id}"
        if settings.api == "v2":
            token = read_secret(file=settings.token_file, env=settings.token_env, where=where)
            self._headers = {"Authorization": f"Token {token}"}
        elif settings.username:
            password = read_secret(file=settings.password_file, env=settings.password_env, where=where) or ""
            self._headers = dict(urllib3.make_headers(basic_auth=f"{settings.username}:{password}"))
        self._pool = urllib3.PoolManager(maxsize=1, ca_certs=settings.ca, retries=False,
                                         timeout=urllib3.Timeout(connect=settings.timeout, read=_LONGEST_S))
        self.name = Text(f"InfluxDB at {self._url}, database {self._database}",
                         f"InfluxDB {self._url}，数据库 {self._database}")
        self._ask("SHOW MEASUREMENTS LIMIT 1")  # away, or refused: said before a long report is begun

    def since(self) -> int | None:
        return self._outermost("first")

    def last(self) -> int | None:
        return self._outermost("last")

    def _outermost(self, which: str) -> int | None:
        found = self._table(f"SELECT {which}(uptime_s) FROM {GATEWAY.name} WHERE {self._here()}")
        return found[0]["time"] if found else None

    def standing(self, start_ns: int) -> list[Standing]:
        if self._twice(ALARM, *_STEP):
            left = {step.alarm: step for step in self.steps(0, start_ns)}
            self._left = {alarm: (step.new, step.raised_wall_ns) for alarm, step in left.items()}
            return [Standing(step.alarm, step.occurrence, step.raised_wall_ns, step.new.active)
                    for step in left.values() if step.new is not State.NORMAL]
        old = f"FROM {ALARM.name} WHERE {self._here()} AND time < {start_ns}"
        raised = {row["alarm"]: row["time"] for row in self._table(
            f"SELECT last(occurrence) {old} AND event = '{Event.RAISE}' GROUP BY alarm")}
        found = self._table(f"SELECT last(state) AS state, occurrence {old} GROUP BY alarm")
        self._left = {row["alarm"]: (State(row["state"]), raised.get(row["alarm"], row["time"])) for row in found}
        return [Standing(row["alarm"], _number(row["occurrence"]), raised.get(row["alarm"], row["time"]),
                         State(row["state"]).active) for row in found if row["state"] != State.NORMAL]

    def steps(self, start_ns: int, end_ns: int) -> Iterator[Transition]:
        state = {alarm: left for alarm, (left, _) in self._left.items()}
        raised, twice = {alarm: at for alarm, (_, at) in self._left.items()}, self._twice(ALARM, *_STEP)
        for row in self._table(f"SELECT alarm, event, state, occurrence, value, person, withheld FROM {ALARM.name} "
                               f"WHERE {self._here()} AND {_between(start_ns, end_ns)}"):
            if _named(row, "time", *_STEP) in twice:
                continue
            alarm, event, new, at = row["alarm"], Event(row["event"]), State(row["state"]), row["time"]
            if event is Event.RAISE:
                raised[alarm] = at
            value = row["value"]
            yield Transition(alarm, _number(row["occurrence"]), event, state.get(alarm, State.NORMAL), new, at, at,
                             raised.get(alarm, at), math.nan if value is None else value, False, row["person"] or "",
                             withheld=row["withheld"] or "")
            state[alarm] = new

    def strokes(self, end_ns: int) -> list[Stroke]:
        rules = {rule.id: rule for rule in self._site.proved}
        found, twice = [], self._twice(STROKE, *_STROKE)
        for row in self._table(f"SELECT rule, outcome, test, seconds FROM {STROKE.name} WHERE {self._here()} "
                               f"AND time < {end_ns} ORDER BY time DESC"):
            if _named(row, "time", *_STROKE) in twice:
                continue
            tests = rules[row["rule"]].proved if row["rule"] in rules else ()
            outcome, at = Outcome(row["outcome"]), row["time"]
            passed = outcome is Outcome.VERIFIED
            found.append(Stroke(row["rule"], outcome, row["test"], at, at, at, at, tuple(
                Seen(test, row["seconds"] if passed else None, passed) for test in tests)))
        return found

    def acts(self, start_ns: int, end_ns: int) -> list[Act]:
        twice = self._twice(AUDIT, *_ACT)
        return [Act(row["kind"], row["subject"], _act(row["text_en"]), row["time"], row["person"] or "",
                    row["why"] or "") for row in self._table(
            f"SELECT kind, text_en, subject, person, why, position FROM {AUDIT.name} "
            f"WHERE {self._here()} AND {_between(start_ns, end_ns)}") if _named(row, "time", *_ACT) not in twice]

    def rows(self, measurement: str, start_ns: int, end_ns: int) -> list[tuple[int, dict[str, Any]]]:
        contract = CONTRACT[measurement]
        fields = ", ".join(f'"{name}"' for name in contract.fields)
        return [(row.pop("time"), {name: value for name, value in row.items() if value is not None})
                for row in self._table(f"SELECT {fields} FROM {measurement} "
                                       f"WHERE {self._here()} AND {_between(start_ns, end_ns)}")]

    def stretch(self, start_ns: int, end_ns: int) -> Stretch:
        """The database adds up; only of signals of which a minute is missing the minutes themselves are fetched."""
        number, minutes = len(self._site.signals), (end_ns - start_ns) // MINUTE_NS
        high, low = np.full(number, np.nan), np.full(number, np.nan)
        there, count, bad = (np.zeros(number, np.int64) for _ in range(3))
        what = f"FROM {MINUTE.name} WHERE {self._here()} AND {_between(start_ns, end_ns)}"
        for row in self._table(f'SELECT max("max") AS high, min("min") AS low, count("count") AS there, '
                               f'sum("count") AS "count", sum(bad) AS bad {what} GROUP BY signal'):
            if (at := self._number.get(row["signal"])) is not None:
                high[at], low[at] = (np.nan if row[name] is None else row[name] for name in ("high", "low"))
                there[at], count[at], bad[at] = row["there"], row["count"], row["bad"] or 0
        present = np.repeat((there > 0)[:, None], minutes, 1)
        short = [signal.id for signal, rows in zip(self._site.signals, there.tolist(), strict=True)
                 if signal.deadman_s is not None and 0 < rows < minutes]
        for some in (short[n:n + _ASKED] for n in range(0, len(short), _ASKED)):
            asked = " OR ".join(f"signal = {_literal(id)}" for id in some)
            for series in self._ask(f'SELECT "count" {what} AND ({asked}) GROUP BY signal'):
                at = self._number[series["tags"]["signal"]]
                present[at] = False
                present[at, [(time - start_ns) // MINUTE_NS for time, _ in series["values"]]] = True
        return Stretch(present, high, low, count, bad)

    def chain(self) -> Chain | None:
        return None

    def notes(self) -> list[Text]:
        return [Text("The journal itself is on the gateway: its chain, and what settings were before a change, are not "
                     "in a database. There, run davylamp journal verify, or make this report from the data folder.",
                     "日志原件在网关上：数据库中没有日志链条，也没有变更前后的设定值。"
                     "请在网关上运行 davylamp journal verify，或用数据目录生成本报告。"),
                Text("A passed proof test counts for every valve of its rule: the database does not tell them apart.",
                     "验证测试通过即视为该规则的所有阀门通过：数据库不区分各阀门。")]

    def _twice(self, measurement: Measurement, *key: str) -> set[tuple]:
        """(time, *key) of rows that were sent before their time was known, and again when it was."""
        found = self._table(f"SELECT {', '.join(key)}, {CLOCK_UNTRUSTED} FROM {measurement.name} WHERE {self._here()} "
                            f"AND ({CLOCK_UNTRUSTED} = true OR {CLOCK_UNTRUSTED} = false)")
        right = {_named(row, *key) for row in found if not row[CLOCK_UNTRUSTED]}
        return {_named(row, "time", *key) for row in found if row[CLOCK_UNTRUSTED] and _named(row, *key) in right}

    def _here(self) -> str:
        return f"site = {_literal(self._site.id)}"

    def _table(self, query: str) -> list[dict[str, Any]]:
        return [dict(zip(series["columns"], values, strict=True)) | series.get("tags", {})
                for series in self._ask(query) for values in series["values"]]

    def _ask(self, query: str) -> list[dict[str, Any]]:
        """The series of one answer. SinkError: what a person must do."""
        asked = urlencode({"db": self._database, "q": query, "epoch": "ns"})
        try:
            reply = self._pool.request("GET", f"{self._url}/query?{asked}", headers=self._headers)
        except urllib3.exceptions.HTTPError as error:
            raise self._error(Text(f"the database gives no answer ({str(error)[:160]})",
                                   f"数据库无应答（{str(error)[:160]}）"), Text(
                "check address, port and network; or make the report from the data folder (--from store)",
                "检查地址、端口和网络；也可用数据目录生成报告（--from store）")) from error
        said = reply.data.decode("utf-8", "replace").strip()
        if reply.status in (401, 403):
            raise self._error(Text(f"the database refuses the credentials ({reply.status})",
                                   f"数据库拒绝凭据（{reply.status}）"), Text(
                "give a user or token that may read this database (password_file, token_file of the sink)",
                "请使用有读取权限的用户或令牌（输出配置中的 password_file、token_file）"))
        result = json.loads(said)["results"][0] if reply.status == 200 else {"error": f"{reply.status}: {said[:200]}"}
        if "error" in result:
            raise self._error(Text(f"the database can not answer: {result['error']}",
                                   f"数据库无法应答：{result['error']}"), Text(
                "check the name of the database; on 2.x the bucket needs its mapping (davylamp influx setup)",
                "检查数据库名称；2.x 的存储桶需要映射（davylamp influx setup）"))
        return result.get("series", [])

    def _error(self, what: Text, fix: Text) -> SinkError:
        return SinkError(what, where=self._url, fix=fix)


def _literal(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    return f"'{escaped}'"


def _between(start_ns: int, end_ns: int) -> str:
    return f"time >= {start_ns} AND time < {end_ns}"


def _named(row: dict[str, Any], *columns: str) -> tuple:
    return tuple(row[name] for name in columns)


def _number(occurrence: str) -> int:
    return int(occurrence.rpartition("#")[2])


def _act(text: str) -> str:
    return next((act for act, said in ACTS.items() if text.endswith(" " + said.en)), text.rpartition(" ")[2])
