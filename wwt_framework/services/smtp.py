"""One dialogue with the mail server, and what its refusals mean in words."""

from __future__ import annotations

import smtplib
import socket
import ssl
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from wwt_framework.errors import WwtError
from wwt_framework.options import MailOptions

#: A dialogue about one mail that takes longer than this many times ``timeout_s`` is ended: each byte may come in time.
_WHOLE = 10


class ServerTrouble(WwtError):
    """The server takes no mail at all. ``what``: in words that name no host."""

    def __init__(self, server: str, what: str, said: str = "") -> None:
        super().__init__(f"the mail server {server} {what}" + (f" (said: {said})" if said else ""))
        self.what = f"the mail server {what}"


class Broken(Exception):
    """The line broke while a mail was handed over: nobody knows whether the server has it. Text: why, in words."""


@dataclass(frozen=True)
class Outcome:
    """Who did not get a mail: for good, and for now; address -> what the server said. All others have got it."""

    refused: Mapping[str, str] = field(default_factory=dict)
    deferred: Mapping[str, str] = field(default_factory=dict)


class Line:
    """A dialogue, by ``with``. Raises `ServerTrouble` when the server can not be spoken to, or refuses who we are."""

    def __init__(self, options: MailOptions) -> None:
        self._options = options
        self._smtp: Any = None

    def __enter__(self) -> Line:  # noqa: PYI034  # Self came with Python 3.11
        options = self._options
        try:
            context = ssl.create_default_context(cafile=options.ca_file and str(options.ca_file))
        except (OSError, ssl.SSLError) as err:
            raise ServerTrouble(
                options.server, f"can not be checked: ca_file is no PEM file of certificates: {err}"
            ) from err
        self._smtp = (
            _Tls(options.host, options.timeout_s, context)
            if options.security == "tls"
            else _Plain(options.host, options.timeout_s)
        )
        self._limit = _Limit(self._smtp, _WHOLE * options.timeout_s)
        try:
            with self._limit:
                self._begin(context)
        except BaseException as err:
            self._smtp.close()
            if isinstance(err, OSError | smtplib.SMTPException):
                raise self._trouble(err) from err
            raise
        return self

    def __exit__(self, _kind: type[BaseException] | None, err: BaseException | None, _tb: TracebackType | None) -> None:
        if err is None:
            try:
                with self._limit:
                    self._smtp.quit()
            except (OSError, smtplib.SMTPException):
                pass  # every mail was answered before; how it takes leave does not matter
        self._smtp.close()

    def send(self, message: bytes, sender: str, to: Sequence[str]) -> Outcome:
        """Hand one mail over, all of it ASCII. Raises `Broken`, and `ServerTrouble` when the server would not take any other, either."""
        try:
            with self._limit:
                refused = self._smtp.sendmail(sender, list(to), message)
        except smtplib.SMTPRecipientsRefused as err:
            closed = dict.fromkeys(to, (421, b"the server closed the connection"))
            refused = {**closed, **err.recipients}
        except smtplib.SMTPDataError as err:
            refused = dict.fromkeys(to, (err.smtp_code, err.smtp_error))
        except smtplib.SMTPSenderRefused as err:
            if err.smtp_code not in (452, 552):  # it, or all we sent, is too large; else it is the sender
                what = f"does not take mail from {self._options.sender}"
                raise ServerTrouble(self._options.server, what, _said(err.smtp_code, err.smtp_error)) from err
            refused = dict.fromkeys(to, (err.smtp_code, err.smtp_error))
        except (OSError, smtplib.SMTPException) as err:
            raise Broken(str(self._trouble(err))) from err
        words = {one: (code, _said(code, said)) for one, (code, said) in refused.items()}
        return Outcome(
            refused={one: said for one, (code, said) in words.items() if code >= 500},
            deferred={one: said for one, (code, said) in words.items() if code < 500},
        )

    @property
    def is_open(self) -> bool:
        """Whether the server still listens; it may have closed the line after an answer."""
        return self._smtp.sock is not None

    def _begin(self, context: ssl.SSLContext) -> None:
        options = self._options
        code, said = self._smtp.connect(options.host, options.port)
        if code < 0:
            raise ServerTrouble(
                options.server, "does not speak SMTP at this port", _one_line(str(said, "utf-8", "replace"))
            )
        if code != 220:
            raise smtplib.SMTPConnectError(code, said)
        self._smtp.ehlo_or_helo_if_needed()
        if options.security == "starttls":
            if not self._smtp.has_extn("starttls"):
                raise ServerTrouble(options.server, "offers no STARTTLS; take another port, or security: tls or none")
            code, said = self._smtp.starttls(context=context)
            if code != 220:
                raise smtplib.SMTPResponseException(code, said)
            self._smtp.ehlo_or_helo_if_needed()
        if options.user:
            if not self._smtp.has_extn("auth"):
                raise ServerTrouble(
                    options.server, "offers no sign-in; leave user and password out, or take another port"
                )
            self._smtp.login(options.user, options.password.get_secret_value())

    def _trouble(self, err: Exception) -> ServerTrouble:
        server, said = self._options.server, ""
        if self._limit.passed:
            what = f"takes longer than {self._limit.seconds:g} s for what should take a moment"
        elif isinstance(err, smtplib.SMTPAuthenticationError):
            what = "refuses user name or password"
        elif isinstance(err, smtplib.SMTPServerDisconnected) and isinstance(err.__context__, TimeoutError):
            what = _of_the_net(err.__context__, self._options)
        elif isinstance(err, smtplib.SMTPServerDisconnected):
            what = "closed the connection"
        elif isinstance(err, smtplib.SMTPResponseException):
            what = "refuses to talk to us"
        elif isinstance(err, smtplib.SMTPException):
            what = f"can not be used: {_one_line(str(err))}"
        else:
            what = _of_the_net(err, self._options)
        if isinstance(err, smtplib.SMTPResponseException):
            said = _said(err.smtp_code, err.smtp_error)
            if password := self._options.password.get_secret_value():
                said = said.replace(password, "...")
        return ServerTrouble(server, what, said)


