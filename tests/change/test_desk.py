"""Asking for a change: what is refused, what is kept, and that a kill at any step leaves the old or the new, whole."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from gateway.access import authority
from gateway.app import load
from gateway.change import files, trial
from gateway.change.desk import Desk
from gateway.change.history import Act, Outcome
from gateway.changeover import recover
from gateway.cli.applying import reason_asked
from gateway.model.errors import CommandError, ConfigError, DavylampError
from gateway.model.text import Text
from tests.change.sites import POINTS, SECOND, written

survives = pytest.mark.survives


def read(site: Path) -> files.Configuration:
    return files.read(site, load(site).points_files)


def another(tmp_path: Path, *changes, points: str = POINTS) -> files.Configuration:
    return read(written(tmp_path / "another", *changes, points=points))


@pytest.fixture
def desk(tmp_path):
    """Of a gateway that does not run, but did."""
    desk = Desk(written(tmp_path / "etc"), tmp_path / "data", load)
    desk.found(load(desk.site))
    return desk


def test_a_change_is_kept_with_who_when_and_why(tmp_path, desk):
    entry = desk.apply(another(tmp_path, ("H = 20", "H = 22"), points=POINTS + SECOND), "Li", "dust")
    assert [(one.number, one.act, one.outcome) for one in desk.history.entries()] == [
        (1, Act.FOUND, Outcome.IN_FORCE), (2, Act.APPLIED, Outcome.WAITING)]
    assert (entry.who, entry.why) == ("Li", "dust")
    assert "H of GD-1 20 -> 22 %LEL, laxer" in [text.en for text in desk.history.entry(2).changes]
    assert read(desk.site) == desk.history.read(2) != desk.history.read(1)
    assert desk.history.read(1).others == {"points/gas.csv": POINTS.encode()}


@pytest.mark.parametrize("directions, said", [
    (["laxer", "laxer", "neutral"], "changes that make the watch laxer: 2"), (["unclear"], "changes that may: 1"),
    (["laxer", "unclear"], "changes that make the watch laxer: 1, changes that may: 1")])
def test_the_reason_is_asked_for_what_there_is(directions, said):
    asked = reason_asked([{"direction": direction} for direction in directions])
    assert asked.en == f"a reason is needed; {said}"


def test_the_certificate_is_looked_for_where_the_site_file_belongs(tmp_path, desk):
    """Not beside the copy that is examined: that would cry wolf at every change of a site with HTTPS."""
    authority.create(tmp_path / "ca", "Yard")
    authority.issue(tmp_path / "ca", "page", [], ["127.0.0.1"])
    wanted = another(tmp_path, ("[api]", '[api]\ntls_cert = "tls/page.crt"\ntls_key = "tls/page.key"'))
    assert ["can not be read" in problem.what.en for problem in desk.propose(wanted).problems] == [True]
    (tmp_path / "ca").rename(desk.site.parent / "tls")
    assert desk.propose(wanted).problems == ()


@survives("a change that makes a limit laxer, without a reason", then="nothing is changed",
          says=Text("a reason is needed", "必须填写原因"))
@pytest.mark.parametrize("why", ["", "  "])
def test_laxer_needs_a_reason(tmp_path, desk, says, why):
    before = read(desk.site)
    with pytest.raises(CommandError) as refused:
        desk.apply(another(tmp_path, ("H = 20", "H = 22")), "Li", why)
    says(refused.value.what)
    assert read(desk.site) == before and len(desk.history.entries()) == 1
    desk.apply(another(tmp_path, ("H = 20", "H = 18")), "Li", "")


@survives("a change above the ceiling, with a reason", then="nothing is changed",
          says=Text("laxer than the ceiling of combustible_gas", "允许的界限：应不高于 25 %LEL"))
def test_no_reason_lifts_the_ceiling(tmp_path, desk, says):
    site = written(tmp_path / "another", ("H = 20", "H = 26"))
    wanted = files.Configuration(site.read_bytes(), {"points/gas.csv": POINTS.encode()})
    assert desk.propose(wanted).refused
    with pytest.raises(ConfigError) as refused:
        desk.apply(wanted, "Li", "we want it so")
    says(next(problem.what for problem in refused.value.problems if problem.severity == "error"))


@survives("the site file of another site is applied", then="nothing is changed",
          says=Text("this is the site quarry", "该文件属于站点 quarry"))
def test_the_file_of_another_site_is_refused(tmp_path, desk, says):
    with pytest.raises(CommandError) as refused:
        desk.apply(another(tmp_path, ('id = "yard"', 'id = "quarry"')), "Li", "mistake")
    says(refused.value.what)


@survives("a points file that lies outside the folder of the site file is applied", then="nothing is changed",
          says=Text("must lie beside the site file", "必须与站点文件位于同一目录"))
@pytest.mark.parametrize("name", ["/etc/passwd", "../gas.csv", "a/../../b", "", "a\0b"])
def test_nothing_is_written_outside_the_folder(tmp_path, desk, says, name):
    with pytest.raises(CommandError) as refused:
        desk.apply(files.Configuration(desk.site.read_bytes(), {name: b"x"}), "Li", "why")
    says(refused.value.what)


@survives("a second change while one is on trial", then="the first goes on",
          says=Text("another change is on trial", "另一项配置变更正在试运行"))
def test_one_change_at_a_time(tmp_path, desk, says):
    desk.apply(another(tmp_path, ("H = 20", "H = 22")), "Li", "dust")
    with pytest.raises(CommandError) as refused:
        desk.apply(another(tmp_path, ("H = 20", "H = 21")), "Wang", "dust")
    says(refused.value.what)


def test_what_is_in_force_is_not_applied_again(tmp_path, desk):
    with pytest.raises(CommandError, match="nothing changes"):
        desk.apply(another(tmp_path), "Li", "")


def test_a_file_that_was_edited_in_place_is_compared_with_what_ran(tmp_path, desk):
    written(desk.site.parent, ("H = 20", "H = 22"))
    proposal = desk.propose(read(desk.site))
    assert [one.line.en for one in proposal.differences] == ["H of GD-1 20 -> 22 %LEL, laxer"]
    desk.apply(read(desk.site), "Li", "dust")
    recover_from_a_death(desk.site)
    assert b"H = 20" in desk.site.read_bytes(), "it goes back to what ran"


def recover_from_a_death(site: Path) -> None:
    trial.find(site).at(trial.Phase.TRYING).write(site)
    recover(site)


def test_back_is_a_change_like_any_other(tmp_path, desk):
    first = desk.apply(another(tmp_path, ("H = 20", "H = 18")), "Li", "")
    desk.history.settle(first.number, Outcome.IN_FORCE)
    trial.end(desk.site)
    with pytest.raises(CommandError, match="a reason is needed"):
        desk.back(1, "Li", "")
    entry = desk.back(1, "Li", "too many alarms")
    assert (entry.act, entry.back_to, read(desk.site)) == (Act.BACK, 1, desk.history.read(1))


@survives("back to a configuration that there never was", then="nothing is changed",
          says=Text("there is no configuration 7", "没有编号为 7 的配置"))
def test_back_to_nothing(desk, says):
    with pytest.raises(CommandError) as refused:
        desk.back(7, "Li", "")
    says(refused.value.what)


@survives("a damaged entry in the history of configurations", then="the others are shown and can be gone back to",
          says=Text("there is no configuration 1", "没有编号为 1 的配置"))
def test_a_damaged_entry_is_passed_over(tmp_path, desk, says):
    desk.apply(another(tmp_path, ("H = 20", "H = 18")), "Li", "")
    (desk.history.folder / "0001" / "about.json").write_text("{")
    assert [one.number for one in desk.history.entries()] == [2]
    with pytest.raises(CommandError) as refused:
        desk.history.known(1)
    says(refused.value.what)


@survives("the folder of the site file can not be written", then="nothing is changed",
          says=Text("the configuration can not be written", "配置无法写入"))
def test_a_folder_that_can_not_be_written(tmp_path, desk, says, monkeypatch):
    def fail(*_):
        raise PermissionError(13, "Permission denied", str(desk.site))
    monkeypatch.setattr(trial, "replace_files", fail)
    before = read(desk.site)
    with pytest.raises(DavylampError) as refused:
        desk.apply(another(tmp_path, ("H = 20", "H = 18")), "Li", "")
    says(refused.value.what)
    assert read(desk.site) == before


STEPS = ("mkdir", "rename", "replace", "fsync", "unlink", "open")


def killed_at(step: int, change) -> bool:
    """Do it in a process that kills itself before the nth call that changes the disk. Returns whether it got so far."""
    child = os.fork()
    if child == 0:
        left = step

        def deadly(real):
            def call(*arguments, **named):
                nonlocal left
                left -= 1
                if left < 0:
                    os.kill(os.getpid(), signal.SIGKILL)
                return real(*arguments, **named)
            return call
        for name in STEPS:
            setattr(os, name, deadly(getattr(os, name)))
        try:
            change()
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def test_a_kill_at_any_step_leaves_the_old_or_the_new_in_force(tmp_path):
    """Real processes, really killed: before each call that opens, renames, removes or syncs a file."""
    outcomes = []
    for step in range(200):
        folder = tmp_path / str(step)
        desk = Desk(written(folder / "etc"), folder / "data", load)
        desk.found(load(desk.site))
        old, new = read(desk.site), another(folder, ("H = 20", "H = 22"), points=POINTS + SECOND)
        if not killed_at(step, lambda desk=desk, new=new: desk.apply(new, "Li", "dust")):
            assert read(desk.site) == new
            break
        change, news = recover(desk.site)
        assert read(desk.site) == (new if change is not None else old), step
        if change is None:
            assert trial.find(desk.site) is None
            assert [record.body["act"] for record in news] in ([], ["taken back"])
        outcomes.append(change is not None)
        desk.history.entries()
    assert outcomes[0] is False and len(outcomes) > 30
    assert sorted(outcomes) == outcomes, "once it is the new one, it stays the new one"
