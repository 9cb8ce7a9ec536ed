"""Learning from rows: a sparse table of named features, estimators on it, and probabilities that mean what they say."""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

import numpy as np

from wwt_framework.evidence import decision_label, values_of
from wwt_framework.model import Case
from wwt_framework.plugin import ComputeDoor, History

from .features import Features
from .quick import Tell, teller
from .threads import one_thread

Array = Any
Describe = Callable[[Case], Sequence[tuple[str, Features]]]

#: Share of the rows, the newest ones, on which probabilities are mended.
_NEWEST = 0.15
#: Rows above which fits are spread over processes: to start them takes seconds.
_SPREAD = 3_000
#: Below this a logarithm is not taken.
_TINY = 1e-9


@dataclass
class Table:
    """Rows of features with what was decided, in the order of time."""

    names: dict[str, int] = field(default_factory=dict)
    labels: list[str] = field(default_factory=list)
    parameters: list[Mapping[str, Any]] = field(default_factory=list)
    times: list[datetime] = field(default_factory=list)
    families: list[str] = field(default_factory=list)  # what a workflow shares with its ACDCs
    training_set: str = ""
    _columns: array[int] = field(default_factory=lambda: array("i"))
    _values: array[float] = field(default_factory=lambda: array("f"))
    _ends: array[int] = field(default_factory=lambda: array("i", [0]))

    def __len__(self) -> int:
        return len(self.labels)

    @classmethod
    def of(cls, history: History, describe: Describe, told: Callable[[int], None] = lambda _: None) -> Table:
        """The rows of *history* as *describe* sees them; *told* hears every now and then how many there are."""
        table, digest = cls(), hashlib.sha256()
        for number, decision in enumerate(history):
            action = decision.action
            digest.update(f"{action.id} {action.kind} {decision.decided_at.isoformat()}\n".encode())
            label, workflow = decision_label(action.kind, action.values), decision.case.workflow
            for task, features in describe(decision.case):
                table._add(features)
                table.labels.append(label)
                table.parameters.append(values_of(action, task))
                table.times.append(decision.decided_at)
                table.families.append(workflow.prep_id or workflow.original or workflow.name)
            if number % 500 == 0:
                told(len(table))
        table.training_set = digest.hexdigest()[:16]
        return table

    def _add(self, features: Features) -> None:
        for name, value in features.items():
            self._columns.append(self.names.setdefault(name, len(self.names)))
            self._values.append(value)
        self._ends.append(len(self._columns))

    def matrix(self, least: int) -> tuple[list[str], Array]:
        """Names and columns of the features that at least *least* rows have."""
        import scipy.sparse as sp  # a third of a second, and few need it

        shape = (len(self), len(self.names))
        whole = sp.csr_matrix(
            (np.frombuffer(self._values, np.float32), np.frombuffer(self._columns, np.int32),
             np.frombuffer(self._ends, np.int32)), shape=shape,
        )  # fmt: skip
        often = np.flatnonzero(np.bincount(whole.indices, minlength=shape[1]) >= least)
        names = list(self.names)
        return [names[i] for i in often], narrow(whole[:, often])


def narrow(matrix: Array) -> Array:
    """*matrix* with 32-bit indices, which is all that scikit-learn's solvers take."""
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix


@dataclass(frozen=True)
class Member:
    """One estimator of a model. ``columns`` are those that it sees, as a dense table; None: all, sparse."""

    estimator: Any
    columns: Any = None

    def shares(self, matrix: Array) -> Array:
        """Probability of each class of the estimator, for each row."""
        return self._tell(matrix if self.columns is None else self._dense(matrix))

    def _dense(self, matrix: Array) -> Array:
        """The columns that it sees."""
        width = matrix.shape[1]
        places = np.full(width, -1)
        places[self.columns] = np.arange(len(self.columns))
        at = places[matrix.indices]
        rows = np.repeat(np.arange(matrix.shape[0]), np.diff(matrix.indptr))
        table = np.zeros((matrix.shape[0], len(self.columns)), matrix.dtype)
        table[rows[at >= 0], at[at >= 0]] = matrix.data[at >= 0]
        return table

    @cached_property
    def _tell(self) -> Tell:
        return teller(self.estimator)

    def log(self, matrix: Array, classes: Sequence[str]) -> Array:
        """Log probability of each of *classes*."""
        told = np.log(np.maximum(self.shares(matrix), _TINY))
        found = np.full((matrix.shape[0], len(classes)), np.log(_TINY))
        found[:, [classes.index(label) for label in self.estimator.classes_]] = told
        return found


