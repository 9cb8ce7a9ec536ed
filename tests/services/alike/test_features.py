from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.services.alike.alike_world import taken
from tests.services.overview_world import random_world
from wwt_framework.model import NOT_REPORTED
from wwt_framework.services.alike.features import matrix_of, summed
from wwt_framework.snapshot import Snapshot


def row(matrix, name):
    """What is not zero of one row, by column."""
    values = matrix.values.toarray()[list(matrix.rows).index(name)]
    return {column: value for column, value in zip(matrix.columns, values, strict=True) if value}


def test_failed_jobs_are_summed_by_code_site_and_type_and_what_nobody_reported_is_left_out(tmp_path):
    matrix = matrix_of(taken(tmp_path / "v1"))

    assert row(matrix, "wf_a") == {
        "code:8028": 12, "site:T1_DE_KIT": 10, "site:T2_US_MIT": 2, "type:Production": 10, "type:Merge": 2,
    }  # fmt: skip
    assert row(matrix, "wf_c") == {"code:85": 5, "site:T2_US_MIT": 5, "type:": 5}
    assert row(matrix, "wf_none") == {}
    assert list(matrix.rows) == ["wf_a", "wf_b", "wf_c", "wf_none"]


def test_a_house_without_a_snapshot_has_a_matrix_without_rows():
    assert matrix_of(Snapshot.empty()).values.shape == (0, 0)


def test_all_counts_of_a_larger_world_are_in_it(tmp_path):
    made = random_world(tmp_path / "world")
    matrix = matrix_of(made.snapshot)
    reported = [count for count in made.counts if count.exit_code != NOT_REPORTED]

    by_code = made.by(lambda e: (e.task.split("/")[1], f"code:{e.exit_code}"), reported)
    by_site = made.by(lambda e: (e.task.split("/")[1], f"site:{e.site}"), reported)

    found = matrix.values.tocoo()
    told = {(matrix.rows[r], matrix.columns[c]): n for r, c, n in zip(found.row, found.col, found.data, strict=True)}
    assert {key: n for key, n in told.items() if not key[1].startswith("type:")} == {**by_code, **by_site}


cells = st.lists(st.tuples(st.integers(0, 9), st.integers(-1, 4), st.integers(1, 100)), max_size=40)


@pytest.mark.parametrize("block", [1, 7, 1 << 20])
@given(given_cells=cells)
def test_sums_are_those_of_a_loop_whatever_the_size_of_the_blocks(given_cells, block):
    given_cells.sort()
    columns = [np.array([cell[axis] for cell in given_cells], np.int64) for axis in range(3)]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("wwt_framework.services.alike.features._BLOCK", block)
        found = summed(*columns, (10, 5)).toarray()

    expected = np.zeros((10, 5))
    for r, c, n in given_cells:
        if c >= 0:
            expected[r, c] += n
    assert (found == expected).all()
