"""The tasks of a case, what was given for them, and how a prediction says a label."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from wwt_framework.model import Case, Task
from wwt_framework.plugin import Decision

#: Kinds whose parameters are of each task.
BY_TASK = ("acdc", "recovery")
#: Kinds of action that are decisions by themselves; every other label is something special that was asked for.
KINDS = (*BY_TASK, "clone", "special")


def tasks_of(case: Case) -> list[str]:
    """The tasks that have failed jobs, by path."""
    return sorted({count.task for count in case.errors})


def parameters_of(decision: Decision, task: str) -> Mapping[str, Any]:
    """What was given for *task*: of a kind by task its own values, else those of the whole action."""
    action = decision.action
    return action.task_values.get(Task(task).short, {}) if action.kind in BY_TASK else action.values


def action_of(label: str) -> tuple[str, dict[str, Any]]:
    """Kind and parameters of a `Prediction` that says *label*."""
    return (label, {}) if label in KINDS else ("special", {"action": label})
