"""Mail as an admin meets it: real processes, real mail servers, dead ones among them."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import uuid
from pathlib import Path
from typing import Any

import pytest

from tests.roof.conftest import CHEAP, Wwt
from tests.services.mail_server import PASSWORD, USER, MailServer, Trust, free_port, running
from wwt_framework.app import App
from wwt_framework.model import Action, ActionState
from wwt_framework.store import ledger

OLGA = "olga@example.org"


def configured(wwt: Wwt, mail: str = "") -> None:
    (wwt.folder / "errors.json").write_text('{"/wf_A/t": {"8028": {"T1_US_FNAL": 3}}}')
    wwt.write(
        f"wwt: {{listen: '127.0.0.1:0', refresh_minutes: 60{', mail: ' + mail if mail else ''}}}\n"
        f"errors:\n  json_file: {{path: errors.json}}\nauth:\n  {CHEAP}\n"
    )


def plain(port: int) -> str:
    return f"{{server: '127.0.0.1:{port}', security: none, sender: wwt@example.org, timeout_s: 10}}"


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return Trust.made(tmp_path_factory.mktemp("ca"))


def test_without_a_mail_server_the_program_says_what_is_missing(wwt: Wwt) -> None:
    configured(wwt)

    assert "mail: no mail server is named (wwt.mail)" in wwt.run("check").stdout
    told = wwt.run("mail", "test", OLGA, code=1).stderr
    assert (
        told == "wwt: mail can not be sent, this installation has no mail server; wwt.mail in plugins.yml names one\n"
    )


def test_a_test_mail_goes_out_over_starttls_signed_in_with_a_secret_from_a_file(wwt: Wwt, trust: Trust) -> None:
    (wwt.folder / "secret").write_text(f"{PASSWORD}\n")
    with running(MailServer(), certificate=trust.certificate(), sign_in=True) as server:
        configured(
            wwt,
            f"{{server: '127.0.0.1:{server.port}', user: {USER}, password: {{$file: secret}}, "
            f"sender: Grid <wwt@example.org>, ca_file: {trust.ca_file}}}",
        )
        told = wwt.run("mail", "test", OLGA).stdout
        checked = wwt.run("check").stdout

    assert told == (
        f"the mail server 127.0.0.1:{server.port} has taken a mail to {OLGA}; whether it arrives, its reader knows\n"
    )
    assert f"mail: the mail server 127.0.0.1:{server.port} answers (starttls, signed in)" in checked
    assert [(got.to, got.encrypted, got.signed_in) for got in server.box] == [((OLGA,), True, True)]


def test_a_wrong_password_is_told_by_check_and_by_the_test_and_is_never_shown(wwt: Wwt, trust: Trust) -> None:
    (wwt.folder / "secret").write_text("wr0ng-one\n")
    with running(MailServer(), certificate=trust.certificate(), sign_in=True) as server:
        configured(
            wwt,
            f"{{server: '127.0.0.1:{server.port}', user: {USER}, password: {{$file: secret}}, "
            f"sender: wwt@example.org, ca_file: {trust.ca_file}}}",
        )
        checked = wwt.run("check", code=1)
        tested = wwt.run("mail", "test", OLGA, code=1)

    assert "refuses user name or password" in checked.stderr
    assert "not sent: the mail server" in tested.stdout
    assert "it is kept and tried again" in tested.stdout
    assert "wr0ng" not in checked.stdout + checked.stderr + tested.stdout + tested.stderr


def test_an_address_that_the_server_refuses_is_told(wwt: Wwt) -> None:
    server = MailServer()
    server.at_rcpt = lambda _address: "550 5.1.1 no such user"
    with running(server):
        configured(wwt, plain(server.port))
        told = wwt.run("mail", "test", OLGA, code=1).stdout

    assert told == f"not sent: {OLGA}: 550 5.1.1 no such user\n"


def test_what_can_not_be_an_address_is_refused_before_anything_is_sent(wwt: Wwt) -> None:
    configured(wwt, plain(25))

    assert "expected one address like olga@example.org" in wwt.run("mail", "test", "olga", code=1).stderr


def _mail(running: Any) -> str:
    """How mails go out, as /health tells everybody: in a word."""
    return next((check["state"] for check in running.json("/health")["checks"] if check["name"] == "mail"), "")


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_mail_outlives_a_dead_mail_server_and_a_restart_and_is_sent_once(wwt: Wwt, how: int) -> None:
    port = free_port()
    configured(wwt, plain(port))
    first = wwt.start("serve")
    wwt.run("mail", "test", OLGA, code=1)
    first.until(lambda: any(check["name"] == "mail" for check in first.json("/health")["checks"]))
    health = {check["name"]: check for check in first.json("/health")["checks"]}["mail"]
    assert health["state"] == "degraded"  # why stands on /mail, for admins
    first.end(how)

    server = MailServer()
    server.port = port
    with running(server):
        again = wwt.start("serve")
        again.until(lambda: server.box)
        again.until(lambda: _mail(again) == "ok")
        wwt.run("mail", "test", "petr@example.org")
        again.end()

    assert sorted(got.to for got in server.box) == [(OLGA,), ("petr@example.org",)]


def test_a_mail_server_that_is_named_while_running_is_used_at_once(wwt: Wwt) -> None:
    configured(wwt, plain(free_port()))
    serving = wwt.start("serve")
    wwt.run("mail", "test", OLGA, code=1)
    with running(MailServer()) as server:
        configured(wwt, plain(server.port))

        serving.until(lambda: server.box)
        assert server.box[0].to == (OLGA,)
        serving.end()


def test_the_process_that_runs_jobs_sends_the_mail(wwt: Wwt) -> None:
    port = free_port()
    configured(wwt, plain(port))
    wwt.run("mail", "test", OLGA, code=1)
    server = MailServer()
    server.port = port
    with running(server):
        pages = wwt.start("serve", "--no-jobs")
        assert _mail(pages)
        assert server.box == []
        with wwt.working():
            pages.until(lambda: server.box)
    assert server.box[0].to == (OLGA,)


def test_a_process_killed_between_the_last_byte_and_the_answer_sends_the_same_mail_again(wwt: Wwt) -> None:
    server, reached, killed = MailServer(), threading.Event(), threading.Event()

    def slow(_envelope: Any) -> str:
        reached.set()
        killed.wait(60)
        return ""

    server.at_data = slow
    with running(server):
        configured(wwt, plain(server.port))
        sending = subprocess.Popen(
            [sys.executable, "-m", "wwt_framework.cli", "mail", "test", OLGA], cwd=wwt.folder, stdout=subprocess.DEVNULL
        )
        assert reached.wait(60)
        sending.kill()
        sending.wait(30)
        killed.set()
        server.at_data = lambda _envelope: ""

        again = wwt.start("serve")
        again.until(lambda: len(server.box) == 2)
        again.until(lambda: _mail(again) == "ok")
        again.end()

    assert [got.to for got in server.box] == [(OLGA,), (OLGA,)]
    assert len({(got.message["Message-ID"], got.message["Date"]) for got in server.box}) == 1


def test_e3_what_became_of_automatic_actions_arrives_as_one_mail_with_links(tmp_path: Path) -> None:
    with running(MailServer()) as server:
        path = tmp_path / "plugins.yml"
        path.write_text(
            f"wwt: {{base_url: https://wwt.example.org, mail: {plain(server.port)}}}\n"
            f"extras:\n  mail: {{action_changed: [{OLGA}], users: [auto]}}\n"
        )
        app = App.build(path)
        try:
            ledger.submit(app.store, [automatic(app, f"wf_{name}") for name in "AB"])
            for job in ("actions", "extras.mail.digest", "mail"):
                assert app.clockwork.run_now(job).state == "done"
        finally:
            app.close()

    (got,) = server.box
    assert got.to == (OLGA,)
    assert got.message["Subject"] == "2 changes of actions"
    assert "auto asked for acdc on wf_A.\nhttps://wwt.example.org/seeworkflow?workflow=wf_A\n" in got.text
    assert "https://wwt.example.org/seeworkflow?workflow=wf_B" in got.text


def automatic(app: App, workflow: str) -> Action:
    now = app.store.now()
    return Action(uuid.uuid4().hex, "acdc", workflow, {}, {}, (), "auto", ActionState.QUEUED, now, now)
