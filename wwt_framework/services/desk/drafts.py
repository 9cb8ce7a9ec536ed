"""Opening what a preview kept."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wwt_framework.errors import Denied
from wwt_framework.model import Problem, User
from wwt_framework.services.desk.intent import Intent, from_plain, to_plain
from wwt_framework.store import Store, ledger


@dataclass(frozen=True)
class OpenDraft:
    """A draft as it was kept: the frozen list with what was filled in, and what was shown of it."""

    intent: Intent
    shown: Mapping[str, Any]  # workflow -> what the preview said would be sent; give it to `plan`
    problems: tuple[Problem, ...]  # warnings of when the form was read; give them to `plan`, too
    user: str
    submitted_at: datetime | None  # None: not yet

    def seal(self, confirm: Sequence[str]) -> str:
        """Another one for whatever else a preview of this draft could show, or ask a yes for (*confirm*).

        A draft can be previewed anew in another window, and the world goes on: the page that posts this back says
        what was read, so that nobody says yes to a sentence that came later.
        """
        told = json.dumps([to_plain(self.intent), self.shown, list(confirm)], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()


def open_draft(store: Store, draft_id: str, user: User) -> OpenDraft:
    """The draft *draft_id* of *user*. Raises `NotFound`, and `Denied` when it is somebody else's."""
    kept = ledger.draft(store, draft_id)
    if kept.user != user.name:
        raise Denied(f"This draft belongs to {kept.user}; begin one of your own.")
    problems = tuple(Problem(**plain) for plain in kept.content["problems"])
    return OpenDraft(from_plain(kept.content["intent"]), kept.content["shown"], problems, kept.user, kept.submitted_at)
