"""What the house relies on of clusterers; made-up failures, and the corners of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timezone
from pathlib import Path

import numpy as np
import pytest

from wwt_framework.model import Clustering, Similar
from wwt_framework.plugin import Corpus, Correction, FitReport, Matrix
from wwt_framework.testing.contracts import PluginContract
from wwt_framework.testing.running import Running

COLUMNS = (
    "code:85", "code:8028", "code:99303", "site:T1_DE_KIT", "site:T2_US_MIT", "type:Merge", "type:Production",
    "log:a1", "log:b2",
)  # fmt: skip
#: Two ways to fail, three workflows each, and one that fails by itself.
ALIKE: Mapping[str, tuple[int, ...]] = {
    "wf_a1": (0, 100, 0, 90, 10, 0, 100, 3, 0),
    "wf_a2": (0, 80, 0, 70, 10, 0, 80, 2, 0),
    "wf_a3": (0, 120, 0, 110, 10, 0, 120, 5, 0),
    "wf_b1": (60, 0, 0, 0, 60, 60, 0, 0, 4),
    "wf_b2": (50, 0, 0, 0, 50, 50, 0, 0, 1),
    "wf_b3": (70, 0, 0, 0, 70, 70, 0, 0, 2),
    "wf_lone": (0, 0, 7, 0, 0, 0, 0, 0, 0),
}


def contract_matrix(rows: Mapping[str, Sequence[int]] = ALIKE, columns: Sequence[str] = COLUMNS) -> Matrix:
    """A matrix of failed jobs: workflow -> counts under *columns*."""
    from scipy import sparse

    names = sorted(rows)
    values = np.array([rows[name] for name in names], np.float64).reshape(len(names), len(columns))
    return Matrix(names, list(columns), sparse.csr_matrix(values))


class ClusteringContract(PluginContract):
    """What pages and the job "clusters" rely on, of every plugin of ``wwt.clustering`` that groups or finds.

    Give options with which it can tell ``wf_a*`` from ``wf_b*`` above.
    """

    def _fitted(
        self, running: Running, folder: Path, current: Matrix, corrections: tuple[Correction, ...] = ()
    ) -> Path | None:
        """The folder of a fit; None for a clusterer that learns nothing."""
        if not running.has("fit_clusters"):
            return None
        folder.mkdir()
        corpus = Corpus(current, contract_matrix({}), corrections, {"a1": "file <*> not found", "b2": "no space left"})
        report = running.ask("fit_clusters", corpus=corpus, into=folder, progress=lambda *_: None)
        assert isinstance(report, FitReport)
        assert report.text
        return folder

    def _labels(self, running: Running, matrix: Matrix, model: Path | None) -> Mapping[str, int]:
        if not running.has("label_workflows"):
            pytest.skip("it makes no groups")
        found: Clustering = running.ask("label_workflows", matrix=matrix, model=model)
        assert sorted(found.labels) == list(matrix.rows), "every row has a label, and nothing else has"
        return found.labels

    def _similar(
        self, running: Running, workflow: str, matrix: Matrix, model: Path | None = None, n: int = 10
    ) -> Sequence[Similar]:
        if not running.has("find_similar"):
            pytest.skip("it finds no similar workflows")
        found: Sequence[Similar] = running.ask("find_similar", workflow=workflow, matrix=matrix, model=model, n=n)
        return found

    def test_what_fails_alike_is_in_one_group_and_what_does_not_is_not(self, running: Running, tmp_path: Path) -> None:
        matrix = contract_matrix()
        labels = self._labels(running, matrix, self._fitted(running, tmp_path / "m", matrix))
        assert labels["wf_a1"] == labels["wf_a2"] == labels["wf_a3"] != labels["wf_b1"]
        assert labels["wf_b1"] == labels["wf_b2"] == labels["wf_b3"]

    def test_the_same_twice(self, running: Running, tmp_path: Path) -> None:
        matrix = contract_matrix()
        once = self._labels(running, matrix, self._fitted(running, tmp_path / "m1", matrix))
        again = self._labels(running, matrix, self._fitted(running, tmp_path / "m2", matrix))
        assert once == again

    def test_there_is_an_answer_before_the_first_fit(self, running: Running) -> None:
        self._labels(running, contract_matrix(), None)

    @pytest.mark.parametrize("names", [(), ("wf_a1",), ("wf_a1", "wf_none")], ids=["no row", "one row", "no errors"])
    def test_few_rows_are_fitted_and_labelled(self, running: Running, tmp_path: Path, names: tuple[str, ...]) -> None:
        few = contract_matrix({name: ALIKE.get(name, (0,) * len(COLUMNS)) for name in names})
        model = self._fitted(running, tmp_path / "m", few)
        self._labels(running, few, model)
        self._labels(running, contract_matrix(), model)

    def test_columns_that_the_fit_has_not_seen_do_no_harm(self, running: Running, tmp_path: Path) -> None:
        model = self._fitted(running, tmp_path / "m", contract_matrix())
        self._labels(running, contract_matrix({"wf_x": (5, 1)}, ("code:1", "site:T9")), model)
        self._labels(running, contract_matrix({"wf_x": ()}, ()), model)

    def test_huge_counts_are_counts(self, running: Running, tmp_path: Path) -> None:
        rows = {name: tuple(value * 10**12 for value in values) for name, values in ALIKE.items()}
        labels = self._labels(
            running, contract_matrix(rows), self._fitted(running, tmp_path / "m", contract_matrix(rows))
        )
        assert labels["wf_a1"] == labels["wf_a2"]

    def test_what_operators_put_together_is_together_after_the_next_fit(self, running: Running, tmp_path: Path) -> None:
        said = Correction("merge", ("wf_a1", "wf_b1"), "olga", datetime(2026, 11, 23, tzinfo=timezone.utc))
        matrix = contract_matrix()
        labels = self._labels(running, matrix, self._fitted(running, tmp_path / "m", matrix, (said,)))
        assert labels["wf_a1"] == labels["wf_b1"]

    def test_what_operators_split_is_apart_after_the_next_fit(self, running: Running, tmp_path: Path) -> None:
        at = datetime(2026, 11, 23, tzinfo=timezone.utc)
        said = Correction("split", ("wf_a3",), "olga", at, ("wf_a1", "wf_a2"))
        matrix = contract_matrix()
        labels = self._labels(running, matrix, self._fitted(running, tmp_path / "m", matrix, (said,)))
        assert labels["wf_a3"] != labels["wf_a1"] == labels["wf_a2"]

    def test_the_most_similar_comes_first_and_says_why(self, running: Running, tmp_path: Path) -> None:
        matrix = contract_matrix()
        found = self._similar(running, "wf_a1", matrix, self._fitted(running, tmp_path / "m", matrix))
        assert {one.workflow for one in found[:2]} == {"wf_a2", "wf_a3"}
        assert "wf_a1" not in [one.workflow for one in found]
        assert [one.distance for one in found] == sorted(one.distance for one in found)
        assert all(one.distance >= 0 for one in found)
        assert all(one.shared for one in found[:2]), "say what the nearest have in common"

    def test_no_more_are_found_than_were_asked_for(self, running: Running) -> None:
        assert len(self._similar(running, "wf_a1", contract_matrix(), n=1)) == 1

    def test_nobody_is_like_a_workflow_that_is_not_there(self, running: Running) -> None:
        assert not self._similar(running, "wf_zz", contract_matrix())
        assert not self._similar(running, "wf_zz", contract_matrix({}))

    def test_a_workflow_by_itself_has_nobody_like_it(self, running: Running) -> None:
        assert not self._similar(running, "wf_a1", contract_matrix({"wf_a1": ALIKE["wf_a1"]}))
