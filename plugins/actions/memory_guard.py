"""Memory that no site gives, or that is less than jobs had."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.model import Action, Case, Draft, Problem, Task
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import PluginContext

from .._actions.looking import asked_tasks, number_of, task_parameters


class MemoryGuard:
    """Object to memory beyond the limits, warn of much memory per core, and of less than there was."""

    class Options(PluginOptions):
        least_mb: int = Field(1000, gt=0, description="less memory than this, in MB, is refused")
        most_mb: int = Field(20_000, gt=0, description="more memory than this, in MB, is refused")
        most_per_core_mb: int = Field(
            2500, gt=0, description="more memory per core than this, in MB, is warned of: few sites have it"
        )

    def __init__(self, context: PluginContext[Options]) -> None:
        self._options = context.options

    @hookimpl
    def check_action(self, draft: Draft, cases: Sequence[Case], open_actions: Sequence[Action]) -> Sequence[Problem]:  # noqa: ARG002
        """Problems of each task that asks for memory, or of each workflow where the action asks for it as a whole."""
        problems = [
            problem
            for asked in asked_tasks(draft, cases)
            for problem in self._of(asked.case, asked.task, asked.values, asked.task.short)
        ]
        if draft.values.get("memory") is not None:
            for case in cases:
                problems += self._of(case, Task(f"/{case.workflow.name}"), draft.values, "")
        return problems

    def _of(self, case: Case, task: Task, values: Mapping[str, Any], short: str) -> Iterator[Problem]:
        memory = values.get("memory")
        if memory is None:
            return
        options, name = self._options, case.workflow.name
        about = short.rpartition("/")[2] or "the workflow"
        if not options.least_mb <= memory <= options.most_mb:
            yield Problem(
                f"Memory of {about} must be between {options.least_mb} and {options.most_mb} MB, got {memory}.",
                "memory", workflow=name, task=short,
            )  # fmt: skip
            return
        parameters = task_parameters(case, task)
        had = number_of(parameters, "Memory", task)
        cores = values.get("cores") or number_of(parameters, "Multicore", task) or 1
        if had is not None and memory < had:
            told = f"Memory of {about} would be {memory} MB, less than the {had} MB it had."
            yield Problem(told, "memory", blocking=False, workflow=name, task=short)
        if memory > cores * options.most_per_core_mb:
            yield Problem(
                f"Memory of {about} would be {memory} MB for {cores} core{'s' if cores > 1 else ''}, "
                f"more than {options.most_per_core_mb} MB per core: few sites have it.",
                "memory", blocking=False, workflow=name, task=short,
            )  # fmt: skip
