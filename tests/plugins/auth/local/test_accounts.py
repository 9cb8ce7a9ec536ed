from __future__ import annotations

import logging
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import argon2
import click
import pydantic
import pytest
from click.testing import CliRunner

from wwt_framework.errors import Denied, WwtError
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import User
from wwt_framework.options import HouseOptions
from wwt_framework.plugin import PluginContext
from wwt_framework.services.doors import lend
from wwt_framework.services.mailing import Post
from wwt_framework.store import Store, ledger, open_store
from wwt_plugins.auth.local import LocalAccounts

CHEAP = {"time_cost": 1, "memory_kib": 8, "parallelism": 1}
NAME = "auth.local"


@pytest.fixture
def store() -> Iterator[Store]:
    opened = Store.memory()
    yield opened
    opened.close()


def local(store: Store, name: str = NAME, **options: Any) -> LocalAccounts:
    nothing: Any = SimpleNamespace()
    context = PluginContext(
        name=name,
        options=LocalAccounts.Options(**(CHEAP | options)),
        log=logging.getLogger(name),
        http=nothing,
        data_dir=nothing,
        url=nothing,
        gather=nothing,
        snapshot=nothing,
        **lend(store, "auth", name, nothing, post=Post(store, HouseOptions)),
    )
    return LocalAccounts(context)


@pytest.fixture
def accounts(store: Store) -> LocalAccounts:
    return local(store)


def test_the_right_password_gives_the_user_with_roles(accounts: LocalAccounts) -> None:
    accounts.add("Olga", "correct horse", ["operator", "viewer"], "Olga Ópera", "olga@example.org")

    assert accounts.authenticate("olga", "correct horse") == User(
        "Olga", "Olga Ópera", "olga@example.org", frozenset({"operator", "viewer"}), NAME
    )


@pytest.mark.parametrize(
    "password", ["correct hors", "correct horse ", "Correct horse", "x", "\0", "\ud800", "x" * 10000]
)
def test_a_wrong_password_is_nobody(accounts: LocalAccounts, password: str) -> None:
    accounts.add("olga", "correct horse")

    assert accounts.authenticate("olga", password) is None


@pytest.mark.parametrize("name", ["pavel", "", "\0", "\ud800", "o" * 100_000, "' or 1=1 --", "olga\0"])
def test_an_unknown_name_is_nobody(accounts: LocalAccounts, name: str) -> None:
    accounts.add("olga", "correct horse")

    assert accounts.authenticate(name, "correct horse") is None


@pytest.mark.parametrize("password", ["пароль пароль", "pass:word:1", "nul\0nul\0nul", "😀" * 8, "x" * 1024, " " * 8])
def test_a_password_may_have_any_character(accounts: LocalAccounts, password: str) -> None:
    accounts.add("olga", password)

    assert accounts.authenticate("olga", password)


def test_a_password_is_the_same_however_its_accents_are_typed(accounts: LocalAccounts) -> None:
    accounts.add("olga", "caf\u00e9 caf\u00e9")

    assert accounts.authenticate("olga", "cafe\u0301 cafe\u0301")


