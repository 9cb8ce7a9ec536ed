"""Special: let a workflow pass, complete it by force, hold it, or ask for something else in words."""

from __future__ import annotations

from collections.abc import Sequence

from wwt_framework import hookimpl
from wwt_framework.model import Action, Case, Draft, Problem
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import ActionKind, Field, PluginContext

HOLD = "on-hold"
ACTIONS = ("by-pass", "force-complete", HOLD)


class Special:
    """Ask for something else: by-pass, force-complete, on-hold until a day, or whatever can be said in words."""

    class Options(PluginOptions):
        pass

    def __init__(self, context: PluginContext[Options]) -> None:
        pass

    @hookimpl
    def register_actions(self) -> Sequence[ActionKind]:
        """The kind special."""
        fields = (
            Field("action", "What", "choice", ACTIONS, help="let it pass as it is, complete it by force, or hold it"),
            Field("other", "Something else", help="in words, for whoever carries it out"),
            Field("until", "Hold until", help="days like 7, or a date like 2026-12-24; blank: until somebody ends it"),
        )
        return [
            ActionKind(
                "special", "Other action", "Let it pass, complete it by force, hold it, or say it in words.", fields
            )
        ]

    @hookimpl
    def check_action(self, draft: Draft, cases: Sequence[Case], open_actions: Sequence[Action]) -> Sequence[Problem]:  # noqa: ARG002
        """Something must be asked for, and only a hold ends by itself."""
        if draft.kind != "special":
            return ()
        values = draft.values
        if not values.get("action") and not values.get("other"):
            told = f"Choose one of {', '.join(ACTIONS)}, or say in words what shall be done."
            return [Problem("Nothing is asked for.", "action", fix=told)]
        if values.get("until") and values.get("action") != HOLD:
            return [
                Problem(f"Only {HOLD} ends by itself, so an end says nothing here.", "until", fix="Leave it blank.")
            ]
        return ()
