"""What plugins of wwt.auth let people and programs in by. One plugin does not see what another one keeps."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

import peewee

from wwt_framework.errors import NotFound, WwtError
from wwt_framework.model import name_key
from wwt_framework.plugin import Credential
from wwt_framework.store import Store

_USE_AGE = timedelta(minutes=1)  # how exactly the last use is known


def add_credential(store: Store, plugin: str, credential: Credential) -> Credential:
    """Keep *credential*, made now; returns it as it is kept. Raises `WwtError` when there is one of that name."""
    with store.write():
        try:
            row = store.tables.credential.create(
                plugin=plugin,
                kind=credential.kind,
                name=credential.name,
                owner=name_key(credential.owner),
                details=dict(credential.details),
                created_at=store.now(),
                expires_at=credential.expires_at,
                used_at=None,
            )
        except peewee.IntegrityError as err:
            raise WwtError(f"There is a {credential.kind} of this name already.") from err
    return _credential(row)


def find_credential(store: Store, plugin: str, kind: str, name: str) -> Credential | None:
    """The one of that name; None when there is none, or when it has expired."""
    with store.connection():
        row = _mine(store, plugin, kind).where(store.tables.credential.name == name).first()
    return None if row is None or _expired(row, store.now()) else _credential(row)


def credentials(store: Store, plugin: str, kind: str, owner: str | None = None) -> list[Credential]:
    """All that have not expired, of *owner* only where one is given, newest first."""
    table = store.tables.credential
    query = _mine(store, plugin, kind).order_by(table.number.desc())
    if owner is not None:
        query = query.where(table.owner == name_key(owner))
    now = store.now()
    with store.connection():
        return [_credential(row) for row in query if not _expired(row, now)]


def take_credential(store: Store, plugin: str, kind: str, name: str) -> Credential | None:
    """The one of that name, which is gone then: of two who take it at once one gets it. None as in `find_credential`."""
    table = store.tables.credential
    with store.write():
        row = _mine(store, plugin, kind).where(table.name == name).first()
        if row is None or not table.delete().where(table.number == row.number).execute():
            return None
    return None if _expired(row, store.now()) else _credential(row)


def change_credential(store: Store, plugin: str, kind: str, name: str, **fields: Any) -> Credential:
    """Change details or expires_at of one that has not expired; returns it. Raises `NotFound`."""
    table = store.tables.credential
    with store.write():
        row = _mine(store, plugin, kind).where(table.name == name).first()
        if row is None or _expired(row, store.now()):
            raise NotFound(f"There is no such {kind}.")
        values = {key: dict(value) if isinstance(value, Mapping) else value for key, value in fields.items()}
        table.update(values).where(table.number == row.number).execute()
        return _credential(table.get_by_id(row.number))


def use_credential(store: Store, plugin: str, kind: str, name: str) -> None:
    """Note that it was just used, to the minute."""
    table, now = store.tables.credential, store.now()
    with store.connection():
        row = _mine(store, plugin, kind).where(table.name == name).first()
        if row is None or (row.used_at is not None and now - row.used_at < _USE_AGE):
            return
        with store.write():
            table.update(used_at=now).where(table.number == row.number).execute()


def forget_credentials(store: Store, plugin: str, kinds: Collection[str], owner: str | None = None) -> int:
    """Delete all of *owner*; without one all that have expired. Returns how many."""
    table = store.tables.credential
    mine = (table.plugin == plugin) & table.kind.in_(list(kinds))
    which = table.expires_at <= store.now() if owner is None else table.owner == name_key(owner)
    with store.write():
        gone: int = table.delete().where(mine & which).execute()
    return gone


def _mine(store: Store, plugin: str, kind: str) -> Any:
    table = store.tables.credential
    return table.select().where((table.plugin == plugin) & (table.kind == kind))


def _expired(row: Any, now: datetime) -> bool:
    return row.expires_at is not None and row.expires_at <= now


def _credential(row: Any) -> Credential:
    return Credential(row.kind, row.name, row.owner, row.details, row.expires_at, row.created_at, row.used_at)
