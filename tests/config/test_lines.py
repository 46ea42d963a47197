"""Every table and key is found on the line where it stands."""

from __future__ import annotations

import tomllib

import pytest

from gateway.config.lines import line_numbers
from tests.config import documents

FILES = sorted(path for folder in ("deploy", "gateway", "drivers", "tests/config")
               for path in (documents.ROOT / folder).rglob("*.toml") if path.name != "01-syntax.toml")

HARD = r"""
a.b."c.d" = 1 # comment with [ and "
'quoted key' = '''
[not.a.table]
''' # after
text = "a # no comment ] \" still text"
multi = [ # comment ]
  1, [2, 3],
  { x = 1, y.z = "}" }, # }

]
[t]
k = 1979-05-27T07:32:00Z
[[list]]
[list.inner]
[[list.inner.deep]]
v = 0x10
[[list]]
[[list.inner]]
w = +1.5e3
""".lstrip()


def paths(node, path=()):
    for key, child in (node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()):
        yield (*path, key)
        yield from paths(child, (*path, key))


@pytest.mark.parametrize("text", [HARD, *(path.read_text(encoding="utf-8") for path in FILES)],
                         ids=["hard", *(f"{path.parent.name}-{path.name}" for path in FILES)])
def test_every_key_stands_on_its_line(text):
    lines = line_numbers(text)
    written = text.splitlines()
    for path in paths(tomllib.loads(text)):
        if isinstance(path[-1], str):
            assert path[-1] in written[lines[path] - 1], path
        else:
            assert path in lines, path


def test_hard_places():
    lines = line_numbers(HARD)
    assert lines["a", "b", "c.d"] == 1
    assert lines["text",] == 5
    assert lines["multi", 1, 0] == 7
    assert lines["multi", 2, "y", "z"] == 8
    assert lines["list", 0, "inner", "deep", 0, "v"] == 16
    assert lines["list", 1, "inner", 0, "w"] == 19
