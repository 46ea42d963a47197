"""Whatever a person writes, `load` answers with problems, never with an exception."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gateway.config import load, render
from tests.config.documents import ROOT
from tests.config.plugins import REAL

DEPOT = ROOT / "deploy" / "sites" / "depot.toml"


def dotted(node, path=()):
    """Every place of the depot that an override can reach."""
    for key, child in (node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()):
        here = (*path, str(key))
        if "." not in str(key):
            if isinstance(node, dict):
                yield ".".join(here)
            yield from dotted(child, here)


PLACES = sorted(dotted(tomllib.loads(DEPOT.read_text(encoding="utf-8"))))
SCALARS = st.one_of(st.text(max_size=12), st.integers(), st.floats(), st.booleans(), st.datetimes(),
                    st.sampled_from(["none", "P1", "5s", "-5s", "GD-01", "GD-01 > 1", "level", "2%", "1e999", "０",
                                     "{}", "{x}"]))
KEYS = st.one_of(st.text(max_size=6), st.sampled_from(["id", "type", "value", "H", "limits", "signal", "points",
                                                       "points_csv", "en", "zh"]))
VALUES = st.recursive(SCALARS, lambda inner: st.one_of(st.lists(inner, max_size=3),
                                                       st.dictionaries(KEYS, inner, max_size=3)), max_leaves=6)


@pytest.mark.survives("any value of any type at any place of a site file",
                      then="accepted or refused with problems in both languages, never an exception")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from(PLACES), VALUES, min_size=1, max_size=4))
def test_nonsense_anywhere_is_answered_with_problems(overrides):
    loaded = load(DEPOT, REAL, overrides)

    assert (loaded.site_file is None) == any(problem.severity == "error" for problem in loaded.problems)
    assert all(problem.what.zh and problem.fix.zh for problem in loaded.problems)
    assert render(loaded.problems, "en") and render(loaded.problems, "zh")
