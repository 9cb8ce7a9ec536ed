"""What operators of the made-up grid decided in years gone by, spread over the months as what was published.

What may be known of it is told as decisions; what nobody may see stays in `truth`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Any

import numpy as np

from wwt_framework.model import (
    NOT_REPORTED,
    Action,
    ActionState,
    Case,
    ErrorCount,
    ErrorTable,
    Known,
    SiteStatus,
)
from wwt_framework.plugin import Decision

from .draws import Array, bits, pick, uniform
from .failures import Failed, Failures
from .families import Families, make_families
from .growth import Grown, Works, first_failures, leading
from .made import Made
from .operators import KINDS, Decisions, decide
from .parameters import load
from .sites import NOISE, SITES, statuses
from .state import State
from .words import excerpts

_MONTH, _DAY, _KEY, _DECIDED, _ID, _WHO = 901, 902, 903, 904, 905, 906
#: Days that a workflow stays; when in this time operators act on it.
_LIFE_S = 14 * 86400
_ACT_FROM, _ACT_TO = 0.2, 0.55
#: Tasks of a workflow, in the mean.
_TASKS_EACH = 2.03
_OPERATORS = tuple(f"operator{number}" for number in range(1, 12))
_SIZES = {1000: "max"}


@dataclass(frozen=True, eq=False)
class Past:
    """Tasks that operators acted on, as columns; a row for each task, sorted by the time of the workflow.

    ``failed`` has the codes, sites and failed jobs of the tasks, which are its steps.
    """

    families: Families
    failed: Failed
    decisions: Decisions  # by family
    codes: Array  # of ``failed.pair_code``
    sites: tuple[str, ...]  # of ``failed.cell_site``
    month: Array  # by family: index into ``months``
    months: tuple[str, ...]
    seed: int

    def __len__(self) -> int:
        return len(self.failed.step_slot)

    @property
    def other(self) -> Array:
        """By task: whether operators did something else than an ACDC."""
        return self.decisions.other[self.failed.step_work]


def past_of(tasks: int, seed: int = 1, until: datetime | None = None) -> Past:
    """About *tasks* decisions on tasks, spread over 2017-01 to 2019-07 as those that were published.

    *until*: the last month ends then instead, and the others go before it.
    """
    parameters = load()
    population = parameters.populations["acted"]
    n = max(1, round(tasks / _TASKS_EACH))
    number = np.arange(n)
    shares = np.array([count for _, count, _ in parameters.months], float)
    # Families come in the order of time, so that the rows do.
    month = np.sort(pick(shares, uniform(seed, _MONTH, number)))
    first = np.array([_seconds(name) for name, _, _ in parameters.months])
    born = np.floor(first[month] + uniform(seed, _DAY, number) * 28 * 86400)
    order = np.lexsort((born, month))
    born = born[order]
    if until is not None:
        born = born + np.floor(until.timestamp() - born.max() - _LIFE_S)
    others = np.array([share for _, _, share in parameters.months])[month]
    families = make_families(seed ^ _KEY, number, born, others)
    failures = Failures(seed ^ _KEY, population)
    failed = first_failures(failures, families, _LIFE_S)
    return Past(
        families, failed, decide(families, leading(failed, n)), population.codes, SITES + NOISE, month,
        tuple(name for name, _, _ in parameters.months), seed,
    )  # fmt: skip


def _seconds(month: str) -> float:
    return datetime.fromisoformat(f"{month}-01").replace(tzinfo=timezone.utc).timestamp()


def told(past: Past) -> Iterator[Decision]:
    """The decisions of *past* with what there was to see, oldest first: one for each workflow."""
    families = past.families
    n = len(families)
    works = Works(
        np.arange(n), np.zeros(n, np.int64), np.full(n, -1), families.born, np.zeros(n, bool), np.ones(n, np.int64),
        np.full(n, -1),
    )  # fmt: skip
    grown = Grown(families, works, [past.failed], np.full(n, np.inf), np.zeros(n, np.int64), past.decisions)
    grown.name_all()
    state = State(grown, load().populations["acted"], float(families.born.max()) + _LIFE_S, _LIFE_S, whole=True)
    part = _ACT_FROM + (_ACT_TO - _ACT_FROM) * uniform(families.key, _DECIDED)
    decided = np.floor(families.born + _LIFE_S * part)
    for row in np.argsort(decided, kind="stable").tolist():
        made = state.made_row(row)
        if made.failings:
            at = datetime.fromtimestamp(int(decided[row]), timezone.utc)
            yield Decision(_case(made, past.seed, at), _action(made, past, row, at), at)


def _case(made: Made, seed: int, at: datetime) -> Case:
    places = SITES + NOISE
    errors = ErrorTable(
        ErrorCount(made.workflow.tasks[task].path, code, places[site], count) for task, code, site, count in made.cells
    )
    return Case(
        made.workflow, errors, tuple(excerpts(made, {failing.exit_code for failing in made.failings})),
        tuple(made.recoveries()), _statuses(seed, at.replace(hour=0, minute=0, second=0)),
        known={kind: Known(kind, "errors.world", "ok", at) for kind in ("errors", "logs", "recoveries")},
    )  # fmt: skip


@lru_cache(maxsize=40)
def _statuses(seed: int, day: datetime) -> dict[str, SiteStatus]:
    return {status.site: status for status in statuses(seed, day + timedelta(hours=12))}


def _action(made: Made, past: Past, row: int, at: datetime) -> Action:
    key = past.families.key[row : row + 1]
    kind = KINDS[int(past.decisions.kind[row])]
    special = kind not in ("acdc", "clone")
    values, tasks = _parameters(made, past.decisions, row)
    number = int(bits(key, _ID)[0])
    return Action(
        id=f"{number:016x}{int(bits(key, _ID, 1)[0]):016x}",
        kind="special" if special else kind,
        workflow=made.workflow.name,
        values={"action": kind} if special else values if kind == "clone" else {},
        task_values=tasks if kind == "acdc" else {},
        reasons=(),
        user=_OPERATORS[int(uniform(key, _WHO)[0] * len(_OPERATORS))],
        state=ActionState.DONE,
        submitted_at=at,
        changed_at=at,
    )


def _parameters(made: Made, decisions: Decisions, row: int) -> tuple[dict[str, Any], dict[str, dict[str, Any]]]:
    """Values of the whole action, and the same for each task that failed."""
    values: dict[str, Any] = {}
    if decisions.split[row] > 1:
        size = int(decisions.split[row])
        values["splitting"] = _SIZES.get(size, f"{size}x")
    if decisions.memory[row]:
        values["memory"] = int(decisions.memory[row])
    tasks = {made.workflow.tasks[task].short for task, code, _, _ in made.cells if code != NOT_REPORTED}
    by_task = {**values, "xrootd": "enabled"} if decisions.xrootd[row] else values
    return values, {task: dict(by_task) for task in sorted(tasks)}
