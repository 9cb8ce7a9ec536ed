"""Hands messages to a broker over STOMP 1.2, and says which of them it has confirmed."""

from __future__ import annotations

import contextlib
import json
import logging
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import stomp
from stomp.exception import StompException

from wwt_framework.errors import PluginError

from .outbox import Message, uuid_of

#: Messages on the way at the same time, before their receipts are waited for.
_AT_ONCE = 200
_BEAT_MS = 10_000
_GOODBYE_S = 5.0


@dataclass(frozen=True)
class Broker:
    """Where messages go, and who we are there."""

    addresses: tuple[tuple[str, int], ...]  # tried one after the other
    topic: str
    tls: bool = True
    certificate: Path | None = None
    key: Path | None = None
    ca: Path | None = None
    user: str = ""
    password: str = ""
    timeout_s: float = 30.0

    @property
    def words(self) -> str:
        """The addresses as people write them."""
        return ", ".join(f"{host}:{port}" for host, port in self.addresses)


class _Listener(stomp.ConnectionListener):  # type: ignore[misc]  # stomp.py has no types
    """Collects receipts; called by the thread of the connection."""

    def __init__(self) -> None:
        self.changed = threading.Condition()
        self.confirmed: set[str] = set()
        self.complaint = ""
        self.let_in = False
        self.gone = False

    def on_connected(self, _frame: stomp.utils.Frame) -> None:
        with self.changed:
            self.let_in = True
            self.changed.notify_all()

    def on_receipt(self, frame: stomp.utils.Frame) -> None:
        with self.changed:
            self.confirmed.add(str(frame.headers.get("receipt-id")))
            self.changed.notify_all()

    def on_error(self, frame: stomp.utils.Frame) -> None:
        with self.changed:
            said = f"{frame.headers.get('message', '')} {frame.body or ''}"
            self.complaint = " ".join(c for c in said.split() if c.isprintable())[:300]
            self.changed.notify_all()

    def on_disconnected(self) -> None:
        with self.changed:
            self.gone = True
            self.changed.notify_all()

    def has(self, uuids: set[str]) -> bool:
        """Whether all of these were confirmed."""
        return uuids <= self.confirmed

    def wait(self, seconds: float, wanted: Callable[[], bool]) -> bool:
        """Until *wanted*; False when the connection ends first, or the time."""
        with self.changed:
            self.changed.wait_for(lambda: wanted() or self.gone or bool(self.complaint), seconds)
            return wanted()


class _Reasons(logging.Handler):
    """Keeps why stomp.py could not connect: it only writes it into its log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.said = record.getMessage()


def send(broker: Broker, messages: Sequence[Message]) -> tuple[set[str], str]:
    """Send *messages*; gives the uuids of those that the broker has confirmed, and why not all of them are.

    What was not confirmed may have arrived all the same: it is the same uuid when it is sent again.
    Raises `PluginError` when no broker can be reached or it lets nobody in.
    """
    listener = _Listener()
    connection = _connect(broker, listener)
    try:
        for begin in range(0, len(messages), _AT_ONCE):
            some = messages[begin : begin + _AT_ONCE]
            for message in some:
                _put(connection, broker.topic, message)
            if not listener.wait(broker.timeout_s, partial(listener.has, {uuid_of(message) for message in some})):
                break
    except (StompException, OSError) as err:
        listener.complaint = listener.complaint or f"{type(err).__name__}: {err}"
    finally:
        broke = listener.gone
        _hang_up(connection, listener)
    confirmed = listener.confirmed & {uuid_of(message) for message in messages}  # the goodbye is confirmed, too
    if len(confirmed) == len(messages):
        return confirmed, ""
    told = listener.complaint or ("the connection broke" if broke else f"no receipt in {broker.timeout_s:g} s")
    return confirmed, f"{broker.words}: {told}"


def _connect(broker: Broker, listener: _Listener) -> stomp.Connection12:
    connection = stomp.Connection12(
        list(broker.addresses), heartbeats=(_BEAT_MS, _BEAT_MS), vhost="/", reconnect_attempts_max=len(broker.addresses),
        timeout=broker.timeout_s, reconnect_sleep_initial=0.1,
    )  # fmt: skip
    if broker.tls:
        files = {"cert_file": broker.certificate, "key_file": broker.key or broker.certificate, "ca_certs": broker.ca}
        connection.set_ssl(
            list(broker.addresses), ssl_version=ssl.PROTOCOL_TLS_CLIENT,
            **{name: str(path) for name, path in files.items() if path},
        )  # fmt: skip
    connection.set_listener("", listener)
    reasons, logger = _Reasons(), logging.getLogger("stomp.py")
    logger.addHandler(reasons)
    try:
        connection.connect(broker.user or None, broker.password or None, wait=False)
        if not listener.wait(broker.timeout_s, lambda: listener.let_in):
            raise StompException("it does not let us in")
    except (StompException, OSError) as err:
        _hang_up(connection, listener)
        why = listener.complaint or reasons.said or f"{type(err).__name__} {err}".strip()
        raise PluginError(f"no broker of {broker.words} takes messages: {why}") from err
    finally:
        logger.removeHandler(reasons)
    return connection


def _put(connection: stomp.Connection12, topic: str, message: Message) -> None:
    headers = {key: str(value) for key, value in message.items() if key != "body"}
    body = json.dumps(message["body"])  # ASCII: stomp.py counts characters where the protocol counts bytes
    connection.send(
        topic, body, content_type="application/json", headers={**headers, "persistent": "true"},
        receipt=uuid_of(message),
    )  # fmt: skip


def _hang_up(connection: stomp.Connection12, listener: _Listener) -> None:
    """Say goodbye, and do not wait long for an answer."""
    with contextlib.suppress(StompException, OSError):  # it is gone already
        connection.disconnect()
        if not listener.let_in or not listener.wait(_GOODBYE_S, lambda: listener.gone):
            connection.transport.disconnect_socket()
