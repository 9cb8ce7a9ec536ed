"""`wwt import-users` and `wwt user reset`, with the users.db that WorkflowWebTools made."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.plugins.auth.auth_house import GOOD, AuthHouse, code_of, link, post
from wwt_framework.store import ledger

House = Callable[..., AuthHouse]
HASH = "$2b$07$abcdefghijklmnopqrstuuABCDEFGHIJKLMNOPQRSTUVWXYZ01234"
ROWS = [
    ("olga", HASH, HASH, "0", 1),
    ("Pavel", HASH[:-1] + "x", HASH, "0", 1),
    ("fresh", HASH[:-1] + "y", HASH, HASH, 0),
    ("plain", "plain@cern.ch", HASH, "0", 1),
]


def users_db(path: Path, rows: list[tuple[Any, ...]] | None = None) -> Path:
    """As the original's manageusers made it."""
    with closing(sqlite3.connect(path)) as database:
        database.execute(
            "CREATE TABLE users (username varchar(31) PRIMARY KEY, email varchar(255) UNIQUE, "
            "password varchar(255), validator varchar(255), isvalid integer)"
        )
        database.executemany("INSERT INTO users VALUES (?,?,?,?,?)", ROWS if rows is None else rows)
        database.commit()
    return path


@pytest.fixture
def house(make_house: House) -> AuthHouse:
    made = make_house()
    made.add_local()
    return made


def run(house: AuthHouse, command: str, *arguments: str | Path) -> Any:
    local = house.app.house.hooks.plugins["auth.local"]
    found = next(one.command for one in local.register_commands() if one.name == command)
    ran = CliRunner().invoke(found, [str(one) for one in arguments])
    assert ran.exception is None or isinstance(ran.exception, SystemExit), ran.exception
    return ran


def test_d_i_accounts_come_over_line_by_line_without_a_password(house: AuthHouse, tmp_path: Path) -> None:
    ran = run(house, "import-users", users_db(tmp_path / "users.db"))

    unknown = "no address is known: wwt user email {0} ADDRESS, then wwt user reset {0}"
    assert ran.output.splitlines() == [
        f"Pavel: imported with roles: operator; {unknown.format('Pavel')}",
        "fresh: left out: never confirmed, or waited for a reset; --unconfirmed takes those, too",
        f"olga: imported with roles: operator; {unknown.format('olga')}",
        "plain: imported with roles: operator; a link to choose a password goes to plain@cern.ch",
        "3 imported, 0 here already, 1 left out.",
    ]
    assert [account.secret for account in ledger.accounts(house.app.store)] == ["!", "!", "!"]


def test_d_i_a_second_run_changes_nothing_and_mails_nobody(house: AuthHouse, tmp_path: Path) -> None:
    path = users_db(tmp_path / "users.db")
    run(house, "import-users", path)
    before = ledger.accounts(house.app.store)
    ran = run(house, "import-users", path, "--role", "admin")

    assert ran.output.splitlines()[-1] == "0 imported, 3 here already, 1 left out."
    assert ledger.accounts(house.app.store) == before
    assert len(house.mails()) == 1


def test_d_i_an_account_that_came_over_is_used_after_its_owner_chose_a_password(
    house: AuthHouse, tmp_path: Path
) -> None:
    listed = tmp_path / "addresses.csv"
    listed.write_text("# name,address\nOLGA,olga@cern.ch\n")
    ran = run(house, "import-users", users_db(tmp_path / "users.db"), "--addresses", listed, "--role", "viewer")
    assert "olga: imported with roles: viewer; a link to choose a password goes to olga@cern.ch" in ran.output
    mail = next(one for one in house.mails() if one.recipients == ("olga@cern.ch",))
    stranger = house.visitor()
    stranger.passwords["olga"] = HASH
    assert stranger.sign_in("olga").status == 401

    got = post(
        house.visitor(),
        "/resetpassword",
        code=code_of(link(mail.text, "/resetpassword")),
        password=GOOD,
        password2=GOOD,
    )

    assert got.status == 200
    assert house.signed_in("olga").get("/password").status == 200


