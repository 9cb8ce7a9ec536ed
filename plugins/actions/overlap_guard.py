"""Somebody asked for the same already, or an ACDC of the same workflow is still running."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.model import Action, ActionState, Case, Draft, Problem
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import PluginContext

from .._actions.looking import RERUNS


class OverlapGuard:
    """Say when a recovery of the same task is open already: asked for, under way at the executor, or running."""

    class Options(PluginOptions):
        open_actions: Literal["warn", "block"] = Field(
            "warn", description="what becomes of an action on tasks that an open one is on: warn or block"
        )
        ended: tuple[str, ...] = Field(
            (
                "completed", "closed-out", "announced", "normal-archived", "aborted", "aborted-completed",
                "aborted-archived", "rejected", "rejected-archived", "failed",
            ),
            description="states of an ACDC in which it does not run any more",
        )  # fmt: skip

    def __init__(self, context: PluginContext[Options]) -> None:
        self._blocks = context.options.open_actions == "block"
        self._ended = frozenset(context.options.ended)

    @hookimpl
    def check_action(self, draft: Draft, cases: Sequence[Case], open_actions: Sequence[Action]) -> Sequence[Problem]:
        """Problems of tasks that open actions are on, and of workflows whose ACDCs still run."""
        problems = [
            problem
            for action in open_actions
            if action.kind in RERUNS and draft.kind in RERUNS
            for problem in self._of_action(draft, action)
        ]
        if draft.kind == "acdc":
            problems += [problem for case in cases for problem in self._running(case)]
        return problems

    def _of_action(self, draft: Draft, action: Action) -> Iterator[Problem]:
        same = [task for task in draft.task_values.get(action.workflow, {}) if task in action.task_values]
        for task in same:
            if action.state is ActionState.SENT:
                where = "the executor has it, and may carry out both"
            else:
                where = "it waits for the executor, and would be replaced"
            yield Problem(
                f"{action.user} asked for {action.kind} of this task at {action.submitted_at:%Y-%m-%d %H:%M} UTC: {where}.",
                blocking=self._blocks, workflow=action.workflow, task=task, fix="Withdraw it first if it is wrong.",
            )  # fmt: skip

    def _running(self, case: Case) -> Iterator[Problem]:
        running = [w for w in case.family if w.name in case.acdcs and w.status and w.status not in self._ended]
        mine = [w.name for w in running if w.original in ("", case.workflow.name)]
        if mine:
            more = f" and {len(mine) - 1} more" if len(mine) > 1 else ""
            yield Problem(
                f"An ACDC of this PrepID still runs: {mine[-1]}{more}.", blocking=False, workflow=case.workflow.name,
                fix="Wait for its end, or restrict this to tasks that it is not on.",
            )  # fmt: skip
