"""The older console's network: MLPClassifier on failed jobs by exit code, site, and whether the site was ready.

`get_classifier` is that console's function of that name, for scripts; the table is sparse, the estimator is the same.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from pydantic import Field

from wwt_framework.model import Case, Readiness
from wwt_framework.plugin import PluginContext

from .._ml.features import Features
from .._ml.learning import Array, Member
from .._ml.training import Learner, LearnerOptions

#: Readiness of a site at that time, as the older console parted them.
PARTS = ("good_sites", "bad_sites")


def counts_of(case: Case) -> list[tuple[str, Features]]:
    """Failed jobs of each task by exit code and site; good: the site was ready (green)."""
    found: dict[str, Features] = {task: {} for task in case.errors.tasks}
    for cell in case.errors:
        status = case.sites.get(cell.site)
        part = "good" if status is not None and status.readiness is Readiness.GREEN else "bad"
        name = f"{part}:{cell.exit_code} at {cell.site}"
        found[cell.task][name] = found[cell.task].get(name, 0.0) + cell.count
    return list(found.items())


def get_classifier(raw_data: Mapping[str, Any], parameter: str, **kwargs: Any) -> Any:
    """A fitted ``sklearn.neural_network.MLPClassifier`` that tells *parameter* from failed jobs.

    *raw_data* is what `/actionshistory` answers, and `wwt export-history` writes. *kwargs* are those of MLPClassifier.
    A row of its input has the exit codes by number, within each the sites by name, first at good sites and then at
    bad ones; ``classifier.labels`` holds the values that its classes 0, 1, ... stand for.
    """
    from sklearn.neural_network import MLPClassifier

    matrix, numbers, labels = _table(raw_data, parameter)
    classifier = MLPClassifier(**kwargs).fit(matrix, numbers)
    classifier.labels = labels
    return classifier


def _table(raw_data: Mapping[str, Any], parameter: str) -> tuple[Array, Array, list[Any]]:
    """The table of counts, a row for each task by name; the class of each row, and what the classes stand for."""
    import scipy.sparse as sp  # a third of a second, and few need it

    cells = [
        (row, part, int(code), site, count)
        for row, task in enumerate(sorted(raw_data))
        for part, name in enumerate(PARTS)
        for code, sites in raw_data[task]["errors"][name].items()
        for site, count in sites.items()
    ]
    codes = {code: i for i, code in enumerate(sorted({cell[2] for cell in cells}))}
    sites = {site: i for i, site in enumerate(sorted({cell[3] for cell in cells}))}
    columns = [(part * len(codes) + codes[code]) * len(sites) + sites[site] for _, part, code, site, _ in cells]
    shape = (len(raw_data), len(PARTS) * len(codes) * len(sites))
    rows = [cell[0] for cell in cells]
    matrix = sp.csr_matrix((np.array([cell[4] for cell in cells], float), (rows, columns)), shape=shape)
    labels: list[Any] = []
    numbers = []
    for task in sorted(raw_data):
        value = raw_data[task]["parameters"].get(parameter, "")
        if value not in labels:
            labels.append(value)
        numbers.append(labels.index(value))
    return matrix, np.array(numbers), labels


class Mlp(Learner):
    """Expect actions by the older console's neural network on counts alone: kept for comparison."""

    class Options(LearnerOptions):
        hidden: tuple[int, ...] = Field((100,), description="neurons of each hidden layer")
        rounds: int = Field(200, ge=1, le=5000, description="times that it goes through the data, at most")
        alpha: float = Field(1e-4, ge=0, le=100, description="how much large weights cost")
        least_seen: int = Field(1, ge=1, description="tasks that must show a count before it counts")
        parameters: tuple[str, ...] = Field((), description="parameters of reruns that are expected, too")

    def __init__(self, context: PluginContext[Options]) -> None:
        super().__init__(context, counts_of, fit)


def fit(matrix: Array, labels: Array, options: Mlp.Options) -> Sequence[Member]:
    """One network, on all counts."""
    from sklearn.neural_network import MLPClassifier

    network = MLPClassifier(options.hidden, alpha=options.alpha, max_iter=options.rounds, random_state=1)
    return [Member(network.fit(matrix, labels.astype(str)))]