def test_d_i_who_was_never_confirmed_can_be_taken_too(house: AuthHouse, tmp_path: Path) -> None:
    run(house, "import-users", users_db(tmp_path / "users.db"), "--unconfirmed", "--no-mail")

    assert [account.name for account in ledger.accounts(house.app.store)] == ["fresh", "olga", "Pavel", "plain"]
    assert house.mails() == []


def test_d_i_what_can_not_be_an_account_is_left_out_in_words(house: AuthHouse, tmp_path: Path) -> None:
    house.app.house.hooks.plugins["auth.local"].add("other", GOOD, email="plain@cern.ch")
    rows = [
        ("a:b", "1", "", "", 1), ("x" * 101, "2", "", "", 1), ("bad\nname\x1b[31m", "3", "", "", 1), (None, "4", "", "", 1),
        ("plain", "plain@cern.ch", "", "", 1),
    ]  # fmt: skip
    ran = run(house, "import-users", users_db(tmp_path / "users.db", rows))

    assert ran.output.count("left out: A name") == 4
    assert "\x1b" not in ran.output
    assert "plain: left out: other has its mail address, plain@cern.ch" in ran.output
    assert ran.output.splitlines()[-1] == "0 imported, 0 here already, 5 left out."


def test_a_file_that_is_no_users_db_is_refused_in_words(house: AuthHouse, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("Dear diary")
    with closing(sqlite3.connect(tmp_path / "other.db")) as other:
        other.execute("CREATE TABLE reasons (short text)")

    assert (
        "can not be read as the users.db of WorkflowWebTools" in run(house, "import-users", tmp_path / "notes").output
    )
    told = run(house, "import-users", tmp_path / "other.db")
    assert "expected the table users with username, email, isvalid" in told.output
    assert told.exit_code == 1


@pytest.mark.parametrize("line", ["olga", "olga,olga", "olga,olga@cern.ch,more", "olga,a@b.ch\nx"])
def test_a_line_of_addresses_that_can_not_be_meant_is_named(house: AuthHouse, tmp_path: Path, line: str) -> None:
    listed = tmp_path / "addresses.csv"
    listed.write_text(line)
    ran = run(house, "import-users", users_db(tmp_path / "users.db"), "--addresses", listed)

    assert "expected name,address" in ran.output
    assert ledger.accounts(house.app.store) == []


def test_the_original_file_is_only_read(house: AuthHouse, tmp_path: Path) -> None:
    path = users_db(tmp_path / "users.db")
    before = path.read_bytes()
    run(house, "import-users", path)

    assert path.read_bytes() == before


# -- wwt user email, reset -----------------------------------------------------


def test_user_reset_mails_a_link_and_the_old_password_works_until_then(house: AuthHouse) -> None:
    house.app.house.hooks.plugins["auth.local"].add("olga", GOOD, email="olga@cern.ch")

    assert run(house, "user", "reset", "OLGA").output == "A mail with a link goes to olga@cern.ch.\n"
    assert house.mails()[0].subject == "Choose a new password"
    assert house.signed_in("olga")


def test_user_reset_can_show_the_link_instead(house: AuthHouse) -> None:
    house.app.house.hooks.plugins["auth.local"].add("olga", GOOD)
    ran = run(house, "user", "reset", "olga", "--show")

    code = ran.output.rpartition("code=")[2].strip()
    assert post(house.visitor(), "/resetpassword", code=code, password=GOOD, password2=GOOD).status == 200
    assert house.mails() == []


def test_user_reset_says_what_is_missing(house: AuthHouse) -> None:
    house.app.house.hooks.plugins["auth.local"].add("olga", GOOD)

    assert "There is no account called 'nobody'" in run(house, "user", "reset", "nobody").output
    assert "wwt user email olga ADDRESS" in run(house, "user", "reset", "olga").output
    assert "expected one address" in run(house, "user", "email", "olga", "nonsense").output
    assert run(house, "user", "email", "olga", "olga@cern.ch").output == "Mails for olga go to olga@cern.ch.\n"
    assert run(house, "user", "reset", "olga").exit_code == 0
