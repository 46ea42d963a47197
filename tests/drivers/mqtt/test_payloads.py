"""Every payload of `cases` through the real mapping, decoder and frame; and the same laws for any bytes at all."""

from __future__ import annotations

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from drivers.mqtt.decode import Arrival
from drivers.mqtt.payload import REASONS
from drivers.mqtt.reception import Reception
from gateway.model import quality
from gateway.model.clock import NS, Instant
from gateway.model.frame import Frame
from gateway.model.quality import LABELS, Quality, is_bad
from tests.drivers.mqtt import cases
from tests.drivers.mqtt.cases import CASES, DEADMAN, NOW, Case
from tests.drivers.mqtt.stage import section, table

ANY_JSON = st.recursive(  # with the keys that the mappings look for; json.dumps writes NaN and Infinity too
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["a", "b", "c", "id", "v", "ts", "q", "values"]), inner, max_size=4),
    max_leaves=8).map(lambda document: json.dumps(document).encode())
HERE = Instant(line_ns=7 * NS, wall_ns=NOW * NS)


def reception(mapping: str) -> tuple[Reception, tuple[str, ...]]:
    config = section(f"[[topics]]\n{mapping}")
    signals = table(config, A=DEADMAN, B=DEADMAN, C=DEADMAN)
    return Reception(config, signals), signals.ids


def arrival(payload: bytes, retained: bool = False, backlog: bool = False, at: Instant = HERE) -> Arrival:
    return Arrival("t", payload, 1, 1, retained, backlog, at)


def check(case: Case) -> tuple[Reception, Frame]:
    """Through reception, and every sample as expected."""
    receive, ids = reception(case.mapping)
    frame = receive.frame([arrival(case.payload, **case.arrival)])
    samples = [(ids[signal], None if math.isnan(value) else value, quality.code(code))
               for signal, value, code in zip(frame.signal, frame.value, frame.quality, strict=True)]
    assert sorted(samples, key=str) == sorted(case.expected, key=str)
    assert tuple(receive.others.refusals.elements()) == case.reasons
    assert receive.rejected == (1 if case.reasons else 0)
    assert (frame.line_ns == HERE.line_ns).all()
    return receive, frame


@pytest.mark.parametrize("case", [case for case in CASES if not case.bad], ids=lambda case: case.id)
def test_what_becomes_of_a_good_payload(case: Case):
    check(case)


def survived(case: Case):
    """What is said: the last reason, or the quality where the message itself is in order."""
    shown = case.payload.decode(errors="backslashreplace").strip()
    became: dict[str, list[str]] = {}
    for signal, value, code in case.expected:
        became.setdefault(f"{'no value' if value is None else value} ({LABELS[code].en})", []).append(signal)
    worst = max((code for _, _, code in case.expected), default=Quality.GOOD)
    return pytest.param(case, id=case.id, marks=pytest.mark.survives(
        f"payload: {case.id.replace('-', ' ')}" + (f": `{shown}`" if 0 < len(shown) < 80 else ""),
        then="; ".join(f"{', '.join(signals)}: {what}" for what, signals in became.items()) or "no sample",
        says=REASONS[case.reasons[-1]] if case.reasons else LABELS[worst]))


@pytest.mark.parametrize("case", [survived(case) for case in CASES if case.bad])
def test_what_becomes_of_a_bad_payload(case: Case, says):
    receive, frame = check(case)
    assert says(receive.others.reason if case.reasons else LABELS[quality.code(int(frame.quality.max()))])


def test_the_ids_of_the_cases_are_unique():
    assert len({case.id for case in CASES}) == len(CASES)


@pytest.mark.parametrize("mapping", [cases.SCALAR, cases.JSON, cases.STAMPED, cases.ORDER, cases.SAMPLES],
                         ids=["scalar", "json", "stamped", "order", "samples"])
@given(payload=st.binary(max_size=200) | ANY_JSON)
def test_no_payload_stops_the_reception_or_makes_a_good_value_of_nothing(mapping, payload):
    receive, _ = reception(mapping)
    frame = receive.frame([arrival(payload)])
    assert "decoder_failed" not in receive.others.refusals
    assert (is_bad(frame.quality) | np.isfinite(frame.value)).all()


def test_a_stamp_from_the_future_does_not_reach_the_store():
    receive, _ = reception(cases.STAMPED)
    frame = receive.frame([arrival(b'{"a": 1, "b": {"c": 2}, "ts": %d}' % (NOW + 3600))])
    assert (frame.wall_ns == HERE.wall_ns).all()


def test_the_senders_stamp_is_the_wall_time_and_arrival_the_line_time():
    receive, _ = reception(cases.STAMPED)
    frame = receive.frame([arrival(b'{"a": 1, "b": {"c": 2}, "ts": %d.25}' % (NOW - 2))])
    assert (frame.wall_ns == (NOW - 2) * NS + NS // 4).all() and (frame.line_ns == HERE.line_ns).all()


def test_while_our_clock_is_not_trusted_ages_are_not_judged_but_flagged():
    receive, _ = reception(cases.STAMPED)
    at = Instant(HERE.line_ns, 1_000_000_000 * NS, trusted=False)  # an unset clock, decades behind
    frame = receive.frame([arrival(b'{"a": 1, "b": {"c": 2}, "ts": %d}' % NOW, at=at)])
    assert [quality.code(code) for code in frame.quality] == [Quality.GOOD, Quality.GOOD]
    assert (frame.quality & 0x0100).all()


def test_complaints_are_logged_once_a_minute_with_their_number(caplog):
    receive, _ = reception(cases.SCALAR)
    for second in range(120):
        receive.frame([arrival(b"x", at=HERE.later(second))])
    assert [record.args[-1] for record in caplog.records] == [1, 60]
    assert receive.others.refusals["unknown_word"] == 120
