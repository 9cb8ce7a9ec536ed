"""What the words can tell of themselves."""

from __future__ import annotations

import pytest

from wwt_framework.model import NOT_REPORTED, ErrorCount, ErrorTable


@pytest.mark.parametrize(
    ("counts", "main"),
    [
        ([], None),
        ([(85, 3), (85, 1), (73, 2)], 85),
        ([(85, 2), (73, 2)], 73),  # the smaller one on a tie
        ([(85, 3), (NOT_REPORTED, 9)], 85),  # that nobody reported is no code where there is one
        ([(NOT_REPORTED, 9)], NOT_REPORTED),
    ],
)
def test_the_main_exit_code_is_the_most_frequent_that_was_reported(counts, main):
    table = ErrorTable(ErrorCount("/w/a", code, f"T{i}", count) for i, (code, count) in enumerate(counts))

    assert table.main_exit_code == main


def test_tasks_are_those_that_have_failed_jobs_by_path():
    table = ErrorTable(
        [ErrorCount("/w/b", 85, "T1", 1), ErrorCount("/w/a", 85, "T1", 1), ErrorCount("/w/b", 73, "T1", 1)]
    )

    assert table.tasks == ["/w/a", "/w/b"]
