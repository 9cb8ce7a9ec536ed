"""The post, with real mail servers on loopback."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from tests.services.mail_server import PASSWORD, USER, MailServer, Trust, dripping, free_port, running, saying
from wwt_framework.errors import WwtError
from wwt_framework.options import HouseOptions
from wwt_framework.services.mailing import Post
from wwt_framework.store import Store, ledger

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
OLGA, PETR = "olga@example.org", "petr@example.org"
SENDER = "Grid console <wwt@example.org>"


class Office:
    """A post whose clock stands still until it is told to go on, and whose mail server can be changed."""

    def __init__(self, store: Store, trust: Trust) -> None:
        self.store = store
        self.trust = trust
        self.now = NOON
        self.told: list[str] = []
        self.house = HouseOptions()
        store.clock = lambda: self.now
        self.post = self.new()

    def new(self) -> Post:
        """A post as another process would have it, or this one after a restart."""
        return Post(self.store, lambda: self.house, chance=lambda: 0.5)

    def use(self, server: MailServer | int, **options: Any) -> None:
        port = server if isinstance(server, int) else server.port
        given = {"server": f"127.0.0.1:{port}", "security": "none", "sender": SENDER, "timeout_s": 20, **options}
        self.house = HouseOptions.model_validate(
            {
                "mail": given,
                "base_url": "https://wwt.example.org",
                "webmaster": {"name": "Gerda", "email": "gerda@example.org"},
            }
        )

    def queue(self, to: Any = (OLGA,), subject: str = "a subject", **more: Any) -> str:
        return self.post.queue("actions.mail", to, subject, "the text", **more)

    def deliver(self) -> str:
        return self.post.deliver(lambda _far, doing: self.told.append(doing))

    def fails(self) -> str:
        with pytest.raises(WwtError) as caught:
            self.deliver()
        return str(caught.value)

    def mail(self, mail_id: str) -> ledger.Mail:
        return ledger.mail(self.store, mail_id)

    def go_on(self, **span: float) -> None:
        self.now += timedelta(**span)


@pytest.fixture(scope="session")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Trust:
    return Trust.made(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def office(trust: Trust) -> Iterator[Office]:
    store = Store.memory()
    yield Office(store, trust)
    store.close()


@pytest.fixture
def server() -> Iterator[MailServer]:
    """One that takes everything, without TLS and sign-in."""
    with running(MailServer()) as started:
        yield started


# -- what arrives -------------------------------------------------------------


def test_a_mail_arrives_as_text_and_html_with_its_headers(office: Office, server: MailServer) -> None:
    office.use(server)
    mail_id = office.queue(["Olga Exämple <olga@example.org>"], "Wörkflows — 2 failing", html="<p>the <b>text</b></p>")

    assert office.deliver() == "1 sent"
    (got,) = server.box
    message = got.message
    assert (got.sender, got.to) == ("wwt@example.org", (OLGA,))
    assert {name.lower(): str(value) for name, value in message.items()} == {
        "from": "Grid console <wwt@example.org>",
        "to": "Olga Exämple <olga@example.org>",
        "reply-to": "gerda@example.org",
        "subject": "Wörkflows — 2 failing",
        "date": "Mon, 23 Nov 2026 12:00:00 +0000",
        "message-id": f"<{mail_id}@example.org>",
        "auto-submitted": "auto-generated",
        "mime-version": "1.0",
        "content-type": message["content-type"],
    }
    assert message.get_content_type() == "multipart/alternative"
    text, html = (message.get_body((kind,)) for kind in ("plain", "html"))
    assert text is not None
    assert server.box[0].text == "the text\n\n-- \nGerda <gerda@example.org>\nhttps://wwt.example.org\n"
    assert html is not None
    assert "<p>the <b>text</b></p>" in html.get_content()
    assert "Gerda &lt;gerda@example.org&gt;<br>" in html.get_content()


def test_a_mail_without_html_is_one_text(office: Office, server: MailServer) -> None:
    office.use(server)
    office.queue()
    office.deliver()

    assert server.box[0].message.get_content_type() == "text/plain"


def test_copies_and_answers_go_where_they_should_and_nobody_is_addressed_twice(
    office: Office, server: MailServer
) -> None:
    office.use(server)
    office.queue([OLGA, f"Olga <{OLGA.upper()}>"], cc=[PETR, OLGA], reply_to="Desk <desk@example.org>")
    office.deliver()

    (got,) = server.box
    assert got.to == (OLGA, PETR)
    assert (got.message["To"], got.message["Cc"], got.message["Reply-To"]) == (OLGA, PETR, "Desk <desk@example.org>")


def test_lines_of_any_length_and_in_any_language_go_over_a_line_of_seven_bits(
    office: Office, server: MailServer
) -> None:
    office.use(server)
    text = "x" * 100_000 + "\n.\n..\nFrom here\né" + "ü" * 5000
    office.post.queue("a", [OLGA], "é" * 400, text)
    office.deliver()

    raw = server.box[0].raw
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 998
    assert server.box[0].text.startswith(text + "\n")
    assert server.box[0].message["Subject"] == "é" * 400


def test_an_address_in_another_script_goes_out_as_the_dns_has_it(office: Office, server: MailServer) -> None:
    office.use(server)
    office.queue(["bücher@bücher.example".replace("bücher@", "b@")])
    office.deliver()

    assert server.box[0].to == ("b@xn--bcher-kva.example",)


# -- doors that are locked ----------------------------------------------------


def test_starttls_with_a_verified_certificate_and_sign_in(office: Office) -> None:
    with running(MailServer(), certificate=office.trust.certificate(), sign_in=True) as server:
        office.use(server, security="starttls", user=USER, password=PASSWORD, ca_file=office.trust.ca_file)
        office.queue()

        assert office.deliver() == "1 sent"
        assert office.post.greet() == f"the mail server 127.0.0.1:{server.port} answers (starttls, signed in)"
    assert (server.box[0].encrypted, server.box[0].signed_in) == (True, True)


@pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")  # aiosmtpd means STARTTLS by that
def test_tls_from_the_first_byte(office: Office) -> None:
    with running(MailServer(), certificate=office.trust.certificate(), implicit=True, sign_in=True) as server:
        office.use(server, security="tls", user=USER, password=PASSWORD, ca_file=office.trust.ca_file)
        office.queue()

        assert office.deliver() == "1 sent"
    assert server.box[0].signed_in


@pytest.mark.parametrize("implicit", [False, True])
def test_a_certificate_that_nobody_vouches_for_is_refused(office: Office, implicit: bool, tmp_path: Path) -> None:
    stranger = Trust.made(tmp_path)
    with running(MailServer(), certificate=stranger.certificate(), implicit=implicit) as server:
        office.use(server, security="tls" if implicit else "starttls", ca_file=office.trust.ca_file)
        mail_id = office.queue()

        assert "has a certificate that is not trusted: unable to get local issuer certificate" in office.fails()
    assert office.mail(mail_id).state == "waiting"
    assert server.box == []


def test_a_certificate_of_another_host_is_refused(office: Office) -> None:
    with running(MailServer(), certificate=office.trust.certificate("smtp.example.org")) as server:
        office.use(server, security="starttls", ca_file=office.trust.ca_file)
        office.queue()

        assert "certificate that is not trusted: IP address mismatch" in office.fails()


def test_a_server_without_starttls_gets_no_password(office: Office, server: MailServer) -> None:
    office.use(server, security="starttls", user=USER, password=PASSWORD)
    office.queue()

    assert "offers no STARTTLS; take another port, or security: tls or none" in office.fails()
    assert server.box == []


def test_a_wrong_password_is_told_without_the_password(office: Office) -> None:
    with running(MailServer(), certificate=office.trust.certificate(), sign_in=True) as server:
        office.use(server, security="starttls", user=USER, password="wr0ng-one", ca_file=office.trust.ca_file)
        mail_id = office.queue()
        told = office.fails()

    assert told == (
        f"the mail server 127.0.0.1:{server.port} refuses user name or password "
        "(said: 535 5.7.8 Authentication credentials invalid); 1 mail waits until it is tried again at 12:01 UTC"
    )
    state = office.post.state()
    assert state.trouble_in_short == "the mail server refuses user name or password"
    assert (state.since, state.next_at) == (NOON, NOON + timedelta(minutes=1))
    assert office.mail(mail_id).state == "waiting"
    assert "wr0ng" not in repr(state) + repr(office.house)


def test_a_server_that_offers_no_sign_in_is_told(office: Office, server: MailServer) -> None:
    office.use(server, user=USER, password=PASSWORD)
    office.queue()

    assert "offers no sign-in; leave user and password out, or take another port" in office.fails()


def test_plain_words_at_a_port_that_expects_tls_are_told(office: Office, server: MailServer) -> None:
    office.use(server, security="tls")
    office.queue()

    assert "does not speak TLS as expected" in office.fails()


# -- bad days -----------------------------------------------------------------


def test_a_dead_server_loses_nothing_and_is_asked_less_and_less(office: Office) -> None:
    server = MailServer()
    office.use(free_port())
    ids = [office.queue(subject=str(n)) for n in range(3)]
    waits = []
    for _ in range(8):
        assert "does not answer: the connection was refused; 3 mails wait" in office.fails()
        next_at = office.post.state().next_at
        assert next_at is not None
        waits.append((next_at - office.now).total_seconds())
        assert not office.post.due()
        office.now = next_at
        assert office.post.due()

    assert waits == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    with running(server):
        office.use(server)
        assert office.deliver() == "3 sent"
    assert [office.mail(one).state for one in ids] == ["sent"] * 3
    assert office.post.state().trouble == ""


def test_pauses_are_never_the_same_for_all(office: Office) -> None:
    office.use(free_port())
    office.queue()
    for chance, minutes in ((0.0, 0.75), (1.0, 2.5)):
        with pytest.raises(WwtError):
            Post(office.store, lambda: office.house, lambda chance=chance: chance).deliver(lambda *_: None)  # type: ignore[misc]
        assert office.post.state().next_at == NOON + timedelta(minutes=minutes)


def test_after_a_restart_or_a_change_of_options_the_server_is_tried_at_once(office: Office) -> None:
    office.use(free_port())
    office.queue()
    office.fails()

    assert not office.post.due()
    assert office.new().due()
    office.use(free_port())
    assert office.post.due()


def test_nothing_is_due_where_nothing_waits_or_no_server_is_named(office: Office) -> None:
    office.use(25)
    assert not office.post.due()
    office.queue()
    assert office.post.due()
    office.house = HouseOptions()
    assert not office.post.due()
    with pytest.raises(WwtError, match="mail can not be sent, this installation has no mail server"):
        office.deliver()


def test_an_address_that_is_refused_for_good_costs_no_other_its_mail(office: Office, server: MailServer) -> None:
    office.use(server)
    server.at_rcpt = lambda address: "550 5.1.1 no such user" if address == PETR else ""
    both = office.queue([PETR, OLGA])
    other = office.queue([OLGA])

    assert office.deliver() == "1 sent, 1 failed"
    mail = office.mail(both)
    assert (mail.state, mail.reason) == ("failed", f"{PETR}: 550 5.1.1 no such user")
    assert (mail.refused, mail.left) == ({PETR: "550 5.1.1 no such user"}, ())
    assert [got.to for got in server.box] == [(OLGA,), (OLGA,)]
    assert office.mail(other).state == "sent"


def test_greylisting_delays_a_mail_and_only_for_whom_it_concerns(office: Office, server: MailServer) -> None:
    office.use(server)
    server.at_rcpt = lambda address: "451 4.7.1 greylisted" if address == PETR and office.now == NOON else ""
    mail_id = office.queue([OLGA, PETR])

    assert office.deliver() == "1 put off"
    mail = office.mail(mail_id)
    assert (mail.state, mail.left, mail.reason) == ("waiting", (PETR,), f"{PETR}: 451 4.7.1 greylisted")
    assert mail.next_at == NOON + timedelta(minutes=1)
    assert not office.post.due()
    office.go_on(minutes=1)
    assert office.deliver() == "1 sent"
    assert [got.to for got in server.box] == [(OLGA,), (PETR,)]


@pytest.mark.parametrize(("said", "state"), [("554 5.7.1 spam", "failed"), ("452 4.3.1 disk full", "waiting")])
def test_what_is_said_of_the_content_holds_for_all_recipients(
    office: Office, server: MailServer, said: str, state: str
) -> None:
    office.use(server)
    server.at_data = lambda _envelope: said
    mail_id = office.queue([OLGA, PETR])
    office.deliver()

    mail = office.mail(mail_id)
    assert (mail.state, mail.reason) == (state, f"{OLGA}: {said}; and 1 more")


def test_a_failed_mail_can_be_sent_again_to_who_has_not_got_it(office: Office, server: MailServer) -> None:
    office.use(server)
    server.at_rcpt = lambda address: "550 no such user" if address == PETR else ""
    mail_id = office.queue([OLGA, PETR])
    office.deliver()
    server.at_rcpt = lambda _address: ""

    assert office.post.retry(mail_id) == 1
    assert office.deliver() == "1 sent"
    assert [got.to for got in server.box] == [(OLGA,), (PETR,)]


def test_a_sender_who_may_not_send_is_trouble_of_the_server_not_of_the_mail(office: Office, server: MailServer) -> None:
    office.use(server)
    server.at_mail = lambda _sender: "553 5.7.1 not your address"
    mail_id = office.queue()

    assert f"does not take mail from {SENDER} (said: 553 5.7.1 not your address)" in office.fails()
    assert office.mail(mail_id).state == "waiting"


def test_a_mail_that_breaks_the_line_does_not_hold_up_the_others(office: Office) -> None:
    ok = (b"220 hi\r\n", b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")
    with saying(ok) as port:
        office.use(port)
        poison = office.queue(subject="poison")
        assert office.deliver() == "1 put off"
    with running(MailServer()) as server:
        office.use(server)
        other = office.queue(subject="other")
        assert office.deliver() == "1 sent"

        assert (office.mail(poison).state, office.mail(other).state) == ("waiting", "sent")
        office.go_on(minutes=1)
        assert office.deliver() == "1 sent"
        assert server.box[1].message["Message-ID"] == f"<{poison}@example.org>"


def test_a_server_that_breaks_every_line_is_left_alone(office: Office) -> None:
    ok = (b"220 hi\r\n", b"250 hi\r\n", b"250 ok\r\n", b"250 ok\r\n", b"354 go\r\n")
    with saying(ok, ok, ok) as port:
        office.use(port)
        for n in range(5):
            office.queue(subject=str(n))

        assert "closed the connection 3 times in the midst of a mail; 5 mails wait" in office.fails()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((b"554 no\r\n",), "refuses to talk to us (said: 554 no)"),
        ((b"220 hi\r\n", b"421 busy\r\n", b"421 busy\r\n"), "refuses to talk to us (said: 421 busy)"),
        ((b"",), "closed the connection"),
        ((b"what?\r\n",), "does not speak SMTP at this port"),
        ((b"220 hi\r\n", b"250 " + b"x" * 9000 + b"\r\n"), "refuses to talk to us (said: 500 Line too long.)"),
        ((b"554 \xff\x00\x1b[31mred\r\n",), "refuses to talk to us (said: 554 \ufffd??[31mred)"),
    ],
)
def test_whatever_a_server_says_is_told_in_words(office: Office, words: tuple[bytes, ...], told: str) -> None:
    with saying(words, words) as port:
        office.use(port)
        office.queue()

        assert told in office.fails()


def test_a_server_that_says_nothing_is_not_waited_for_for_ever(office: Office) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        office.use(silent.getsockname()[1], timeout_s=0.2)
        office.queue()

        assert "does not answer within 0.2 s" in office.fails()


def test_a_server_that_says_a_byte_now_and_then_is_not_listened_to_for_ever(office: Office) -> None:
    with dripping() as port:
        office.use(port, timeout_s=0.1)
        office.queue()

        assert "takes longer than 1 s for what should take a moment" in office.fails()


def test_a_sender_that_died_leaves_a_mail_that_is_sent_with_the_same_message_id(
    office: Office, server: MailServer
) -> None:
    office.use(server)
    mail_id = office.queue()
    ledger.take_mail(office.store)  # and then the process was killed

    again = office.new()
    assert again.due()
    again.deliver(lambda *_: None)
    assert server.box[0].message["Message-ID"] == f"<{mail_id}@example.org>"


def test_a_mail_is_given_up_after_its_days(office: Office, server: MailServer) -> None:
    office.use(server, give_up_days=2)
    server.at_rcpt = lambda _address: "450 come again"
    mail_id = office.queue()
    office.deliver()
    office.go_on(days=2, seconds=1)
    office.deliver()

    mail = office.mail(mail_id)
    assert (mail.state, mail.reason, mail.attempts) == ("failed", f"given up: {OLGA}: 450 come again", 2)


def test_with_a_dead_server_mails_are_given_up_as_well(office: Office) -> None:
    office.use(free_port(), give_up_days=2)
    mail_id = office.queue()
    office.go_on(days=3)
    office.fails()

    assert office.mail(mail_id).state == "failed"
    assert "given up: the mail server 127.0.0.1:" in office.mail(mail_id).reason


def test_no_more_than_so_many_go_out_in_an_hour(office: Office, server: MailServer) -> None:
    office.use(server, per_hour=2)
    for n in range(3):
        office.queue(subject=str(n))

    assert office.deliver() == "2 sent"
    assert not office.post.due()
    office.go_on(minutes=60, seconds=1)
    assert office.deliver() == "1 sent"
    assert [got.message["Subject"] for got in server.box] == ["0", "1", "2"]


def test_one_connection_carries_many_mails(office: Office, server: MailServer) -> None:
    office.use(server)
    for n in range(5):
        office.queue(subject=str(n))
    office.deliver()

    assert (len(server.box), server.lines) == (5, 1)


def test_a_server_that_closes_the_line_after_an_answer_is_called_again(office: Office, server: MailServer) -> None:
    office.use(server)
    server.at_data = lambda _envelope: "421 closing" if not server.box and server.lines == 1 else ""
    first, second = office.queue(subject="first"), office.queue(subject="second")

    assert office.deliver() == "1 sent, 1 put off"
    assert (office.mail(first).state, office.mail(second).state) == ("waiting", "sent")


def test_what_was_sent_is_forgotten_after_a_month(office: Office, server: MailServer) -> None:
    office.use(server)
    office.queue(once="actions.mail:1")
    office.deliver()
    office.go_on(days=31)
    office.queue()
    office.deliver()

    assert len(ledger.mails(office.store)) == 1


# -- what is refused before it is kept ----------------------------------------


@pytest.mark.parametrize(
    ("what", "told"),
    [
        ({"subject": "a\r\nBcc: spy@example.org"}, r"expected one line of text, got '\r'"),
        ({"subject": "a\nBcc: spy@example.org"}, r"expected one line of text, got '\n'"),
        ({"subject": " "}, "expected 1 to 500 characters, got 1"),
        ({"subject": "x" * 501}, "expected 1 to 500 characters, got 501"),
        ({"to": [f"{OLGA}\r\nBcc: spy@example.org"]}, "with what can not be printed"),
        ({"to": [f"{OLGA}, spy@example.org"]}, "expected one address like"),
        ({"to": ["Olga\r\nBcc: spy@example.org <olga@example.org>"]}, "with what can not be printed"),
        ({"to": ["olga@example.org> SIZE=1"]}, "expected one address like"),
        ({"to": ["olga"]}, "expected one address like"),
        ({"to": ["olga@-x-"]}, "what follows the @ is no name of a host"),
        ({"to": ["ölga@example.org"]}, "expected one address like"),
        ({"to": ["=?utf-8?q?a=0d=0aBcc=3a_x=40y?= <a@b.c>"]}, "expected one address like"),
        ({"cc": ["spy@example.org;x@example.org"]}, "expected one address like"),
        ({"reply_to": "a\nb@example.org"}, "with what can not be printed"),
        ({"to": []}, "expected 1 to 100, got 0"),
        ({"to": [f"a{n}@example.org" for n in range(101)]}, "expected 1 to 100, got 101"),
        ({"to": OLGA}, "expected a list of addresses, got 'olga@example.org'"),
    ],
)
def test_what_could_be_another_header_or_nobody_is_refused(office: Office, what: dict[str, Any], told: str) -> None:
    office.use(25)

    with pytest.raises(WwtError) as caught:
        office.queue(**what)
    assert told in str(caught.value)
    assert ledger.mails(office.store) == []


@pytest.mark.parametrize("email", ["gerda", "gerda@example.org, spy@example.org", "Gerda <gerda@example.org>", "g@e>x"])
def test_a_webmaster_to_whom_no_answer_could_go_is_refused(email: str) -> None:
    with pytest.raises(ValueError, match=r"expected an address like name@example\.org"):
        HouseOptions.model_validate({"webmaster": {"email": email}})


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"server": "smtp.example.org"}, "expected host:port like smtp.example.org:587"),
        ({"server": "smtp.example.org:0"}, "expected a port from 1 to 65535"),
        ({"sender": "wwt@example.org\nBcc: spy@example.org"}, "expected one address like"),
        ({"user": "wwt"}, "user and password belong together"),
        ({"password": "x"}, "user and password belong together"),
        ({"user": "wwt", "password": "x", "security": "none"}, "security none would show the password to everybody"),
        ({"ca_file": "/nowhere/ca.pem"}, "expected an existing file"),
    ],
)
def test_options_with_which_no_mail_could_go_out_safely_are_refused(options: dict[str, str], told: str) -> None:
    given = {"server": "smtp.example.org:587", "sender": SENDER, **options}

    with pytest.raises(ValueError, match=told):
        HouseOptions.model_validate({"mail": given})