def linear(strength: float) -> Any:
    """A logistic regression for each class against all others: liblinear is quick on sparse tables."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    return OneVsRestClassifier(LogisticRegression(C=strength, solver="liblinear", max_iter=200, random_state=1))


@dataclass(frozen=True)
class Mended:
    """How raw log probabilities become honest ones: divided by a temperature, and moved by class."""

    temperature: float = 1.0
    shift: tuple[float, ...] = ()

    def apply(self, raw: Array) -> Array:
        moved = raw / self.temperature + (np.array(self.shift) if self.shift else 0.0)
        moved = np.exp(moved - moved.max(1, keepdims=True))
        return moved / moved.sum(1, keepdims=True)


def mend(raw: Array, decided: Array) -> Mended:
    """What makes *raw* (rows, classes) fit *decided* best; little is moved where there is little to tell."""
    from scipy.optimize import minimize

    k = raw.shape[1]
    rows = np.arange(len(decided))

    def cost(x: Array) -> float:
        p = Mended(float(np.exp(x[0])), tuple(x[1:])).apply(raw)
        return float(-np.log(np.maximum(p[rows, decided], _TINY)).sum() + 2 * (x**2).sum())

    best = minimize(cost, np.zeros(k + 1), method="L-BFGS-B", options={"maxiter": 50}).x
    return Mended(float(np.exp(best[0])), tuple(map(float, best[1:])))


#: What fits rows and what was decided about them, with the options of its plugin: a function of a module, so that it
#: can be sent to other processes.
Fit = Callable[[Array, Array, Any], Sequence[Member]]


def spread(
    compute: ComputeDoor, rows: int, function: Callable[..., Any], items: Sequence[Any], *shared: Any
) -> list[Any]:
    """``[function(item, *shared) for item in items]``, over processes where there are many *rows*."""
    return compute.map(function, items, *shared) if rows > _SPREAD else [function(item, *shared) for item in items]


@dataclass(frozen=True)
class Learnt:
    """A trained model: what it sees, what it says, and the parameters that go with a rerun."""

    names: tuple[str, ...]
    classes: tuple[str, ...]
    members: tuple[Member, ...]
    mended: Mended
    parameters: Mapping[str, Member]  # name -> what says its value as text, "" for none
    training_set: str
    last: datetime  # when the newest decision was taken that it learnt from
    rows: int

    def probability(self, matrix: Array) -> Array:
        """(rows, classes)."""
        return self.mended.apply(together(self.members, matrix, self.classes))


def together(members: Sequence[Member], matrix: Array, classes: Sequence[str]) -> Array:
    """Log probability of each of *classes*, the mean of all *members*."""
    return np.mean([member.log(matrix, classes) for member in members], axis=0)


def learn(table: Table, fit: Fit, options: Any, compute: ComputeDoor, told: Callable[[str], None]) -> Learnt | None:
    """Learn what *table* tells; None when there is too little: less than two classes, or no older rows.

    *options* are `LearnerOptions`. What is fitted on older rows says how probabilities are mended.
    """
    labels = np.array(table.labels, dtype=object)
    cut = table.times[int((1 - _NEWEST) * len(table))] if len(table) else None
    older = np.array([at < cut for at in table.times], bool) if cut else np.zeros(0, bool)
    if len(set(table.labels)) < 2 or len(set(labels[older])) < 2:
        return None
    names, matrix = table.matrix(options.least_seen)
    told(f"fitting {len(table):,} tasks, {len(names):,} features")
    classes = tuple(sorted(set(table.labels)))
    parameters = _parameters(table, options.parameters)
    both = [_Piece(rows, labels[rows], fit) for rows in (np.flatnonzero(older), np.arange(len(table)))]
    first, members, *others = spread(compute, len(table), _fitted, [*both, *parameters.values()], matrix, options)
    decided = np.array([classes.index(label) for label in labels[~older]])
    mended = mend(together(first, matrix[~older], classes), decided)
    found = {name: several[0] for name, several in zip(parameters, others, strict=True)}
    return Learnt(tuple(names), classes, tuple(members), mended, found, table.training_set, table.times[-1], len(table))


@dataclass(frozen=True)
class _Piece:
    """Some rows, what is to be told of them, and what fits it."""

    rows: Array
    labels: Array
    fit: Fit


def _parameters(table: Table, wanted: Sequence[str]) -> dict[str, _Piece]:
    """Parameters of reruns of which operators gave different values, "" for none."""
    reruns = np.array([i for i, label in enumerate(table.labels) if label in ("acdc", "recovery", "clone")], int)
    found = {}
    for name in wanted:
        values = np.array([str(table.parameters[i].get(name) or "") for i in reruns], dtype=object)
        if len(set(values)) > 1:
            found[name] = _Piece(reruns, values, _parameter)
    return found


def _parameter(matrix: Array, values: Array, _: Any) -> Sequence[Member]:
    return [Member(linear(0.05).fit(narrow(matrix), values))]


@one_thread
def _fitted(piece: _Piece, matrix: Array, options: Any) -> Sequence[Member]:
    return piece.fit(matrix[piece.rows], piece.labels, options)


def described(case: Case, describe: Describe, at: Mapping[str, int]) -> tuple[list[str], Array]:
    """Tasks of *case*, and what a model sees of them; *at*: feature -> column."""
    import scipy.sparse as sp

    tasks, columns, values, ends = [], [], [], [0]
    for task, features in describe(case):
        tasks.append(task)
        for name, value in features.items():
            if name in at:
                columns.append(at[name])
                values.append(value)
        ends.append(len(columns))
    shape = (len(tasks), len(at))
    matrix = sp.csr_matrix(
        (np.array(values, np.float32), np.array(columns, np.int32), np.array(ends, np.int32)), shape=shape
    )
    return tasks, matrix
