"""How good predictors are on the made-up grid, where the best possible score is known: `python -m benchmarks.learning`.

    python -m benchmarks.learning --tasks 33000 --seed 5 FOLDER          every model, then the table
    python -m benchmarks.learning --tasks 33000 --seed 5 FOLDER --model linear

Each model is trained in a process of its own on the first 70 % of the decisions and judged on the later ones, which are
of other families. The last two are the older console's network: its estimator, on its table of counts, which is
sparse here. Beside them stand the two oracles of `plugins/errors/world/oracle.py`, on the same tasks.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

from benchmarks.house import peak_mb
from wwt_framework.compute import LOCAL, Compute
from wwt_framework.evidence import decision_label
from wwt_framework.services.learning.files import read_history
from wwt_framework.services.learning.judging import judge
from wwt_framework.services.learning.scoring import Said, Truth, difference, score
from wwt_framework.services.learning.splitting import split

MODELS = ("baseline", "linear", "boosting", "original", "original-default")
#: The older console's estimator as it recommended it, and as scikit-learn has it, which ends sooner.
ORIGINALS: dict[str, dict[str, Any]] = {
    "original": {"hidden_layer_sizes": (100, 10), "solver": "lbfgs"},
    "original-default": {"early_stopping": True},
}
SHARES = (0.7, 0.3)


def main() -> None:
    """Run what the arguments say."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.learning")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", type=int, default=33_000)
    parser.add_argument("--seed", type=int, default=5)
    parser.add_argument("--model", choices=MODELS)
    given = parser.parse_args()
    history = given.folder / f"history-{given.tasks}-{given.seed}.jsonl.gz"
    if given.model:
        _one(history, given.model, given.folder)
        return
    given.folder.mkdir(parents=True, exist_ok=True)
    if not history.exists():
        from wwt_plugins.errors.world.command import write_history
        from wwt_plugins.errors.world.past import past_of

        write_history(history, past_of(given.tasks, given.seed))
    for model in MODELS:
        if not (given.folder / f"{model}-{given.seed}.npz").exists():
            subprocess.run(
                [sys.executable, "-m", "benchmarks.learning", *sys.argv[1:], "--model", model], check=True
            )  # ourselves
    for line in table(given.folder, given.tasks, given.seed):
        print(line)  # its output


# -- one model -----------------------------------------------------------------


def _one(history: Path, model: str, folder: Path) -> None:
    learnt, judged = split(read_history(history), SHARES)
    with tempfile.TemporaryDirectory() as name:
        made = _original(model, learnt, judged) if model in ORIGINALS else _ours(model, learnt, judged, Path(name))
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024  # the largest of the processes that fit
    peak = peak_mb() + children
    seed = history.name.split(".")[0].rpartition("-")[2]
    np.savez_compressed(folder / f"{model}-{seed}.npz", peak_mb=peak, **made)
    sys.stderr.write(json.dumps({"model": model, "seconds": made["seconds"], "peak_mb": peak, "ms": made["ms"]}) + "\n")


def _ours(model: str, learnt: Any, judged: Any, into: Path) -> dict[str, Any]:
    plugin = getattr(importlib.import_module(f"wwt_plugins.ml.{model}"), model.capitalize())
    it = plugin(SimpleNamespace(name=f"ml.{model}", options=plugin.Options(), compute=Compute(lambda: LOCAL)))
    began = time.perf_counter()
    it.train_predictor(learnt.history, into, lambda *_: None)
    seconds = time.perf_counter() - began
    predictor = it.load_predictor(into)
    took = []
    for number, decision in enumerate(judged.history):
        began = time.perf_counter()
        predictor.predict([decision.case])
        took.append(time.perf_counter() - began)
        if number == 300:
            break
    found = judge(judged.history, {model: predictor})
    said = found.said[model]
    return {
        "seconds": seconds, "ms": 1000 * float(np.median(took)), "classes": np.array(said.classes),
        "probability": said.probability, "labels": np.array(found.truth.labels),
        "families": np.array(found.truth.families), "tasks": np.array([row.task for row in found.rows]),
    }  # fmt: skip


