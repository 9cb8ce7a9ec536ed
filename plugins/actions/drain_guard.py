"""Nothing is sent to sites that take no production jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.model import Action, Case, Draft, Problem
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import PluginContext

from .._actions.looking import Asked, asked_tasks


class DrainGuard:
    """Take sites in drain, in test or disabled out of the lists of an action, or warn of them, or object."""

    class Options(PluginOptions):
        drained: Literal["take out", "warn", "block"] = Field(
            "take out", description="what becomes of sites that take no production jobs: take out, warn or block"
        )

    def __init__(self, context: PluginContext[Options]) -> None:
        self._drained = context.options.drained

    @hookimpl
    def check_action(self, draft: Draft, cases: Sequence[Case], open_actions: Sequence[Action]) -> Sequence[Problem]:  # noqa: ARG002
        """A problem for each task that would be sent to such a site."""
        return [problem for asked in asked_tasks(draft, cases) if (problem := self._of(asked)) is not None]

    def _of(self, asked: Asked) -> Problem | None:
        sites = [str(site) for site in asked.values.get("sites", ())]
        production = {site: status.production for site in sites if (status := asked.case.sites.get(site)) is not None}
        out = [site for site in sites if production.get(site, "enabled") not in ("enabled", "unknown")]
        if not out:
            return None
        told = ", ".join(f"{site} is in {_words(production[site])}" for site in out)
        if self._drained == "take out":
            return asked.problem(f"{told}.", "sites", change={"sites": [site for site in sites if site not in out]})
        fix = "Take it out of the list or choose Ban."
        return asked.problem(f"{told}.", "sites", blocking=self._drained == "block", fix=fix)


def _words(production: str) -> str:
    return {"disabled": "no use (disabled)", "test": "test only"}.get(production, production)
