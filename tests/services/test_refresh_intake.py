"""Hostile and broken answers: each costs what is broken, and the report says what."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from types import MappingProxyType
from typing import Any

import numpy as np
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.cube import ErrorColumns
from wwt_framework.errors import SourceError
from wwt_framework.model import (
    ChainLink,
    ErrorCount,
    Errors,
    ExitCode,
    LogExcerpt,
    Readiness,
    Recovery,
    SiteStatus,
    Task,
    Workflow,
)  # fmt: skip
from wwt_framework.services.intake import COUNT_LIMIT, adapter, excerpts, items, path_trouble
from wwt_framework.services.intake_errors import counted, counts_of

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
GOOD = ErrorCount("/a/one", 85, "T1_US_FNAL", 3)


# -- lists --------------------------------------------------------------------

FULL: list[Any] = [
    Workflow("a", "P", "C", "TaskChain", "completed", 0, NOON, "o", 3, 0.5, (Task("/a/t", "Merge"),), {"x": [1, {"y": None}]}),
    LogExcerpt("/a/t", 85, "s", "E", "text\twith\nlines", "http://x", 2, (ChainLink("E", 85), ChainLink("F")), NOON, ("f",)),
    Recovery("/a/t", frozenset({"s1", "s2"}), 4, {"s1": 4}, True),
    SiteStatus("s", Readiness.YELLOW, "drain", NOON, "http://x"),
    ExitCode(85, "short", "meaning", "input", "advice", NOON, NOON, "source"),
]  # fmt: skip


@pytest.mark.parametrize("thing", FULL, ids=lambda thing: type(thing).__name__)
def test_what_is_kept_comes_back_as_it_was(thing: Any) -> None:
    checked = items(type(thing), [thing])

    assert checked.good == (thing,)
    assert adapter(type(thing)).validate_python(orjson.loads(checked.json)) == (thing,)


def test_nothing_to_say_is_an_empty_list() -> None:
    assert items(Workflow, None).good == ()


@pytest.mark.parametrize("answer", ["text", b"bytes", 7, {"a": 1}])
def test_what_is_no_list_is_refused_with_what_came(answer: Any) -> None:
    with pytest.raises(SourceError, match="expected a list of Workflow, got"):
        items(Workflow, answer)


@pytest.mark.parametrize(
    ("broken", "why"),
    [
        (Workflow(7), "name: Input should be a valid string, got 7"),  # type: ignore[arg-type]
        (Workflow(""), "expected a name of 1 to 1000 characters, got 0"),
        (Workflow("x" * 1001), "expected a name of 1 to 1000 characters, got 1001"),
        (Workflow("a\nb"), r"expected a name of printable characters, got 'a\nb'"),
        (Workflow("\ud800"), r"expected a name of printable characters, got '\ud800'"),
        (Workflow("a/b"), "expected a workflow's name without '/', got 'a/b'"),
        (
            Workflow("a", prep_id="P\x00"),
            r"expected prep id, campaign, request type and status in printable characters, got 'P\x00'",
        ),
        (Workflow("a", priority=2**31), "priority: expected 0 to 2147483647, got 2147483648"),
        (Workflow("a", requested_at=datetime(2026, 1, 1)), "expected a time with its zone, got 2026-01-01 00:00:00"),  # noqa: DTZ001
        (Workflow("a", parameters={"n": 2**80}), "can not be kept: Integer exceeds 64-bit range"),
        (Workflow("a", parameters={"t": "\ud800"}), "can not be kept: str is not valid UTF-8: surrogates not allowed"),
        ("a", "as a whole: Input should be a dictionary or an instance of Workflow, got 'a'"),
    ],
)
def test_a_broken_workflow_costs_only_itself(broken: Any, why: str) -> None:
    checked = items(Workflow, [Workflow("x"), broken, Workflow("y")])

    assert checked.good == (Workflow("x"), Workflow("y"))
    (rejected,) = checked.rejected
    assert rejected.why == why
    assert orjson.loads(checked.json)[1]["name"] == "y"


def test_a_broken_workflow_with_a_readable_name_says_whose_last_good_data_is_kept() -> None:
    checked = items(Workflow, [Workflow("a", priority=-1), Workflow("b\n")])

    assert [(r.path, r.workflow) for r in checked.rejected] == [("a", "a"), ("b\n", "")]


def test_a_mapping_of_any_kind_is_taken() -> None:
    frozen: Mapping[str, Any] = MappingProxyType({"Memory": 2000})

    (workflow,) = items(Workflow, [Workflow("a", parameters=frozen)]).good
    assert dict(workflow.parameters) == {"Memory": 2000}


def test_log_texts_are_cut_and_mended_not_refused() -> None:
    said = [
        LogExcerpt("/a/t", 85, "s", text="x" * 10_000_000),
        LogExcerpt("/a/t", 85, "s", text="bad \ud800 bytes\x00"),
    ]

    first, second = excerpts(said).good

    assert len(first.text.encode()) <= 8192
    assert "cut here, 10,000,000 bytes in all" in first.text
    assert second.text == "bad ? bytes\x00"


def test_a_log_count_that_is_no_count_is_rejected() -> None:
    checked = excerpts([LogExcerpt("/a/t", 85, "s", count=0), LogExcerpt("/a/t", 2**40, "s"), "text"])

    assert checked.good == ()
    assert [r.why.split(",")[0] for r in checked.rejected] == [
        "count: expected 1 to 1000000000000", "expected an exit code of 32 bits", "as a whole: Input should be a dictionary or an instance of LogExcerpt",
    ]  # fmt: skip


# -- columns ------------------------------------------------------------------


def one(**changes: Any) -> ErrorColumns:
    given: dict[str, Any] = {
        "tasks": ["/a/one", "/b/one"], "codes": [85], "sites": ["s"], "task": [0, 1], "code": [0, 0], "site": [0, 0], "count": [3, 4],
    }  # fmt: skip
    return ErrorColumns(**{**given, **changes})


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"count": [3]}, "expected columns task, code, site and count of one length, got 2, 2, 2 and 1"),
        ({"task": [0, 2]}, "task: expected indices from 0 to 1, got 0 to 2"),
        ({"site": [-1, 0]}, "site: expected indices from 0 to 0, got -1 to 0"),
        ({"code": [0.0, 0.0]}, "code: expected a column of integers, got float64 in 1 dimensions"),
        ({"count": [[3, 4]]}, "count: expected a column of integers, got int64 in 2 dimensions"),
        ({"count": ["3", "4"]}, "count: expected a column of integers, got <U1 in 1 dimensions"),
        ({"count": np.array([3, 2**63], np.uint64)}, "count: expected integers of 63 bits, got 9223372036854775808"),
        ({"codes": [2**40]}, "codes: expected exit codes of 32 bits, got 1099511627776 to 1099511627776"),
        ({"codes": ["85"]}, "codes: expected a column of integers, got <U2 in 1 dimensions"),
        ({"codes": [], "task": [0, 1]}, "code: expected indices from 0 to -1, got 0 to 0"),
    ],
)
def test_columns_that_do_not_fit_are_refused_as_a_whole(changes: dict[str, Any], why: str) -> None:
    with pytest.raises(SourceError) as caught:
        counted(one(**changes))
    assert str(caught.value) == why


@pytest.mark.parametrize(
    ("task", "owner"),
    [("b/one", ""), ("/b", ""), ("//one", ""), ("/b/", "b"), ("", ""), (None, ""), (7, ""), ("/b/o\x00ne", "b"), ("/b/\ud800", "b"),
     ("/b/" + "x" * 1000, "b")],
)  # fmt: skip
def test_a_task_that_is_no_path_costs_only_itself(task: Any, owner: str) -> None:
    told = counted(one(tasks=["/a/one", task]))

    assert told.cells.tasks == ("/a/one",)
    assert told.cells.count.tolist() == [3]
    assert [r.workflow for r in told.rejected] == [owner]
    told.rejected[0].path.encode()  # fit for every file and page


@pytest.mark.parametrize("site", [None, 3, "T2\n", "\ud800", "x" * 1001])
def test_a_site_that_is_no_name_costs_the_cells_at_it(site: Any) -> None:
    told = counted(one(sites=["s", site], site=[0, 1]))

    assert told.cells.count.tolist() == [3]
    assert set(told.unread) == {"b"}


@pytest.mark.parametrize("count", [-1, COUNT_LIMIT + 1])
def test_a_count_that_is_no_count_costs_its_cell(count: int) -> None:
    told = counted(one(count=[3, count]))

    assert told.cells.count.tolist() == [3]
    assert told.unread == {"b": f"/b/one > 85 > s: expected 0 to 1000000000000 failed jobs, got {count}"}


def test_columns_may_be_lists_tuples_or_arrays_of_any_integers() -> None:
    told = counted(one(task=(0, 1), code=np.zeros(2, np.uint8), count=np.array([3, 4], np.int16)))

    assert told.cells.count.tolist() == [3, 4]


def test_no_columns_at_all_are_an_answer_without_errors() -> None:
    assert len(counted(ErrorColumns()).cells) == 0


@given(st.lists(st.one_of(st.none(), st.text(max_size=12), st.integers()), max_size=6))
def test_no_list_of_tasks_gets_past_that_is_not_all_paths(tasks: list[Any]) -> None:
    n = len(tasks)
    told = counted(ErrorColumns(tasks, [85], ["s"], np.arange(n), np.zeros(n, int), np.zeros(n, int), np.ones(n, int)))

    assert not any(path_trouble(task) for task in told.cells.tasks)
    assert len(told.cells) + len(told.rejected) + sum("LogCollect" in str(t) or "Cleanup" in str(t) for t in tasks) == n


# -- one workflow -------------------------------------------------------------


@pytest.mark.parametrize(
    "broken",
    [
        ErrorCount("/b/one", 85, "s", 1), ErrorCount("/ab/one", 85, "s", 1), ErrorCount("/a/one", "85", "s", 1),  # type: ignore[arg-type]
        ErrorCount("/a/one", 85, None, 1), ErrorCount("/a/one", 85, "s", 1.5), ErrorCount("/a/one", 2**40, "s", 1),  # type: ignore[arg-type]
        ErrorCount("/a/one", 85, "s", 2**70), ErrorCount(None, 85, "s", 1), ErrorCount("/a/one", True, "s", 1),  # type: ignore[arg-type]
    ],
)  # fmt: skip
def test_counts_without_shape_are_no_answer(broken: ErrorCount) -> None:
    with pytest.raises(SourceError, match="expected"):
        counts_of("a", Errors((GOOD, broken)))


def test_counts_with_shape_are_taken_as_they_are() -> None:
    assert counts_of("a", Errors((GOOD,))) == [GOOD]
