"""Baseline: what operators did most often about a task's dominant exit code. Every other model is compared with it."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import orjson
from pydantic import Field

from wwt_framework import hookimpl
from wwt_framework.errors import PluginError
from wwt_framework.evidence import decision_label
from wwt_framework.model import Case, Prediction
from wwt_framework.options import PluginOptions
from wwt_framework.plugin import History, PluginContext, Predictor, Progress, TrainingReport

from .._ml.rows import action_of

_FILE = "codes.json"
#: How many tasks the shares of all codes together are worth, where few tasks have a code.
_PRIOR = 5.0


def _dominant(case: Case, task: str) -> int:
    code = case.errors.only(task=task).main_exit_code
    assert code is not None, "a task of the errors has failed jobs"
    return code


class Baseline:
    """Expect what was done most often about the dominant exit code: the least that a model must beat."""

    class Options(PluginOptions):
        least_tasks: int = Field(20, ge=1, description="tasks below which nothing is learnt")

    def __init__(self, context: PluginContext[Options]) -> None:
        self._name = context.name.partition(".")[2]
        self._least = context.options.least_tasks

    @hookimpl
    def train_predictor(self, history: History, into: Path, progress: Progress) -> TrainingReport | None:
        counts: dict[int, Counter[str]] = defaultdict(Counter)
        number, last, digest = 0, "", hashlib.sha256()
        for decision in history:
            label = decision_label(decision.action.kind, decision.action.values)
            last = decision.decided_at.isoformat()
            digest.update(f"{decision.action.id} {decision.action.kind} {last}\n".encode())
            for task in decision.case.errors.tasks:
                counts[_dominant(decision.case, task)][label] += 1
                number += 1
        if number < self._least:
            return None
        progress(None, f"counted {number:,} tasks")
        training_set = digest.hexdigest()[:16]
        content = {"last": last, "training_set": training_set,
                   "codes": {str(code): dict(found) for code, found in counts.items()}}  # fmt: skip
        (into / _FILE).write_bytes(orjson.dumps(content))
        return TrainingReport(f"counted {number:,} tasks of {len(counts)} exit codes", number, training_set)

    @hookimpl
    def load_predictor(self, folder: Path) -> Predictor:
        try:
            told = orjson.loads((folder / _FILE).read_bytes())
            codes = {int(code): Counter(found) for code, found in told["codes"].items()}
            last, training_set = datetime.fromisoformat(told["last"]), str(told["training_set"])
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise PluginError(f"{folder / _FILE} can not be read ({error!r}); train the model again") from error
        return _Counted(f"{self._name} {last:%Y-%m-%d} {training_set[:6]}", training_set, codes)


class _Counted:
    """Shares of what was done, by dominant exit code."""

    on_view = False

    def __init__(self, model: str, training_set: str, codes: Mapping[int, Counter[str]]) -> None:
        self._model = model
        self._training_set = training_set
        self._codes = codes
        every: Counter[str] = sum(codes.values(), Counter())
        total = sum(every.values())
        self._shares = {label: count / total for label, count in every.items()}

    def predict(self, cases: Sequence[Case]) -> Sequence[Sequence[Prediction]]:
        return [self._of(case) for case in cases]

    def _of(self, case: Case) -> list[Prediction]:
        found = []
        for task in case.errors.tasks:
            code = _dominant(case, task)
            seen = self._codes.get(code, Counter())
            total = sum(seen.values())
            why = f"{code} is its dominant exit code, seen in {total:,} tasks"
            for label, share in self._shares.items():
                probability = (seen[label] + _PRIOR * share) / (total + _PRIOR)
                kind, parameters = action_of(label)
                found.append(Prediction(kind, probability, self._model, parameters, task, (why,), self._training_set))
        return sorted(found, key=lambda one: -one.probability)
