"""What becomes of an action after it was submitted, as far as operators have a hand in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wwt_framework.errors import NotFound, WwtError
from wwt_framework.model import Action, ActionState, User
from wwt_framework.services.desk.drafts import open_draft
from wwt_framework.services.desk.intent import Intent, intent_of, with_sites
from wwt_framework.services.desk.reading import read_sites
from wwt_framework.store import Store, ledger


@dataclass(frozen=True)
class Withdrawn:
    """An action that was taken back."""

    action: Action
    warning: str = ""  # what may happen all the same


def withdraw(store: Store, action_id: str, user: str, note: str = "") -> Withdrawn:
    """Take an action back. Raises `NotFound`, and `IllegalTransition` when it is too late.

    An executor that has fetched it may carry it out all the same: the warning says so, and the event is kept.
    """
    with store.write(alone="actions"):
        before = ledger.action(store, action_id)
        after = ledger.move(store, action_id, ActionState.WITHDRAWN, user, note or f"{user} took it back")
    if before.state is not ActionState.SENT:
        return Withdrawn(after)
    return Withdrawn(
        after,
        f"The executor fetched it at {before.changed_at:%H:%M} UTC and may carry it out all the same; "
        "if it reports that it did, the history here will say so.",
    )


def withdraw_all(store: Store, draft: str, user: str) -> list[Action]:
    """Take back, of one submit, what no executor has fetched yet; the rest is left as it is."""
    return ledger.withdraw_queued(store, draft, user, f"{user} took the whole submit back")


def requeue(store: Store, action_id: str, user: str, note: str = "") -> Action:
    """Queue an action that failed once more. Raises `NotFound`, and `IllegalTransition` when it did not fail."""
    return ledger.move(store, action_id, ActionState.QUEUED, user, note or f"{user} queued it again")


def expire_holds(store: Store, now: datetime) -> list[Action]:
    """End the actions whose time is over: those still open are taken back, of those carried out it is noted."""
    return ledger.expire(store, now)


def picked_sites(store: Store, user: User, form: Mapping[str, Any]) -> list[Intent]:
    """What is asked for by picking sites for tasks that had none: ``task_0=/wf/task``, ``param_0_sites``.

    Of the draft that the page was drawn from, or else of the open actions on these workflows.
    Raises `NotFound` when there is neither, `Denied` when the draft is somebody else's, and `WwtError` when no site
    was picked.
    """
    chosen = read_sites(form)
    if not chosen:
        raise WwtError("No site was picked; tick at least one for each task.")
    draft = str(form.get("draft") or "")
    if draft:
        return [with_sites(open_draft(store, draft, user).intent, chosen)]
    workflows = {path.split("/")[1] for path in chosen}
    found = {action.workflow: action for action in ledger.open_actions(store, workflows)}
    if missing := sorted(workflows - found.keys()):
        raise NotFound(f"There is no open action on {missing[0]} whose sites could be picked; submit one first.")
    return [
        with_sites(
            intent_of(found[name]), {path: sites for path, sites in chosen.items() if path.split("/")[1] == name}
        )
        for name in sorted(workflows)
    ]
