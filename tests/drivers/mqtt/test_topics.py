"""Topic filters: what they match, held against paho's own matcher as an independent witness."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from paho.mqtt.client import topic_matches_sub

from drivers.mqtt.topics import Pattern, overlap

LEVEL = st.sampled_from(["a", "b", "", "$x"])
TOPIC = st.lists(LEVEL, min_size=1, max_size=4).map("/".join).filter(bool)
FILTER = st.tuples(st.lists(LEVEL | st.just("+"), max_size=3), st.sampled_from(["+", "#", "a"])).map(
    lambda parts: "/".join((*parts[0], parts[1])))


@given(FILTER, TOPIC)
def test_matching_agrees_with_paho(pattern, topic):
    assert Pattern.parse(pattern).matches(topic) == topic_matches_sub(pattern, topic)


@given(FILTER, FILTER, TOPIC)
def test_filters_that_match_one_topic_overlap(one, two, topic):
    if Pattern(one).matches(topic) and Pattern(two).matches(topic):
        assert overlap(one, two) and overlap(two, one)


@pytest.mark.parametrize(("one", "two"), [("a/b", "a/c"), ("a/+", "a/b/c"), ("a/+/c", "a/b/d"), ("a", "b/#")])
def test_filters_that_share_no_topic_do_not_overlap(one, two):
    assert not overlap(one, two) and not overlap(two, one)


def test_named_levels_are_subscribed_to_as_one_level():
    pattern = Pattern.parse("frigate/{camera}/detect/{what}")
    assert pattern.filter == "frigate/+/detect/+" and pattern.names == ("camera", "what")
    assert pattern.fill({"camera": "yard", "what": "state"}).text == "frigate/yard/detect/state"


@pytest.mark.parametrize("text", ["", "a+/b", "a/#/b", "a/{b", "x{y}", "a/{1}", "$share/g/a", "a\0b", "x" * 70_000])
def test_what_is_no_filter_is_refused_in_both_languages(text):
    with pytest.raises(ValueError) as refused:
        Pattern.parse(text)
    what, fix = refused.value.args
    assert what.en and what.zh and fix.en and fix.zh
