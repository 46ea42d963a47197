"""One SQLite file for alarm states, journal and outbox: what belongs together changes in one transaction.

WAL with synchronous=FULL: when `commit` returns, the work is on the medium. After kill -9 or a power cut the file opens
by itself and holds exactly the transactions whose commit returned (and perhaps one more, whole).

The journal is append-only (triggers refuse UPDATE and DELETE) and chained (alerting.journal.chain).

A file that SQLite finds damaged is set aside (never deleted) and a new one is begun: alarms go on.
"""

from __future__ import annotations

import json
import math
import os
import sqlite3
import threading
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import astuple, dataclass, field, fields
from pathlib import Path
from typing import Any, Final

from alerting.engine import AlarmState, Transition
from alerting.journal import chain
from alerting.journal.chain import FIRST_HASH, link
from alerting.journal.reader import examine
from alerting.lifecycle import Event, State
from alerting.oncall.escalation import Ladder, Told
from alerting.overlays.hold import Hold, Kind, Step
from gateway.model.clock import Instant
from gateway.model.errors import LedgerError
from gateway.model.person import is_verified
from gateway.model.ports import Notice
from gateway.model.text import Text
from gateway.model.verdict import Evidence

# Entry n brings a file from user_version n to n + 1.
MIGRATIONS: Final = ("""
CREATE TABLE alarm (
    id TEXT PRIMARY KEY, state TEXT NOT NULL, occurrence INTEGER NOT NULL, raised_wall_ns INTEGER NOT NULL,
    raised_line_ns INTEGER NOT NULL, since_wall_ns INTEGER NOT NULL, edge_line_ns INTEGER NOT NULL, value REAL,
    first_out INTEGER NOT NULL, who TEXT NOT NULL, comment TEXT NOT NULL, evidence TEXT NOT NULL
) STRICT;
CREATE TABLE journal (
    position INTEGER PRIMARY KEY, kind TEXT NOT NULL, alarm TEXT NOT NULL, wall_ns INTEGER NOT NULL,
    body TEXT NOT NULL, hash BLOB NOT NULL
) STRICT;
CREATE TRIGGER journal_keeps_rows BEFORE DELETE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TRIGGER journal_keeps_text BEFORE UPDATE ON journal BEGIN SELECT RAISE(ABORT, 'the journal is append-only'); END;
CREATE TABLE outbox (
    key TEXT NOT NULL, notifier TEXT NOT NULL, alarm TEXT NOT NULL, priority INTEGER NOT NULL, line_ns INTEGER NOT NULL,
    payload TEXT NOT NULL, PRIMARY KEY (key, notifier)
) STRICT;
PRAGMA application_id = 0x4C414D50; -- "LAMP"
PRAGMA user_version = 1;
""", """
CREATE TABLE bypass (
    target TEXT PRIMARY KEY, who TEXT NOT NULL, why TEXT NOT NULL, approved TEXT NOT NULL,
    begun_line_ns INTEGER NOT NULL, begun_wall_ns INTEGER NOT NULL, until_line_ns INTEGER NOT NULL,
    until_wall_ns INTEGER NOT NULL, trusted INTEGER NOT NULL
) STRICT;
PRAGMA user_version = 2;
""", """
ALTER TABLE outbox ADD COLUMN recipient TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN language TEXT;
PRAGMA user_version = 3;
""", """
CREATE TABLE ladder (
    alarm TEXT PRIMARY KEY, occurrence INTEGER NOT NULL, raised_wall_ns INTEGER NOT NULL, policy TEXT NOT NULL,
    done INTEGER NOT NULL, due_line_ns INTEGER, muted INTEGER NOT NULL, told TEXT NOT NULL
) STRICT;
PRAGMA user_version = 4;
""", """
CREATE TABLE configuration (item TEXT PRIMARY KEY, settings TEXT NOT NULL) STRICT;
PRAGMA user_version = 5;
""", """
CREATE TABLE hold (
    kind TEXT NOT NULL, target TEXT NOT NULL, who TEXT NOT NULL, why TEXT NOT NULL, approved TEXT NOT NULL,
    begun_line_ns INTEGER NOT NULL, begun_wall_ns INTEGER NOT NULL, until_line_ns INTEGER NOT NULL,
    until_wall_ns INTEGER NOT NULL, trusted INTEGER NOT NULL, once INTEGER NOT NULL, PRIMARY KEY (kind, target)
) STRICT;
INSERT INTO hold SELECT 'bypass', *, 0 FROM bypass;
DROP TABLE bypass;
ALTER TABLE alarm ADD COLUMN called_line_ns INTEGER NOT NULL DEFAULT -9223372036854775808;
PRAGMA user_version = 6;
""")
_TRANSITION_COLUMNS: Final = tuple(column.name for column in fields(Transition) if column.name != "notify")
_EVENTS: Final = {str(event): event for event in Event}  # three times as quick as Event(...), at 100,000 rows
_STATES: Final = {str(state): state for state in State}
RUN: Final = "run"  # kind of the row with which a gateway stops in good order
_DAMAGED: Final = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


