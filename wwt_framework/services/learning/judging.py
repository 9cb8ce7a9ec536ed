"""Asking predictors about past cases, and putting what they said beside what was decided."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from numbers import Real
from typing import Any

import numpy as np

from wwt_framework.errors import PluginError, WwtError
from wwt_framework.evidence import decision_label
from wwt_framework.hooks.manager import Hooks
from wwt_framework.model import Case, Prediction, Recommendation
from wwt_framework.plugin import Decision, History, Predictor
from wwt_framework.services.learning.history import family_of
from wwt_framework.services.learning.scoring import Array, Said, Truth

#: Decisions that are in memory at once.
_BATCH = 100
#: Whatever a predictor leaves of the whole: it expects something that it does not name.
OTHER = "something else"

Shares = dict[str, float]


@dataclass(frozen=True)
class Row:
    """One task that was judged: what the lab lists."""

    workflow: str
    task: str  # Task.path
    action: str  # Action.id
    family: str
    label: str


@dataclass(frozen=True)
class Judged:
    """What was decided about tasks, and what every predictor said of them."""

    rows: tuple[Row, ...]
    truth: Truth
    said: Mapping[str, Said]
    failed: Mapping[str, str]  # predictor -> why it has no answers


def judge(history: History, predictors: Mapping[str, Predictor]) -> Judged:
    """Ask all *predictors* about every decision of *history*. One that raises has no answers, and is named."""
    rows: list[Row] = []
    told: dict[str, list[Shares]] = {name: [] for name in predictors}
    failed: dict[str, str] = {}
    for batch in _batches(history):
        for decision in batch:
            label = decision_label(decision.action.kind, decision.action.values)
            family = family_of(decision.case)
            rows += [
                Row(decision.action.workflow, task, decision.action.id, family, label)
                for task in decision.case.errors.tasks
            ]
        cases = [decision.case for decision in batch]
        for name, predictor in predictors.items():
            if name not in failed:
                try:
                    told[name] += answers(predictor, cases)
                except PluginError as error:
                    failed[name] = str(error)
    truth = Truth(tuple(row.label for row in rows), tuple(row.family for row in rows))
    said = {name: _said(name, shares) for name, shares in told.items() if name not in failed}
    return Judged(tuple(rows), truth, said, failed)


def _batches(history: Iterable[Decision]) -> Iterator[list[Decision]]:
    source = iter(history)
    while batch := list(islice(source, _BATCH)):
        yield batch


def answers(predictor: Predictor, cases: Sequence[Case]) -> list[Shares]:
    """What *predictor* says of every task of *cases*: label -> probability. Raises `PluginError` in words."""
    told = asked(predictor, cases)
    return [shares_of(found, task) for case, found in zip(cases, told, strict=True) for task in case.errors.tasks]


def asked(predictor: Predictor, cases: Sequence[Case]) -> list[list[Prediction]]:
    """What *predictor* says of *cases*, made sure to be predictions. Raises `PluginError` in words."""
    try:
        told = [list(found) for found in predictor.predict(cases)]
    except WwtError as error:  # foreseen: its sentence says it all
        raise PluginError(str(error)) from error
    except (Exception, SystemExit) as error:  # a predictor is a plugin's
        raise PluginError(f"it failed: {type(error).__name__}: {error}") from error
    if len(told) != len(cases):
        raise PluginError(f"it answered about {len(told)} cases, and was asked about {len(cases)}")
    strange = [one for found in told for one in found if not _is_fit(one)]
    if strange:
        raise PluginError(
            f"expected predictions with an action, a probability from 0 to 1, and parameters; got {strange[0]!r:.200}"
        )
    return told


def _is_fit(told: Any) -> bool:
    """Whether it is a prediction that can be counted with. A little beyond 0 or 1 is rounding."""
    if not isinstance(told, Prediction):
        return False
    one: Any = told  # what its fields hold is what we want to know
    return (
        isinstance(one.probability, Real)
        and -0.001 <= float(one.probability) <= 1.001
        and isinstance(one.parameters, Mapping)
        and isinstance(one.why, (tuple, list))
        and all(isinstance(text, str) for text in (one.action, one.task, one.model, one.training_set, *one.why))
    )


def shares_of(predictions: Iterable[Prediction], task: str) -> Shares:
    """Label -> probability for *task*; what is left of the whole is `OTHER`."""
    shares: Shares = {}
    for one in predictions:
        if one.task in ("", task):
            label = decision_label(one.action, one.parameters)
            shares[label] = shares.get(label, 0.0) + min(1.0, max(0.0, one.probability))
    total = sum(shares.values())
    if total > 1:
        return {label: share / total for label, share in shares.items()}
    return {**shares, OTHER: 1 - total} if total < 1 - 1e-6 else shares


def expected(predictions: Sequence[Prediction], task: str) -> tuple[list[tuple[str, float]], Prediction | None]:
    """What may be decided about *task* with its probability, the most probable first; and what says that best."""
    shares = sorted(shares_of(predictions, task).items(), key=lambda pair: -pair[1])
    about = [
        one
        for one in predictions
        if one.task in ("", task) and shares and decision_label(one.action, one.parameters) == shares[0][0]
    ]
    return shares, max(about, key=lambda one: one.probability, default=None)


def recommended(told: Sequence[Recommendation], case: Case, task: str) -> Recommendation | None:
    """The first of *told* that asks for something about *task*, or about an exit code of it; they come strongest first."""
    codes = {None, *(count.exit_code for count in case.errors if count.task == task)}
    about = (one for one in told if one.task == task or (not one.task and one.exit_code in codes))
    return next((one for one in about if one.action), None)


def _said(name: str, told: Sequence[Shares]) -> Said:
    classes = tuple(sorted({label for shares in told for label in shares}))
    at = {label: i for i, label in enumerate(classes)}
    probability = np.zeros((len(told), len(classes)))
    for row, shares in enumerate(told):
        for label, share in shares.items():
            probability[row, at[label]] = share
    return Said(name, classes, probability)


# -- when it is sure -----------------------------------------------------------


def thresholds(truth: Truth, said: Said, least: int = 5) -> dict[str, float]:
    """Label -> probability from which on the predictor is believed when it says that label.

    It is wrong at most half as often then as somebody who always said that label would be. A label is left out
    when that is never so, or was seen fewer than *least* times: then it is never believed.
    """
    labels = np.array(truth.labels, dtype=object)
    most = said.probability.argmax(1) if len(truth) else np.zeros(0, int)
    top = said.probability.max(1) if len(truth) else np.zeros(0)
    found: dict[str, float] = {}
    for i, label in enumerate(said.classes):
        mine = np.flatnonzero(most == i)
        order = mine[np.argsort(-top[mine], kind="stable")]
        right = np.cumsum(labels[order] == label) / np.arange(1, len(order) + 1)
        goal = 1 - (1 - float((labels == label).mean())) / 2
        good = np.flatnonzero(right >= goal)
        if len(good) and good[-1] + 1 >= least:
            found[label] = float(top[order[good[-1]]])
    return found


def sure_of(said: Said, believed: Mapping[str, float]) -> Array:
    """(tasks,) whether it is believed, by `thresholds`."""
    floor = np.array([believed.get(label, np.inf) for label in said.classes])
    most = said.probability.argmax(1)
    return said.probability[np.arange(len(most)), most] >= floor[most]


# -- what every model is compared with ------------------------------------------


class Always:
    """Says of every task what is done mostly, with the shares of *labels* (label -> tasks) as probabilities."""

    on_view = False

    def __init__(self, labels: Mapping[str, int]) -> None:
        total = sum(labels.values()) or 1
        self._said = [
            Prediction(label, count / total, "always") for label, count in Counter(labels).most_common()
        ]  # fmt: skip

    def predict(self, cases: Sequence[Case]) -> Sequence[Sequence[Prediction]]:
        return [self._said for _ in cases]


class Procedures:
    """What procedures recommend, as if it were a prediction: certain where they say something, nothing where not."""

    on_view = False

    def __init__(self, hooks: Hooks) -> None:
        self._hooks = hooks

    def predict(self, cases: Sequence[Case]) -> Sequence[Sequence[Prediction]]:
        return [self._of(case) for case in cases]

    def _of(self, case: Case) -> list[Prediction]:
        told = [one for answer in self._hooks.each("recommend_actions", case=case) if answer.ok for one in answer.value]
        found = []
        for task in case.errors.tasks:
            one = recommended(told, case, task)
            if one is not None:
                found.append(Prediction(one.action, 1.0, "procedures", one.parameters, task, (one.reason,)))
        return found
