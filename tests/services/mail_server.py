"""Real mail servers for tests: STARTTLS or TLS, sign-in, certificates of a CA of their own, and bad days."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any, cast

import trustme
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session

USER, PASSWORD = "wwt", "corr3ct horse"


@dataclass(frozen=True)
class Received:
    """One mail that a server has taken."""

    sender: str
    to: tuple[str, ...]
    raw: bytes = field(repr=False)
    encrypted: bool
    signed_in: bool

    @property
    def text(self) -> str:
        """The plain text of it, with line ends as we write them."""
        body = self.message.get_body(("plain",))
        assert body is not None
        return str(cast(EmailMessage, body).get_content()).replace("\r\n", "\n")

    @property
    def message(self) -> EmailMessage:
        return cast(EmailMessage, message_from_bytes(self.raw, policy=default))


class MailServer:
    """What a server says can be changed while it runs: ``at_rcpt(address)``, ``at_data(envelope)`` give an answer."""

    def __init__(self) -> None:
        self.box: list[Received] = []
        self.helos: list[str] = []
        self.lines = 0  # connections
        self.at_rcpt: Callable[[str], str] = lambda _address: ""
        self.at_data: Callable[[Envelope], str] = lambda _envelope: ""
        self.at_mail: Callable[[str], str] = lambda _sender: ""
        self.port = 0

    # -- what aiosmtpd calls --

    async def handle_EHLO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, responses: list[str]
    ) -> list[str]:
        self.helos.append(hostname)
        session.host_name = hostname
        return responses

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if said := self.at_mail(address):
            return said
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 OK"

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        if said := self.at_rcpt(address):
            return said
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if said := self.at_data(envelope):
            return said
        assert isinstance(envelope.content, bytes)
        self.box.append(
            Received(
                envelope.mail_from or "",
                tuple(envelope.rcpt_tos),
                envelope.content,
                session.ssl is not None,
                bool(session.authenticated),
            )
        )
        return "250 2.0.0 queued"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
        return AuthResult(success=(data.login, data.password) == (USER.encode(), PASSWORD.encode()), handled=False)


class _Controller(Controller):
    """On a port of the system's choice, and honest about which."""

    def __init__(self, server: MailServer, **how: Any) -> None:
        self._server = server
        super().__init__(server, hostname="127.0.0.1", port=server.port, **how)

    def factory(self) -> SMTP:
        self._server.lines += 1
        return super().factory()

    def _trigger_server(self) -> None:
        self.port = self._server.port = self.server.sockets[0].getsockname()[1]
        super()._trigger_server()
        self._server.lines -= 1  # that was aiosmtpd's own


@contextmanager
def running(
    server: MailServer,
    *,
    certificate: trustme.LeafCert | None = None,
    implicit: bool = False,
    sign_in: bool = False,
    starttls: bool = True,
) -> Iterator[MailServer]:
    """*server*, listening on loopback; again on the same port when it was there before."""
    how: dict[str, Any] = {}
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        certificate.configure_cert(context)
        how = {"ssl_context": context} if implicit else {"tls_context": context, "require_starttls": starttls}
    if sign_in:
        how |= {"auth_required": True, "authenticator": server.authenticate, "auth_require_tls": not implicit}
    controller = _Controller(server, **how)
    controller.start()
    try:
        yield server
    finally:
        controller.stop()


@dataclass(frozen=True)
class Trust:
    """A CA of our own."""

    ca: trustme.CA
    ca_file: Path

    @classmethod
    def made(cls, folder: Path) -> Trust:
        ca = trustme.CA()
        path = folder / "ca.pem"
        ca.cert_pem.write_to_path(path)
        return cls(ca, path)

    def certificate(self, *names: str) -> trustme.LeafCert:
        return self.ca.issue_cert(*(names or ("127.0.0.1", "localhost")))


@contextmanager
def saying(*lines: Sequence[bytes]) -> Iterator[int]:
    """A port whose n-th connection says the n-th of *lines*, one after each line it hears, and closes then."""
    listener = socket.create_server(("127.0.0.1", 0))

    def talk() -> None:
        for words in lines:
            try:
                peer, _ = listener.accept()
            except OSError:
                return
            with peer, peer.makefile("rwb") as file:
                for number, word in enumerate(words):
                    if number:
                        file.readline()
                    file.write(word)
                    file.flush()

    thread = threading.Thread(target=talk, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)  # wakes who waits for a visitor
        listener.close()
        thread.join(10)


@contextmanager
def dripping() -> Iterator[int]:
    """A port that says something every now and then, and never ends a line."""
    listener = socket.create_server(("127.0.0.1", 0))
    done = threading.Event()

    def drip() -> None:
        peer, _ = listener.accept()
        with peer, suppress(OSError):
            while not done.wait(0.02):
                peer.sendall(b"2")

    thread = threading.Thread(target=drip, daemon=True)
    thread.start()
    try:
        yield listener.getsockname()[1]
    finally:
        done.set()
        listener.close()
        thread.join(10)


def free_port() -> int:
    """A port at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])
