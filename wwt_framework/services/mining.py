"""Message templates of a refresh, asked from the plugin that mines them."""

from __future__ import annotations

from collections.abc import Sequence

from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Mined
from wwt_framework.snapshot_templates import Miner


def miner(hooks: Hooks) -> Miner:
    """What asks the plugins of *hooks*; one that fails leaves the texts it was asked about without a template."""

    def mine(texts: Sequence[str]) -> Mined | str:
        answer = hooks.first("mine_templates", texts=texts)
        if answer is None:
            return ""
        return answer.value if answer.ok else answer.complaint

    return mine
