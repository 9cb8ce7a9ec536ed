"""What nobody in the house may see: hidden causes, right actions, and a history of decisions with both.

For tests and benchmarks; no hook and no page imports this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from .draws import Array
from .made import Made
from .past import Past, past_of


class History(Past):
    """What operators decided, with what was hidden from them."""

    @property
    def wrong(self) -> Array:
        """By task: whether the configuration is bad, which no plugin can see."""
        return self.families.wrong[self.failed.step_work]


def history(tasks: int, seed: int = 1) -> History:
    """About *tasks* decisions on tasks, as of `past_of`."""
    past = past_of(tasks, seed)
    return History(**{field.name: getattr(past, field.name) for field in fields(Past)})


@dataclass(frozen=True)
class Right:
    """The right thing to do about a workflow: what mends it. ``task_values`` as of `acts.Act`."""

    kind: str
    task_values: Mapping[str, Mapping[str, Any]]


def right(made: Made) -> Right:
    """What a good operator does who knows the causes."""
    causes = {failing.cause for failing in made.failings}
    values: dict[str, dict[str, Any]] = {}
    for failing in made.failings:
        mine = values.setdefault(made.workflow.tasks[failing.task].short, {})
        if failing.cause == "memory":
            mine["memory"] = max(int(mine.get("memory", 0)), _enough(failing.memory_mb, failing.memory_limit_mb, made))
        elif failing.cause == "wall-time":
            mine["splitting"] = "10x"
        elif failing.cause in ("missing-file", "corrupt-file"):
            mine["xrootd"] = "enabled"
        elif failing.cause in ("site-outage", "stage-out"):
            mine["ban"] = sorted({*mine.get("ban", ()), failing.sites[0][0]})
    return Right("clone" if "configuration" in causes else "acdc", values)


def _enough(used: int, limit: int, made: Made) -> int:
    """MB that are enough: what was used, or twice the limit where no job tells."""
    memory = limit or int(made.workflow.parameters["Memory"])
    return max(used, 2 * memory)
