"""Actions under way to being submitted: frozen names and values, what was shown, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wwt_framework.errors import NotFound
from wwt_framework.store import Store


@dataclass(frozen=True, slots=True)
class KeptDraft:
    """One draft, as it is kept."""

    id: str
    user: str
    content: Mapping[str, Any]  # JSON values
    created_at: datetime
    changed_at: datetime
    submitted_at: datetime | None


def keep_draft(store: Store, draft_id: str, user: str, content: Mapping[str, Any]) -> bool:
    """Keep *content* under *draft_id*, in the place of what was there.

    False, and nothing is changed, when that draft was submitted, or is somebody else's.
    """
    table: Any = store.tables.draft
    with store.write(alone="drafts"):
        now = store.now()
        mine = (table.id == draft_id) & (table.user_name == user) & table.submitted_at.is_null(True)
        new = {"id": draft_id, "user_name": user, "content": dict(content), "created_at": now, "changed_at": now}
        # Somebody may submit it at this moment: what is not there is put there, what is there only changed if it may.
        table.insert(**new, submitted_at=None).on_conflict_ignore().execute()
        return bool(table.update(content=dict(content), changed_at=now).where(mine).execute())


def find_draft(store: Store, draft_id: str) -> KeptDraft | None:
    """The draft *draft_id*; None when it was never kept, or is forgotten."""
    table: Any = store.tables.draft
    with store.connection():
        row = table.get_or_none(table.id == draft_id)
    if row is None:
        return None
    return KeptDraft(row.id, row.user_name, row.content, row.created_at, row.changed_at, row.submitted_at)


def draft(store: Store, draft_id: str) -> KeptDraft:
    """The draft *draft_id*. Raises `NotFound`."""
    found = find_draft(store, draft_id)
    if found is None:
        raise NotFound(f"There is no draft {draft_id!r}; drafts that were not submitted are forgotten after some days.")
    return found


def end_draft(store: Store, draft_id: str, user: str, content: Mapping[str, Any]) -> None:
    """Note that *draft_id* was submitted, with *content* as it stands from now on."""
    table: Any = store.tables.draft
    with store.write(alone="drafts"):
        now = store.now()
        ended = {"content": dict(content), "changed_at": now, "submitted_at": now}
        if not table.update(**ended).where(table.id == draft_id).execute():
            table.create(id=draft_id, user_name=user, created_at=now, **ended)


def forget_drafts(store: Store, before: datetime) -> int:
    """Forget drafts that were never submitted and not touched since *before*; gives how many."""
    table: Any = store.tables.draft
    with store.write(alone="drafts"):
        forgotten: int = table.delete().where(table.submitted_at.is_null(True) & (table.changed_at < before)).execute()
    return forgotten
