"""Clone: kill the workflow and begin anew."""

from __future__ import annotations

from collections.abc import Sequence

from wwt_framework import hookimpl
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import ActionKind, PluginContext

from .._actions.fields import cores, memory, splitting


class Clone:
    """Ask for a clone: the workflow is aborted and begun anew, with other splitting or memory."""

    class Options(PluginOptions):
        pass

    def __init__(self, context: PluginContext[Options]) -> None:
        pass

    @hookimpl
    def register_actions(self) -> Sequence[ActionKind]:
        """The kind clone."""
        fields = (splitting(False), memory(False), cores(False))
        return [
            ActionKind("clone", "Kill and clone", "Abort the workflow and begin it anew; all it did is lost.", fields)
        ]
