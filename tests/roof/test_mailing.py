"""Mail as an admin meets it: real processes, real mail servers, dead ones among them."""

from __future__ import annotations

import signal
import subprocess

import pytest

from tests.roof.conftest import CHEAP, Wwt
from tests.services.mail_server import PASSWORD, USER, MailServer, Trust, free_port, running

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


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM])
def test_a_mail_outlives_a_dead_mail_server_and_a_restart_and_is_sent_once(wwt: Wwt, how: int) -> None:
    port = free_port()
    configured(wwt, plain(port))
    first = wwt.start("serve")
    wwt.run("mail", "test", OLGA, code=1)
    first.until(lambda: any(check["name"] == "mail" for check in first.json("/health")["checks"]))
    health = {check["name"]: check for check in first.json("/health")["checks"]}["mail"]
    assert health["text"] == "the mail server does not answer: the connection was refused; 1 mail waits"
    first.end(how)

    server = MailServer()
    server.port = port
    with running(server):
        again = wwt.start("serve")
        again.until(lambda: server.box)
        again.until(lambda: "nothing waits" in again.get("/health")[1])
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
        assert "1 mail waits" in pages.get("/health")[1]
        assert server.box == []
        worker = subprocess.Popen(
            [*pages.process.args[:3], "work"], cwd=wwt.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        try:
            pages.until(lambda: server.box)
        finally:
            worker.terminate()
            worker.wait(30)
    assert server.box[0].to == (OLGA,)
