"""Choosing options by a small search: every choice learns older rows and is judged on newer ones, of other families.

The fits are spread as `wwt.compute` says: over processes of this machine, or a cluster.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product
from typing import Any, TypeVar

import numpy as np

from wwt_framework.plugin import ComputeDoor

from .learning import Array, Fit, Table, spread, together
from .threads import one_thread

#: Share of the rows that the first fold learns from; what is left is judged in equal parts, each after all before it.
_FIRST = 0.5
_TINY = 1e-9

OptionsT = TypeVar("OptionsT")


@dataclass(frozen=True)
class Fold:
    """Rows to learn from, and later ones of other families."""

    learnt: Array
    judged: Array


@dataclass(frozen=True)
class Choice:
    """What was chosen, and in words among what."""

    options: Any
    words: str = ""


def choices_of(options: OptionsT) -> list[OptionsT]:
    """*options* with every combination of the values that their ``search`` names."""
    told: Any = options
    kind, rest = type(told), told.model_dump(exclude={"search"})
    return [
        kind.model_validate({**rest, **dict(zip(told.search, values, strict=True))})
        for values in product(*told.search.values())
    ]


def folds_of(table: Table, number: int) -> list[Fold]:
    """*number* folds, the oldest first; none whose rows know one decision only."""
    families, labels, rows = np.array(table.families, object), np.array(table.labels, object), np.arange(len(table))
    ends = (np.linspace(_FIRST, 1, number + 1) * len(table)).astype(int)
    found = []
    for begin, end in zip(ends[:-1].tolist(), ends[1:].tolist(), strict=True):
        known = set(families[:begin])
        judged = np.array([row for row in rows[begin:end] if families[row] not in known], int)
        if len(judged) and len(set(labels[:begin])) > 1:
            found.append(Fold(rows[:begin], judged))
    return found


def searched(table: Table, fit: Fit, options: Any, compute: ComputeDoor, told: Callable[[str], None]) -> Choice:
    """The best of the choices that *options* names in ``search``, by log-loss over ``folds``."""
    choices, folds = choices_of(options), folds_of(table, options.folds)
    if len(choices) < 2 or not folds:
        return Choice(choices[0] if len(choices) == 1 else options)
    told(f"comparing {len(choices)} choices of {', '.join(options.search)} over {len(folds)} folds")
    _, matrix = table.matrix(options.least_seen)
    labels = np.array(table.labels, dtype=object)
    items = [(choice, fold) for choice in choices for fold in folds]
    losses = np.array(spread(compute, len(table), _loss, items, fit, matrix, labels)).reshape(len(choices), -1)
    weights = [len(fold.judged) for fold in folds]
    means = np.average(losses, axis=1, weights=weights)
    best = choices[int(means.argmin())]
    values = ", ".join(f"{name} {getattr(best, name)}" for name in options.search)
    return Choice(best, f"{values} of {len(choices)} choices, log-loss {means.min():.4f} to {means.max():.4f}")


@one_thread
def _loss(item: tuple[Any, Fold], fit: Fit, matrix: Array, labels: Array) -> float:
    """Mean surprise of one choice in one fold."""
    options, fold = item
    classes = tuple(sorted(set(labels)))
    members = fit(matrix[fold.learnt], labels[fold.learnt], options)
    raw = together(members, matrix[fold.judged], classes)
    share = np.exp(raw - raw.max(1, keepdims=True))
    share /= share.sum(1, keepdims=True)
    decided = np.array([classes.index(label) for label in labels[fold.judged]])
    return float(-np.log(np.maximum(share[np.arange(len(decided)), decided], _TINY)).mean())
