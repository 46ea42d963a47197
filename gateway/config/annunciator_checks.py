"""Sirens and beacons: does the contact exist, and has it one master?"""

from __future__ import annotations

from collections.abc import Iterator

from gateway.config.draft import Draft
from gateway.config.values import did_you_mean
from gateway.model.errors import Problem
from gateway.model.text import Text


def annunciator_problems(draft: Draft) -> Iterator[Problem]:
    contacts = {contact: source.spot(place) for source in draft.sources.values()
                for contact, place in source.section.contacts()}
    taken: dict[str, str] = {}
    for id, written in draft.annunciators.items():
        output = written.section.output
        if output not in contacts and draft.bound_all:
            hint = did_you_mean(output, contacts)
            yield written.spot(("output",)).problem(
                Text(f'unknown output "{output}"{hint.en}', f'未知的输出 "{output}"{hint.zh}'),
                Text("correct it, or add it under outputs of the relay's Modbus device",
                     "更正，或在继电器所属 Modbus 设备的 outputs 下新增"))
        first = taken.setdefault(output, id)
        if first != id:
            yield written.spot(("output",)).problem(
                Text(f'output "{output}" already belongs to "{first}"', f'输出 "{output}" 已由 "{first}" 使用'),
                Text("a contact has one annunciator: widen its priorities and areas, or use another contact",
                     "一个触点只属于一个声光报警器：请扩大其 priorities、areas，或改用其他触点"))
        for place, area in enumerate(written.section.areas):
            if area not in draft.named["areas"]:
                hint = did_you_mean(area, draft.named["areas"])
                yield written.spot(("areas", place)).problem(
                    Text(f'unknown area "{area}"{hint.en}', f'未知的区域 "{area}"{hint.zh}'),
                    Text("correct it, or add it under [[areas]]", "更正，或在 [[areas]] 下新增"))
    for contact, spot in contacts.items():
        if contact not in taken and len(draft.annunciators) == len(draft.named["annunciators"]):
            yield spot.problem(Text(f'no annunciator uses output "{contact}"', f'没有声光报警器使用输出 "{contact}"'),
                               Text("add one under [[annunciators]], or remove the output",
                                    "在 [[annunciators]] 下新增，或删除该输出"), "warning")
