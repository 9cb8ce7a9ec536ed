"""How a prediction says a label."""

from __future__ import annotations

from typing import Any

from wwt_framework.evidence import BY_TASK

#: Kinds of action that are decisions by themselves; every other label is something special that was asked for.
KINDS = (*BY_TASK, "clone", "special")


def action_of(label: str) -> tuple[str, dict[str, Any]]:
    """Kind and parameters of a `Prediction` that says *label*."""
    return (label, {}) if label in KINDS else ("special", {"action": label})
