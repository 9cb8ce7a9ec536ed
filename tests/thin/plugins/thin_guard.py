"""Objects to actions that would send jobs to sites that take none."""

from __future__ import annotations

from collections.abc import Sequence

from wwt_framework import hookimpl
from wwt_framework.model import Action, Case, Draft, Problem
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import PluginContext


class DrainGuard:
    """Object to sites in drain, and to asking twice."""

    class Options(PluginOptions):
        pass

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context

    @hookimpl
    def check_action(self, draft: Draft, cases: Sequence[Case], open_actions: Sequence[Action]) -> Sequence[Problem]:
        problems = [
            Problem(
                f"{site} is in {case.sites[site].production}.",
                "sites",
                workflow=case.workflow.name,
                task=task,
                fix="Take it out of the list or choose Ban.",
            )
            for case in cases
            for task, values in draft.task_values[case.workflow.name].items()
            for site in values.get("sites", ())
            if site in case.sites and not case.sites[site].usable
        ]
        return problems + [
            Problem(f"{action.user} asked for {action.kind} already.", blocking=False, workflow=action.workflow)
            for action in open_actions
        ]
