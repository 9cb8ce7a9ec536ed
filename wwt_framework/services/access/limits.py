"""How often sign-in, registration and reset may be tried: for one account and for one address, by all processes together.

A refusal says the same whether there is such an account or not.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol

from wwt_framework.errors import TooOften
from wwt_framework.model import name_key
from wwt_framework.options import Limit, LimitsOptions
from wwt_framework.store import Store, ledger
from wwt_framework.store.ledger import Bound

log = logging.getLogger(__name__)

#: what is tried -> how a sentence calls it
KINDS = {"sign_in": "sign in", "registration": "register", "reset": "reset a password"}


class _Options(Protocol):
    limits: LimitsOptions


class Limits:
    """Counts tries in the store. Options are asked for each time: plugins.yml may change."""

    def __init__(self, store: Store, options: Callable[[], _Options]) -> None:
        self._store = store
        self._options = options

    def take(self, what: str, account: str = "", remote: str = "", known: str = "") -> tuple[int, ...]:
        """Count one try; returns what `give_back` wants when it turns out well. Raises `TooOften`.

        *known*: a browser by which *account* has signed in before. It has tries of its own, so that
        nobody can lock somebody else out by trying.
        """
        limit = self._limit(what)
        within = timedelta(minutes=limit.minutes)
        bounds = []
        if account:
            key = self._key(what, "account", name_key(account), known)
            bounds.append(Bound(key, limit.per_account, within))
        if remote:
            bounds.append(Bound(self._key(what, "address", network_of(remote)), limit.per_address, within))
        if not bounds:
            return ()
        with self._store.write(alone="attempts"):
            turn = ledger.take_turn(self._store, bounds)
            if turn.last:
                ledger.write_down(self._store, account, f"last try: {KINDS[what]}", remote=remote)
        if turn.again_at is not None:
            log.warning("tried too often", extra={"what": what, "account": account, "remote": remote})
            raise _too_often(what, turn.again_at, self._store.now())
        return turn.numbers

    def give_back(self, turn: tuple[int, ...]) -> None:
        """Do not count a try that turned out well."""
        if turn:
            ledger.give_back(self._store, turn)

    def _limit(self, what: str) -> Limit:
        if what not in KINDS:
            raise ValueError(f"what is limited is one of {', '.join(KINDS)}; got {what!r}")
        limit: Limit = getattr(self._options().limits, what)
        return limit

    def _key(self, *about: str) -> str:
        """Whoever reads the table learns neither names nor addresses."""
        text = "\0".join(about).encode("utf-8", "surrogatepass")
        return hmac.new(ledger.secret(self._store, "limits"), text, hashlib.sha256).hexdigest()


def network_of(remote: str) -> str:
    """*remote* as it is counted: an address of IPv6 with all others of its /64, which one customer has."""
    try:
        address = ipaddress.ip_address(remote.partition("%")[0])
    except ValueError:
        return remote
    if address.version == 6 and address.ipv4_mapped is None:
        return str(ipaddress.ip_network((address, 64), strict=False))
    return str(address.ipv4_mapped or address) if address.version == 6 else str(address)


def _too_often(what: str, again_at: datetime, now: datetime) -> TooOften:
    seconds = max(1, -int(-(again_at - now).total_seconds() // 1))
    minutes = -(-seconds // 60)
    wait = f"{seconds} second{'' if seconds == 1 else 's'}" if seconds < 90 else f"{minutes} minutes"
    return TooOften(
        f"There were too many tries to {KINDS[what]}. Try again in {wait}, at {again_at:%H:%M:%S} UTC.", seconds
    )