def _original(model: str, learnt: Any, judged: Any) -> dict[str, Any]:
    """MLPClassifier on failed jobs by exit code, site and readiness."""
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.feature_extraction import DictVectorizer
    from sklearn.neural_network import MLPClassifier

    from wwt_plugins.ml.mlp import counts_of

    def rows(part: Any) -> tuple[list[Any], list[str], list[str], list[str]]:
        found: tuple[list[Any], list[str], list[str], list[str]] = ([], [], [], [])
        for decision in part.history:
            label = decision_label(decision.action.kind, decision.action.values)
            family = decision.case.workflow.prep_id
            for task, features in counts_of(decision.case):
                for column, value in zip(found, (features, label, family, task), strict=True):
                    column.append(value)
        return found

    features, labels, _, _ = rows(learnt)
    later, wanted, families, tasks = rows(judged)
    vectors = DictVectorizer()
    began = time.perf_counter()
    network = MLPClassifier(random_state=1, **ORIGINALS[model])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        network.fit(_narrow(vectors.fit_transform(features)), labels)
    seconds = time.perf_counter() - began
    table_ = _narrow(vectors.transform(later))
    began = time.perf_counter()
    for row in range(300):
        network.predict_proba(table_[row])
    ms = 1000 * (time.perf_counter() - began) / 300
    order = _order(judged, tasks)
    return {
        "seconds": seconds, "ms": ms, "classes": network.classes_, "probability": network.predict_proba(table_)[order],
        "labels": np.array(wanted)[order], "families": np.array(families)[order], "tasks": np.array(tasks)[order],
    }  # fmt: skip


def _order(judged: Any, tasks: list[str]) -> list[int]:
    """Rows in the order in which `judge` has them."""
    at = {task: row for row, task in enumerate(tasks)}
    return [at[task] for decision in judged.history for task in decision.case.errors.tasks]


def _narrow(matrix: Any) -> Any:
    matrix.indices, matrix.indptr = matrix.indices.astype(np.int32), matrix.indptr.astype(np.int32)
    return matrix


# -- the table -----------------------------------------------------------------


def oracles(tasks: int, seed: int) -> dict[str, dict[str, float]]:
    """Name of the oracle -> task -> P(acdc)."""
    from wwt_plugins.errors.world import oracle, truth
    from wwt_plugins.errors.world.growth import Grown, Works
    from wwt_plugins.errors.world.names import shorts

    past = truth.history(tasks, seed)
    n = len(past.families)
    works = Works(*(np.arange(n), np.zeros(n, int), np.full(n, -1), past.families.born, np.zeros(n, bool)),
                  np.ones(n, int), np.full(n, -1))  # fmt: skip
    grown = Grown(past.families, works, [past.failed], np.full(n, np.inf), np.zeros(n, int), past.decisions)
    grown.name_all()
    paths = [
        f"/{grown.name(row)}/{shorts(grown.part(row))[slot]}"
        for row, slot in zip(past.failed.step_work.tolist(), past.failed.step_slot.tolist(), strict=True)
    ]
    return {
        name: dict(zip(paths, 1 - known(past), strict=True))
        for name, known in (("oracle: what shows", oracle.visible), ("oracle: is told", oracle.told))
    }


def table(folder: Path, tasks: int, seed: int) -> list[str]:
    """Lines of the table, in Markdown."""
    made = {model: dict(np.load(folder / f"{model}-{seed}.npz")) for model in MODELS}
    first = made[MODELS[0]]
    truth = Truth(tuple(map(str, first["labels"])), tuple(map(str, first["families"])))
    names = [str(task) for task in first["tasks"]]
    said = {}
    for model, kept in made.items():
        assert [str(task) for task in kept["tasks"]] == names, model
        said[model] = Said(model, tuple(map(str, kept["classes"])), kept["probability"])
    known = {}
    for name, probability in oracles(tasks, seed).items():
        p = np.array([probability[task] for task in names])
        known[name] = Said(name, ("acdc", "something else"), np.stack([p, 1 - p], 1))
    binary = Truth(tuple(x if x == "acdc" else "something else" for x in truth.labels), truth.families)
    best = score(binary, known["oracle: what shows"], 0).numbers["auc_acdc"].value
    assert best is not None  # there are both kinds of decisions
    lines = [
        f"{len(truth):,} tasks, {truth.labels.count('acdc') / len(truth):.1%} acdc, seed {seed}",
        "| model | AUC of acdc | share of the best | balanced accuracy | macro F1 | log-loss | ECE | trained in | memory | a workflow |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for model, one in said.items():
        numbers = score(truth, one, 500).numbers
        auc = numbers["auc_acdc"].value
        assert auc is not None
        lines.append(
            f"| {model} | {numbers['auc_acdc']} | {(auc - 0.5) / (best - 0.5):.0%} | {numbers['balanced_accuracy'].value:.3f} "
            f"| {numbers['macro_f1'].value:.3f} | {numbers['log_loss'].value:.4f} | {numbers['calibration_error'].value:.4f} "
            f"| {float(made[model]['seconds']):.0f} s | {float(made[model]['peak_mb']):.0f} MB | {float(made[model]['ms']):.1f} ms |"
        )
    lines += [
        f"| {name} | {score(binary, one, 500).numbers['auc_acdc']} | | | | | | | | |" for name, one in known.items()
    ]
    lines += [
        f"{model} above {old}, AUC of acdc, paired: {difference(truth, said[model], said[old], 'auc_acdc', 1000)}"
        for old in ORIGINALS
        for model in ("linear", "boosting")
    ]
    return lines


if __name__ == "__main__":
    main()
