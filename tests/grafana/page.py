"""docs/reference/panels.md: which panel answers which question, what it asks, and what it must show of the story.
`python -m tests.grafana.page` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from grafana.boards.catalogue import BOARDS
from grafana.boards.second import RULES
from tests.grafana.expected import EXPECTED
from tests.grafana.filled import rows

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "panels.md"
LONGEST = 160  # characters of an expected answer that are shown

_HEAD = """\
# Which panel answers which question · 各面板回答的问题

<!-- written by `python -m tests.grafana.page`; do not edit -->

Every query below is asked of a real InfluxDB 1.6.7 in `tests/grafana`, and must give the expected values. Whose rows it
is asked of is said in the column *rows*:

- **gateway**: the gateway itself wrote them, part by part as it runs, reading a simulated plant over Modbus TCP and a
  real mosquitto: the *depot* (`tests/grafana/shift.py`: the story of the demo) and the *works* (`tests/grafana/works`:
  other gases, people, instruments that fail, bump tests, shelving, suppression, a drill). What must be shown is worked
  out from what the plant gave in each second and from the script.
- **contract**: rows of the data contract that the test wrote (`tests/grafana/story.py`), with the reason. All panels
  are asked of these rows, too; what they must show there was worked out by hand (`tests/grafana/expected.py`) and is
  shown below, shortened; times are minutes before the end of that story.

No Grafana server ran: how rows become a panel follows Grafana's sources (`tests/grafana/shown.py`).

以下每条查询都在测试中向真实的 InfluxDB 1.6.7 提出，并须给出预期结果。“rows”一栏说明数据来源：
**gateway** 为网关读取仿真装置（Modbus TCP 与真实 mosquitto）后自行写入；**contract** 为测试按数据契约写入（附原因）。
最后一栏为契约数据上的人工推算结果（有删节；时间为距故事结束的分钟数）。未在真实 Grafana 上运行。
"""


def page() -> str:
    return "\n".join([_HEAD, *_contents(), *(line for board in BOARDS for line in _board(board)), *_rules()]) + "\n"


def _contents() -> Iterator[str]:
    yield "| dashboard · 看板 | for · 用途 |\n|---|---|"
    for board in BOARDS:
        yield f"| [{board.title.en} · {board.title.zh}](#{board.name}) | {board.about.en} <br> {board.about.zh} |"
    yield ""


def _board(board) -> Iterator[str]:
    yield f'## <a id="{board.name}"></a>{board.title.en} · {board.title.zh}\n'
    yield "| panel · 面板 | question · 问题 | unit | rows · 数据来源 | must show, of the contract's rows |"
    yield "|---|---|---|---|---|"
    for panel in board.panels:
        yield (
            f"| {panel.title.en} <br> {panel.title.zh} | {panel.question.en} <br> {panel.question.zh} | {panel.unit} "
            f"| {rows((board.name, panel.key))} | `{_short(EXPECTED[board.name][panel.key])}` |"
        )
    yield "\n<details><summary>Queries · 查询</summary>\n"
    for panel in board.panels:
        yield f"{panel.title.en}:\n\n```sql"
        yield from dict.fromkeys(str(ask.query) for ask in panel.asks)
        yield "```\n"
    yield "</details>\n"


def _rules() -> Iterator[str]:
    yield "## Second line of alerting · 二线告警\n"
    yield "Asked by Grafana itself, for those who run the database; never what a gateway says itself.\n"
    yield "| rule · 规则 | calls when | lasting | message |\n|---|---|---|---|"
    for rule in RULES:
        above, limit = rule.fires
        yield (
            f"| {rule.title.en} <br> {rule.title.zh} | {'above' if above == 'gt' else 'below'} {limit:g} "
            f"| {rule.lasting} "
            f"| {rule.says.en} <br> {rule.says.zh} |"
        )
    yield ""
    for rule in RULES:
        yield f"{rule.title.en}:\n\n```sql\n{rule.asks}\n```\n"


def _short(expected: object) -> str:
    text = (str(sorted(expected, key=str)) if isinstance(expected, set) else str(expected)).replace("|", "\\|")
    return text if len(text) <= LONGEST else text[:LONGEST] + " …"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
