"""A model in memory: what it says of cases, with the probability and what weighed most."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np

from wwt_framework.errors import PluginError
from wwt_framework.model import Case, Prediction

from . import keeping
from .features import reason_of
from .learning import Array, Describe, Learnt, Member, Mended, described
from .rows import action_of
from .threads import one_thread

#: Of so many cases at once it is told why; of more only what.
_FEW = 5
#: Reasons that are told, and how much the probability must fall without one.
_REASONS, _WEIGHS = 3, 0.003
#: From this probability on a parameter is told with a rerun.
_GIVEN = 0.5


class Forecaster:
    """A trained model as a `Predictor`."""

    on_view = False

    def __init__(self, name: str, learnt: Learnt, describe: Describe) -> None:
        self._model = f"{name} {learnt.last:%Y-%m-%d} {learnt.training_set[:6]}"
        self._learnt = learnt
        self._describe = describe
        self._at = {feature: column for column, feature in enumerate(learnt.names)}
        self._about = [reason_of(feature) for feature in learnt.names]

    @one_thread
    def predict(self, cases: Sequence[Case]) -> Sequence[Sequence[Prediction]]:
        """For each case what is expected for each of its tasks, most probable first."""
        return [self._of(case, len(cases) <= _FEW) for case in cases]

    def _of(self, case: Case, reasons: bool) -> list[Prediction]:
        tasks, matrix = described(case, self._describe, self._at)
        if not tasks:
            return []
        probability = self._learnt.probability(matrix)
        given = self._parameters(matrix)
        whys = self._whys(matrix, probability) if reasons else [()] * len(tasks)
        found: list[Prediction] = []
        for row, task in enumerate(tasks):
            best = int(probability[row].argmax())
            for i in range(len(self._learnt.classes)):
                kind, parameters = action_of(self._learnt.classes[i])
                if kind in ("acdc", "recovery", "clone"):
                    parameters = {**parameters, **given[row]}
                found.append(
                    Prediction(
                        kind, float(probability[row, i]), self._model, parameters, task, whys[row] if i == best else (),
                        self._learnt.training_set,
                    )
                )  # fmt: skip
        return sorted(found, key=lambda one: -one.probability)

    def _parameters(self, matrix: Array) -> list[dict[str, str]]:
        """The parameters of a rerun of each row that are likely enough."""
        found: list[dict[str, str]] = [{} for _ in range(matrix.shape[0])]
        for name, member in self._learnt.parameters.items():
            values = list(member.estimator.classes_)
            told = member.shares(matrix)
            for row, p in enumerate(told):
                value = values[int(p.argmax())]
                if value and p.max() >= _GIVEN:
                    found[row][name] = value
        return found

    def _whys(self, matrix: Array, probability: Array) -> list[tuple[str, ...]]:
        """For each row what lowers the probability of what is said most when it is left out, in words.

        All are asked in one go: a table with a row for each task and group of features, which lacks that group.
        """
        import scipy.sparse as sp  # a third of a second, and few need it

        grouped = [self._groups(columns) for columns in np.split(matrix.indices, matrix.indptr[1:-1])]
        parts, ends = [np.zeros((2, 0))], [0]
        for row, groups in enumerate(grouped):
            one = slice(matrix.indptr[row], matrix.indptr[row + 1])
            for places in groups.values():
                values = matrix.data[one].copy()
                values[places] = 0
                parts.append(np.stack([matrix.indices[one], values]))
                ends.append(ends[-1] + len(values))
        columns, values = np.concatenate(parts, 1)
        without = sp.csr_matrix(
            (values.astype(np.float32), columns.astype(np.int32), np.array(ends, np.int32)),
            shape=(len(ends) - 1, matrix.shape[1]),
        )  # fmt: skip
        lower = self._learnt.probability(without) if len(ends) > 1 else np.zeros((0, probability.shape[1]))
        told = np.split(lower, np.cumsum([len(groups) for groups in grouped])[:-1])
        return [
            _words(list(groups), row.max() - there[:, row.argmax()])
            for groups, row, there in zip(grouped, probability, told, strict=True)
        ]

    def _groups(self, columns: Array) -> dict[str, list[int]]:
        """What features are about -> where in *columns* they are."""
        groups: dict[str, list[int]] = defaultdict(list)
        for place, column in enumerate(columns.tolist()):
            groups[self._about[column]].append(place)
        return groups


def _words(named: Sequence[str], falls: Array) -> tuple[str, ...]:
    """What weighs most of what is *named*; *falls*: by how much the probability is lower without each."""
    if not named:
        return ("nothing that it knows is seen in this task",)
    weighs = [(named[i], float(falls[i])) for i in np.argsort(-falls)[:_REASONS].tolist() if falls[i] >= _WEIGHS]
    if not weighs:
        return ("no single thing weighs much: it is what is done mostly",)
    return tuple(f"{name} (+{100 * fall:.0f} %)" for name, fall in weighs)


# -- files ---------------------------------------------------------------------


def save(into: Path, learnt: Learnt) -> None:
    """Keep *learnt* in the folder *into*."""
    keeping.save(
        into,
        {
            "names": list(learnt.names), "classes": list(learnt.classes),
            "members": [_plain(member) for member in learnt.members],
            "temperature": learnt.mended.temperature, "shift": list(learnt.mended.shift),
            "parameters": {name: _plain(member) for name, member in learnt.parameters.items()},
            "training_set": learnt.training_set, "last": learnt.last.isoformat(), "rows": learnt.rows,
        },
    )  # fmt: skip


def load(folder: Path) -> Learnt:
    """What `save` kept. Raises `PluginError` in words."""
    told = keeping.load(folder)
    try:
        return Learnt(
            tuple(told["names"]), tuple(told["classes"]), tuple(_member(one) for one in told["members"]),
            Mended(told["temperature"], tuple(told["shift"])),
            {name: _member(one) for name, one in told["parameters"].items()}, told["training_set"],
            datetime.fromisoformat(told["last"]), told["rows"],
        )  # fmt: skip
    except (KeyError, TypeError, ValueError) as error:
        raise PluginError(f"{folder} holds a model of another kind ({error!r}); train it again") from error


def _plain(member: Member) -> dict[str, Any]:
    return {"estimator": member.estimator, "columns": member.columns}


def _member(told: dict[str, Any]) -> Member:
    return Member(told["estimator"], told["columns"])