def test_an_unknown_name_costs_one_hash_as_a_wrong_password_costs_one_check(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts = local(store)
    accounts.add("olga", "correct horse")
    work: list[str] = []
    for name in ("hash", "verify"):
        real = getattr(argon2.PasswordHasher, name)
        monkeypatch.setattr(
            argon2.PasswordHasher, name, lambda *args, real=real, name=name: (work.append(name), real(*args))[1]
        )

    accounts.authenticate("nobody", "correct horse")
    accounts.authenticate("olga", "wrong")

    assert work == ["hash", "verify"]


def test_a_closed_account_is_refused_in_words_to_who_knows_its_password_only(store: Store) -> None:
    accounts = local(store)
    accounts.add("olga", "correct horse")
    ledger.change_account(store, "olga", active=False)

    assert accounts.authenticate("olga", "wrong") is None
    with pytest.raises(Denied, match="The account olga is closed"):
        accounts.authenticate("olga", "correct horse")


def test_passwords_are_kept_as_argon2id_hashes(store: Store) -> None:
    local(store).add("olga", "correct horse")

    account = ledger.find_account(store, "olga")
    assert account
    assert account.secret.startswith("$argon2id$v=19$m=8,t=1,p=1$")
    assert "horse" not in account.secret


def test_a_hash_is_renewed_at_sign_in_when_its_cost_changed(store: Store) -> None:
    local(store).add("olga", "correct horse")
    dearer = local(store, time_cost=2)

    assert dearer.authenticate("olga", "correct horse")
    account = ledger.find_account(store, "olga")
    assert account
    assert "t=2" in account.secret
    assert dearer.authenticate("olga", "correct horse")


def test_the_cost_is_the_library_s_unless_said_otherwise() -> None:
    options = LocalAccounts.Options()

    assert (options.time_cost, options.memory_kib, options.parallelism) == (
        argon2.DEFAULT_TIME_COST, argon2.DEFAULT_MEMORY_COST, argon2.DEFAULT_PARALLELISM,
    )  # fmt: skip


def test_too_little_memory_for_the_threads_is_refused_in_words() -> None:
    with pytest.raises(pydantic.ValidationError, match="memory_kib must be at least 8 for each thread, 32 in all"):
        LocalAccounts.Options(memory_kib=16, parallelism=4)


@pytest.mark.parametrize("password", ["", "x" * 7, "x" * 1025])
def test_a_password_that_is_too_short_or_long_is_refused_in_words(accounts: LocalAccounts, password: str) -> None:
    with pytest.raises(WwtError, match=rf"A password has 8 to 1024 characters, got {len(password)}\."):
        accounts.add("olga", password)


def test_roles_are_those_the_account_has_now(store: Store) -> None:
    accounts = local(store)
    accounts.add("olga", "correct horse", ["operator"])
    user = accounts.authenticate("olga", "correct horse")
    assert user
    ledger.change_account(store, "olga", roles=["viewer"])

    assert accounts.grant_roles(user) == ["viewer"]


def test_a_user_of_another_backend_with_the_same_name_gets_no_roles(accounts: LocalAccounts) -> None:
    accounts.add("olga", "correct horse", ["admin"])

    assert accounts.grant_roles(User("olga", backend="auth.ldap")) == []


def test_a_session_of_a_closed_account_is_refused(store: Store) -> None:
    accounts = local(store)
    accounts.add("olga", "correct horse")
    ledger.change_account(store, "olga", active=False)

    with pytest.raises(Denied, match="The account olga is closed"):
        accounts.grant_roles(User("olga", backend=NAME))


def test_it_fits_the_hooks(accounts: LocalAccounts) -> None:
    hooks = Hooks()
    hooks.register(NAME, accounts, deadline_s=60)

    assert [option.label for answer in hooks.each("register_login_options") for option in answer.value] == [
        "Name and password"
    ]


# -- wwt user -----------------------------------------------------------------


def user_command(accounts: LocalAccounts) -> click.Command:
    return next(one.command for one in accounts.register_commands() if one.name == "user")


def test_user_add_makes_an_account_that_can_sign_in(accounts: LocalAccounts) -> None:
    arguments = ["add", "olga", "--role", "operator", "--role", "admin", "--password-stdin"]
    ran = CliRunner().invoke(user_command(accounts), arguments, input="correct horse\n")

    assert ran.output == "Made the account olga with roles: admin, operator.\n"
    user = accounts.authenticate("olga", "correct horse")
    assert user
    assert user.roles == {"operator", "admin"}


@pytest.mark.parametrize(("given", "password"), [("a b c d e\r\n", "a b c d e"), ("  spaces  \nrest", "  spaces  ")])
def test_user_add_takes_the_first_line_as_it_is(accounts: LocalAccounts, given: str, password: str) -> None:
    CliRunner().invoke(user_command(accounts), ["add", "olga", "--password-stdin"], input=given)

    assert accounts.authenticate("olga", password)


@pytest.mark.parametrize(
    ("arguments", "given", "says"),
    [
        (["add", "olga", "--password-stdin"], "short\n", "A password has 8 to 1024 characters, got 5."),
        (["add", "olga", "--password-stdin"], "x" * 9000, "A password has 8 to 1024 characters, got 4096."),
        (["add", "olga", "--password-stdin"], "", "Expected a password on standard input, found nothing."),
        (
            ["add", "olga", "--password-stdin"],
            b"\xff\xfe\xff\xfe\xff\xfe\xff\xfe\n",
            "The password on standard input is no",
        ),
        (
            ["add", "olga"],
            "correct horse\n",
            "There is no terminal to ask at; give the password with --password-stdin.",
        ),
        (["add", "pavel", "--password-stdin"], "correct horse\n", "There is an account called 'pavel' already"),
        (["add", "PAVEL", "--password-stdin"], "correct horse\n", "There is an account called 'PAVEL' already"),
        (["add", "a:b", "--password-stdin"], "correct horse\n", "A name can not have the character ':' in it"),
        (["add", "olga", "--role", "root", "--password-stdin"], "correct horse\n", "'root' is not one of 'viewer'"),
    ],
)
def test_user_add_refuses_in_words(accounts: LocalAccounts, arguments: list[str], given: Any, says: str) -> None:
    accounts.add("pavel", "correct horse")

    ran = CliRunner().invoke(user_command(accounts), arguments, input=given)

    assert ran.exit_code != 0
    assert says in ran.output
    assert "Traceback" not in ran.output
    assert len(accounts._accounts.all()) == 1


ASK = """
import sys
from types import SimpleNamespace
from wwt_framework.options import HouseOptions
from wwt_framework.services.doors import lend
from wwt_framework.services.mailing import Post
from wwt_framework.store import open_store
from wwt_plugins.auth.local import LocalAccounts
store = open_store(sys.argv[1])
doors = lend(store, "auth", "auth.local", None, post=Post(store, HouseOptions))
options = LocalAccounts.Options(time_cost=1, memory_kib=8, parallelism=1)
local = LocalAccounts(SimpleNamespace(name="auth.local", log=None, options=options, **doors))
local.register_commands()[0].command(["add", "olga"])
"""


def test_user_add_asks_twice_at_a_terminal_and_shows_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/wwt.db"
    terminal, end = pty.openpty()
    shown = b""
    with subprocess.Popen(
        [sys.executable, "-c", ASK, url], stdin=end, stdout=end, stderr=end, start_new_session=True
    ) as asking:
        os.close(end)
        for prompt in (b"Password: ", b"Repeat for confirmation: "):
            while not shown.endswith(prompt):
                shown += os.read(terminal, 1000)
            os.write(terminal, b"correct horse\n")
        with suppress(OSError):  # Linux says EIO when the other end has closed
            while more := os.read(terminal, 1000):
                shown += more
    os.close(terminal)

    assert (asking.returncode, b"horse" in shown, b"Made the account olga" in shown) == (0, False, True), shown
    store = open_store(url)
    assert local(store).authenticate("olga", "correct horse")
    store.close()
