"""TLS of the built-in server: protocols, keys, and certificates that visitors may show."""

from __future__ import annotations

import logging
import socket
import ssl
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cheroot.ssl.builtin import BuiltinSSLAdapter

from wwt_framework.errors import WwtError

log = logging.getLogger(__name__)

_PLAIN = b"This address speaks HTTPS only: write https:// in the place of http://.\n"
_NOT_HERE = b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s"


@dataclass(frozen=True)
class Keys:
    """With what to serve HTTPS."""

    certificate: Path  # PEM, with its chain
    key: Path
    passphrase: str = field(default="", repr=False)  # "": the key is not encrypted
    client_ca: Path | None = None  # file or folder; None: visitors are not asked for a certificate


class _Adapter(BuiltinSSLAdapter):
    """cheroot's, where a client that does not shake hands holds a thread and not the door.

    cheroot greets in the one thread that accepts connections: everybody waits for the slowest.
    """

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, Any]]:
        """*sock* before its handshake, see `greeted`."""
        return self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False), {}


def make_adapter(keys: Keys) -> BuiltinSSLAdapter:
    """What speaks TLS 1.2 and newer with *keys*. Raises `WwtError` in words."""
    _check_key(keys)
    try:
        adapter = _Adapter(str(keys.certificate), str(keys.key), private_key_password=keys.passphrase)
    except OSError as err:
        raise WwtError(f"{keys.certificate}: can not be used with {keys.key} ({err})") from err
    context: ssl.SSLContext = adapter.context
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_RENEGOTIATION
    if keys.client_ca:
        _ask_for_certificates(context, keys.client_ca)
    return adapter


def _check_key(keys: Keys) -> None:
    """Raises `WwtError` for a key that does not open: what OpenSSL says of it names neither file nor reason."""
    try:
        # The pass phrase is given, be it empty: without it OpenSSL asks for one at the terminal, and waits.
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(keys.certificate, keys.key, lambda: keys.passphrase)
    except (OSError, ValueError) as err:
        try:
            encrypted = "ENCRYPTED" in keys.key.read_text("ascii", "replace")
        except OSError as unreadable:
            raise WwtError(f"{keys.key}: can not be read ({unreadable})") from unreadable
        if encrypted and not keys.passphrase:
            raise WwtError(f"{keys.key}: is encrypted; give its pass phrase as wwt.tls.passphrase") from err
        if encrypted:
            raise WwtError(f"{keys.key}: does not open with the pass phrase of wwt.tls.passphrase ({err})") from err
        raise WwtError(f"{keys.certificate}: can not be used with {keys.key} ({err})") from err


def _ask_for_certificates(context: ssl.SSLContext, authorities: Path) -> None:
    """Ask visitors for a certificate, and refuse one that none of *authorities* vouches for; none at all is fine."""
    folder = authorities.is_dir()
    try:
        context.load_verify_locations(None if folder else authorities, authorities if folder else None)
    except OSError as err:
        raise WwtError(f"{authorities}: expected PEM certificates of authorities ({err})") from err
    context.verify_mode = ssl.CERT_OPTIONAL
    # A grid proxy passes here, so that a page can say in words that it is not enough (`plugins/auth/x509`).
    context.verify_flags |= ssl.VerifyFlags.VERIFY_ALLOW_PROXY_CERTS
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT  # certificates of the grid's authorities are old


def greeted(adapter: BuiltinSSLAdapter, sock: ssl.SSLSocket) -> dict[str, Any] | None:
    """Shake hands with the client behind *sock*: what WSGI is to know of it. None: it is no partner for TLS."""
    try:
        sock.do_handshake()
    except (OSError, ValueError) as err:  # ValueError: it was gone before
        log.info("a client could not be greeted", extra={"error": str(err)})
        if "HTTP_REQUEST" in str(getattr(err, "reason", "")):
            _say_plainly(sock)
        return None
    known: dict[str, Any] = adapter.get_environ(sock)  # type: ignore[no-untyped-call]  # cheroot has few types
    return known


def _say_plainly(sock: ssl.SSLSocket) -> None:
    """Answer a client that speaks HTTP, past the TLS that it does not speak."""
    try:
        socket.socket.sendall(sock, _NOT_HERE % (len(_PLAIN), _PLAIN))
    except OSError as err:
        log.debug("a client had gone", extra={"error": str(err)})
