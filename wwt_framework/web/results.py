"""What became of a submit: a line per workflow, what somebody else did beside what one wanted, what is still to do."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from wwt_framework.errors import NotFound
from wwt_framework.model import Action, Reason
from wwt_framework.plugin import Field
from wwt_framework.services.desk import Intent, Result, ResultLine, kind_named
from wwt_framework.store import ledger
from wwt_framework.web.acting import Worded, workflows_words
from wwt_framework.web.exchange import Refused, current_exchange
from wwt_framework.web.render import render
from wwt_framework.web.responses import Response
from wwt_framework.web.tools import current_app, current_house

#: state of a line -> words, colour of its badge
STATES = {
    "queued": ("queued", "good"),
    "blocked": ("not queued", "bad"),
    "conflict": ("somebody acted meanwhile", "warn"),
    "missing": ("not here any more", "bad"),
    "needs sites": ("needs sites", "warn"),
}


@dataclass(frozen=True)
class ResultPage(Worded):
    """What the page of a result shows."""

    result: Result
    intent: Intent
    label_of_kind: str
    user: str
    reasons: tuple[Reason, ...]
    fields: Mapping[str, Field]
    theirs: Mapping[str, Action]  # action id -> what somebody else asked for
    repeated: bool = False

    @property
    def queued(self) -> list[ResultLine]:
        return [line for line in self.result.lines if line.state == "queued"]

    @property
    def conflicts(self) -> list[ResultLine]:
        return [line for line in self.result.lines if line.state == "conflict"]

    @property
    def waiting(self) -> list[ResultLine]:
        """Lines that wait for somebody to pick sites."""
        return [line for line in self.result.lines if line.state == "needs sites"]

    @property
    def rest(self) -> list[ResultLine]:
        return [line for line in self.result.lines if line.state in ("blocked", "missing")]

    @property
    def headline(self) -> str:
        """What was queued, in words."""
        if not self.queued:
            return f"{self.label_of_kind}: nothing was queued"
        return f"{self.label_of_kind} queued for {workflows_words(len(self.queued))}"

    def state(self, line: ResultLine) -> tuple[str, str]:
        return STATES[line.state]


def result_response(result: Result, intent: Intent, status: int = 200, *, repeated: bool = False) -> Response:
    """The page of *result*."""
    return render("act_result.html", status, page=result_page(result, intent, repeated=repeated))


def result_page(result: Result, intent: Intent, *, repeated: bool = False) -> ResultPage:
    store = current_app().store
    label, fields = kind_words(intent.kind)
    theirs = {}
    for line in result.lines:
        if line.theirs is not None:
            theirs[line.theirs.action] = ledger.action(store, line.theirs.action)
    actions = [line.action for line in result.lines if line.action]
    return ResultPage(
        result, intent, label, actions[0].user if actions else "", actions[0].reasons if actions else intent.reasons,
        fields, theirs, repeated,
    )  # fmt: skip


def kind_words(name: str) -> tuple[str, Mapping[str, Field]]:
    """Label and fields of a kind, by name; of one that no plugin offers any more only its name."""
    try:
        kind = kind_named(current_house().hooks, name).kind
    except NotFound:
        return name, {}
    return kind.label, {field.name: field for field in kind.fields}


#: The shape of `result_plain`.
RESULT = {
    "draft": str, "repeated": bool,
    "lines": [{
        "workflow": str, "state": str, "action": str | None, "superseded": [str], "problems": [str], "theirs": str | None,
    }],
}  # fmt: skip


def result_plain(result: Result) -> dict[str, Any]:
    """*result* for programs: `RESULT`."""
    return {
        "draft": result.draft_id,
        "repeated": result.repeated,
        "lines": [
            {
                "workflow": line.workflow,
                "state": line.state,
                "action": line.action.id if line.action else None,
                "superseded": [old.id for old in line.superseded],
                "problems": [problem.message for problem in line.problems],
                "theirs": line.theirs.action if line.theirs else None,
            }
            for line in result.lines
        ],
    }


def scold(posted: Mapping[str, Any]) -> Response:
    """What a form without a workflow or without an action lacks: a page with the way back, or words. Status 400."""
    workflows = posted.get("workflows", ())
    several = [name for name in ([workflows] if isinstance(workflows, str) else workflows) if name.strip()]
    lacks = "which workflow it is about" if not several else "what is to be done"
    if not current_exchange().wants_html():
        name = "action" if several else "workflows"
        raise Refused(400, f"The form does not say {lacks}: give {name}. Nothing was queued.")
    return render("act_scold.html", 400, lacks=lacks, workflows=several)
