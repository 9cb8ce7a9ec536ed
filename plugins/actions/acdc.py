"""ACDC: rerun what failed, task by task."""

from __future__ import annotations

from collections.abc import Sequence

from wwt_framework import hookimpl
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import ActionKind, PluginContext

from .._actions.fields import SECONDARY, SITES, XROOTD, cores, memory, splitting


class Acdc:
    """Ask for an ACDC: what failed is run again, with other splitting, memory or sites."""

    class Options(PluginOptions):
        pass

    def __init__(self, context: PluginContext[Options]) -> None:
        pass

    @hookimpl
    def register_actions(self) -> Sequence[ActionKind]:
        """The kind acdc."""
        return [
            ActionKind(
                "acdc", "ACDC", "Run again what failed, task by task.",
                (XROOTD, SECONDARY, splitting(True), memory(True), cores(True), SITES),
            )
        ]  # fmt: skip
