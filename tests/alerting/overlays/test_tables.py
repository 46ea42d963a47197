"""The four tables: total over what each can meet, sound, and those that the documentation shows."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from alerting.overlays.__main__ import TABLES, page
from alerting.overlays.tables import Act, Effect, acts, states

tables = pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)


@tables
def test_every_pair_is_answered(table):
    assert set(table) == set(product(states(table), acts(table)))


@tables
def test_every_row_is_sound(table):
    nothing = states(table)[0]
    for (state, act), answer in table.items():
        assert (answer.state is not state) == (Effect.JOURNAL in answer.effects), "what changes is journalled"
        assert not answer.refused or answer.state is state
        assert (Effect.WITHHOLD in answer.effects) == (state is nothing and answer.state is not nothing)
        assert (Effect.WITHHOLD in answer.effects) <= (act in (Act.BEGIN, Act.BEGIN_ONCE)), "time withholds nothing"


@tables
def test_time_leads_out_of_every_state_that_withholds_and_then_people_are_called(table):
    """The law: nothing withheld lasts for ever. A state withholds from `withhold` to `recall`."""
    withholding = {answer.state for answer in table.values() if Effect.WITHHOLD in answer.effects}
    assert withholding
    for state in withholding:
        answer = table[state, Act.EXPIRE]
        assert answer.state not in withholding and Effect.RECALL in answer.effects
    for state in set(states(table)) - withholding:
        assert table[state, Act.EXPIRE].state is state, "a late timer does no harm"
        assert table[state, Act.EXPIRE].effects == frozenset()


@tables
def test_no_way_out_of_withholding_is_silent(table):
    withholding = {answer.state for answer in table.values() if Effect.WITHHOLD in answer.effects}
    for (state, _), answer in table.items():
        if state in withholding and answer.state not in withholding:
            assert Effect.RECALL in answer.effects


def test_the_page_about_alarms_shows_these_tables():
    shown = (Path(__file__).parents[3] / "docs" / "explanation" / "alarms.md").read_text(encoding="utf-8")
    assert page() in shown, "refresh docs/explanation/alarms.md with the output of: python -m alerting.overlays"
