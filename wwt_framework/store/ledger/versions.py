"""Which snapshot is current, and which prep ids somebody wants to be fetched anew."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import peewee

from wwt_framework.errors import StoreError, WwtError
from wwt_framework.store import Store

_LONGEST_PREP_ID = 500  # characters; McM's have about 40


@dataclass(frozen=True, slots=True)
class Version:
    """A published snapshot: where its files are, and of when they tell."""

    version: str
    taken_at: datetime
    folder: str
    published_at: datetime


@dataclass(frozen=True, slots=True)
class RefreshMark:
    """Somebody wants this prep id to be fetched anew."""

    prep_id: str
    user: str  # "" for a visitor without a name
    at: datetime


def publish_version(store: Store, version: str, taken_at: datetime, folder: str) -> Version:
    """Make *version* the current one. Raises `StoreError` when it was published before."""
    with store.write():
        try:
            row = store.tables.snapshot_version.create(
                version=version, taken_at=taken_at, folder=str(folder), published_at=store.now()
            )
        except peewee.IntegrityError as err:
            raise StoreError(f"{store.where}: the snapshot {version!r} was published before") from err
        return _version(row)


def current_version(store: Store) -> Version | None:
    """The version published last; None before the first."""
    return next(iter(versions(store, limit=1)), None)


def versions(store: Store, limit: int = 100) -> list[Version]:
    """Published versions, newest first."""
    table = store.tables.snapshot_version
    with store.connection():
        return [_version(row) for row in table.select().order_by(table.number.desc()).limit(limit)]


def forget_version(store: Store, version: str) -> None:
    """Say that the files of *version* are gone."""
    table = store.tables.snapshot_version
    with store.write():
        table.delete().where(table.version == version).execute()


def _version(row: Any) -> Version:
    return Version(row.version, row.taken_at, row.folder, row.published_at)


# -- marks --------------------------------------------------------------------


def mark_prep(store: Store, prep_id: str, user: str = "") -> RefreshMark:
    """Ask for *prep_id* to be fetched anew; marking it twice keeps the later mark."""
    if not 0 < len(prep_id) <= _LONGEST_PREP_ID:
        raise WwtError(f"A prep id has 1 to {_LONGEST_PREP_ID} characters, got {len(prep_id)}.")
    table = store.tables.refresh_mark
    at = store.now()
    with store.write():
        table.insert(prep_id=prep_id, user_name=user, at=at).on_conflict(
            conflict_target=[table.prep_id], update={table.user_name: user, table.at: at}
        ).execute()
    return RefreshMark(prep_id, user, at)


def marked_preps(store: Store) -> dict[str, RefreshMark]:
    """The marked prep ids, oldest mark first."""
    table = store.tables.refresh_mark
    with store.connection():
        rows = table.select().order_by(table.at, table.prep_id)
        return {row.prep_id: RefreshMark(row.prep_id, row.user_name, row.at) for row in rows}


def clear_marks(store: Store, prep_ids: Iterable[str], before: datetime | None = None) -> None:
    """Take the marks of *prep_ids* away; those made after *before* stay (None: take all of them away).

    A mark that came while the prep id was being fetched asks for what is newer than this fetch.
    """
    table = store.tables.refresh_mark
    with store.write():
        for prep_id in prep_ids:
            which = table.prep_id == prep_id
            table.delete().where(which if before is None else which & (table.at <= before)).execute()
