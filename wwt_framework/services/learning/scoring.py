"""How good answers are, in numbers that chance and a lopsided world can not flatter; with confidence intervals.

The formulas are those of scikit-learn's metrics with sample weights (a test compares them): a weight is how often
a family was drawn in one round of the bootstrap.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

Array = Any

#: Probabilities are cut to this distance from 0 and 1 before their logarithm is taken.
_CLIP = 1e-6
#: Square of how many standard deviations 95 % are.
_Z2 = 1.96**2
#: Bins of the calibration curve.
BINS = 10


@dataclass(frozen=True)
class Truth:
    """What was decided about tasks; a row for each."""

    labels: tuple[str, ...]  # label_of the action
    families: tuple[str, ...]  # rows of one family are drawn together

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class Said:
    """What one predictor said of the same tasks."""

    name: str
    classes: tuple[str, ...]
    probability: Array  # (tasks, classes), rows sum to 1
    sure: Array | None = None  # (tasks,) whether it commits itself; None: always


@dataclass(frozen=True)
class Interval:
    """A number and where it lies with 95 % confidence; None: it can not be told from these tasks."""

    value: float | None = None
    low: float | None = None
    high: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        return f"{self.value:.3f}" if self.low is None else f"{self.value:.3f} ({self.low:.3f} to {self.high:.3f})"


@dataclass(frozen=True)
class ClassScore:
    """How one class fares."""

    label: str
    decided: int  # tasks for which operators decided so
    said: int
    precision: float | None  # None: it was never said
    recall: float | None  # None: it was never decided


@dataclass(frozen=True)
class Scores:
    """All numbers about one predictor on one set of tasks."""

    name: str
    tasks: int
    families: int
    numbers: Mapping[str, Interval]  # by METRICS
    classes: tuple[ClassScore, ...]
    confusion: tuple[tuple[int, ...], ...]  # rows: decided, columns: said; as `classes`
    curve: tuple[
        tuple[float, float, int], ...
    ]  # said probability, share that was right, tasks; of the most likely class
    coverage: float = 1.0  # share of tasks for which it commits itself
    accuracy_when_sure: float | None = None
    rounds: int = 0


#: Name of a number -> what it is, for pages; the order is that of tables.
METRICS: Mapping[str, str] = {
    "accuracy": "share of tasks that it got right; always saying acdc gets most of it",
    "balanced_accuracy": "mean recall of the classes; who knows nothing gets 1 divided by their number",
    "macro_f1": "mean F1 of the classes",
    "auc_acdc": "ROC-AUC of acdc against the rest: 0.5 is chance, 1 is perfect",
    "log_loss": "mean surprise in nats; lower is better",
    "calibration_error": "expected calibration error: how far probabilities are from shares, 0 is perfect",
}


def score(truth: Truth, said: Said, rounds: int = 200, seed: int = 1) -> Scores:
    """All numbers of *said*, with 95 % intervals of a bootstrap in *rounds* that draws whole families."""
    table = _Table.of(truth, said)
    plain = np.ones(len(truth))
    values = {name: table.number(name, plain) for name in METRICS}
    drawn: dict[str, list[float]] = {name: [] for name in METRICS}
    for weights in _draws(truth.families, rounds, seed):
        for name in METRICS:
            value = table.number(name, weights)
            if value is not None:
                drawn[name].append(value)
    confusion = table.confusion(plain).astype(int)
    return Scores(
        said.name,
        len(truth),
        len(set(truth.families)),
        {name: _interval(values[name], drawn[name]) for name in METRICS},
        tuple(_class_score(label, i, confusion) for i, label in enumerate(table.classes)),
        tuple(tuple(row) for row in confusion.tolist()),
        tuple(table.curve()),
        float(table.sure.mean()) if len(truth) else 0.0,
        float(table.right[table.sure].mean()) if table.sure.any() else None,
        rounds,
    )


def difference(truth: Truth, one: Said, other: Said, metric: str, rounds: int = 500, seed: int = 1) -> Interval:
    """*metric* of *one* minus that of *other*, on the same draws of families: the paired difference."""
    tables = [_Table.of(truth, one), _Table.of(truth, other)]
    whole = [table.number(metric, np.ones(len(truth))) for table in tables]
    drawn = []
    for weights in _draws(truth.families, rounds, seed):
        pair = [table.number(metric, weights) for table in tables]
        if pair[0] is not None and pair[1] is not None:
            drawn.append(pair[0] - pair[1])
    if whole[0] is None or whole[1] is None:
        return Interval(None)
    return _interval(whole[0] - whole[1], drawn)


def share(values: Sequence[float], families: Sequence[str], rounds: int = 500, seed: int = 1) -> Interval:
    """The mean of *values*. Where all families are alike its interval would have no width: then it is Wilson's."""
    if not values:
        return Interval()
    of, mean, count = np.array(values, float), float(np.mean(values)), len(set(families))
    drawn = [float((weights * of).sum() / weights.sum()) for weights in _draws(families, rounds, seed)]
    found = _interval(mean, drawn)
    if found.low is not None and found.low == found.high and mean in (0.0, 1.0):
        width = _Z2 / (count + _Z2)  # with the families as trials
        return Interval(mean, *((1 - width, 1.0) if mean else (0.0, width)))
    return found


