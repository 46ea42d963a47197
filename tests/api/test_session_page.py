"""Logging in with a real browser: who I am, what my role hides, and being out again."""

from __future__ import annotations

import pytest

from gateway.access.role import Role
from tests.access.test_access import PASSWORD, House
from tests.api.pages import Running


@pytest.fixture
def inside(tmp_path, gateway):
    house = House(tmp_path)
    for role in (Role.VIEWER, Role.OPERATOR):
        house.add(role.word, role)
    running = Running(gateway, access=house.access)
    yield running
    running.stop()


def log_in(browser, running, account: str) -> None:
    browser.open(running.address)  # which leads to the log-in
    browser.until("location.pathname === '/login' && document.querySelector('form')")
    browser.run(f"document.querySelector('#account').value = '{account}'; "
                f"document.querySelector('#password').value = '{PASSWORD}'; document.querySelector('form').submit()")
    browser.until("document.body?.className === 'live' && !document.querySelector('#me').hidden")


def test_who_logs_in_is_named_sees_what_the_role_may_and_logs_out(browser, inside, gateway):
    inside.do(gateway.raise_alarm, "GD-03/HH", 41.9)
    inside.do(gateway.raise_alarm, "GD-02/HH", 41.9)
    choosing = "[...document.querySelectorAll('.alarm label.box, #selection > *')].map((one) => one.offsetWidth > 0)"
    shown = "getComputedStyle(document.querySelector('.alarm button.go')).display !== 'none'"
    log_in(browser, inside, "viewer")
    browser.until("document.querySelector('.alarm button.go')")
    assert browser.text("#me").startswith("Viewer") and not browser.run(shown)
    assert browser.run(choosing) == [False] * 4, "two boxes, the count, and the button that selects all"
    browser.run("document.querySelector('#me button').click()")
    browser.until("location.pathname === '/login'")
    log_in(browser, inside, "operator")
    browser.until("document.querySelector('.alarm button.go')")
    assert browser.run(shown) and browser.run(choosing) == [True] * 4
    browser.run("document.querySelector('.alarm button.go').click()")
    browser.until("document.querySelector('#ask form')")
    assert browser.run("document.querySelector('#ask [name=name]')") is None, "nobody types a name"
    browser.run("document.querySelector('#ask-send').click()")
    browser.until("[...document.querySelectorAll('.alarm')].some((one) => "
                  "one.innerText.includes('acknowledged by Operator [operator]'))")
