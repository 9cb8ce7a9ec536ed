"""The shipped clusterers on real failed jobs of 2019."""

from __future__ import annotations

import gzip
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import orjson
import pytest

from wwt_framework.plugin import Corpus, Matrix
from wwt_framework.services.alike.features import matrix_of
from wwt_framework.snapshot import SnapshotParts, open_snapshot, write
from wwt_framework.testing import contract_matrix
from wwt_plugins.errors.json_file.columns import to_columns


@pytest.fixture(scope="module")
def real(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    """The matrix of the file, in which nothing is known but failed jobs."""
    data = gzip.decompress((test_data / "workflows" / "real_all_errors_190624.json.gz").read_bytes())
    folder = tmp_path_factory.mktemp("real") / "v1"
    folder.mkdir()
    write(folder, SnapshotParts("v1", datetime(2019, 6, 24, tzinfo=timezone.utc), (), to_columns(orjson.loads(data))))
    return matrix_of(open_snapshot(folder))


def labels_of(clusterer: Any, matrix: Matrix, folder: Path) -> dict[str, int]:
    folder.mkdir()
    corpus = Corpus(matrix, contract_matrix({}))
    clusterer.ask("fit_clusters", corpus=corpus, into=folder, progress=lambda *_: None)
    return dict(clusterer.ask("label_workflows", matrix=matrix, model=folder).labels)


@pytest.mark.parametrize("name", ["patterns", "error_vectors"])
def test_p18_every_real_workflow_has_a_label_and_the_same_one_again(
    wwt_plugin: Any, real: Matrix, tmp_path: Path, name: str
) -> None:
    clusterer = wwt_plugin(f"clustering.{name}")

    first = labels_of(clusterer, real, tmp_path / "first")
    again = labels_of(clusterer, real, tmp_path / "again")

    assert sorted(first) == sorted(real.rows)
    assert first == again
    assert len(set(first.values())) > 5


@pytest.mark.parametrize("name", ["nearest", "patterns", "error_vectors"])
def test_p18_real_workflows_are_similar_for_reasons_that_both_have(wwt_plugin: Any, real: Matrix, name: str) -> None:
    clusterer = wwt_plugin(f"clustering.{name}")
    values = real.values.tocsr()
    has = {row: {real.columns[at] for at in values[i].indices} for i, row in enumerate(real.rows)}

    found = {row: clusterer.ask("find_similar", workflow=row, matrix=real, model=None, n=10) for row in real.rows[::20]}

    assert sum(bool(some) for some in found.values()) > len(found) / 2
    for row, some in found.items():
        assert row not in [one.workflow for one in some]
        assert [one.distance for one in some] == sorted(one.distance for one in some)
        for one in some:
            assert one.shared
            assert set(one.shared) <= has[row] & has[one.workflow]
