"""The history of failed jobs, taken in look by look, on every database."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wwt_framework.cube import ErrorColumns
from wwt_framework.errors import StoreError
from wwt_framework.model import ErrorCount, Readiness, SiteStatus
from wwt_framework.services.history import (
    Look,
    TaskErrors,
    cells_of,
    history_matrix,
    take_in,
    taking,
    task_errors,
)
from wwt_framework.store import Store
from wwt_framework.store.ledger import history as kept

DAY = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)
HOUR = timedelta(hours=1)
READY = {"T1_US_FNAL": SiteStatus("T1_US_FNAL", Readiness.GREEN, "enabled")}


def look(at, *counts, statuses=READY, partial=(), also=(), whole=True):
    """What fails at *at*: pairs of words and a number, ``("w/Task 85 T1_US_FNAL", 3)``."""
    cells = [(*words.split(), number) for words, number in counts]
    errors = ErrorColumns.of(ErrorCount(f"/{task}", int(code), site, number) for task, code, site, number in cells)
    errors = ErrorColumns(
        errors.tasks, errors.codes, errors.sites, errors.task, errors.code, errors.site, errors.count,
        partial=dict.fromkeys(partial, "half"), workflows=also,
    )  # fmt: skip
    return Look.of_columns(errors, at, statuses, whole=whole)


def told(store, workflow):
    """Words -> (failed jobs, first seen, last seen)."""
    return {
        f"{cell.task} {cell.exit_code} {cell.site}": (cell.count, cell.first_seen, cell.last_seen)
        for cell in cells_of(store, workflow)
    }


def test_d_b_a_cell_is_kept_once_with_its_first_and_its_last_time(store):
    take_in(store, look(DAY, ("w/A 85 T1_US_FNAL", 3), ("w/A 85 T2_CH_CERN", 1)))
    take_in(store, look(DAY + HOUR, ("w/A 85 T1_US_FNAL", 5)))

    assert told(store, "w") == {
        "/w/A 85 T1_US_FNAL": (5, DAY, DAY + HOUR),
        "/w/A 85 T2_CH_CERN": (1, DAY, DAY),
    }


def test_d_b_the_readiness_is_that_of_the_time_when_the_cell_was_first_seen(store):
    take_in(store, look(DAY, ("w/A 85 T1_US_FNAL", 3), ("w/A 85 T2_CH_CERN", 1)))
    red = {"T1_US_FNAL": SiteStatus("T1_US_FNAL", Readiness.RED), "T2_CH_CERN": SiteStatus("T2_CH_CERN", Readiness.RED)}
    take_in(store, look(DAY + HOUR, ("w/A 85 T1_US_FNAL", 4), ("w/A 99 T2_CH_CERN", 2), statuses=red))

    found = {(cell.exit_code, cell.site): cell.ready for cell in cells_of(store, "w")}
    assert found == {
        (85, "T1_US_FNAL"): Readiness.GREEN,
        (85, "T2_CH_CERN"): Readiness.NONE,
        (99, "T2_CH_CERN"): Readiness.RED,
    }


def test_j20_a_task_has_its_failed_jobs_at_sites_that_were_ready_and_at_others(store):
    take_in(
        store,
        look(
            DAY,
            ("w/A 85 T1_US_FNAL", 3),
            ("w/A 85 T2_CH_CERN", 1),
            ("w/A/B 99 T1_US_FNAL", 7),
            ("v/C 85 T1_US_FNAL", 2),
        ),
    )

    assert dict(task_errors(store, ["w", "none"])) == {
        "w": (
            TaskErrors("/w/A", {85: {"T1_US_FNAL": 3}}, {85: {"T2_CH_CERN": 1}}),
            TaskErrors("/w/A/B", {99: {"T1_US_FNAL": 7}}, {}),
        ),
        "none": (),
    }


def test_a_look_that_tells_the_same_changes_no_cell_and_still_dates_it(store):
    first = take_in(store, look(DAY, ("w/A 85 T1_US_FNAL", 3)))
    again = take_in(store, look(DAY + HOUR, ("w/A 85 T1_US_FNAL", 3)))

    assert (first.changed, first.new, again.changed, again.new) == (1, 1, 0, 0)
    assert told(store, "w") == {"/w/A 85 T1_US_FNAL": (3, DAY, DAY + HOUR)}


def test_a_cell_that_went_before_the_workflow_was_seen_again_keeps_its_last_time(store):
    take_in(store, look(DAY, ("w/A 85 T1_US_FNAL", 3)))
    take_in(store, look(DAY + HOUR, ("w/A 85 T1_US_FNAL", 3)))
    take_in(store, look(DAY + 2 * HOUR, ("w/A 99 T1_US_FNAL", 1)))
    take_in(store, look(DAY + 3 * HOUR, ("w/A 99 T1_US_FNAL", 1)))

    assert told(store, "w") == {
        "/w/A 85 T1_US_FNAL": (3, DAY, DAY + HOUR),
        "/w/A 99 T1_US_FNAL": (1, DAY + 2 * HOUR, DAY + 3 * HOUR),
    }


def test_lower_bounds_take_nothing_away(store):
    take_in(store, look(DAY, ("w/A 85 T1_US_FNAL", 9)))
    take_in(store, look(DAY + HOUR, ("w/A 85 T1_US_FNAL", 2), partial=["w"]))

    assert told(store, "w")["/w/A 85 T1_US_FNAL"] == (9, DAY, DAY + HOUR)


def test_a_workflow_that_nobody_could_tell_of_is_not_touched(store):
    take_in(store, look(DAY, ("w/A 85 T1_US_FNAL", 9)))
    silent = look(DAY + HOUR, also=["w"])
    silent.unknown[:] = True

    assert take_in(store, silent).workflows == 0
    assert told(store, "w")["/w/A 85 T1_US_FNAL"] == (9, DAY, DAY)


def test_a_workflow_without_failed_jobs_leaves_no_row(store):
    take_in(store, look(DAY, also=["quiet"]))

    assert cells_of(store, "quiet") == ()
    assert history_matrix(store).rows == []


def test_nothing_at_all_can_be_taken_in(store):
    assert take_in(store, look(DAY)).workflows == 0
    assert history_matrix(store).values.shape == (0, 0)


def test_a_clock_that_was_set_back_lets_no_cell_end_before_it_began(store):
    take_in(store, look(DAY, ("w/A 85 T1_US_FNAL", 3)))
    take_in(store, look(DAY - 24 * HOUR, ("w/A 85 T1_US_FNAL", 8), ("w/A 99 T1_US_FNAL", 1)))

    assert told(store, "w") == {
        "/w/A 85 T1_US_FNAL": (3, DAY - 24 * HOUR, DAY),  # 8 is what an earlier time says
        "/w/A 99 T1_US_FNAL": (1, DAY - 24 * HOUR, DAY - 24 * HOUR),
    }


HOSTILE = [
    "'; drop table history_workflow; --",
    "<script>alert(1)</script>",
    "%s%(x)s?",
    "\U0001f980" * 900,
    "a b\u202e",
    "\\",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_are_names(store, name):
    errors = ErrorColumns.of([ErrorCount(f"/{name.replace('/', '|')}/{name}", 85, name, 3)])
    take_in(store, Look.of_columns(errors, DAY, {}, whole=True))

    (cell,) = cells_of(store, name.replace("/", "|"))
    assert (cell.task, cell.site, cell.count) == (f"/{name.replace('/', '|')}/{name}", name, 3)


def test_numbers_as_large_as_a_source_may_tell_survive(store):
    counts = [(f"w/T{i} {code} T1_US_FNAL", 10**12) for i, code in enumerate((-(2**31) + 1, -1, 2**31 - 1))]
    take_in(store, look(DAY, *counts))

    assert [cell.count for cell in cells_of(store, "w")] == [10**12] * 3
    matrix = history_matrix(store)
    assert matrix.columns == ["code:-2147483647", "code:2147483647", "site:T1_US_FNAL"]
    assert matrix.values.toarray().tolist() == [[10**12, 10**12, 2 * 10**12]]


def test_d_d_jobs_that_no_agent_reported_do_not_count_in_the_matrix(store):
    take_in(store, look(DAY, ("w/A 85 T2_CH_CERN", 3), ("w/A -1 T1_US_FNAL", 9), ("v/A -1 T1_US_FNAL", 9)))

    matrix = history_matrix(store)
    assert (matrix.rows, matrix.columns) == (["v", "w"], ["code:85", "site:T2_CH_CERN"])
    assert matrix.values.toarray().tolist() == [[0, 0], [3, 3]]


def test_the_matrix_has_rows_by_name_and_columns_by_code_and_site(store):
    take_in(store, look(DAY, ("w/A 85 T2_CH_CERN", 3), ("w/B 85 T1_US_FNAL", 4), ("w/A 8 T1_US_FNAL", 1)))
    take_in(store, look(DAY + HOUR, ("a/A 85 T2_CH_CERN", 5)))

    matrix = history_matrix(store)
    assert (matrix.rows, matrix.columns) == (["a", "w"], ["code:8", "code:85", "site:T1_US_FNAL", "site:T2_CH_CERN"])
    assert matrix.values.toarray().tolist() == [[0, 5, 0, 5], [1, 7, 5, 3]]
    assert history_matrix(store, DAY + HOUR).rows == ["a"]


def test_a_writer_killed_in_the_middle_leaves_whole_workflows_and_the_same_look_does_the_rest(store, monkeypatch):
    monkeypatch.setattr(taking, "PART", 1)
    many = [(f"w{i}/A 85 T1_US_FNAL", i + 1) for i in range(5)]
    real, written = kept.keep_past, []

    def dies(store, workflows, cells):
        written.append(workflows)
        real(store, workflows, cells)
        if len(written) == 6:  # in the middle of the third transaction
            raise KeyboardInterrupt

    monkeypatch.setattr(kept, "keep_past", dies)
    with pytest.raises(KeyboardInterrupt):
        take_in(store, look(DAY, *many))
    monkeypatch.setattr(kept, "keep_past", real)

    assert history_matrix(store).rows == ["w0", "w1"]
    assert take_in(store, look(DAY, *many)).new == 3
    assert [told(store, f"w{i}")[f"/w{i}/A 85 T1_US_FNAL"] for i in range(5)] == [(i + 1, DAY, DAY) for i in range(5)]


def test_damaged_cells_are_told_in_words(store):
    take_in(store, look(DAY, ("w/A 85 T1_US_FNAL", 3)))
    with store.write():
        store.tables.history_cells.update(packed=b"nonsense").execute()

    with pytest.raises(StoreError, match="the history of w can not be read"):
        cells_of(store, "w")


# -- order and repetition --

WORDS = st.tuples(
    st.sampled_from(["w", "v"]), st.sampled_from(["A", "B/C"]), st.sampled_from([8, 85]), st.sampled_from(["T1", "T2"])
)
LOOKS = st.lists(
    st.tuples(
        st.integers(0, 60), st.dictionaries(WORDS, st.integers(1, 3), max_size=4), st.sampled_from(list(Readiness))
    ),
    max_size=6,
)


@pytest.fixture(scope="module")
def memory():
    """A store that is emptied before every use: making one takes longer than what is tried with it."""
    store = Store.memory()
    yield store
    store.close()


def taken(store, looks):
    """What an empty history says after *looks*: every cell, the days of every workflow, the days of all."""
    tables = store.tables
    with store.write():
        for table in (tables.history_workflow, tables.history_cells, tables.history_day):
            table.delete().execute()
    for hours, counts, ready in looks:
        cells = [(f"{w}/{t} {code} {site}", n) for (w, t, code, site), n in counts.items()]
        statuses = {"T1": SiteStatus("T1", ready)}
        take_in(store, look(DAY + hours * HOUR, *cells, statuses=statuses, also=["w", "v"]))
    days = [(one.day, one.at, one.jobs, one.failing) for one in kept.past_days(store, 0, 10**6)]
    return [cells_of(store, name) for name in ("v", "w")], days


@given(LOOKS, st.randoms(use_true_random=False))
def test_d_b_order_and_repetition_of_looks_make_no_difference(memory, looks, random):
    looks = list({hours: (hours, *rest) for hours, *rest in looks}.values())  # one look at a time
    shuffled = looks + looks[:2]
    random.shuffle(shuffled)

    assert taken(memory, shuffled) == taken(memory, looks)


def by_hand(looks):
    """{cell: [count, first, last]}, the slow way."""
    cells = {}
    for hours, counts, _ in sorted(looks):
        for words, n in counts.items():
            first = cells[words][1] if words in cells else hours
            cells[words] = [n, first, hours]
    return cells


@given(LOOKS)
def test_d_b_the_history_is_what_a_dictionary_would_remember(memory, looks):
    looks = list({hours: (hours, *rest) for hours, *rest in looks}.values())
    cells = [cell for cells in taken(memory, looks)[0] for cell in cells]

    found = {
        (*cell.task[1:].split("/", 1), cell.exit_code, cell.site): [
            cell.count, (cell.first_seen - DAY) // HOUR, (cell.last_seen - DAY) // HOUR
        ]
        for cell in cells
    }  # fmt: skip
    assert found == by_hand(looks)
