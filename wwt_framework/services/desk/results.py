"""What became of a submit, kept with its draft, so that asking twice tells the same."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from wwt_framework.model import Action, Problem
from wwt_framework.services.desk.shapes import Result, ResultLine
from wwt_framework.store import Store, ledger


def to_plain(result: Result) -> list[dict[str, Any]]:
    """*result* as JSON values; actions and events by their ids and numbers."""
    return [
        {
            "workflow": line.workflow,
            "state": line.state,
            "action": line.action and line.action.id,
            "superseded": [action.id for action in line.superseded],
            "problems": [dataclasses.asdict(problem) for problem in line.problems],
            "theirs": line.theirs and line.theirs.number,
            "mine": line.mine,
        }
        for line in result.lines
    ]


def told_before(store: Store, draft_id: str) -> Result | None:
    """What became of *draft_id* when it was submitted; None when it never was. Actions are as they are now."""
    draft = ledger.find_draft(store, draft_id)
    if draft is None or draft.submitted_at is None:
        return None
    lines: list[Mapping[str, Any]] = draft.content["result"]
    ids = {name for line in lines for name in (line["action"], *line["superseded"]) if name}
    actions = {action.id: action for action in ledger.actions_with(store, ids)}
    events = ledger.events_numbered(store, [line["theirs"] for line in lines if line["theirs"]])
    return Result(draft_id, tuple(_line(line, actions, events) for line in lines), repeated=True)


def _line(
    line: Mapping[str, Any], actions: Mapping[str, Action], events: Mapping[int, ledger.ActionEvent]
) -> ResultLine:
    return ResultLine(
        line["workflow"],
        line["state"],
        actions.get(line["action"]),
        tuple(actions[old] for old in line["superseded"] if old in actions),
        tuple(Problem(**problem) for problem in line["problems"]),
        events.get(line["theirs"]),
        line["mine"],
    )
