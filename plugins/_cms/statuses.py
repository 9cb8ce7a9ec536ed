"""{workflow: [statuses]}: the workflows that wait for an operator. Their errors are known elsewhere."""

from __future__ import annotations

from typing import Any

from wwt_framework.model import Workflow

from .faults import Faults
from .parsing import shown
from .rules import LONGEST_SITE

#: A workflow waits for an operator when one of its statuses has this in it.
WAITING = "manual"

REQMGR_STATUSES = frozenset(
    {
        "new", "assignment-approved", "assigned", "staging", "staged", "acquired", "running-open", "running-closed",
        "force-complete", "failed", "completed", "closed-out", "announced", "aborted", "aborted-completed", "rejected",
        "normal-archived", "aborted-archived", "rejected-archived",
    }
)  # fmt: skip


def is_statuses(raw: dict[str, Any]) -> bool:
    """Whether *raw* lists statuses rather than errors: more lists in it than objects."""
    lists = sum(isinstance(value, list) for value in raw.values())
    return lists > sum(isinstance(value, dict) for value in raw.values())


def waiting(raw: dict[str, Any]) -> tuple[list[Workflow], Faults]:
    """The workflows that wait for an operator, and what could not be read."""
    faults = Faults()
    found = []
    for name, n in getattr(raw, "again", {}).items():
        faults.add((name,), f"comes {n:,} times; expected once", name if is_name(name) else "")
    for name, statuses in raw.items():
        if not is_name(name):
            faults.add((name,), "expected the name of a workflow")
        elif not isinstance(statuses, list) or not all(isinstance(status, str) for status in statuses):
            faults.add((name,), f"expected a list of statuses, got {shown(statuses)}", name)
        elif assistance := next((status for status in statuses if WAITING in status), ""):
            status = next((status for status in statuses if status in REQMGR_STATUSES), "")
            found.append(Workflow(name, status=status, assistance=assistance))
    return found, faults


def is_name(name: str) -> bool:
    return 0 < len(name) <= 2 * LONGEST_SITE and name.isprintable() and "/" not in name
