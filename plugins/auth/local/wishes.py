"""What people asked for and a job answers: so that who asks sees no difference, not even in time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from wwt_framework.errors import WwtError
from wwt_framework.plugin import PluginContext

from .codes import digest, fresh

MOST_TRIES = 5  # after which a wish that can not be answered is dropped

#: Answers one wish; the second is a name of it, for mails that are sent once.
Desk = Callable[[Mapping[str, Any], str], None]


class Wishes:
    """They wait in the plugin's memory; the job is asked for right away."""

    def __init__(self, context: PluginContext[Any], job: str) -> None:
        self._context = context
        self._job = job

    def add(self, what: str, **about: Any) -> None:
        self._context.memory[f"wish:{digest(fresh())}"] = {"what": what, "about": about, "tries": 0}
        self._context.jobs.request(self._job)

    def answer(self, desks: Mapping[str, Desk]) -> str:
        """Answer all that wait, each by its desk. The text names nobody: everybody may read it."""
        memory, log = self._context.memory, self._context.log
        waiting = [key for key in memory if key.startswith("wish:")]
        failed = 0
        for key in waiting:
            wish = memory[key]
            try:
                desks[wish["what"]](wish["about"], key)
            except WwtError as err:
                failed += 1
                log.warning("a wish could not be answered: %s", err, extra={"what": wish["what"]})
                if wish["tries"] + 1 < MOST_TRIES:
                    memory[key] = {**wish, "tries": wish["tries"] + 1}
                    continue
            del memory[key]
        told = f"answered {len(waiting) - failed} wishes"
        return f"{told}; {failed} could not be answered, the log says why" if failed else told
