"""From when on an answer that is kept will do: because it is young enough, or because it was asked for just now."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

#: Later than any answer: nothing that is kept will do.
NEVER = math.inf


class Looks:
    """Knows when the look that is under way began, and what somebody wants anew. *now*: seconds since 1970.

    Written before a look begins, read by the threads of it.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self._now = now
        self._began = now()
        self._everything = 0.0
        self._anew: dict[str, float] = {}  # workflow or prep id -> when somebody wanted it anew

    def begin(self) -> None:
        """A look at everything begins."""
        self._began = self._now()

    def forget(self, names: Sequence[str] | None) -> None:
        """A look at *names* begins, anew; None: at everything."""
        self.begin()
        if names is None:
            self._everything = self._began
        else:
            self._anew.update(dict.fromkeys(names, self._began))

    def since(self, name: str, age_s: float, again: bool = False) -> float:
        """From when on an answer about *name* will do; NEVER when it must be asked for.

        *again*: the same look has asked for it before, for another question, and one answer serves both.
        """
        young = max(self._now() - age_s, self._everything, self._anew.get(name, 0.0)) if age_s else NEVER
        return min(young, self._began) if again else young
