"""The servers of one directory: each question goes to the first that answers."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from logging import Logger
from typing import Any

import ldap
from ldap.ldapobject import SimpleLDAPObject

from wwt_framework.errors import PluginError

from .options import LdapOptions

REST_S = 30.0  # that a server that did not answer is asked last


@dataclass(frozen=True)
class Entry:
    """What a search found."""

    dn: str
    attributes: Mapping[str, list[bytes]]  # names in lower case


def texts(attributes: Mapping[str, list[bytes]], name: str) -> list[str]:
    """The values of an attribute that are text."""
    found = []
    for value in attributes.get(name.lower(), []):
        with suppress(UnicodeDecodeError):
            found.append(value.decode("utf-8"))
    return found


class Directory:
    """For many threads: connections are not shared."""

    def __init__(self, options: LdapOptions, log: Logger) -> None:
        self._options = options
        self._log = log
        self._lock = threading.Lock()
        self._rests: dict[str, float] = {}  # server -> until when it is asked last

    @contextmanager
    def reader(self) -> Iterator[SimpleLDAPObject]:
        """A connection that may search. Raises `PluginError` when there is none."""
        connection = self._connected()
        try:
            yield connection
        except ldap.LDAPError as err:
            raise PluginError(f"the directory did not answer: {said(err)}") from err
        finally:
            _close(connection)

    def is_password(self, dn: str, password: str) -> bool:
        """Whether *password* opens *dn*. Raises `PluginError` when nobody can tell."""
        complaints = []
        for server in self._in_order():
            try:
                connection = self._open(server)
            except ldap.LDAPError as err:
                complaints.append(self._unreachable(server, err))
                continue
            try:
                connection.simple_bind_s(dn, password)
                return True
            except (ldap.INVALID_CREDENTIALS, ldap.NO_SUCH_OBJECT, ldap.INVALID_DN_SYNTAX, ldap.INAPPROPRIATE_AUTH):
                return False
            except (ldap.UNWILLING_TO_PERFORM, ldap.CONSTRAINT_VIOLATION):
                return False  # an account that is locked
            except ldap.LDAPError as err:
                complaints.append(self._unreachable(server, err))
            finally:
                _close(connection)
        raise PluginError(f"no server of the directory could be asked: {'; '.join(complaints)}")

    def search(self, reader: SimpleLDAPObject, base: str, wanted: str, names: Sequence[str]) -> list[Entry]:
        """Entries below *base*. Raises `PluginError` when the base is not there."""
        try:
            rows = reader.search_ext_s(base, ldap.SCOPE_SUBTREE, wanted, list(names), timeout=self._options.timeout_s)
        except ldap.NO_SUCH_OBJECT:
            raise PluginError(f"the directory has no {base}") from None
        except ldap.FILTER_ERROR:
            raise PluginError("person_filter is no filter that the directory understands") from None
        return [
            Entry(dn, {name.lower(): values for name, values in attributes.items()})
            for dn, attributes in rows
            if dn is not None  # else a referral to another directory
        ]

    def told(self) -> tuple[bool, str]:
        """Whether all servers can be searched, and what the first that can not says."""
        good, complaints = [], []
        for server in self._options.servers:
            try:
                _close(self._signed_in(server))
                good.append(server)
            except (ldap.LDAPError, PluginError) as err:
                complaints.append(f"{server}: {said(err) if isinstance(err, ldap.LDAPError) else err}")
        if complaints:
            return False, "; ".join(complaints) + (f"; {', '.join(good)} answers" if good else "")
        return True, f"{', '.join(good)}: can be searched"

    # -- connections --

    def _connected(self) -> SimpleLDAPObject:
        complaints = []
        for server in self._in_order():
            try:
                return self._signed_in(server)
            except ldap.LDAPError as err:
                complaints.append(self._unreachable(server, err))
        raise PluginError(f"no server of the directory could be asked: {'; '.join(complaints)}")

    def _signed_in(self, server: str) -> SimpleLDAPObject:
        connection = self._open(server)
        try:
            if self._options.bind_dn:
                connection.simple_bind_s(self._options.bind_dn, self._options.bind_password.get_secret_value())
        except (ldap.INVALID_CREDENTIALS, ldap.INAPPROPRIATE_AUTH, ldap.INVALID_DN_SYNTAX):
            _close(connection)
            raise PluginError(f"{server} refuses bind_dn with bind_password") from None
        except ldap.LDAPError:
            _close(connection)
            raise
        return connection

    def _open(self, server: str) -> SimpleLDAPObject:
        """A connection on which nobody is signed in, with TLS unless options say otherwise."""
        options = self._options
        connection = ldap.initialize(server)
        connection.set_option(ldap.OPT_PROTOCOL_VERSION, ldap.VERSION3)
        connection.set_option(ldap.OPT_REFERRALS, 0)  # whoever they name would be told the password
        connection.set_option(ldap.OPT_NETWORK_TIMEOUT, options.timeout_s)
        connection.set_option(ldap.OPT_TIMEOUT, options.timeout_s)
        connection.set_option(ldap.OPT_X_TLS_REQUIRE_CERT, ldap.OPT_X_TLS_DEMAND)
        if options.ca_file:
            connection.set_option(ldap.OPT_X_TLS_CACERTFILE, str(options.ca_file))
        connection.set_option(ldap.OPT_X_TLS_NEWCTX, 0)
        try:
            if server.startswith("ldap:") and options.security == "starttls":
                connection.start_tls_s()
        except ldap.LDAPError:
            _close(connection)
            raise
        return connection

    def _in_order(self) -> list[str]:
        """The servers, those last that did not answer a short while ago."""
        now = time.monotonic()
        with self._lock:
            return sorted(self._options.servers, key=lambda server: self._rests.get(server, 0) > now)

    def _unreachable(self, server: str, error: ldap.LDAPError) -> str:
        """Ask the others first for a while; returns what *server* said."""
        with self._lock:
            self._rests[server] = time.monotonic() + REST_S
        self._log.warning("a server of the directory did not answer", extra={"server": server, "error": said(error)})
        return f"{server}: {said(error)}"


def said(error: ldap.LDAPError) -> str:
    """What went wrong, in a line."""
    told: Any = error.args[0] if error.args and isinstance(error.args[0], dict) else {}
    words = [str(told[key]) for key in ("desc", "info") if told.get(key)]
    return ": ".join(words) or type(error).__name__


def _close(connection: SimpleLDAPObject) -> None:
    with suppress(ldap.LDAPError):
        connection.unbind_s()