Settings = Mapping[str, Any]  # of one item of the site file


@dataclass(frozen=True, slots=True)
class Record:
    """One row of the journal to be. body: JSON-ready.

    kind: "transition", "gap", "given up", "bypass", "shelve", "out of service", "suppression" (alarm: its target),
    "recall" (one of these is over, people are called),
    "learning" (a person's hand on what was learnt; alarm: the signal), "stroke" (alarm: the rule; see alerting.proof),
    "routing" (who was told and who was not, and why; see alerting.oncall), "flood", "chatter" (a burst begins or ends;
    alarm: "" for a flood), "access" (log-ins, and changes of accounts and tokens; alarm: whose),
    "configuration" (what the site file says now and did not at the last start; alarm: the item, an alarm, signal, rule
    or area), "clock" (the time has arrived: see gateway.timekeeping; alarm: ""),
    "restore" (from here on another machine goes on, made of a backup),
    "run" (the gateway has stopped in good order: see alerting.gap).
    """

    kind: str
    alarm: str
    wall_ns: int
    body: dict


@dataclass(frozen=True, slots=True)
class Pending:
    """One notice that one notifier still has to hand over. line_ns: when it was made, for its age. to, language: see
    gateway.model.ports.Notice."""

    key: str
    notifier: str
    alarm: str
    priority: int
    line_ns: int
    payload: dict
    to: str = ""
    language: str | None = None

    @classmethod
    def of(cls, notice: Notice, notifier: str, priority: int, line_ns: int) -> Pending:
        return cls(notice.key, notifier, notice.alarm, priority, line_ns, notice.payload, notice.to, notice.language)

    @property
    def notice(self) -> Notice:
        """To be handed over again, under its old key."""
        return Notice(self.key, self.alarm, self.payload, to=self.to, language=self.language)


@dataclass(slots=True)
class Work:
    """One transaction. In `outbox`, None takes the row of (key, notifier) away; in `holds`, that of (kind, target); in
    `ladders`, that of the alarm; in `configuration`, that of the item (alerting.journal.configuration)."""

    states: dict[str, AlarmState] = field(default_factory=dict)
    records: list[Record] = field(default_factory=list)
    outbox: dict[tuple[str, str], Pending | None] = field(default_factory=dict)
    holds: dict[tuple[Kind, str], Hold | None] = field(default_factory=dict)
    ladders: dict[str, Ladder | None] = field(default_factory=dict)
    configuration: dict[str, Settings | None] = field(default_factory=dict)

    def __bool__(self) -> bool:
        return bool(self.states or self.records or self.outbox or self.holds or self.ladders or self.configuration)


