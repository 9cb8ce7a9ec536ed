"""People from the shell: who they are, what they may do, who they would be, and the way in when no other works."""

from __future__ import annotations

import re
import socket
from datetime import datetime, timedelta, timezone
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from tests.roof.conftest import WORLD
from wwt_framework.cli import cli
from wwt_framework.cli_people import span_of
from wwt_framework.store import ledger, open_store


class Program:
    """The commands in this process, in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "plugins.yml"

    def write(self) -> None:
        self.path.write_text(WORLD, encoding="utf-8")

    def run(self, *words: str, typed: str = "", code: int = 0) -> Result:
        """One command to its end; fails unless it ends with *code*."""
        done = CliRunner().invoke(cli, words, input=typed, env={"WWT_CONFIG": str(self.path)})
        assert done.exit_code == code, (done.output, done.exception)
        return done


@pytest.fixture
def wwt(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_a_person_from_the_shell_from_the_first_day_to_the_last(wwt: Program) -> None:
    wwt.write()
    warned = wwt.run("check").stdout
    wwt.run("user", "add", "olga", "--role", "operator", "--password-stdin", typed="correct horse\n")
    before = wwt.run("user", "list").stdout
    wwt.run("user", "roles", "olga", "admin", "viewer")
    fine = wwt.run("check").stdout
    wwt.run("user", "disable", "olga")
    out = wwt.run("auth", "try", "olga", "--password-stdin", typed="correct horse\n", code=1).stdout
    wwt.run("user", "enable", "olga")
    back = wwt.run("auth", "try", "olga", "--password-stdin", typed="correct horse\n").stdout

    assert "warning: no admin can sign in, as far as is known" in warned
    assert before == "olga  operator  auth.local:olga  not signed in yet\n"
    assert "warning" not in fine
    assert "Would not come in: olga was disabled by " in out
    assert "  auth.local: says that this is olga, with admin, viewer" in back
    assert "Would be olga, by auth.local, with roles: admin, viewer." in back


def test_two_that_are_one_person_are_linked_and_unlinked(wwt: Program) -> None:
    wwt.write()
    for name in ("olga", "oexample"):
        wwt.run("user", "add", name, "--password-stdin", typed="correct horse\n")
    linked = wwt.run("user", "link", "olga", "auth.local", "oexample").stdout
    listed = wwt.run("user", "list").stdout
    wwt.run("user", "unlink", "auth.local", "oexample")

    assert linked == "oexample of auth.local is olga.\n"
    assert listed.splitlines() == ["olga  no role  auth.local:olga, auth.local:oexample  not signed in yet"]
    assert len(wwt.run("user", "list").stdout.splitlines()) == 2


def test_what_can_not_be_done_is_said(wwt: Program) -> None:
    wwt.write()

    assert "There is no person called 'nora'" in wwt.run("user", "disable", "nora", code=1).output
    assert "Give a name" in wwt.run("auth", "try", code=1).output
    assert "expected minutes or hours" in wwt.run("auth", "break-glass", "--for", "3 days", code=1).output


def test_who_has_no_name_in_a_container_can_make_an_account(wwt: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    wwt.write()

    def nameless() -> str:
        raise KeyError("getpwuid(): uid not found: 4711")

    monkeypatch.setattr("getpass.getuser", nameless)
    wwt.run("user", "add", "olga", "--password-stdin", typed="correct horse\n")
    store = open_store(f"sqlite:///{wwt.folder / 'wwt-data' / 'wwt.db'}")
    (deed,) = ledger.deeds(store, 1, "account made")
    store.close()

    assert deed.user == f"somebody@{socket.gethostname()} (shell)"


def test_break_glass_makes_a_code_that_works_once_until_its_time(wwt: Program) -> None:
    wwt.write()
    told = wwt.run("auth", "break-glass", "--for", "10m").stdout
    code = re.search(r"^Code: (\S+)$", told, re.MULTILINE)
    store = open_store(f"sqlite:///{wwt.folder / 'wwt-data' / 'wwt.db'}")
    (made,) = ledger.open_break_glass(store)
    first, second = (ledger.take_break_glass(store, code[1]) for _ in range(2))  # type: ignore[index]
    (deed,) = ledger.deeds(store, 1, "break-glass made")
    store.close()

    assert code
    assert code[1] not in str(deed)
    assert timedelta(minutes=9) < made.ends_at - datetime.now(timezone.utc) <= timedelta(minutes=10)
    assert first is not None
    assert second is None


@pytest.mark.parametrize(("text", "minutes"), [("1m", 1), ("90m", 90), ("2h", 120), ("24h", 1440)])
def test_a_span_is_minutes_or_hours(text: str, minutes: int) -> None:
    assert span_of(text) == timedelta(minutes=minutes)


@pytest.mark.parametrize("text", ["", "0m", "25h", "1441m", "30", "m", "-5m", "1d", "٣m"])
def test_what_is_no_span_is_refused(text: str) -> None:
    with pytest.raises(click.ClickException, match="expected minutes or hours like 30m or 2h"):
        span_of(text)
