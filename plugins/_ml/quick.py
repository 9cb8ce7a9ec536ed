"""Probabilities of a few rows by arithmetic alone: scikit-learn's checks take longer than the sums that a page needs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = Any
Tell = Callable[[Array], Array]

#: Of more rows than this scikit-learn is asked: its checks weigh nothing there, and its trees are quicker.
_FEW = 500
#: Below this nothing is divided by.
_TINY = 1e-12


def teller(estimator: Any) -> Tell:
    """``estimator.predict_proba``, and the same numbers sooner where it is linear, or boosted trees."""
    from sklearn.ensemble import HistGradientBoostingClassifier
    from sklearn.multiclass import OneVsRestClassifier

    if isinstance(estimator, OneVsRestClassifier) and all(hasattr(one, "coef_") for one in estimator.estimators_):
        return _linear(estimator)
    if isinstance(estimator, HistGradientBoostingClassifier) and estimator.is_categorical_ is None:
        return _trees(estimator)
    told: Tell = estimator.predict_proba
    return told


def _linear(estimator: Any) -> Tell:
    """A regression for each class against all others."""
    weights = np.ascontiguousarray(np.vstack([one.coef_ for one in estimator.estimators_]).T)
    intercepts = np.concatenate([one.intercept_ for one in estimator.estimators_])

    def tell(rows: Array) -> Array:
        shares = _sigmoid(rows @ weights + intercepts)
        if shares.shape[1] == 1:
            return np.hstack([1 - shares, shares])
        return shares / np.maximum(shares.sum(1, keepdims=True), _TINY)

    return tell


def _trees(estimator: Any) -> Tell:
    """All trees at once: every row goes down every tree, a level at a time. Nothing may be missing in a row."""
    rounds = estimator._predictors  # noqa: SLF001  # it tells its trees in no other way
    baseline = np.asarray(estimator._baseline_prediction).ravel()  # noqa: SLF001
    trees = [tree.nodes for several in rounds for tree in several]
    sizes = np.array([len(nodes) for nodes in trees])
    roots = np.cumsum(sizes) - sizes
    nodes = np.concatenate(trees)
    first = np.repeat(roots, sizes)
    itself = np.arange(len(nodes))
    leaf = nodes["is_leaf"].astype(bool)
    feature = np.where(leaf, 0, nodes["feature_idx"]).astype(np.intp)
    threshold, value = np.where(leaf, np.inf, nodes["num_threshold"]), nodes["value"]
    # left and right child of node i at 2i and 2i + 1; a leaf is its own children
    sides = [np.where(leaf, itself, first + nodes[side].astype(np.intp)) for side in ("left", "right")]
    children = np.stack(sides, 1).ravel()
    depth, classes = int(nodes["depth"].max()), len(rounds[0])

    def tell(rows: Array) -> Array:
        if len(rows) > _FEW:
            return estimator.predict_proba(rows)
        flat, begins = rows.ravel(), np.arange(len(rows))[:, None] * rows.shape[1]
        at = np.broadcast_to(roots, (len(rows), len(roots)))
        for _ in range(depth):
            right = flat.take(feature.take(at) + begins) > threshold.take(at)
            at = children.take(2 * at + right)
        raw = value.take(at).reshape(len(rows), -1, classes).sum(1) + baseline
        if classes == 1:
            shares = _sigmoid(raw)
            return np.hstack([1 - shares, shares])
        raw = np.exp(raw - raw.max(1, keepdims=True))
        return raw / raw.sum(1, keepdims=True)

    return tell


def _sigmoid(raw: Array) -> Array:
    return 1 / (1 + np.exp(-np.clip(raw, -500, 500)))
