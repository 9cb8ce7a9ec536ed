"""Servers in front of us: which of them may say who somebody is, and how what they say is read."""

from __future__ import annotations

import ipaddress
import threading
from collections.abc import Sequence
from logging import Logger
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator

from wwt_framework.plugin import Visit

_PEERS = 100  # addresses that the log names; whoever tries from everywhere does not fill it

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


def _network(text: Any) -> Network:
    try:
        return ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"expected an address or a network like 10.1.0.0/16, got '{text}'") from None


def _not_everybody(network: Network) -> Network:
    if network.prefixlen == 0:
        raise ValueError(f"{network} is everybody, who could then be whoever they like; name your proxies")
    return network


ProxyNetwork = Annotated[Network, BeforeValidator(_network), AfterValidator(_not_everybody)]
"""Addresses of proxies: ``10.1.0.7`` or ``10.1.0.0/16``."""


def is_among(peer: str, networks: Sequence[Network]) -> bool:
    """Whether the address *peer* lies in one of *networks*; False for what is no address."""
    try:
        address: ipaddress.IPv4Address | ipaddress.IPv6Address = ipaddress.ip_address(peer.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in networks)


def as_said(text: str) -> str:
    """What a server in front said, as text; "" when it said nothing.

    Apache writes ``(null)`` for a variable that is not set. WSGI hands over bytes in disguise: mostly UTF-8.
    """
    text = text.strip()
    if text.lower() in ("(null)", "null", "-"):
        return ""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


class Ignored:
    """How often a header came from somewhere that may not set it: mostly a proxy that was not named."""

    def __init__(self, log: Logger) -> None:
        self._log = log
        self._lock = threading.Lock()
        self._times = 0
        self._peers: set[str] = set()  # that the log knows

    def note(self, visit: Visit) -> None:
        """Count it; the log says once from where."""
        with self._lock:
            self._times += 1
            is_new = visit.peer not in self._peers and len(self._peers) < _PEERS
            self._peers |= {visit.peer} if is_new else set()
        if is_new:
            self._log.warning("a header was ignored from who is no proxy here", extra={"peer": visit.peer})

    @property
    def text(self) -> str:
        """A half-sentence for /health, which everybody may read: without addresses; "" when there was none."""
        with self._lock:
            times = "once" if self._times == 1 else f"{self._times:,} times"
            return f"; ignored it {times} from elsewhere, the log says from where" if self._times else ""


Separator = Literal[";", ",", "|", " "]
