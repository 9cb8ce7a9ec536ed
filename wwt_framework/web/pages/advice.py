"""What procedures recommend for a workflow, as JSON; `/classifyerror` and `/problem_files` as the old console had them."""

from __future__ import annotations

from typing import Any

from wwt_framework.errors import NotFound
from wwt_framework.model import Case
from wwt_framework.services import advice, classifying
from wwt_framework.web.responses import Response, as_json
from wwt_framework.web.tools import current_house, current_snapshot, page


def mount(app: Any) -> dict[str, Any]:  # noqa: ARG001  # every page module is mounted alike
    return {"/advice": recommended, "/classifyerror": classifyerror, "/problem_files": problem_files}


@page(json=True, answers=advice.PLAIN)
def recommended(workflow: str) -> Response:
    """What every procedure says about a workflow, task by task, and with which query the form is filled."""
    return as_json(advice.advise(current_house().hooks, _case(workflow)).plain())


@page(json=True, answers={"maxerror": int, "types": str, "recommended": str, "params": str})
def classifyerror(workflow: str) -> Response:
    """The dominant exit code of a workflow and what is recommended: ``{maxerror, types, recommended, params}``."""
    case = _case(workflow)
    told, _ = advice.ask(current_house().hooks, case)
    return as_json(classifying.classified(case, told, current_snapshot().log_templates().texts))


@page(json=True, answers=[str])
def problem_files(workflow: str) -> Response:
    """Files that could not be opened or read, as the logs of a workflow name them."""
    case = _case(workflow)
    return as_json(classifying.problem_files(case, advice.ask(current_house().hooks, case)[0]))


def _case(workflow: str) -> Case:
    """Raises `NotFound`."""
    case: Case | None = current_snapshot().case(workflow)
    if case is None:
        raise NotFound(f"There is no workflow {workflow[:400]} in what was fetched last.")
    return case
