"""What all shipped clusterers promise: each keeps the contract, and order does not matter."""

from __future__ import annotations

from datetime import datetime, timezone
from typing import ClassVar

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from wwt_framework.errors import WwtError
from wwt_framework.plugin import Corpus, Correction, Matrix
from wwt_framework.testing import ClusteringContract, contract_matrix
from wwt_plugins._clustering.centres import kept
from wwt_plugins._clustering.neighbours import Space, similar
from wwt_plugins._clustering.vectors import joined, placed, row_of, weighted

AT = datetime(2026, 11, 23, tzinfo=timezone.utc)


class TestErrorVectors(ClusteringContract):
    plugin = "clustering.error_vectors"
    options: ClassVar = {"n_clusters": 3, "n_init": 5}


class TestNearest(ClusteringContract):
    plugin = "clustering.nearest"


class TestPatterns(ClusteringContract):
    plugin = "clustering.patterns"


@pytest.fixture
def patterns(wwt_plugin):
    return wwt_plugin("clustering.patterns")


def fitted(clusterer, folder, current, corrections=(), history=None):
    folder.mkdir()
    corpus = Corpus(current, history or contract_matrix({}), corrections)
    clusterer.ask("fit_clusters", corpus=corpus, into=folder, progress=lambda *_: None)
    return folder


def test_patterns_leave_alone_what_is_like_no_other(patterns, tmp_path):
    matrix = contract_matrix()
    found = patterns.ask("label_workflows", matrix=matrix, model=fitted(patterns, tmp_path / "m", matrix))

    assert found.labels["wf_lone"] == -1
    assert found.names[found.labels["wf_a1"]] == "exit code 8028, mostly at T1_DE_KIT"
    assert found.names[found.labels["wf_b1"]] == "exit code 85, mostly at T2_US_MIT"


@pytest.mark.parametrize(
    ("site", "words"),
    [("Unknown", "unknown site"), ("NoReportedSite", "no site reported"), ("T2_CH_CERN", "at T2_CH_CERN")],
)
def test_what_stands_in_the_place_of_a_site_is_named_in_words(patterns, tmp_path, site, words):
    matrix = contract_matrix(dict.fromkeys(("wf_a", "wf_b", "wf_c"), (9, 9)), ("code:85", f"site:{site}"))
    found = patterns.ask("label_workflows", matrix=matrix, model=fitted(patterns, tmp_path / "m", matrix))

    assert found.names == {0: f"exit code 85, mostly {words}"}


def test_patterns_of_the_past_are_known(patterns, tmp_path):
    past = contract_matrix(dict.fromkeys(("old_1", "old_2", "old_3"), (0, 0, 9, 0, 9, 0, 0, 0, 0)))
    today = contract_matrix({"wf_new": (0, 0, 5, 0, 5, 0, 0, 0, 0)})

    model = fitted(patterns, tmp_path / "m", today, history=past)

    assert patterns.ask("label_workflows", matrix=today, model=model).labels["wf_new"] >= 0


def test_a_merge_also_holds_for_workflows_that_nobody_named(patterns, tmp_path):
    said = Correction("merge", ("wf_a1", "wf_b1"), "olga", AT)
    matrix = contract_matrix()
    labels = patterns.ask(
        "label_workflows", matrix=matrix, model=fitted(patterns, tmp_path / "m", matrix, (said,))
    ).labels

    assert labels["wf_a2"] == labels["wf_b3"] >= 0


def test_what_was_alone_is_put_into_a_group(patterns, tmp_path):
    said = Correction("merge", ("wf_a1", "wf_lone"), "olga", AT)
    matrix = contract_matrix()
    labels = patterns.ask(
        "label_workflows", matrix=matrix, model=fitted(patterns, tmp_path / "m", matrix, (said,))
    ).labels

    assert labels["wf_lone"] == labels["wf_a2"] >= 0


def test_a_model_that_is_not_whole_says_so(patterns, tmp_path):
    model = fitted(patterns, tmp_path / "m", contract_matrix())
    (model / "centres.npz").write_bytes(b"PK")

    with pytest.raises(WwtError, match=r"this model is not whole .*; fit again"):
        kept(model)


