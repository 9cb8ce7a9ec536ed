"""Every kind of model that was tried as a predictor, with and without templates and clusters: `python -m benchmarks.candidates`.

    python -m benchmarks.candidates FOLDER

All learn the same older 70 % of the decisions and are judged on the same later ones, of other families. Templates are
mined by the shipped plugin decision by decision, in the order of time, so that none knows of later texts; clusters are
those of the shipped clusterer, fitted on what is learnt from. Seconds are of the processor, of the fits alone.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypedDict

import numpy as np

from wwt_framework.evidence import decision_label
from wwt_framework.plugin import Corpus, Decision, Matrix
from wwt_framework.services.learning.files import read_history
from wwt_framework.services.learning.history import family_of
from wwt_framework.services.learning.scoring import Said, Truth, difference, score
from wwt_framework.services.learning.splitting import split
from wwt_framework.testing.doors import ComputeHere

SHARES = (0.7, 0.3)
#: Decisions of which the texts are mined in one go, as those of a refresh are.
BATCH = 2_000
#: Which features, and which model on them; the first is what the others are compared with.
CANDIDATES = (
    ("linear", "texts"), ("linear", "neither"), ("linear", "templates"), ("linear", "texts, templates"),
    ("linear", "texts, cluster"), ("nearest neighbours", "texts"), ("boosting", "texts"), ("boosting", "templates"),
    ("boosting", "texts, cluster"), ("network", "texts"), ("random forest", "texts"), ("boosting", "neither"),
)  # fmt: skip

#: Label, family and time.
Row = tuple[str, str, datetime]


class Kinds(TypedDict):
    """The features of one task by where they are from, and the number of its workflow."""

    neither: dict[str, float]
    texts: dict[str, float]
    templates: dict[str, float]
    number: int


def _plugin(module: str, name: str, folder: Path) -> Any:
    kind = getattr(importlib.import_module(f"wwt_plugins.{module}"), name)
    context = SimpleNamespace(name=module, options=kind.Options(), data_dir=folder, log=logging.getLogger(module))
    return kind(context)


def mined(decisions: Iterable[Decision], miner: Any) -> Iterator[tuple[Decision, dict[str, set[str]]]]:
    """Each decision with the templates of each of its tasks."""
    source = iter(decisions)
    while batch := list(islice(source, BATCH)):
        texts = sorted({log.text for one in batch for log in one.case.logs})
        of = dict(zip(texts, miner.mine_templates(texts).of, strict=True)) if texts else {}
        for one in batch:
            found: dict[str, set[str]] = {}
            for log in one.case.logs:
                found.setdefault(log.task, set()).add(of[log.text])
            yield one, found


def rows_of(part: Any, miner: Any) -> tuple[list[Row], list[Kinds], list[Counter[str]]]:
    """Rows, their features by kind, and all counts of each workflow."""
    from wwt_plugins._ml.features import features_of

    rows: list[Row] = []
    kinds: list[Kinds] = []
    workflows = []
    for number, (decision, templates) in enumerate(mined(part.history, miner)):
        label = decision_label(decision.action.kind, decision.action.values)
        family, types = family_of(decision.case), {task.path: task.task_type for task in decision.case.workflow.tasks}
        counts: Counter[str] = Counter()
        for cell in decision.case.errors:
            if cell.exit_code >= 0:
                for name in (f"code:{cell.exit_code}", f"site:{cell.site}", f"type:{types.get(cell.task, '')}"):
                    counts[name] += cell.count
        counts.update(f"log:{one}" for of in templates.values() for one in of)
        workflows.append(counts)
        for task, features in features_of(decision.case):
            texts = {name: value for name, value in features.items() if name.startswith(("log:", "beside log:"))}
            mine = templates.get(task, set())
            beside = {one for other, of in templates.items() if other != task for one in of}
            kinds.append(
                {
                    "neither": {name: value for name, value in features.items() if name not in texts}, "texts": texts,
                    "templates": {f"log:#{one}": 1.0 for one in mine} | {f"beside log:#{one}": 0.5 for one in beside},
                    "number": number,
                }
            )  # fmt: skip
            rows.append((label, family, decision.decided_at))
    return rows, kinds, workflows


def clusters_of(learnt: list[Counter[str]], judged: list[Counter[str]], folder: Path) -> list[list[int]]:
    """The cluster of each workflow, learnt from the first."""
    import scipy.sparse as sp

    clusterer = _plugin("clustering.patterns", "Patterns", folder)
    columns = sorted({name for counts in learnt for name in counts})
    at = {name: i for i, name in enumerate(columns)}

    def matrix(workflows: list[Counter[str]]) -> Matrix:
        cells = [(i, at[name], n) for i, counts in enumerate(workflows) for name, n in counts.items() if name in at]
        values = np.array(cells, float).reshape(-1, 3)
        shape = (len(workflows), len(columns))
        table = sp.csr_matrix((values[:, 2], (values[:, 0].astype(int), values[:, 1].astype(int))), shape=shape)
        return Matrix([f"w{i:06d}" for i in range(len(workflows))], columns, table)

    nothing = Matrix([], columns, sp.csr_matrix((0, len(columns))))
    clusterer.fit_clusters(Corpus(matrix(learnt), nothing), folder, lambda *_: None)
    return [
        [clusterer.label_workflows(part, folder).labels[name] for name in part.rows]
        for part in (matrix(learnt), matrix(judged))
    ]  # fmt: skip


def chosen(kinds: list[Kinds], what: str, clusters: list[int]) -> list[dict[str, float]]:
    """The features that *what* names, row by row."""
    found = []
    for one in kinds:
        features = dict(one["neither"])
        if "texts" in what:
            features.update(one["texts"])
        if "templates" in what:
            features.update(one["templates"])
        if "cluster" in what:
            features[f"cluster:{clusters[one['number']]}"] = 1.0
        found.append(features)
    return found


# -- models --------------------------------------------------------------------


def fit_of(model: str) -> Callable[[Any, Any, Any], Sequence[Any]]:
    """What fits *model*."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.neighbors import KNeighborsClassifier
    from sklearn.neural_network import MLPClassifier

    from wwt_plugins._ml.learning import Member

    if model in ("linear", "boosting"):
        fit: Callable[[Any, Any, Any], Sequence[Any]] = importlib.import_module(f"wwt_plugins.ml.{model}").fit
        return fit  # just what it ships
    estimators: dict[str, Callable[[], Any]] = {
        "nearest neighbours": lambda: KNeighborsClassifier(50, weights="distance", metric="cosine", algorithm="brute"),
        "random forest": lambda: RandomForestClassifier(200, min_samples_leaf=3, random_state=1),
        "network": lambda: MLPClassifier((64,), early_stopping=True, random_state=1),
    }
    return lambda matrix, labels, _: [Member(estimators[model]().fit(matrix, labels.astype(str)))]


