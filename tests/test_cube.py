"""The cube against a naive dictionary."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.cube import ErrorColumns, ErrorCube, Names, workflow_of
from wwt_framework.model import NOT_REPORTED, ErrorCount

WORKFLOWS = ["a", "a-1", "a_1", "b", "ä"]
counts = st.lists(
    st.builds(
        ErrorCount,
        task=st.builds(lambda w, t: f"/{w}/{t}", st.sampled_from(WORKFLOWS), st.sampled_from(["x", "x/y", "z"])),
        exit_code=st.sampled_from([NOT_REPORTED, 0, 85, 8028, 99303]),
        site=st.sampled_from(["T1_US_FNAL", "T2_CH_CERN", "null", "T1_US_FNAL_Disk"]),
        count=st.integers(1, 10**12),
    ),
    max_size=60,
)


def first_of_each(cells: list[ErrorCount]) -> dict[tuple[str, int, str], int]:
    kept: dict[tuple[str, int, str], int] = {}
    for e in cells:
        kept.setdefault((e.task, e.exit_code, e.site), e.count)
    return kept


@given(counts)
def test_a_cube_holds_the_first_count_of_every_cell(cells):
    cube = ErrorCube.build(WORKFLOWS, ErrorColumns.of(cells))

    held = {(e.task, e.exit_code, e.site): e.count for i in range(len(cube.workflows)) for e in cube.table(i)}

    assert held == first_of_each(cells)


@given(counts)
def test_the_sums_of_a_cube_are_those_of_its_cells(cells):
    cube = ErrorCube.build(WORKFLOWS, ErrorColumns.of(cells))
    wanted: dict[str, int] = defaultdict(int)
    for (task, code, site), count in first_of_each(cells).items():
        for name in (workflow_of(task), task, f"{code} {site}"):
            wanted[name] += count

    pairs = [f"{code} {site}" for code in cube.codes for site in cube.sites]
    told = {
        **dict(zip(cube.workflows, cube.workflow_total.tolist(), strict=True)),
        **dict(zip(cube.tasks, cube.task_total.tolist(), strict=True)),
        **dict(zip(pairs, cube.code_site_total.tolist(), strict=True)),
    }

    assert {name: total for name, total in told.items() if total} == wanted


@given(counts)
def test_the_cells_of_a_code_at_a_site_are_those_and_no_others(cells):
    cube = ErrorCube.build((), ErrorColumns.of(cells))
    wanted: dict[tuple[int, str], dict[str, int]] = defaultdict(dict)
    for (task, code, site), count in first_of_each(cells).items():
        wanted[code, site][task] = count

    found = {
        (int(code), site): {cube.tasks[cube.cell_task[c]]: int(cube.cell_count[c]) for c in cube.cells_at(i, j)}
        for i, code in enumerate(cube.codes)
        for j, site in enumerate(cube.sites)
        if len(cube.cells_at(i, j))
    }

    assert found == wanted


@given(counts)
def test_a_cube_is_the_same_when_made_of_its_plain_columns(cells):
    cube = ErrorCube.build(WORKFLOWS, ErrorColumns.of(cells))

    again = ErrorCube.of_arrays(cube.arrays())

    assert [again.table(i) for i in range(len(again.workflows))] == [cube.table(i) for i in range(len(cube.workflows))]
    assert (list(again.workflows), list(again.tasks), again.sites) == (sorted(WORKFLOWS), list(cube.tasks), cube.sites)


def test_workflows_sort_by_name_and_not_by_task_path():
    cells = [ErrorCount("/a-1/x", 85, "T1", 3), ErrorCount("/a/x", 85, "T1", 2)]

    cube = ErrorCube.build((), ErrorColumns.of(cells))

    assert list(cube.tasks) == ["/a/x", "/a-1/x"]


def test_a_workflow_without_errors_is_in_the_cube():
    cube = ErrorCube.build(["quiet"], ErrorColumns())

    assert (list(cube.workflows), cube.table(0), cube.total) == (["quiet"], (), 0)


def test_codes_and_sites_that_no_cell_uses_are_left_out():
    columns = ErrorColumns(["/a/x"], [85, 92], ["T1", "T2"], [0], [1], [0], [4])

    cube = ErrorCube.build((), columns)

    assert (cube.codes.tolist(), cube.sites) == ([92], ("T1",))


def test_a_part_of_a_cube_is_columns_again():
    cells = [ErrorCount("/a/x", 85, "T1", 3), ErrorCount("/b/x", 85, "T2", 2)]
    cube = ErrorCube.build((), ErrorColumns.of(cells))

    part = ErrorCube.build((), cube.columns(np.array([False, True])))

    assert part.table(0) == (ErrorCount("/b/x", 85, "T2", 2),)


def test_an_unknown_code_or_site_has_no_index():
    cube = ErrorCube.build((), ErrorColumns.of([ErrorCount("/a/x", 85, "T1", 3)]))

    assert (cube.code_index(86), cube.code_index(99999), cube.site_index("T0"), cube.site_index("T9")) == (-1,) * 4


@given(st.lists(st.text(max_size=20)))
def test_a_column_of_names_gives_back_every_text(texts):
    names = Names.of(texts)

    assert (list(names), names[:], len(names)) == (texts, texts, len(texts))


@given(st.sets(st.text(max_size=8)), st.text(max_size=8))
def test_a_name_is_found_just_where_it_stands(texts, wanted):
    ordered = sorted(texts)

    assert Names.of(ordered).find(wanted) == (ordered.index(wanted) if wanted in texts else -1)


def test_a_name_beyond_the_end_is_refused_in_words():
    with pytest.raises(IndexError, match="no name 2 among 2"):
        Names.of(["a", "b"])[2]


def test_the_workflow_of_a_task_is_its_first_part():
    assert workflow_of("/wf/task/merge") == "wf"
