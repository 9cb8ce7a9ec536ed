"""Small things that are kept by name: what plugins remember, and the installation's random keys."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, MutableMapping
from typing import Any

from wwt_framework.errors import PluginError
from wwt_framework.store import Store
from wwt_framework.store.fields import Json


class Memory(MutableMapping[str, Any]):
    """What one plugin remembers: JSON values by key. Each access is one look into the store."""

    def __init__(self, store: Store, plugin: str) -> None:
        self._store = store
        self._plugin = plugin

    def __getitem__(self, key: str) -> Any:
        with self._store.connection():
            row = self._mine().where(self._table.key == key).first()
        if row is None:
            raise KeyError(key)
        return row.value

    def __setitem__(self, key: str, value: Any) -> None:
        if not isinstance(key, str):
            raise PluginError(f"plugin '{self._plugin}': a key of its memory is text, got {key!r}")
        try:
            Json().db_value(value)
        except (TypeError, ValueError) as err:
            raise PluginError(f"plugin '{self._plugin}': memory[{key!r}] can not be kept as JSON: {err}") from err
        table = self._table
        with self._store.write():
            table.insert(plugin=self._plugin, key=key, value=value).on_conflict(
                conflict_target=[table.plugin, table.key], update={table.value: value}
            ).execute()

    def __delitem__(self, key: str) -> None:
        table = self._table
        with self._store.write():
            gone = table.delete().where((table.plugin == self._plugin) & (table.key == key)).execute()
        if not gone:
            raise KeyError(key)

    def __iter__(self) -> Iterator[str]:
        with self._store.connection():
            return iter([row.key for row in self._mine().order_by(self._table.key)])

    def __len__(self) -> int:
        with self._store.connection():
            return int(self._mine().count())

    @property
    def _table(self) -> Any:
        return self._store.tables.plugin_memory

    def _mine(self) -> Any:
        return self._table.select().where(self._table.plugin == self._plugin)


def secret(store: Store, name: str) -> bytes:
    """The installation's 32 random bytes called *name*, the same in all of its processes; made when first asked for."""
    table = store.tables.secret
    with store.connection():
        row = table.get_or_none(table.name == name)
        if row is None:
            with store.write():
                fresh = table.insert(name=name, value=secrets.token_hex(32), created_at=store.now())
                fresh.on_conflict_ignore().execute()  # another process may have been faster
                row = table.get_by_id(name)
    return bytes.fromhex(row.value)
