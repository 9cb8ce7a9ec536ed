"""What nobody in the house may see: hidden causes, right actions, and a history of decisions with both.

For tests and benchmarks; no hook and no page imports this.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import numpy as np

from .draws import Array, pick, uniform
from .failures import Failed, Failures
from .families import Families, make_families
from .growth import first_failures, leading
from .made import Made
from .operators import Decisions, decide
from .parameters import load
from .sites import NOISE, SITES

_MONTH, _DAY, _KEY = 901, 902, 903


@dataclass(frozen=True, eq=False)
class History:
    """Tasks that operators acted on, as columns; a row for each task, sorted by the time of the decision.

    ``failed`` has the codes, sites and failed jobs of the tasks, which are its steps.
    """

    families: Families
    failed: Failed
    decisions: Decisions  # by family
    codes: Array  # of ``failed.pair_code``
    sites: tuple[str, ...]  # of ``failed.cell_site``
    month: Array  # by family: index into ``months``
    months: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.failed.step_slot)

    @property
    def other(self) -> Array:
        """By task: whether operators did something else than an ACDC."""
        return self.decisions.other[self.failed.step_work]

    @property
    def wrong(self) -> Array:
        """By task: whether the configuration is bad, which no plugin can see."""
        return self.families.wrong[self.failed.step_work]


def history(tasks: int, seed: int = 1) -> History:
    """About *tasks* decisions on tasks, spread over 2017-01 to 2019-07 as those that were published."""
    parameters = load()
    population = parameters.populations["acted"]
    n = max(1, round(tasks / 2.03))
    number = np.arange(n)
    shares = np.array([count for _, count, _ in parameters.months], float)
    # Families come in the order of time, so that the rows do.
    month = np.sort(pick(shares, uniform(seed, _MONTH, number)))
    first = np.array([_seconds(name) for name, _, _ in parameters.months])
    born = np.floor(first[month] + uniform(seed, _DAY, number) * 28 * 86400)
    order = np.lexsort((born, month))
    others = np.array([share for _, _, share in parameters.months])[month]
    families = make_families(seed ^ _KEY, number, born[order], others)
    failures = Failures(seed ^ _KEY, population)
    failed = first_failures(failures, families, 14 * 86400)
    return History(
        families, failed, decide(families, leading(failed, n)), population.codes, SITES + NOISE, month,
        tuple(name for name, _, _ in parameters.months),
    )  # fmt: skip


def _seconds(month: str) -> float:
    return datetime.fromisoformat(f"{month}-01").replace(tzinfo=timezone.utc).timestamp()


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