@dataclass(frozen=True, slots=True)
class JournalRow:
    """position: 1, 2, 3 ... without a hole, in the order of commit."""

    position: int
    kind: str
    alarm: str
    wall_ns: int
    body: dict
    hash: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What was in the file when it was opened. set_aside: the damaged file that this one replaces. head: position of
    the last journal row. orderly: that row says that the gateway stopped in good order, or there is none."""

    states: tuple[AlarmState, ...]
    outbox: tuple[Pending, ...]
    set_aside: Path | None
    holds: tuple[Hold, ...] = ()
    head: int = 0
    ladders: tuple[Ladder, ...] = ()
    configuration: Mapping[str, Settings] = field(default_factory=dict)
    orderly: bool = True


class AlarmLedger:
    """The open file. One thread writes (`open`, `commit`, `tidy`, `close`); any thread may call `history` and `verify`.

    Every method raises LedgerError, which names the file.
    """

    def __init__(self, path: Path | str):
        self.path = Path(path)
        self._connection: sqlite3.Connection | None = None
        self._position = 0
        self._hash = FIRST_HASH
        self._damaged = False
        self._lock = threading.Lock()

    def open(self) -> Contents:
        """Open or create the file, bring it to the newest version, read what it holds. May be called again."""
        with self._errors():
            self.close()
            set_aside = self._set_aside() if self._damaged else None
            try:
                return self._open(set_aside)
            except (sqlite3.DatabaseError, ValueError) as error:
                if not _is_damage(error):
                    raise
            return self._open(self._set_aside())

    def commit(self, work: Work) -> None:
        """All of `work` or nothing. On return it is on the medium."""
        if self._connection is None:
            raise LedgerError(Text("the alarm file is not open", "告警文件未打开"), where=str(self.path))
        position, chained = self._position, self._hash
        rows = []
        for record in work.records:
            position += 1
            body = _json(record.body)
            chained = link(chained, position, record.kind, record.alarm, record.wall_ns, body)
            rows.append((position, record.kind, record.alarm, record.wall_ns, body, chained))
        gone = [key for key, pending in work.outbox.items() if pending is None]
        new = [(pending.key, pending.notifier, pending.alarm, pending.priority, pending.line_ns, _json(pending.payload),
                pending.to, pending.language)
               for pending in work.outbox.values() if pending is not None]
        with self._errors(), self._lock:
            connection = self._connection
            try:
                connection.execute("BEGIN IMMEDIATE")
                if work.states:
                    connection.executemany("INSERT OR REPLACE INTO alarm VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?)",
                                           [state_row(state) for state in work.states.values()])
                if rows:
                    connection.executemany("INSERT INTO journal VALUES (?,?,?,?,?,?)", rows)
                for key, hold in work.holds.items():
                    if hold is None:
                        connection.execute("DELETE FROM hold WHERE kind = ? AND target = ?", key)
                    else:
                        connection.execute("INSERT OR REPLACE INTO hold VALUES (?,?,?,?,?,?,?,?,?,?,?)", astuple(hold))
                for alarm, ladder in work.ladders.items():
                    if ladder is None:
                        connection.execute("DELETE FROM ladder WHERE alarm = ?", (alarm,))
                    else:
                        connection.execute("INSERT OR REPLACE INTO ladder VALUES (?,?,?,?,?,?,?,?)",
                                           _ladder_row(ladder))
                for item, settings in work.configuration.items():
                    if settings is None:
                        connection.execute("DELETE FROM configuration WHERE item = ?", (item,))
                    else:
                        connection.execute("INSERT OR REPLACE INTO configuration VALUES (?,?)", (item, _json(settings)))
                if gone:
                    connection.executemany("DELETE FROM outbox WHERE key = ? AND notifier = ?", gone)
                if new:
                    connection.executemany("INSERT OR REPLACE INTO outbox VALUES (?,?,?,?,?,?,?,?)", new)
                connection.execute("COMMIT")
            except sqlite3.Error as error:
                self._damaged = _is_damage(error)
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
        self._position, self._hash = position, chained

    def tidy(self) -> None:
        """Move the write-ahead log into the main file. Called when nothing waits: it costs some fsyncs."""
        with self._errors(), self._lock:
            if self._connection is not None:
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)")

    def close(self) -> None:
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            with self._errors():
                connection.close()

    def history(self, limit: int, before: int | None = None, kind: str | None = None,
                alarms: Collection[str] = ()) -> list[JournalRow]:
        """The newest `limit` rows of the journal, newest first; with `before`: of those older than that position; with
        `kind`: of those of that kind; with `alarms`: of those about one of them."""
        with self._errors(), closing(self._reader()) as connection:
            rows = connection.execute(
                "SELECT * FROM journal WHERE position < ?1 AND (?3 IS NULL OR kind = ?3) "
                "AND (?4 = '[]' OR alarm IN (SELECT value FROM json_each(?4))) ORDER BY position DESC LIMIT ?2",
                (before if before is not None else 1 << 62, limit, kind, _json([*alarms]))).fetchall()
        return [JournalRow(position, kind, alarm, wall_ns, json.loads(body), bytes(chained).hex())
                for position, kind, alarm, wall_ns, body, chained in rows]

    def verify(self) -> int:
        """Follow the chain from the first row. Returns the number of rows; LedgerError names the first wrong one."""
        examination = examine(self.path)
        if examination.faults:
            wrong = examination.faults[0].position
            raise LedgerError(Text(f"journal row {wrong} was changed or removed", f"日志第 {wrong} 行被修改或删除"),
                              where=str(self.path), retryable=False,
                              fix=Text("keep the file as evidence; compare with a backup",
                                       "保留该文件作为证据，并与备份比对"))
        return examination.rows

    # -- inside

    def _open(self, set_aside: Path | None) -> Contents:
        # 2 s of patience covers a reader's short lock; isolation_level None: transactions are ours
        connection = sqlite3.connect(self.path, timeout=2.0, isolation_level=None, check_same_thread=False)
        try:
            version = self._known_version(connection)  # first: a file that is not ours to write stays as it is
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("PRAGMA wal_autocheckpoint = 10000")  # normally `tidy` does it, when nobody waits
            connection.execute("PRAGMA journal_size_limit = 1048576")
            for number in range(version, len(MIGRATIONS)):
                connection.executescript(f"BEGIN IMMEDIATE; {MIGRATIONS[number]} COMMIT;")
            last = connection.execute("SELECT position, hash, kind FROM journal "
                                      "ORDER BY position DESC LIMIT 1").fetchone()
            contents = Contents(tuple(_read_states(connection)), tuple(_read_outbox(connection)), set_aside,
                                tuple(_read_holds(connection)), last[0] if last else 0,
                                tuple(_read_ladders(connection)), _read_configuration(connection),
                                last is None or last[2] == RUN)
        except BaseException:
            connection.close()
            raise
        self._position, self._hash = last[:2] if last else (0, FIRST_HASH)
        self._connection = connection
        return contents

    def _known_version(self, connection: sqlite3.Connection) -> int:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if version > len(MIGRATIONS):
            raise LedgerError(Text(f"the alarm file has version {version}, this program knows {len(MIGRATIONS)}",
                                   f"告警文件版本为 {version}，本程序只支持到 {len(MIGRATIONS)}"), where=str(self.path),
                              fix=Text("install the newer version again, or move the file away",
                                       "请重新安装新版本，或移走该文件"),
                              retryable=False)
        return version

    def _reader(self) -> sqlite3.Connection:
        return sqlite3.connect(f"file:{_uri_path(self.path)}?mode=ro", uri=True, timeout=2.0)

    def _set_aside(self) -> Path:
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
        for suffix in ("-wal", "-shm", ""):
            source = self.path.with_name(self.path.name + suffix)
            if source.exists():
                os.replace(source, aside.with_name(aside.name + suffix))
        self._damaged = False
        return aside

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, OSError) as error:
            raise LedgerError(
                Text(f"the alarm file can not be used: {error}", f"告警文件无法使用：{error}"), where=str(self.path),
                fix=Text("check free space, permissions and the state of the disk or SD card",
                         "检查剩余空间、权限以及磁盘或存储卡状态")) from error


def last_instant(path: Path | str) -> Instant | None:
    """The newest edge in the file at `path`, for `TimeLine.resume`; None where there is none or it can not be read.

    The wall clock of an edge is not known to have been right, so it is not called trusted.
    """
    try:
        with closing(sqlite3.connect(f"file:{_uri_path(Path(path))}?mode=ro", uri=True, timeout=2.0)) as connection:
            row = connection.execute("SELECT edge_line_ns, since_wall_ns FROM alarm WHERE edge_line_ns > 0 "
                                     "ORDER BY edge_line_ns DESC LIMIT 1").fetchone()
    except sqlite3.Error:
        return None
    return None if row is None else Instant(row[0], row[1], trusted=False)


def transition_record(transition: Transition) -> Record:
    """A transition as a row of the journal."""
    body = {name: getattr(transition, name) for name in _TRANSITION_COLUMNS}  # asdict would copy every value deeply
    body["value"] = transition.value if math.isfinite(transition.value) else None
    body["evidence"] = evidence_json(transition.evidence)
    if transition.who:
        body["verified"] = is_verified(transition.who)
    if not transition.withheld:
        del body["withheld"]
    return Record("transition", body.pop("alarm"), body.pop("wall_ns"), body)


def transition_of(alarm: str, wall_ns: int, body: dict) -> Transition:
    """The transition that a row of the journal records, without its evidence."""
    value = body.get("value")
    return Transition(alarm, body["occurrence"], _EVENTS[body["event"]], _STATES[body["old"]], _STATES[body["new"]],
                      wall_ns, body["line_ns"], body["raised_wall_ns"], math.nan if value is None else value,
                      body["first_out"], body["who"], body["comment"], withheld=body.get("withheld", ""))


def _json(value: object) -> str:
    """Whatever it is: one row that can not be written would hold up all that come after it. What is no text (half a
    pair of surrogates, as JSON from outside may hold) becomes "?"."""
    try:
        stored = chain.text(value)
    except (ValueError, TypeError, RecursionError):
        stored = chain.text({"unwritable": repr(value)})
    return stored.encode("utf-8", "replace").decode("utf-8")


def hold_record(step: Step) -> Record:
    """A hold that began or ended as a row of the journal."""
    hold = step.hold
    body = {"act": step.act, "who": step.who, "why": step.why, "owner": hold.who, "approved": hold.approved,
            "verified": is_verified(step.who or hold.who), "line_ns": step.at.line_ns,
            "begun_wall_ns": hold.begun_wall_ns, "until_wall_ns": hold.until_wall_ns}
    if hold.kind is Kind.SUPPRESSION:  # nobody did it
        body = {name: value for name, value in body.items() if name not in ("who", "owner", "approved", "verified")}
        body |= {"why": hold.why, "alarms": [alarm.id for alarm in step.alarms]}
    return Record(hold.kind, hold.target, step.at.wall_ns, body)


def evidence_json(evidence: tuple[Evidence, ...]) -> list[dict]:
    return [{"wall_ns": line.wall_ns, "signal": line.signal, "value": line.value if math.isfinite(line.value) else None,
             "note": {"en": line.note.en, "zh": line.note.zh}} for line in evidence]


def evidence_from_json(lines: list[dict]) -> tuple[Evidence, ...]:
    return tuple(Evidence(line["wall_ns"], line["signal"], math.nan if line["value"] is None else line["value"],
                          Text(**line["note"])) for line in lines)


def _read_states(connection: sqlite3.Connection) -> Iterator[AlarmState]:
    yield from map(state_from_row, connection.execute("SELECT * FROM alarm"))


def _read_outbox(connection: sqlite3.Connection) -> Iterator[Pending]:
    for key, notifier, alarm, priority, line_ns, payload, to, language in connection.execute(
            "SELECT * FROM outbox ORDER BY rowid"):
        yield Pending(key, notifier, alarm, priority, line_ns, json.loads(payload), to, language)


def _read_holds(connection: sqlite3.Connection) -> Iterator[Hold]:
    for kind, *columns, trusted, once in connection.execute("SELECT * FROM hold ORDER BY rowid"):
        yield Hold(Kind(kind), *columns, trusted=bool(trusted), once=bool(once))


def _read_ladders(connection: sqlite3.Connection) -> Iterator[Ladder]:
    for *columns, muted, told in connection.execute("SELECT * FROM ladder ORDER BY rowid"):
        yield Ladder(*columns, bool(muted), tuple(Told(*one) for one in json.loads(told)))


def _ladder_row(ladder: Ladder) -> tuple:
    return (ladder.alarm, ladder.occurrence, ladder.raised_wall_ns, ladder.policy, ladder.done, ladder.due_line_ns,
            ladder.muted, _json([astuple(one) for one in ladder.told]))


def _read_configuration(connection: sqlite3.Connection) -> dict[str, Settings]:
    return {item: json.loads(settings) for item, settings in connection.execute("SELECT * FROM configuration")}


def state_from_row(row: Sequence[Any]) -> AlarmState:
    (alarm, state, occurrence, raised_wall, raised_line, since, edge_line, value, first_out, who, comment, evidence,
     called_line) = row
    return AlarmState(alarm, State(state), occurrence, raised_wall, raised_line, since, edge_line,
                      math.nan if value is None else value, bool(first_out), who, comment,
                      evidence_from_json(json.loads(evidence)), called_line)


def state_row(state: AlarmState) -> tuple:
    """As it stands in the file."""
    return (state.alarm, state.state, state.occurrence, state.raised_wall_ns, state.raised_line_ns, state.since_wall_ns,
            state.edge_line_ns, state.value if math.isfinite(state.value) else None, state.first_out, state.who,
            state.comment, _json(evidence_json(state.evidence)), state.called_line_ns)


def _is_damage(error: Exception) -> bool:
    """SQLite finds the file malformed, or a row does not hold what we write."""
    if isinstance(error, sqlite3.Error):
        return getattr(error, "sqlite_errorcode", 0) & 0xFF in _DAMAGED
    return isinstance(error, ValueError)


def _uri_path(path: Path) -> str:
    return str(path.absolute()).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
