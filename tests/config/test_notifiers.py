"""What `check` says of ways out."""

from __future__ import annotations

import pytest

from tests.config.plugins import REAL, said, site

MAIL = '[[notifiers]]\ntype = "smtp"\nid = "mail"\nhost = "mail.example.org"\nsender = "gateway@example.org"\n'
HOOK = '[[notifiers]]\ntype = "webhook"\nid = "hook"\nurl = "http://127.0.0.1:9/"\n'
BROKER = '[[notifiers]]\ntype = "mqtt"\nid = "broker"\nhost = "127.0.0.1"\n'


@pytest.mark.parametrize(("tables", "wanted"), [
    (MAIL + 'fallback = "hok"\n' + HOOK,
     'notifiers[0] "mail" | fallback | unknown notifier "hok"; did you mean `hook`?'),
    (MAIL + 'fallback = "mail"\n', 'notifiers[0] "mail" | fallback | mail falls back to itself'),
    (MAIL + 'text = "{{ tilte }}"\n', "line 1: 'tilte' is undefined"),
    (MAIL + 'security = "none"\nusername = "x"\npassword_env = "PW"\n', "the password would travel in the clear"),
    (MAIL + '[[oncall.people]]\nid = "li"\nname = "Li"\ncontacts = { mail = "+86 1" }\n',
     'oncall.people[0] "li" contacts | mail | "+86 1" is no mail address'),
    (BROKER + '[[oncall.people]]\nid = "li"\nname = "Li"\ncontacts = { broker = "li" }\n',
     'oncall.people[0] "li" contacts | broker | "li" is not a topic below davylamp/'),
    (MAIL + "rate = 0\n", "rate"),
    (MAIL.replace("smtp", "smpt"), "smtp"),
])
def test_a_way_out_that_can_not_work_is_told_with_its_place(tmp_path, tables, wanted):
    errors = said(site(tmp_path, tables, plugins=REAL))
    assert any(wanted in error for error in errors), errors


def test_ways_out_that_can_work_are_taken(tmp_path):
    assert said(site(tmp_path, MAIL + 'fallback = "hook"\ntext = { zh = "{{ text }}" }\n' + HOOK, plugins=REAL)) == []
