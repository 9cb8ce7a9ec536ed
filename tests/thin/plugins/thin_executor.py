"""The face that an executor sees: it fetches what operators asked for, and reports what it has done."""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from pydantic import Field, SecretStr

from wwt_framework import hookimpl
from wwt_framework.model import Action, User
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import ActionKind, Page, PluginContext, Reply, Snapshot, Visit
from wwt_framework.plugin import Field as FormField


class Executor:
    """Let an executor pull actions from /getaction and report them at /reportaction."""

    class Options(PluginOptions):
        key: SecretStr = Field(description="what the executor shows when it reports")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._context = context

    @hookimpl
    def register_actions(self) -> Sequence[ActionKind]:
        memory = FormField("memory", "Memory", "integer", minimum=1000, maximum=20000, unit="MB", per_task=True)
        return [ActionKind("acdc", "ACDC", "Rerun what failed.", (memory,))]

    @hookimpl
    def register_pages(self) -> Sequence[Page]:
        return [
            Page("/getaction", "Actions", self.get, role="anyone", in_menu=False),
            Page("/reportaction", "Report", self.report, role="anyone", in_menu=False, methods=("POST",)),
        ]

    def get(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # as every page
        days = int(str(visit.query.get("days", "0")))
        since = datetime.now(timezone.utc) - timedelta(days=days) if days else None
        acted = int(str(visit.query.get("acted", "0")))
        actions = self._context.actions.done(since) if acted else self._context.actions.hand_out("executor", since)
        return Reply(json={action.workflow: _document(action, snapshot) for action in actions})

    def report(self, visit: Visit, user: User, snapshot: Snapshot) -> Reply:  # as every page
        posted = visit.json if isinstance(visit.json, dict) else {}
        key = self._context.options.key.get_secret_value()
        valid_key = hmac.compare_digest(str(posted.get("key", "")).encode(), key.encode())
        workflows = posted.get("workflows")
        valid_format = isinstance(workflows, list) and all(isinstance(name, str) for name in workflows)
        answer: dict[str, Any] = {"valid_key": valid_key, "valid_format": valid_format}
        if valid_key and isinstance(workflows, list) and valid_format:
            reported = self._context.actions.report("executor", workflows)
            answer["success"] = list(reported.success)
            answer["already_reported"] = list(reported.already_reported)
            answer["does_not_exist"] = list(reported.does_not_exist)
        return Reply(json=answer, status=200 if valid_key else 403)


def _document(action: Action, snapshot: Snapshot) -> dict[str, Any]:
    case = snapshot.case(action.workflow)
    return {
        "Action": action.kind,
        "Reasons": [reason.long for reason in action.reasons],
        "Parameters": dict(action.task_values) or dict(action.values),
        "user": action.user,
        "ACDCs": list(case.acdcs) if case else [],
    }
