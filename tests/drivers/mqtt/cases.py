"""Payloads that come from the field, good and bad, and what becomes of them. The docs' table is made from this list.

Each case is one message on one topic; `expected` is every sample it makes: (signal, value or None, quality).
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

from drivers.mqtt.payload import Reason
from gateway.model.quality import Quality

GOOD, STALE, BAD = Quality.GOOD, Quality.UNCERTAIN_STALE, Quality.BAD_PAYLOAD
NOW = 1_790_000_000  # seconds; the moment every case's message arrives
DEADMAN = 5.0  # of every signal but "FREE", which has none

SCALAR = 'topic = "t"\nsignal = "A"'
JSON = 'topic = "t"\nvalues = { A = "a", B = "b.c" }'
STAMPED = JSON + '\ntime = "ts"\ntime_unit = "s"'
ORDER = 'topic = "t"\norder = ["A", "B", "C"]'
SAMPLES = ('topic = "t"\nsignal = "{id}"\nnames.id = { "1" = "A", x = "B" }\nsamples = { quality = "q" }\n'
           'time = "ts"\ntime_unit = "ms"')
FREE = 'topic = "t"\nvalues = { FREE = "a" }\ntime = "ts"\ntime_unit = "s"'
ISO = JSON + '\ntime = "ts"\ntime_zone = "Asia/Shanghai"'


@dataclass(frozen=True)
class Case:
    id: str
    mapping: str
    payload: bytes
    expected: list[tuple[str, float | None, Quality]]
    reasons: tuple[Reason, ...] = ()
    arrival: dict[str, Any] = field(default_factory=dict)  # retained, backlog

    @property
    def bad(self) -> bool:
        return bool(self.reasons) or any(quality != GOOD for _, _, quality in self.expected)


def bad(*signals: str) -> list[tuple[str, float | None, Quality]]:
    return [(signal, None, BAD) for signal in signals]


def rows(*samples: tuple) -> bytes:
    """A samples payload of (id, value, seconds) or (id, value, seconds, mark)."""
    return json.dumps([{"id": each[0], "v": each[1], "ts": each[2] * 1000, "q": each[3] if len(each) > 3 else 0}
                       for each in samples]).encode()


CASES = [
    # plain scalars
    Case("number", SCALAR, b"23.5", [("A", 23.5, GOOD)]),
    Case("number-with-spaces", SCALAR, b" 23.5\r\n", [("A", 23.5, GOOD)]),
    Case("number-with-plus-sign", SCALAR, b"+5", [("A", 5.0, GOOD)]),
    Case("number-with-leading-zero", SCALAR, b"007", [("A", 7.0, GOOD)]),
    Case("negative-exponent", SCALAR, b"-1.5e-3", [("A", -0.0015, GOOD)]),
    Case("word-ON", SCALAR, b"ON", [("A", 1.0, GOOD)]),
    Case("word-false", SCALAR, b"false", [("A", 0.0, GOOD)]),
    Case("word-online", SCALAR, b"online", [("A", 1.0, GOOD)]),
    Case("own-words", SCALAR + "\nmap = { offen = 1, zu = 0 }", b"Offen", [("A", 1.0, GOOD)]),
    Case("own-words-replace-the-usual", SCALAR + "\nmap = { offen = 1, zu = 0 }", b"ON", bad("A"),
         (Reason.UNKNOWN_WORD,)),
    Case("scale-and-offset", SCALAR + "\nscale = 0.1\noffset = -40", b"600", [("A", 20.0, GOOD)]),
    Case("empty", SCALAR, b"", bad("A"), (Reason.EMPTY,)),
    Case("only-spaces", SCALAR, b"  \n", bad("A"), (Reason.EMPTY,)),
    Case("invalid-utf-8", SCALAR, b"\xff\xfe21", bad("A"), (Reason.NOT_UTF8,)),
    Case("number-with-unit", SCALAR, b"23.5 C", bad("A"), (Reason.UNKNOWN_WORD,)),
    Case("nan", SCALAR, b"NaN", bad("A"), (Reason.NOT_FINITE,)),
    Case("infinity", SCALAR, b"-Infinity", bad("A"), (Reason.NOT_FINITE,)),
    Case("1e999", SCALAR, b"1e999", bad("A"), (Reason.NOT_FINITE,)),
    Case("overflow-by-scale", SCALAR + "\nscale = 1e10", b"1e305", bad("A"), (Reason.NOT_FINITE,)),
    Case("quoted-number", SCALAR, b'"23.5"', bad("A"), (Reason.NUMBER_AS_TEXT,)),
    Case("quoted-number-allowed", SCALAR + "\ntext_numbers = true", b'"23.5"', [("A", 23.5, GOOD)]),
    Case("underscore-is-no-number", SCALAR, b"1_000", bad("A"), (Reason.UNKNOWN_WORD,)),
    Case("object-for-scalar", SCALAR, b'{"v": 1}', bad("A"), (Reason.NOT_A_NUMBER,)),
    Case("null", SCALAR, b"null", bad("A"), (Reason.NO_VALUE,)),
    Case("one-megabyte", SCALAR, b"1" * 2**20, bad("A"), (Reason.TOO_LARGE,)),
    Case("retained", SCALAR, b"23.5", [("A", 23.5, STALE)], arrival={"retained": True}),
    Case("waited-at-the-broker", SCALAR, b"23.5", [("A", 23.5, STALE)], arrival={"backlog": True}),
    Case("retained-and-malformed", SCALAR, b"x", bad("A"), (Reason.UNKNOWN_WORD,), {"retained": True}),
    # JSON
    Case("json", JSON, b'{"a": 1, "b": {"c": 2.5}}', [("A", 1.0, GOOD), ("B", 2.5, GOOD)]),
    Case("json-boolean-and-word", JSON, b'{"a": true, "b": {"c": "OFF"}}', [("A", 1.0, GOOD), ("B", 0.0, GOOD)]),
    Case("json-one-missing", JSON, b'{"a": 1}', [("A", 1.0, GOOD), *bad("B")], (Reason.MISSING,)),
    Case("json-one-missing-partial", JSON + "\npartial = true", b'{"a": 1}', [("A", 1.0, GOOD)]),
    Case("json-one-null", JSON, b'{"a": null, "b": {"c": 2}}', [*bad("A"), ("B", 2.0, GOOD)], (Reason.NO_VALUE,)),
    Case("json-number-as-text", JSON, b'{"a": "1", "b": {"c": 2}}', [*bad("A"), ("B", 2.0, GOOD)],
         (Reason.NUMBER_AS_TEXT,)),
    Case("json-wrong-nesting", JSON, b'{"a": {"x": 1}, "b": 5}', bad("A", "B"), (Reason.NOT_A_NUMBER, Reason.MISSING)),
    Case("json-nan", JSON, b'{"a": NaN, "b": {"c": 2}}', bad("A", "B"), (Reason.NOT_FINITE,)),
    Case("json-infinity", JSON, b'{"a": Infinity, "b": {"c": 2}}', bad("A", "B"), (Reason.NOT_FINITE,)),
    Case("json-1e999", JSON, b'{"a": 1e999, "b": {"c": 2}}', bad("A", "B"), (Reason.NOT_FINITE,)),
    Case("json-cut-off", JSON, b'{"a": 1, "b"', bad("A", "B"), (Reason.NOT_JSON,)),
    Case("json-empty", JSON, b"", bad("A", "B"), (Reason.EMPTY,)),
    Case("json-invalid-utf-8", JSON, b'{"a": "\xff"}', bad("A", "B"), (Reason.NOT_UTF8,)),
    Case("json-nested-2000-deep", JSON, b"[" * 2000 + b"]" * 2000, bad("A", "B"), (Reason.TOO_DEEP,)),
    Case("json-plain-number", JSON, b"5", bad("A", "B"), (Reason.WRONG_SHAPE,)),
    Case("json-array-instead-of-object", JSON, b"[1, 2]", bad("A", "B"), (Reason.MISSING, Reason.MISSING)),
    Case("json-huge-integer", JSON, b'{"a": 123456789012345678901234567890, "b": {"c": 2}}',
         [("A", 123456789012345678901234567890.0, GOOD), ("B", 2.0, GOOD)]),
    Case("json-duplicate-key-last-counts", JSON, b'{"a": 1, "a": 9, "b": {"c": 2}}',
         [("A", 9.0, GOOD), ("B", 2.0, GOOD)]),
    # the sender's own time
    Case("stamp-now", STAMPED, b'{"a": 1, "b": {"c": 2}, "ts": %d}' % NOW, [("A", 1.0, GOOD), ("B", 2.0, GOOD)]),
    Case("stamp-within-deadman", STAMPED, b'{"a": 1, "b": {"c": 2}, "ts": %d}' % (NOW - 4),
         [("A", 1.0, GOOD), ("B", 2.0, GOOD)]),
    Case("stamp-older-than-deadman", STAMPED, b'{"a": 1, "b": {"c": 2}, "ts": %d}' % (NOW - 6),
         [("A", 1.0, STALE), ("B", 2.0, STALE)]),
    Case("stamp-now-but-retained", STAMPED, b'{"a": 1, "b": {"c": 2}, "ts": %d}' % NOW,
         [("A", 1.0, STALE), ("B", 2.0, STALE)], arrival={"retained": True}),
    Case("stamp-fresh-from-the-backlog", STAMPED, b'{"a": 1, "b": {"c": 2}, "ts": %d}' % (NOW - 1),
         [("A", 1.0, GOOD), ("B", 2.0, GOOD)], arrival={"backlog": True}),
    Case("stamp-an-hour-old-without-deadman", FREE, b'{"a": 1, "ts": %d}' % (NOW - 3600), [("FREE", 1.0, GOOD)]),
    Case("stamp-from-the-backlog-without-deadman", FREE, b'{"a": 1, "ts": %d}' % (NOW - 3600), [("FREE", 1.0, STALE)],
         arrival={"backlog": True}),
    Case("stamp-slightly-ahead", STAMPED, b'{"a": 1, "b": {"c": 2}, "ts": %d}' % (NOW + 5),
         [("A", 1.0, GOOD), ("B", 2.0, GOOD)]),
    Case("stamp-in-the-future", STAMPED, b'{"a": 1, "b": {"c": 2}, "ts": %d}' % (NOW + 3600),
         [("A", 1.0, Quality.UNCERTAIN), ("B", 2.0, Quality.UNCERTAIN)], (Reason.FUTURE_STAMP,)),
    Case("stamp-1970", STAMPED, b'{"a": 1, "b": {"c": 2}, "ts": 12}', [("A", 1.0, STALE), ("B", 2.0, STALE)],
         (Reason.CLOCK_NOT_SET,)),
    Case("stamp-missing", STAMPED, b'{"a": 1, "b": {"c": 2}}', bad("A", "B"), (Reason.MISSING,)),
    Case("stamp-is-text", STAMPED, b'{"a": 1, "b": {"c": 2}, "ts": "now"}', bad("A", "B"), (Reason.BAD_STAMP,)),
    Case("stamp-beyond-time", STAMPED, b'{"a": 1, "b": {"c": 2}, "ts": 1e300}', bad("A", "B"), (Reason.BAD_STAMP,)),
    Case("stamp-iso-utc", ISO, b'{"a": 1, "b": {"c": 2}, "ts": "2026-09-21T14:13:20Z"}',
         [("A", 1.0, GOOD), ("B", 2.0, GOOD)]),
    Case("stamp-iso-local", ISO, b'{"a": 1, "b": {"c": 2}, "ts": "2026-09-21T22:13:20"}',
         [("A", 1.0, GOOD), ("B", 2.0, GOOD)]),
    # arrays
    Case("order", ORDER, b'{"values": [1, 2.5, true]}', [("A", 1.0, GOOD), ("B", 2.5, GOOD), ("C", 1.0, GOOD)]),
    Case("order-null", ORDER, b'{"values": [1, null, 3]}', [("A", 1.0, GOOD), *bad("B"), ("C", 3.0, GOOD)],
         (Reason.NO_VALUE,)),
    Case("order-too-short", ORDER, b'{"values": [1, 2]}', bad("A", "B", "C"), (Reason.WRONG_COUNT,)),
    Case("order-not-an-array", ORDER, b'{"values": {"A": 1}}', bad("A", "B", "C"), (Reason.WRONG_SHAPE,)),
    Case("order-missing", ORDER, b"{}", bad("A", "B", "C"), (Reason.MISSING,)),
    Case("samples", SAMPLES, rows((1, 5, NOW - 2), ("x", 6, NOW - 1, "good")), [("A", 5.0, GOOD), ("B", 6.0, GOOD)]),
    Case("samples-sorted-by-time", SAMPLES, rows((1, 5, NOW), (1, 4, NOW - 1)), [("A", 4.0, GOOD), ("A", 5.0, GOOD)]),
    Case("samples-old-and-new", SAMPLES, rows((1, 5, NOW - 60), (1, 6, NOW)), [("A", 5.0, STALE), ("A", 6.0, GOOD)]),
    Case("samples-bad-mark", SAMPLES, rows((1, 5, NOW, 2147483648)),
         [("A", 5.0, Quality.BAD_DEVICE)]),
    Case("samples-unknown-id", SAMPLES, rows(("who", 5, NOW)), [], (Reason.UNKNOWN_ID,)),
    Case("samples-one-without-value", SAMPLES,
         b'[{"id": 1, "ts": %d000, "q": 0}, {"id": "x", "v": 6, "ts": %d000, "q": 0}]'
         % (NOW, NOW), [*bad("A"), ("B", 6.0, GOOD)], (Reason.MISSING,)),
    Case("samples-one-no-object", SAMPLES, b'[7, {"id": "x", "v": 6, "ts": %d000, "q": 0}]' % NOW, [("B", 6.0, GOOD)],
         (Reason.WRONG_SHAPE,)),
    Case("samples-id-is-a-list", SAMPLES, rows(([1], 6, NOW)), [], (Reason.UNKNOWN_ID,)),
    Case("samples-not-an-array", SAMPLES, b'{"id": 1}', bad("A", "B"), (Reason.WRONG_SHAPE,)),
    Case("samples-empty-array", SAMPLES, b"[]", []),
]
