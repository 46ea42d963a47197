"""The register: accounts and tokens, kept whole on disk."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat
import time

import pytest

from gateway.access.file import RegisterFile
from gateway.access.passwords import hashed
from gateway.access.register import Register, Token, check_password, digest_of, new_token, read
from gateway.access.role import Role, Scope
from gateway.model import person
from gateway.model.errors import CommandError, DavylampError

HASH = hashed("four words in a row")


def register(**accounts: Role) -> Register:
    found = Register()
    for id, role in accounts.items():
        found = found.added(id, id.title(), role, HASH, 1, "root")
    return found


def token(id: str = "ci", ends: int = 100, scope: Scope = Scope.ALL) -> tuple[str, Token]:
    secret = new_token()
    return secret, Token(id, Role.OPERATOR, scope, digest_of(secret), 1, ends, "root")


def test_what_is_written_is_read_again():
    _, one = token(scope=Scope.METRICS)
    written = register(li=Role.OPERATOR, wang=Role.ADMINISTRATOR).with_token(one, "root")
    assert read(written.document()) == written


def test_no_password_and_no_token_is_in_the_file():
    secret, one = token()
    document = register(li=Role.VIEWER).with_token(one, "root").document().decode()
    assert "four words" not in document and secret not in document


@pytest.mark.parametrize("document", [b"", b"{}", b"[]", b'{"version": 2}', b"\xff", b'{"version": 1, "accounts": 7}'])
def test_what_is_damaged_is_no_empty_register(document):
    with pytest.raises(ValueError):
        read(document)


@pytest.mark.parametrize("id", ["", "Li", "li wei", "../li", "l" * 33, "[li]", "token:li", "-li"])
def test_ids_that_could_be_mistaken_are_refused(id):
    with pytest.raises(CommandError):
        register().added(id, "Li", Role.VIEWER, HASH, 1, "root")


def test_the_last_account_is_not_removed_by_mistake():
    alone = register(li=Role.ADMINISTRATOR)
    with pytest.raises(CommandError, match="--last"):
        alone.without("li", 2, "root")
    assert not alone.without("li", 2, "root", last=True).accounts


def test_every_change_is_written_down_with_its_number_and_hand():
    changed = register(li=Role.VIEWER).with_role("li", Role.ENGINEER, 2, "root").with_password("li", HASH, 3, "pi")
    assert [(one.number, one.act, one.about, one.by, one.role) for one in changed.changes] == [
        (1, "account added", "li", "root", "viewer"), (2, "role changed", "li", "root", "engineer"),
        (3, "password changed", "li", "pi", "engineer")]


def test_a_token_ends_and_a_revoked_one_opens_nothing():
    secret, one = token(ends=100)
    with_it = register().with_token(one, "root")
    assert with_it.token_for(secret, 99) == one
    assert with_it.token_for(secret, 100) is None
    assert with_it.token_for(secret + "x", 99) is None
    assert with_it.without_token("ci", 5, "root").token_for(secret, 99) is None


@pytest.mark.parametrize("password", ["short", "aaaaaaaaaaaa", "Password2026!", "li.wei.2026.x", "davylamp-42-x",
                                      "x" * 129])
def test_passwords_that_anybody_would_try_are_refused(password):
    with pytest.raises(CommandError):
        check_password(password, "li.wei")
    check_password("horse battery staple", "li.wei")


def test_the_file_is_for_its_owner_alone(tmp_path):
    file = RegisterFile(tmp_path)
    file.change(lambda found: found.added("li", "Li", Role.VIEWER, HASH, 1, "root"))
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert file.read().accounts["li"].role is Role.VIEWER


def test_a_refused_change_leaves_the_file_as_it_was(tmp_path):
    file = RegisterFile(tmp_path)
    before = file.change(lambda found: found.added("li", "Li", Role.VIEWER, HASH, 1, "root"))
    with pytest.raises(CommandError):
        file.change(lambda found: found.without("wang", 2, "root"))
    assert file.read() == before


def test_a_damaged_file_is_an_error_that_says_what_to_do(tmp_path):
    file = RegisterFile(tmp_path)
    file.path.write_bytes(b'{"version": 1, "accou')
    with pytest.raises(DavylampError, match="backup") as error:
        file.read()
    assert "告警照常运行" in error.value.message("zh")


def _write_for_ever(folder) -> None:
    file, number = RegisterFile(folder), 0
    while True:
        number += 1
        file.change(lambda found, number=number: found.added(f"a{number}", "A", Role.VIEWER, HASH, number, "root"))


def test_kill_9_at_any_moment_leaves_a_whole_file(tmp_path):
    """Each kill is somewhere else in the work; the file always holds accounts 1..n without a hole."""
    for number in range(8):
        folder = tmp_path / str(number)
        folder.mkdir()
        writer = multiprocessing.get_context("fork").Process(target=_write_for_ever, args=(folder,))
        writer.start()
        file = RegisterFile(folder)
        while file.stamp() is None or len(file.read().accounts) <= number:
            time.sleep(0.001)
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        found = file.read()
        assert [*found.accounts] == [f"a{one}" for one in range(1, len(found.accounts) + 1)]
        file.change(lambda found: found.added("after", "After", Role.VIEWER, HASH, 1, "root"))


def test_a_verified_name_can_not_be_typed():
    assert person.is_verified(person.verified("Li Wei", "li.wei"))
    assert not person.is_verified(person.typed("Li Wei [li.wei]"))
    assert person.is_verified(person.verified("王" * 80, "w" * 32)) and len(person.verified("王" * 80, "w" * 32)) < 80