def gain(values: Sequence[float], families: Sequence[str]) -> Interval:
    """The mean of differences, each from -1 to 1. Where there is none at all the interval of `share` goes both ways."""
    found = share(values, families)
    if found.value or found.high is None or any(values):
        return found
    return Interval(0.0, -found.high, found.high)


def _draws(families: Sequence[str], rounds: int, seed: int) -> Any:
    """Weights of the tasks, round by round: how often the family of each was drawn."""
    names, family = np.unique(np.array(families, dtype=object), return_inverse=True)
    random = np.random.default_rng(seed)
    for _ in range(rounds if len(names) > 1 else 0):
        counts = np.bincount(random.integers(0, len(names), len(names)), minlength=len(names))
        yield counts[family].astype(float)


def _interval(value: float | None, drawn: Sequence[float]) -> Interval:
    if value is None or len(drawn) < 20:  # a tail of 2.5 % of less than that is nothing
        return Interval(value)
    low, high = np.quantile(drawn, [0.025, 0.975])
    return Interval(value, float(low), float(high))


def _class_score(label: str, i: int, confusion: Array) -> ClassScore:
    decided, said, hit = int(confusion[i].sum()), int(confusion[:, i].sum()), int(confusion[i, i])
    return ClassScore(label, decided, said, hit / said if said else None, hit / decided if decided else None)


@dataclass(frozen=True)
class _Table:
    """Truth and answers in numbers, the parts that every round needs worked out once."""

    classes: tuple[str, ...]
    decided: Array  # (tasks,) index of classes
    said: Array  # (tasks,)
    top: Array  # (tasks,) probability of what was said
    own: Array  # (tasks,) probability of what was decided
    is_acdc: Array
    rank: Array  # order of tasks by P(acdc)
    ties: Array  # in that order: number of the group of equal P(acdc)
    sure: Array

    @classmethod
    def of(cls, truth: Truth, said: Said) -> _Table:
        classes = tuple(sorted({*truth.labels, *said.classes}))
        at = {label: i for i, label in enumerate(classes)}
        probability = np.zeros((len(truth), len(classes)))
        probability[:, [at[label] for label in said.classes]] = said.probability
        decided = np.array([at[label] for label in truth.labels], int)
        rows = np.arange(len(truth))
        most = probability.argmax(1) if len(truth) else decided
        acdc = probability[:, at["acdc"]] if "acdc" in at else np.zeros(len(truth))
        rank = np.argsort(acdc, kind="stable")
        ties = np.cumsum(np.diff(acdc[rank], prepend=acdc[rank][:1]) > 0)
        sure = np.ones(len(truth), bool) if said.sure is None else np.asarray(said.sure, bool)
        return cls(
            classes, decided, most, probability[rows, most], probability[rows, decided],
            decided == at.get("acdc", -1), rank, ties, sure,
        )  # fmt: skip

    @property
    def right(self) -> Array:
        return self.said == self.decided

    def number(self, name: str, weights: Array) -> float | None:
        if not weights.sum():
            return None
        value: float | None = _NUMBERS[name](self, weights)
        return value

    def confusion(self, weights: Array) -> Array:
        k = len(self.classes)
        return np.bincount(self.decided * k + self.said, weights, k * k).reshape(k, k)

    def accuracy(self, weights: Array) -> float:
        return float(weights[self.right].sum() / weights.sum())

    def balanced(self, weights: Array) -> float:
        table = self.confusion(weights)
        there = table.sum(1) > 0
        return float((np.diag(table)[there] / table.sum(1)[there]).mean())

    def macro_f1(self, weights: Array) -> float:
        table = self.confusion(weights)
        both = table.sum(0) + table.sum(1)
        there = both > 0
        return float((2 * np.diag(table)[there] / both[there]).mean())

    def log_loss(self, weights: Array) -> float:
        return float(-(weights * np.log(np.clip(self.own, _CLIP, 1))).sum() / weights.sum())

    def auc(self, weights: Array) -> float | None:
        w, positive = weights[self.rank], self.is_acdc[self.rank]
        up = np.bincount(self.ties, w * positive)
        down = np.bincount(self.ties, w * ~positive)
        if not up.sum() or not down.sum():
            return None
        below = np.cumsum(down) - down
        return float((up * (below + down / 2)).sum() / (up.sum() * down.sum()))

    def calibration_error(self, weights: Array) -> float:
        bins = np.minimum((self.top * BINS).astype(int), BINS - 1)
        total = np.bincount(bins, weights, BINS)
        right = np.bincount(bins, weights * self.right, BINS)
        said = np.bincount(bins, weights * self.top, BINS)
        return float(np.abs(right - said).sum() / total.sum())

    def curve(self) -> list[tuple[float, float, int]]:
        """Bins of equal numbers of tasks, since most probabilities are near 1."""
        order = np.argsort(self.top, kind="stable")
        parts = [part for part in np.array_split(order, BINS) if len(part)]
        return [(float(self.top[part].mean()), float(self.right[part].mean()), len(part)) for part in parts]


_NUMBERS: Mapping[str, Callable[[_Table, Array], float | None]] = {
    "accuracy": _Table.accuracy,
    "balanced_accuracy": _Table.balanced,
    "macro_f1": _Table.macro_f1,
    "auc_acdc": _Table.auc,
    "log_loss": _Table.log_loss,
    "calibration_error": _Table.calibration_error,
}
