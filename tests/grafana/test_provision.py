"""`davylamp grafana provision` against a stub of Grafana's API."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest

from gateway.cli import main as davylamp
from gateway.cli import parser
from gateway.model.errors import CommandError
from gateway.model.text import LANGUAGES, Text
from grafana.provision.command import provision, wanted_of
from tests import servers
from tests.grafana.stub import POINTS, RULES, TIMINGS, TOKEN, Plain, Stub, serving

survives = pytest.mark.survives
FIRST = ("--email", "duty@example.org", "--influx-url", "http://influxdb:8086", "--database", "davylamp")
SITE = "davylamp-site-zh"


@pytest.fixture
def grafana():
    with serving(Stub()) as stub:
        yield stub


def run(stub: Stub, *more: str, language: str = "en", few: bool = False) -> tuple[int, list[str]]:
    """The status and what it says. few: one dashboard of each language."""
    options = parser("en").parse_args(["grafana", "provision", "--url", stub.url, *more])
    wanted, said = wanted_of(options), []
    if few:
        wanted = replace(wanted, dashboards={uid: boards[:1] for uid, boards in wanted.dashboards.items()})
    return provision(Plain(stub.url, TOKEN), wanted, options.dry_run, language, said.append), said


def heard(says, english: tuple[int, list[str]], chinese: tuple[int, list[str]]) -> bool:
    """Refused in both languages, and one of the lines is what the mark promises."""
    assert english[0] == chinese[0] == 1
    return any(says(Text(*lines)) for lines in zip(english[1], chinese[1], strict=True))


def filled(stub: Stub) -> Stub:
    assert run(stub, *FIRST)[0] == 0
    stub.written.clear()
    return stub


def test_an_empty_server_gets_everything(grafana):
    status, said = run(grafana, *FIRST)
    assert status == 0, said
    assert grafana.sources["davylamp"]["jsonData"]["dbName"] == "davylamp"
    assert set(grafana.folders) == {"davylamp-en", "davylamp-zh"} and len(grafana.versions) == 20
    assert {versions[-1]["folderUid"] for uid, versions in grafana.versions.items() if uid.endswith("zh")} == {
        "davylamp-zh"
    }
    assert len(grafana.alerting[RULES]) == 6 and set(grafana.alerting[TIMINGS]) == {"davylamp-planned-work"}
    (point,) = grafana.alerting[POINTS].values()
    assert point["name"] == "davylamp-operators" and point["settings"]["addresses"] == "duty@example.org"
    assert f"dashboard {SITE}: created" in said and "alert rule davylamp-silent: created" in said


def test_a_second_run_writes_nothing(grafana):
    filled(grafana)
    status, said = run(grafana)
    assert (status, grafana.written) == (0, [])
    assert all(line.endswith(("as it should be", "yours, and stay)")) for line in said), said


def test_a_dry_run_says_everything_and_writes_nothing(grafana):
    status, said = run(grafana, *FIRST, "--dry-run")
    assert (status, grafana.written) == (0, [])
    assert sum(line.startswith("dashboard ") and line.endswith(": would be created") for line in said) == 20
    assert not any(asked.startswith(("POST", "PUT")) for asked in grafana.asked)


def test_an_older_version_of_ours_is_updated_and_the_difference_is_told(grafana):
    filled(grafana)
    newest = grafana.versions[SITE][-1]
    panels = newest["dashboard"]["panels"]
    newest["dashboard"] = {
        **newest["dashboard"],
        "panels": [{**panels[0], "unit": "old"}, *panels[2:], {"title": "Old"}],
    }
    newest["message"] = "davylamp 0123456789ab"
    grafana.alerting[RULES]["davylamp-disk"]["labels"]["davylamp"] = "0123456789ab"
    status, said = run(grafana)
    assert status == 0
    assert grafana.written == [
        f"POST /api/dashboards/db {SITE}",
        "PUT /api/v1/provisioning/alert-rules/davylamp-disk davylamp-disk",
    ]
    assert f"dashboard {SITE}: updated (new panels: 三大系统; panels that go: Old; changed panels: 风险等级)" in said
    assert run(grafana)[0] == 0 and len(grafana.written) == 2


BY_HAND = Text(
    "dashboard davylamp-site-zh: KEPT (somebody has saved it since (version 2, by li: moved a panel): kept; "
    "--overwrite davylamp-site-zh replaces it)",
    "看板 davylamp-site-zh: 保留 (该看板已被人修改（版本 2，li：moved a panel），保留不动；"
    "如需覆盖请加 --overwrite davylamp-site-zh)",
)


@survives(
    "a dashboard that was edited by hand in Grafana",
    then="it is kept and reported, everything else is brought up to date; only --overwrite and its name replaces it",
    says=BY_HAND,
)
def test_a_dashboard_edited_by_hand_is_kept(grafana, says):
    filled(grafana).saved_by_hand(SITE)
    assert heard(says, *(run(grafana, language=language) for language in LANGUAGES)) and grafana.written == []
    assert run(grafana, "--overwrite", SITE)[0] == 0 and grafana.written == [f"POST /api/dashboards/db {SITE}"]
    assert run(grafana)[0] == 0 and len(grafana.versions[SITE]) == 3  # its version is still in Grafana's history


def test_what_grafana_has_from_files_is_left_to_the_files(grafana):
    filled(grafana).from_file.add(SITE)
    grafana.sources["davylamp"]["readOnly"] = True
    grafana.alerting[RULES]["davylamp-lag"]["provenance"] = "file"
    grafana.alerting[RULES]["davylamp-disk"]["provenance"] = ""
    status, said = run(grafana, *FIRST)
    assert status == 1 and grafana.written == []
    assert sum("KEPT (Grafana has it from a file" in line for line in said) == 3
    assert any(line.startswith("alert rule davylamp-disk: KEPT (was not made by this command") for line in said)


def test_what_people_put_into_contact_point_and_mute_timing_stays(grafana):
    filled(grafana)
    (point,) = grafana.alerting[POINTS].values()
    point["settings"]["addresses"] = "night-shift@example.org"
    grafana.alerting[TIMINGS]["davylamp-planned-work"]["time_intervals"] = [{"weekdays": ["sunday"]}]
    assert run(grafana, "--email", "other@example.org")[0] == 0 and grafana.written == []


@survives(
    "provisioning that broke off half-way (no answer from Grafana)",
    then="it says where it stopped; run again, it does what is left and nothing twice",
    says=Text(
        "Stopped here. Run it again: what is done is found and left alone.",
        "到此停止。处理后重新运行，已完成的部分不会重复。",
    ),
)
def test_half_applied_provisioning_is_taken_up_again(grafana, says):
    grafana.fail = [("GET /api/dashboards/uid/davylamp-gas-zh", 401, "expired")] * 2
    assert heard(says, *(run(grafana, *FIRST, language=language) for language in LANGUAGES))
    before = list(grafana.written)
    assert 0 < len(grafana.versions) < 20 and not grafana.alerting[RULES]
    assert run(grafana, *FIRST)[0] == 0
    assert len(set(grafana.written)) == len(grafana.written) > len(before) and len(grafana.versions) == 20


REFUSALS = [
    (
        400,
        "POST /api/dashboards/db",
        Text(
            "dashboard …: Grafana does not take the content: said so. Fix: is it Grafana 11 or newer?…",
            "看板 …: Grafana 不接受该内容：said so。处理：…",
        ),
    ),
    (
        401,
        "GET /api/folders/.*",
        Text(
            "http://127.0.0.1:…: the token is not accepted: wrong, expired or of another server. Fix: …",
            "http://127.0.0.1:…: 令牌无效：错误、已过期或属于其他服务器。处理：…",
        ),
    ),
    (
        403,
        "POST /api/folders",
        Text(
            "http://127.0.0.1:…: the token may not do this: said so. Fix: give its service account the role Admin…",
            "http://127.0.0.1:…: 令牌权限不足：said so。处理：将该服务账号设为组织的 Admin 角色",
        ),
    ),
    (
        404,
        "POST /api/v1/provisioning/alert-rules",
        Text(
            "alert rule …: there is no such thing at this address: said so. Fix: …",
            "告警规则 …: 该地址不存在此接口：said so。处理：…",
        ),
    ),
    (
        409,
        "POST /api/datasources",
        Text(
            "data source Davylamp: something else already has this name: said so. Fix: …",
            "数据源 Davylamp: 名称已被占用：said so。处理：…",
        ),
    ),
    (
        412,
        "POST /api/dashboards/db",
        Text(
            "dashboard …: somebody changed it meanwhile, or another in the folder has its title: said so. Fix: …",
            "看板 …: 期间被他人修改，或文件夹中已有同名项：said so。处理：…",
        ),
    ),
    (
        422,
        "POST /api/v1/provisioning/mute-timings",
        Text(
            "mute timing …: Grafana finds a value not valid: said so. Fix: …",
            "静默时段 …: Grafana 认为某项内容无效：said so。处理：…",
        ),
    ),
    (
        500,
        "POST /api/folders",
        Text("folder …: Grafana failed: 500 said so. Fix: …", "文件夹 …: Grafana 出错：500 said so。处理：…"),
    ),
]


@pytest.mark.parametrize(
    ("status", "asked", "words"),
    [
        pytest.param(
            *one,
            marks=survives(
                f"Grafana's API answers {one[0]}",
                then="it is told in both languages, what can be done without it is done, exit status 1; "
                "run again when it is put right, it does what is left",
                says=one[2],
            ),
        )
        for one in REFUSALS
    ],
    ids=[str(one[0]) for one in REFUSALS],
)
def test_a_refusal_is_explained(grafana, says, status, asked, words):
    told = []
    for language in LANGUAGES:
        with serving(Stub()) as other:
            other.fail = [(asked, status, "said so")]
            told.append(run(other, *FIRST, language=language, few=True))
    assert heard(says, *told)
    grafana.fail = [(asked, status, "said so")]
    assert [run(grafana, *FIRST, few=True)[0] for _ in range(3)] == [1, 0, 0] and len(grafana.versions) == 2


@survives(
    "`grafana provision` with an address at which nobody answers",
    then="nothing is written",
    says=Text(
        "http://127.0.0.1:…: no answer: … Fix: check the address, the network and the certificate (--ca)",
        "http://127.0.0.1:…: 无应答：…处理：检查地址、网络和证书（--ca）",
    ),
)
def test_no_answer_is_explained(says):
    nobody = Stub()
    nobody.url = f"http://127.0.0.1:{servers.free_port()}"
    assert heard(says, *(run(nobody, language=language) for language in LANGUAGES))


def test_without_an_address_for_people_the_rules_wait(grafana):
    status, said = run(grafana)
    assert (
        status == 1
        and any("give --email" in line for line in said)
        and any("give --influx-url" in line for line in said)
    )


def test_an_unknown_dashboard_can_not_be_overwritten(grafana):
    with pytest.raises(CommandError, match="no such dashboard of ours"):
        run(grafana, "--overwrite", "davylamp-sites-zh")


@survives(
    "`grafana provision` in the gateway's own environment, where grafana-client must not be",
    then="it says how to make an environment for it",
    says=Text(
        "grafana-client is not installed in this environment. Fix: make an environment for it, never in that of the "
        "gateway: python3 -m venv …",
        "当前环境未安装 grafana-client。处理：为其建立独立环境（不可装入网关的环境）：python3 -m venv …",
    ),
)
def test_the_gateways_environment_says_how_to_make_another(capsys, monkeypatch, says):
    monkeypatch.setenv("DAVYLAMP_GRAFANA_TOKEN", TOKEN)
    told = []
    for language in LANGUAGES:
        assert davylamp(["grafana", "provision", "--lang", language, "--url", "http://127.0.0.1:1"]) == 1
        told.append(capsys.readouterr().err.strip())
    assert says(Text(*told))


@pytest.mark.skipif(
    "DAVYLAMP_GRAFANA_PYTHON" not in os.environ,
    reason="`make grafana` runs it: grafana-client needs an environment of its own",
)
def test_the_real_client_does_the_same(grafana, tmp_path):
    (tmp_path / "token").write_text(TOKEN + "\n")
    (tmp_path / "wrong").write_text("glsa_wrong")
    command = [
        os.environ["DAVYLAMP_GRAFANA_PYTHON"],
        "-m",
        "gateway",
        "grafana",
        "provision",
        "--url",
        grafana.url,
        *FIRST,
    ]
    for token, status in (("wrong", 1), ("token", 0), ("token", 0)):
        done = subprocess.run([*command, "--token-file", str(tmp_path / token)], capture_output=True, text=True)
        assert done.returncode == status, done.stdout + done.stderr
    assert len(grafana.written) == 30 and len(grafana.versions) == 20
    grafana.fail = [("GET /api/folders/davylamp-en", 403, "no")]
    done = subprocess.run([*command, "--token-file", str(tmp_path / "token")], capture_output=True, text=True)
    assert done.returncode == 1 and "may not do this: no" in done.stdout


def test_nothing_of_grafana_client_is_imported_where_the_gateway_runs():
    code = "import sys, gateway.cli, grafana.provision.command; print([m for m in sys.modules if 'niquests' in m])"
    assert json.loads(subprocess.check_output([sys.executable, "-c", code], text=True)) == []