def test_nearest_tells_the_distance_and_what_differs(wwt_plugin):
    nearest = wwt_plugin("clustering.nearest", site=0, type=0, log=0)
    matrix = contract_matrix({"wf_a": (0, 3, 4), "wf_b": (0, 4, 3), "wf_c": (1, 0, 0)}, ("code:1", "code:2", "code:3"))

    (only,) = nearest.ask("find_similar", workflow="wf_a", matrix=matrix, model=None, n=5)

    assert only.workflow == "wf_b"
    assert only.distance == pytest.approx(1 - 24 / 25, abs=1e-6)  # (3, 4).(4, 3) / (5 * 5)
    assert set(only.shared) == {"code:2", "code:3"}
    assert only.differs == ()


def test_what_only_one_side_has_is_a_difference(wwt_plugin):
    nearest = wwt_plugin("clustering.nearest", site=0, type=0, log=0)
    matrix = contract_matrix({"wf_a": (9, 1, 0), "wf_b": (9, 0, 2)}, ("code:1", "code:2", "code:3"))

    (only,) = nearest.ask("find_similar", workflow="wf_a", matrix=matrix, model=None, n=5)

    assert only.shared == ("code:1",)
    assert only.differs == ("code:3", "code:2")  # the larger one first


def test_weights_are_shares_of_the_likeness():
    # The same exit code at another site: alike in the share of the codes, 3 of 4.
    matrix = contract_matrix({"wf_a": (7, 1, 0), "wf_b": (2, 0, 1)}, ("code:1", "site:A", "site:B"))

    vectors = weighted(matrix, [3.0, 1.0, 0.0, 0.0]).toarray()

    assert vectors[0] @ vectors[1] == pytest.approx(0.75)
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1.0, 1.0])


def test_a_workflow_of_now_counts_as_it_is_now():
    past = contract_matrix({"wf_a": (1, 2), "wf_b": (3, 4)}, ("code:1", "site:A"))
    now = contract_matrix({"wf_a": (5,)}, ("code:2",))

    both = joined(past, now)

    assert dict(zip(both.rows, both.values.toarray().tolist(), strict=True)) == {"wf_a": [0, 5, 0], "wf_b": [3, 0, 4]}
    assert both.columns == ["code:1", "code:2", "site:A"]


def test_columns_are_put_in_their_places():
    matrix = contract_matrix({"wf": (1, 2, 3)}, ("code:1", "code:2", "site:A"))

    assert placed(matrix, ["site:A", "code:9", "code:1"]).toarray().tolist() == [[3, 0, 1]]


# -- whatever fails ------------------------------------------------------------

counts = st.lists(st.lists(st.integers(0, 10**9), min_size=4, max_size=4), max_size=12)
FOUR = ("code:1", "code:2", "site:A", "site:B")


def matrix_of(rows, order=None):
    names = [f"wf_{at:02d}" for at in range(len(rows))]
    values = np.array(rows, float).reshape(len(rows), 4)
    place = list(range(4)) if order is None else list(order)
    return Matrix(names, [FOUR[at] for at in place], sparse.csr_matrix(values[:, place]))


@given(counts)
def test_vectors_have_length_one_or_nothing(rows):
    lengths = np.linalg.norm(weighted(matrix_of(rows), [1, 1, 0, 0]).toarray(), axis=1)

    assert all(length == pytest.approx(float(any(row)), abs=1e-9) for length, row in zip(lengths, rows, strict=True))


@given(counts, st.permutations(range(4)))
def test_the_order_of_columns_does_not_matter(rows, order):
    one, other = matrix_of(rows), matrix_of(rows, order)

    found = placed(Matrix(other.rows, other.columns, weighted(other, [1, 0.5, 0, 0])), FOUR)

    assert np.allclose(found.toarray(), weighted(one, [1, 0.5, 0, 0]).toarray())


@given(counts.filter(len), st.integers(1, 5))
def test_the_nearest_are_those_of_all_pairs(rows, n):
    matrix = matrix_of(rows)
    vectors = weighted(matrix, [1, 1, 0, 0])
    dense = vectors.toarray()
    errors = [at for at in range(len(rows)) if dense[at].any()]
    told = similar(Space.of(vectors), matrix, "wf_00", n, lambda distance: distance)
    expected = sorted(np.linalg.norm(dense[at] - dense[0]) for at in errors if at)[:n] if 0 in errors else []

    assert [one.distance for one in told] == pytest.approx(expected, abs=1e-6)
    assert all(row_of(matrix, one.workflow) in errors for one in told)
