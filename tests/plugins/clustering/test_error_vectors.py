"""The vectors of the original, by hand, and its own example."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.cluster import KMeans

from wwt_framework.plugin import Corpus
from wwt_framework.testing import contract_matrix
from wwt_framework.testing.doors import ComputeHere
from wwt_plugins.clustering.error_vectors import Shell, error_vectors, fit

CODES, SITES = Shell(distance=2.0, width=0.4, midpoint=50), Shell(distance=1.0, width=0.2, midpoint=50)

#: Its tests/test_workflowwebtools.py: test1 and test2 are alike, test3 is not.
ORIGINAL = contract_matrix(
    {"test1": (110 - 10, 110, 0, 110, 100, 0), "test2": (90, 110, 0, 100, 100, 0), "test3": (0, 0, 50, 0, 0, 50)},
    ("code:1", "code:2", "code:3", "site:site_a", "site:site_b", "site:site_c"),
)


def told(clusterer, matrix, folder, history=None):
    folder.mkdir()
    corpus = Corpus(matrix, history or contract_matrix({}))
    report = clusterer.ask("fit_clusters", corpus=corpus, into=folder, progress=lambda *_: None)
    return report, clusterer.ask("label_workflows", matrix=matrix, model=folder)


def test_d_d_vectors_are_as_worked_out_by_hand():
    matrix = contract_matrix({"wf": (30, 40, 50, 0)}, ("code:1", "code:2", "site:A", "site:B"))

    # Codes: |(30, 40)| = 50 = midpoint, so the shell's middle: 2 / 1.4142 + 0.8 (1/2 - 1/2) = 1.414227, times 0.6 and 0.8.
    # Sites: |(50, 0)| = 50: 1 / 1.4142 + 0.4 (1/2 - 1/2) = 0.707114.
    assert error_vectors(matrix, CODES, SITES).toarray()[0] == pytest.approx(
        [0.848536, 1.131382, 0.707114, 0], abs=1e-6
    )


def test_d_d_many_failed_jobs_lie_on_the_outside_of_the_shell_and_few_on_the_inside():
    matrix = contract_matrix({"many": (10**9,), "one": (1,)}, ("code:1",))

    many, one = error_vectors(matrix, CODES, SITES).toarray()[:, 0]

    assert many == pytest.approx(2 / 1.4142 + 2 * 0.4 * 0.5, abs=1e-6)
    assert one == pytest.approx(2 / 1.4142 + 2 * 0.4 * (1 / 51 - 0.5), abs=1e-9)


def test_d_d_without_width_different_codes_at_one_site_are_as_far_apart_as_the_distance_says():
    matrix = contract_matrix({"a": (5, 0, 5), "b": (0, 900, 900)}, ("code:1", "code:2", "site:A"))
    a, b = error_vectors(matrix, Shell(distance=2.0, width=0), Shell(distance=1.0, width=0)).toarray()

    assert np.linalg.norm(a - b) == pytest.approx(2.0, abs=1e-3)  # 1.4142 is not quite the root of 2


def test_d_d_a_workflow_without_errors_is_at_zero_and_other_columns_do_not_count():
    matrix = contract_matrix({"none": (0, 0), "log": (0, 9)}, ("code:1", "log:x"))

    assert not error_vectors(matrix, CODES, SITES).toarray().any()


counts = st.lists(st.lists(st.integers(0, 10**6), min_size=4, max_size=4), min_size=1, max_size=8)


@given(counts, st.floats(0, 5), st.floats(0, 3), st.floats(0.1, 1000))
def test_d_d_vectors_are_those_of_the_formula_read_literally(rows, distance, width, midpoint):
    columns = ("code:1", "code:2", "site:A", "site:B")
    matrix = contract_matrix({f"wf_{at}": row for at, row in enumerate(rows)}, columns)
    shell = Shell(distance=distance, width=width, midpoint=midpoint)

    found = error_vectors(matrix, shell, shell).toarray()

    for row, vector in zip(rows, found, strict=True):
        for part in (slice(0, 2), slice(2, 4)):
            length = math.hypot(*row[part]) or 1.0
            norm = (distance / 1.4142 + 2.0 * width * (length / (length + midpoint) - 0.5)) / length
            assert vector[part] == pytest.approx([value * norm for value in row[part]], rel=1e-9, abs=1e-9)


def test_d_d_the_originals_example_is_grouped_as_its_own_test_wants(wwt_plugin, tmp_path):
    clusterer = wwt_plugin("clustering.error_vectors", n_clusters=2)

    _, found = told(clusterer, ORIGINAL, tmp_path / "m")

    assert {name: found.peers(name) for name in ORIGINAL.rows} == {"test1": ["test2"], "test2": ["test1"], "test3": []}


def test_d_d_history_is_learnt_from_and_not_labelled(wwt_plugin, tmp_path):
    clusterer = wwt_plugin("clustering.error_vectors", n_clusters=2)
    today = contract_matrix({"wf": (9, 0)}, ("code:1", "code:2"))
    past = contract_matrix({"old_1": (8, 0), "old_2": (0, 7), "old_3": (0, 9)}, ("code:1", "code:2"))

    report, found = told(clusterer, today, tmp_path / "m", past)

    assert report.numbers["workflows"] == 4
    assert report.clusters == 2
    assert list(found.labels) == ["wf"]


def test_d_d_skip_groups_nothing(wwt_plugin, tmp_path):
    clusterer = wwt_plugin("clustering.error_vectors", skip=True)

    report, found = told(clusterer, ORIGINAL, tmp_path / "m")

    assert report.text == "switched off by skip"
    assert set(found.labels.values()) == {-1}
    assert clusterer.ask("find_similar", workflow="test1", matrix=ORIGINAL, model=None, n=3) == ()


def test_d_d_more_groups_than_different_workflows_are_not_made(wwt_plugin, tmp_path):
    report, _ = told(wwt_plugin("clustering.error_vectors", n_clusters=20), ORIGINAL, tmp_path / "m")

    assert report.clusters == 3


@pytest.mark.parametrize("options", [{"n_clusters": 0}, {"n_init": 0}, {"errorcode": {"midpoint": 0}}])
def test_d_d_options_are_checked(wwt_plugin, options):
    from wwt_framework.errors import PluginError

    with pytest.raises(PluginError, match="expected"):
        wwt_plugin("clustering.error_vectors", **options)


def test_d_d_the_best_of_few_starts_is_as_good_as_that_of_a_plain_k_means():
    rng = np.random.default_rng(3)
    rows = {f"wf_{at:04d}": rng.poisson(rng.choice([0, 0, 0, 30], 30)) for at in range(4000)}
    columns = [*(f"code:{at}" for at in range(15)), *(f"site:{at:02d}" for at in range(15))]
    vectors = error_vectors(contract_matrix(rows, columns), CODES, SITES)

    _, inertia = fit(vectors, 8, 10, 0, ComputeHere(), lambda *_: None)

    plain = KMeans(8, n_init=10, random_state=0).fit(vectors.toarray()).inertia_
    assert inertia <= 1.01 * plain
