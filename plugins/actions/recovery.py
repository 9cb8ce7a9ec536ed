"""Recovery: produce what is missing with a new workflow that is no ACDC."""

from __future__ import annotations

from collections.abc import Sequence

from pydantic import Field as Option

from wwt_framework import hookimpl
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import ActionKind, Field, PluginContext

from .._actions.fields import SECONDARY, SITES, XROOTD, cores, memory, splitting


class Recovery:
    """Ask for a recovery: what is missing is produced by a new workflow, from what is left of the input."""

    class Options(PluginOptions):
        group: str = Option("production", description="what the form begins with as the group of the new workflow")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._group = context.options.group

    @hookimpl
    def register_actions(self) -> Sequence[ActionKind]:
        """The kind recovery."""
        group = Field("group", "Group", default=self._group, per_task=True, help="group of the new workflow")
        fields = (XROOTD, SECONDARY, splitting(True), memory(True), cores(True), group, SITES)
        return [ActionKind("recovery", "Recovery (no ACDC)", "Produce what is missing with a new workflow.", fields)]
