"""What could not be read of an answer, by its path in it; bounded, whatever somebody sends."""

from __future__ import annotations

from wwt_framework.model import Rejected

from .parsing import shown_key

#: Faults of one workflow that are listed one by one.
_LISTED = 20


class Faults:
    """What could not be read, at most some twenty a workflow and then how many more."""

    def __init__(self) -> None:
        self._listed: dict[str, list[Rejected]] = {}
        self._more: dict[str, int] = {}

    def add(self, keys: tuple[str, ...], why: str, workflow: str = "") -> None:
        listed = self._listed.setdefault(workflow, [])
        if len(listed) < _LISTED:
            listed.append(Rejected(" > ".join(map(shown_key, keys)), why, workflow))
        else:
            self._more[workflow] = self._more.get(workflow, 0) + 1

    def all(self) -> tuple[Rejected, ...]:
        found = [fault for listed in self._listed.values() for fault in listed]
        for workflow, n in self._more.items():
            found.append(Rejected(f"/{workflow}" if workflow else "...", f"and {n:,} more like these", workflow))
        return tuple(found)