def options_of(model: str) -> Any:
    """The options that are shipped, without parameters of reruns."""
    from wwt_plugins._ml.training import LearnerOptions

    if model in ("linear", "boosting"):
        plugin = getattr(importlib.import_module(f"wwt_plugins.ml.{model}"), model.capitalize())
        return plugin.Options(parameters=())
    return LearnerOptions(parameters=())


def said_of(model: str, rows: list[Row], features: list[Any], later: list[Any]) -> tuple[Any, float, int]:
    """What *model* says of *later*, seconds of the processor, and how many features it sees."""
    import scipy.sparse as sp

    from wwt_plugins._ml.learning import Table, learn, narrow

    table = Table()
    for (label, family, at), one in zip(rows, features, strict=True):
        table._add(one)  # noqa: SLF001
        table.families.append(family)
        table.labels.append(label)
        table.times.append(at)
    began = time.process_time()
    learnt = learn(table, fit_of(model), options_of(model), ComputeHere(), lambda _: None)
    seconds = time.process_time() - began
    assert learnt is not None
    columns = {name: column for column, name in enumerate(learnt.names)}
    cells = [(i, columns[name], value) for i, one in enumerate(later) for name, value in one.items() if name in columns]
    row, column, value = zip(*cells, strict=True)
    shape = (len(later), len(columns))
    matrix = narrow(sp.csr_matrix((np.array(value, np.float32), (row, column)), shape=shape))
    return Said(model, learnt.classes, learnt.probability(matrix)), seconds, len(columns)


def main() -> None:
    """Measure all, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.candidates")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tasks", type=int, default=33_000)
    parser.add_argument("--seed", type=int, default=5)
    given = parser.parse_args()
    learnt, judged = split(read_history(given.folder / f"history-{given.tasks}-{given.seed}.jsonl.gz"), SHARES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        miner = _plugin("clustering.log_templates", "LogTemplates", folder)
        rows, kinds, workflows = rows_of(learnt, miner)
        later_rows, later, later_workflows = rows_of(judged, miner)
        clusters, later_clusters = clusters_of(workflows, later_workflows, folder)
    truth = Truth(tuple(row[0] for row in later_rows), tuple(row[1] for row in later_rows))
    print(f"{len(rows):,} tasks learnt from, {len(truth):,} judged, {len(set(clusters)):,} clusters\n")
    print("| model | of logs | features | AUC of acdc | above the first, paired | log-loss | ECE | fits |")
    print("|---|---|---|---|---|---|---|---|", flush=True)
    first = None
    for model, what in CANDIDATES:
        said, seconds, width = said_of(model, rows, chosen(kinds, what, clusters), chosen(later, what, later_clusters))
        first = first or said
        numbers = score(truth, said, 200).numbers
        apart = difference(truth, said, first, "auc_acdc", 500)
        print(
            f"| {model} | {what} | {width:,} | {numbers['auc_acdc']} | {apart} | {numbers['log_loss'].value:.4f} "
            f"| {numbers['calibration_error'].value:.4f} | {seconds:.0f} s |",
            flush=True,
        )


if __name__ == "__main__":
    main()
