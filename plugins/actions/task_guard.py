"""Tasks that can not be rerun, and changes of splitting that are refused: said before the executor meets them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.model import Action, Case, Draft, Problem
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import PluginContext

from .._actions.looking import RERUNS, Asked, asked_tasks, task_parameters


class TaskGuard:
    """Leave out tasks that are never rerun, mend splitting that can not be changed, object to what makes no sense."""

    class Options(PluginOptions):
        never: tuple[str, ...] = Field(
            ("LogCollect", "Cleanup", "Harvesting"), description="types of tasks that are never rerun"
        )
        no_split: tuple[str, ...] = Field(
            ("EventBased",), description="kinds of splitting that can not be changed when a task is rerun"
        )
        no_split_types: tuple[str, ...] = Field(
            ("MonteCarlo",), description="request types whose splitting can not be changed when they are rerun"
        )

    def __init__(self, context: PluginContext[Options]) -> None:
        self._options = context.options

    @hookimpl
    def check_action(self, draft: Draft, cases: Sequence[Case], open_actions: Sequence[Action]) -> Sequence[Problem]:  # noqa: ARG002
        """Problems of whole workflows, then of single tasks."""
        if draft.kind == "clone":
            return [_clone_of_acdc(case) for case in cases if case.workflow.is_acdc]
        if draft.kind not in RERUNS:
            return ()
        whole = [_plhe(case) for case in cases if draft.kind == "acdc" and _is_plhe(case)]
        return whole + [problem for asked in asked_tasks(draft, cases) for problem in self._of(draft, asked)]

    def _of(self, draft: Draft, asked: Asked) -> Iterator[Problem]:
        never = self._never(asked)
        if never:
            yield asked.problem(f"{never} tasks are never rerun.", leave_out=True)
            return
        splitting = _splitting(asked)
        if asked.values.get("splitting") and (why := self._no_split(asked, splitting)):
            yield asked.problem(why, "splitting", change={"splitting": None})
        if draft.kind == "acdc" and asked.case.workflow.is_acdc and splitting == "EventBased":
            yield asked.problem(
                "An ACDC of an ACDC with EventBased splitting may produce events twice (dmwm/WMCore #12502).",
                blocking=False, fix="Consider a clone of the original.",
            )  # fmt: skip

    def _never(self, asked: Asked) -> str:
        """The type of a task that is never rerun; by its name where no source told its type."""
        if asked.task.task_type:
            return asked.task.task_type if asked.task.task_type in self._options.never else ""
        name = asked.task.short.rpartition("/")[2]
        return next((kind for kind in self._options.never if kind in name), "")

    def _no_split(self, asked: Asked, splitting: str) -> str:
        request_type = asked.case.workflow.request_type
        if request_type in self._options.no_split_types:
            return f"The splitting of a {request_type} request can not be changed: no ACDC would be made."
        if splitting in self._options.no_split:
            return f"{splitting} splitting can not be changed: no ACDC would be made."
        return ""


def _splitting(asked: Asked) -> str:
    return asked.task.splitting or str(task_parameters(asked.case, asked.task).get("SplittingAlgo") or "")


def _is_plhe(case: Case) -> bool:
    workflow = case.workflow
    if workflow.parameters.get("LheInputFiles"):  # by this alone Unified's actor.py knows them
        return True
    return "pLHE" in workflow.campaign or "pLHE" in workflow.prep_id or "pLHE" in workflow.name


def _plhe(case: Case) -> Problem:
    return Problem(
        "This is a pLHE request: what an ACDC of it would produce is not what is missing, so none is made.",
        workflow=case.workflow.name,
        fix="Choose Kill and clone, or by-pass it.",
    )


def _clone_of_acdc(case: Case) -> Problem:
    original = f" ({case.workflow.original})" if case.workflow.original else ""
    return Problem(
        "This is an ACDC: a clone of it would lose what it recovers.",
        workflow=case.workflow.name,
        fix=f"Clone its original{original}, or ask for another ACDC.",
    )