class _Plain(smtplib.SMTP):
    """smtplib's, with the name that a certificate must bear known before the first byte."""

    def __init__(self, host: str, timeout: float) -> None:
        super().__init__(timeout=timeout)
        self._host = host


class _Tls(smtplib.SMTP_SSL):
    """The same, with TLS from the first byte."""

    def __init__(self, host: str, timeout: float, context: ssl.SSLContext) -> None:
        super().__init__(timeout=timeout, context=context)
        self._host = host


class _Limit:
    """Shut the line down when a block takes longer than *seconds*: then whoever waits in it hears that it is closed."""

    def __init__(self, smtp: Any, seconds: float) -> None:
        self._smtp = smtp
        self.seconds = seconds
        self.passed = False

    def __enter__(self) -> None:
        self._timer = threading.Timer(self.seconds, self._shut)
        self._timer.daemon = True
        self._timer.start()

    def __exit__(self, *_: object) -> None:
        self._timer.cancel()

    def _shut(self) -> None:
        self.passed = True
        try:
            if self._smtp.sock is not None:
                self._smtp.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass  # it was closed meanwhile


def _of_the_net(err: Exception, options: MailOptions) -> str:
    """What kept us from reaching the server."""
    if isinstance(err, ssl.SSLCertVerificationError):
        return f"has a certificate that is not trusted: {_one_line(err.verify_message)}; ca_file says who is trusted"
    if isinstance(err, ssl.SSLError):
        return f"does not speak TLS as expected ({_one_line(err.reason or str(err))}); is security: {options.security} right for this port?"
    if isinstance(err, TimeoutError):
        return f"does not answer within {options.timeout_s:g} s"
    if isinstance(err, ConnectionRefusedError):
        return "does not answer: the connection was refused"
    if isinstance(err, socket.gaierror):
        return f"is not known by that name: {_one_line(err.strerror or str(err))}"
    strerror = getattr(err, "strerror", None)
    return f"can not be reached: {_one_line(strerror or str(err))}"


def _said(code: int, said: bytes | str) -> str:
    text = said.decode("utf-8", "replace") if isinstance(said, bytes) else str(said)
    return _one_line(f"{code} {text}")


def _one_line(text: str) -> str:
    """What a server says, fit for a table: one line, printable, not endless."""
    line = "".join(c if c.isprintable() else "?" for c in " ".join(text.split()))
    return line if len(line) <= 300 else f"{line[:297]}..."
