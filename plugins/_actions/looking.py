"""What guards look up in a draft and its cases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from wwt_framework.model import Case, Draft, Problem, Task

#: The kinds that rerun single tasks.
RERUNS = frozenset({"acdc", "recovery"})


@dataclass(frozen=True, slots=True)
class Asked:
    """One task of a draft."""

    case: Case
    task: Task
    values: Mapping[str, Any]  # field name -> value, the sites among them

    def problem(self, message: str, field: str = "", **more: Any) -> Problem:
        """Something to be said about it; *more* as in `Problem`."""
        return Problem(message, field, workflow=self.case.workflow.name, task=self.task.short, **more)


def asked_tasks(draft: Draft, cases: Sequence[Case]) -> Iterator[Asked]:
    """Every task of *draft*, with its case; the type and splitting of a task that no source told are empty."""
    for case in cases:
        tasks = {task.short: task for task in case.workflow.tasks}
        for short, values in draft.task_values.get(case.workflow.name, {}).items():
            yield Asked(case, tasks.get(short) or Task(f"/{case.workflow.name}/{short}"), values)


def task_parameters(case: Case, task: Task) -> Mapping[str, Any]:
    """What ReqMgr2 holds of *task*: its block Task1.. or Step1.. where there is one, filled with those of the request."""
    parameters = case.workflow.parameters
    name = task.path.rpartition("/")[2]
    blocks = (
        block
        for key, block in parameters.items()
        if isinstance(block, Mapping) and key.startswith(("Task", "Step")) and name in (block.get("TaskName"), block.get("StepName"))
    )  # fmt: skip
    mine = next(blocks, {})
    return {**parameters, **{key: value for key, value in mine.items() if value is not None}}


def number_of(parameters: Mapping[str, Any], key: str, task: Task) -> int | None:
    """A whole number such as Memory: by itself, or by the name of the task; None when it is not known."""
    value = parameters.get(key)
    if isinstance(value, Mapping):
        value = value.get(task.path.rpartition("/")[2])
    if isinstance(value, float | str):
        try:
            value = int(float(value))
        except (ValueError, OverflowError):
            return None
    return value if isinstance(value, int) and not isinstance(value, bool) else None
