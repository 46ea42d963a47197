"""The words that the tables of the overlays share. Each overlay has a total table of its own, in its own module: every
(state, act) pair that it can meet is answered.

The alarm lives on under every overlay (alerting.lifecycle): it is raised, shown, acknowledged, journalled, and counts
for the risk level. Only effects are withheld, each with its reason, and time leads out of every state that withholds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Act(StrEnum):
    BEGIN = "begin"  # by a person; of a suppression by design: its condition holds
    BEGIN_ONCE = "begin_once"  # until the alarm has returned to normal, or the time is over
    END = "end"  # by a person; of a suppression by design: its condition is over
    NORMAL = "normal"  # the alarm has returned to normal
    EXPIRE = "expire"  # by time, or by doubt after a restart


class Effect(StrEnum):
    WITHHOLD = "withhold"  # from now on nobody is called
    RECALL = "recall"  # people are called for what is still active and nobody has taken, or was told of
    JOURNAL = "journal"
    REFUSE = "refuse"  # a person asked for what makes no sense in this state: say so


@dataclass(frozen=True, slots=True)
class Answer:
    state: StrEnum
    effects: frozenset[Effect] = frozenset()

    @property
    def refused(self) -> bool:
        return Effect.REFUSE in self.effects


Table = Mapping[tuple[StrEnum, Act], Answer]


def withhold(state: StrEnum) -> Answer:
    return Answer(state, frozenset({Effect.WITHHOLD, Effect.JOURNAL}))


def recall(state: StrEnum) -> Answer:
    return Answer(state, frozenset({Effect.RECALL, Effect.JOURNAL}))


def journal(state: StrEnum) -> Answer:
    return Answer(state, frozenset({Effect.JOURNAL}))


def refuse(state: StrEnum) -> Answer:
    return Answer(state, frozenset({Effect.REFUSE}))


def states(table: Table) -> list[StrEnum]:
    """In the order in which the table names them; the first withholds nothing and is where everything begins."""
    return list(dict.fromkeys(state for state, _ in table))


def acts(table: Table) -> list[Act]:
    return list(dict.fromkeys(act for _, act in table))


def grid(table: Table) -> str:
    """The table as Markdown, one row per state, one column per act; "-": nothing changes."""
    lines = ["| state | " + " | ".join(acts(table)) + " |", "|---" * (len(acts(table)) + 1) + "|"]
    for state in states(table):
        cells = []
        for act in acts(table):
            answer = table[state, act]
            cells.append("refused" if answer.refused else "-" if answer.state is state else
                         " / ".join(filter(None, (answer.state, _shown(answer)))))
        lines.append(f"| {state} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def diagram(table: Table) -> str:
    """The table as a Mermaid state diagram: pairs that change nothing are left out."""
    lines = ["stateDiagram-v2", f"    [*] --> {states(table)[0]}"]
    for (state, act), answer in table.items():
        if answer.state is not state:
            lines.append(f"    {state} --> {answer.state}: " + " / ".join(filter(None, (act, _shown(answer)))))
    return "\n".join(lines)


def _shown(answer: Answer) -> str:
    return ", ".join(effect for effect in Effect if effect in answer.effects and effect is not Effect.JOURNAL)
