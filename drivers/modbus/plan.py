"""From points to few block reads. Pure arithmetic on addresses; knows nothing of types or wires."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Span:
    """The registers (or bits) of one point: `size` of them from wire address `first`."""

    first: int
    size: int

    @property
    def end(self) -> int:
        return self.first + self.size


@dataclass(frozen=True, slots=True)
class Block:
    """One read request: `size` registers (or bits) from `first`. `members` are the numbers of the spans inside."""

    first: int
    size: int
    members: tuple[int, ...]


def plan(spans: Sequence[Span], *, max_size: int, hole_limit: int, avoid: Sequence[range] = ()) -> tuple[Block, ...]:
    """The fewest blocks that read every span whole, in order of address.

    max_size    registers (or bits) one request may ask for
    hole_limit  so many unused registers in a row are read along rather than starting another request
    avoid       wire addresses that must never be read

    A span is never split. A span that is itself longer than max_size or touches `avoid` is the caller's mistake
    (drivers.modbus.findings reports both); it comes back as a block of its own.
    """
    blocks: list[Block] = []
    members: list[int] = []
    first = end = 0
    for number in sorted(range(len(spans)), key=lambda number: (spans[number].first, spans[number].end)):
        span = spans[number]
        grown = max(end, span.end)
        if members and (grown - first > max_size or span.first - end > hole_limit or _touches(avoid, end, span.first)
                        or _touches(avoid, span.first, span.end)):
            blocks.append(Block(first, end - first, tuple(members)))
            members = []
        if not members:
            first, grown = span.first, span.end
        members.append(number)
        end = grown
    if members:
        blocks.append(Block(first, end - first, tuple(members)))
    return tuple(blocks)


def halves(block: Block, spans: Sequence[Span]) -> tuple[Block, Block]:
    """The block in two, each trimmed to its own spans: how an address that the device refuses is found."""
    middle = len(block.members) // 2
    return _cover(block.members[:middle], spans), _cover(block.members[middle:], spans)


def _cover(members: tuple[int, ...], spans: Sequence[Span]) -> Block:
    first = min(spans[number].first for number in members)
    return Block(first, max(spans[number].end for number in members) - first, members)


def _touches(avoid: Sequence[range], first: int, end: int) -> bool:
    return any(first < forbidden.stop and forbidden.start < end for forbidden in avoid)
