"""The matrix against an independent count, cell by cell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.services.overview_world import Made, random_world, taken, workflow_of
from wwt_framework.errors import NotFound
from wwt_framework.model import ErrorCount, Workflow
from wwt_framework.services.overview import Overview, overview, rows_below, tasks_of_cell
from wwt_framework.services.overview_query import OverviewQuery
from wwt_framework.snapshot import PARTIAL, UNKNOWN


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return random_world(tmp_path_factory.mktemp("world") / "v1")


def ask(made: Made, **asked: Any) -> Overview:
    return overview(made.snapshot, OverviewQuery(**asked), {})


def numbers(page: Overview) -> dict[tuple[str, str], int]:
    return {(row.name, page.columns[cell.column].key): cell.total for row in page.rows for cell in row.cells}


def prep_of(made: Made) -> Callable[[ErrorCount], str]:
    return lambda e: made.workflows[workflow_of(e)].prep_id


AXES = {
    "errorcode": (lambda e: e.site, lambda e: str(e.exit_code)),
    "sitename": (lambda e: str(e.exit_code), lambda e: e.site),
}


@pytest.mark.parametrize("pievar", ["errorcode", "sitename"])
def test_p2_every_cell_of_prep_ids_is_the_sum_of_its_failed_jobs(world: Made, pievar: str) -> None:
    column, _ = AXES[pievar]
    prep = prep_of(world)

    page = ask(world, pievar=pievar, columns="all", limit=1000)

    assert numbers(page) == world.by(lambda e: (prep(e), column(e)))


@pytest.mark.parametrize("pievar", ["errorcode", "sitename"])
def test_p2_every_pie_is_split_by_the_third_variable_the_largest_first(world: Made, pievar: str) -> None:
    column, third = AXES[pievar]
    prep = prep_of(world)
    splits: dict[Any, Counter[str]] = {}
    for e in world.counts:
        splits.setdefault((prep(e), column(e)), Counter())[third(e)] += e.count

    page = ask(world, pievar=pievar, columns="all", limit=1000)

    for row in page.rows:
        for cell in row.cells:
            whole = splits[row.name, page.columns[cell.column].key]
            told = {page.parts[rank].key: n for rank, n in cell.split}
            assert [n for _, n in cell.split] == sorted(whole.values(), reverse=True)[:8]
            assert all(whole[key] == n for key, n in told.items())
            assert cell.rest == cell.total - sum(told.values())


def test_p2_stepname_has_codes_by_site_split_by_task(world: Made) -> None:
    page = ask(world, pievar="stepname", columns="all", limit=1000)

    assert numbers(page) == world.by(lambda e: (str(e.exit_code), e.site))
    for row in page.rows:
        for cell in row.cells:
            tasks = world.by(lambda e: e.task, world.of(exit_code=int(row.name), site=page.columns[cell.column].key))
            assert [n for _, n in cell.split] == sorted(tasks.values(), reverse=True)[:8]


def test_p2_large_stepname_matrices_are_split_alike(world: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    small = ask(world, pievar="stepname", columns="all")
    monkeypatch.setattr("wwt_framework.services.overview_cells._SORTED", 0)

    large = ask(world, pievar="stepname", columns="all")

    assert [[(c.column, c.total, [n for _, n in c.split]) for c in r.cells] for r in large.rows] == [
        [(c.column, c.total, [n for _, n in c.split]) for c in r.cells] for r in small.rows
    ]


def test_a_large_split_is_summed_alike(world: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    dense = ask(world, limit=1000)
    monkeypatch.setattr("wwt_framework.services.overview_cells._DENSE", 0)

    sparse = ask(world, limit=1000)

    assert sparse.rows == dense.rows


def test_p2_tasks_of_a_cell_are_the_largest(world: Made) -> None:
    (code, site), _ = world.by(lambda e: (e.exit_code, e.site)).most_common(1)[0]
    tasks = world.by(lambda e: e.task, world.of(exit_code=code, site=site))

    found = tasks_of_cell(world.snapshot, OverviewQuery(pievar="stepname"), code, site)

    assert [n for _, n in found] == sorted(tasks.values(), reverse=True)[:8]
    assert all(tasks[task] == n for task, n in found)


def test_folded_columns_hold_what_is_under_two_percent(world: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wwt_framework.services.overview.ROOM", 0)
    sites, total = world.by(lambda e: e.site), world.total()
    few = {site for site, n in sites.items() if n < 0.02 * total}
    assert len(few) > 1

    page = ask(world, limit=1000)

    *shown, other = page.columns
    assert {c.key for c in shown} == set(sites) - few
    assert (other.folded, other.total) == (len(few), sum(sites[s] for s in few))
    assert sum(c.total for r in page.rows for c in r.cells if c.column == len(shown)) == other.total


def test_columns_that_fit_beside_the_names_are_not_folded(tmp_path: Path) -> None:
    counts = [ErrorCount("/w/t", 1, f"T2_XX_{i:02d}", 1000 if i == 0 else 20 - i) for i in range(20)]
    made = taken(tmp_path / "s", [Workflow("w", "P")], counts)

    page = ask(made)

    assert [c.key for c in page.columns] == [*(f"T2_XX_{i:02d}" for i in range(16)), ""]
    assert (page.columns[-1].folded, page.columns[-1].total) == (4, 4 + 3 + 2 + 1)


def test_columns_come_by_their_totals(world: Made) -> None:
    page = ask(world, columns="all")

    assert [c.total for c in page.columns] == sorted(world.by(lambda e: e.site).values(), reverse=True)


def test_p3_rows_are_grouped_prep_id_workflow_task(world: Made) -> None:
    prep, _ = world.by(prep_of(world)).most_common(1)[0]
    mine = [w for w in world.workflows.values() if w.prep_id == prep]
    names = {w.name for w in mine}

    page = ask(world, open=(prep, *names))

    first = page.rows[0]
    assert (first.name, first.level, first.open) == (prep, 0, True)
    below = page.rows[1 : next(i for i, r in enumerate(page.rows) if i and r.level == 0)]
    assert {r.name for r in below if r.level == 1} == names
    assert {r.name for r in below if r.level == 2} == {e.task for e in world.of(prep=prep)}
    assert all(r.parent == prep for r in below if r.level == 1)


def test_p3_workflows_come_by_request_date(world: Made) -> None:
    prep = next(p for p, n in Counter(w.prep_id for w in world.workflows.values()).items() if n > 3)

    page = rows_below(world.snapshot, OverviewQuery(), {}, prep)

    dates = [r.asked for r in page.rows if r.asked is not None]
    assert dates == sorted(dates)
    assert len(page.rows) > 3


def test_p3_workflow_and_task_cells_are_right(world: Made) -> None:
    everything = tuple(world.workflows) + tuple({w.prep_id for w in world.workflows.values()})

    page = ask(world, open=everything, columns="all", limit=1000)

    found = numbers(page)
    expected = world.by(lambda e: (workflow_of(e), e.site)) + world.by(lambda e: (e.task, e.site))
    expected += world.by(lambda e: (prep_of(world)(e), e.site))
    assert found == expected
    assert all(row.total == sum(c.total for c in row.cells) for row in page.rows)


def test_p3_rows_are_sorted_by_errors_unless_asked(world: Made) -> None:
    totals = world.by(prep_of(world))

    page = ask(world, limit=1000)

    assert [r.total for r in page.rows] == sorted(totals.values(), reverse=True)
    assert {r.name: r.total for r in page.rows} == totals


@pytest.mark.parametrize(("direction", "reverse"), [("", False), ("desc", True)])
def test_rows_are_sorted_by_name(world: Made, direction: str, reverse: bool) -> None:
    page = ask(world, sort="name", direction=direction, limit=1000)

    assert [r.name for r in page.rows] == sorted(world.by(prep_of(world)), reverse=reverse)


def test_rows_are_sorted_by_date_and_unknown_dates_come_last(world: Made) -> None:
    for direction in ("asc", "desc"):
        page = ask(world, sort="date", rows="workflow", direction=direction, limit=1000)

        dates = [r.asked for r in page.rows]
        known = [d for d in dates if d is not None]
        assert dates[len(known) :] == [None] * (len(dates) - len(known))
        assert known == sorted(known, reverse=direction == "desc")
        assert len(known) < len(dates)


def test_pages_of_rows_join_without_gap_or_overlap(world: Made) -> None:
    whole = [r.name for r in ask(world, limit=1000).rows]

    joined: list[str] = []
    offset: int | None = 0
    while offset is not None:
        page = ask(world, offset=offset, limit=7)
        joined += [r.name for r in page.rows]
        offset = page.next

    assert joined == whole


def test_rows_can_be_workflows(world: Made) -> None:
    page = ask(world, rows="workflow", limit=1000)

    assert {r.name: r.total for r in page.rows} == world.by(workflow_of)
    assert page.outermost == page.found == len(world.by(workflow_of))


def test_workflows_without_errors_are_no_rows_unless_asked(world: Made) -> None:
    failing = set(world.by(workflow_of))
    assert failing < set(world.workflows)

    assert {r.name for r in ask(world, rows="workflow", limit=1000).rows} == failing
    assert {r.name for r in ask(world, rows="workflow", zero=True, limit=1000).rows} == set(world.workflows)


def test_family_members_without_errors_are_shown_under_their_open_prep_id(tmp_path: Path) -> None:
    made = taken(
        tmp_path / "s",
        [Workflow("a", "P"), Workflow("acdc", "P", request_type="Resubmission"), Workflow("other", "Q")],
        [ErrorCount("/a/t", 85, "T1_US_FNAL", 3)],
    )

    page = ask(made, open=("P", "Q"))

    assert [(r.name, r.total, r.state) for r in page.rows] == [("P", 3, "ok"), ("a", 3, "ok"), ("acdc", 0, "ok")]


def test_lower_bounds_and_unknown_workflows_are_told(tmp_path: Path) -> None:
    made = taken(
        tmp_path / "s",
        [Workflow("a", "P"), Workflow("b", "P"), Workflow("c", "Q"), Workflow("d", "R")],
        [ErrorCount("/a/t", 85, "T1_US_FNAL", 3), ErrorCount("/c/t", 85, "T1_US_FNAL", 2)],
        errors_state={"b": UNKNOWN, "c": PARTIAL, "d": UNKNOWN},
    )

    page = ask(made, open=("P",), zero=True)

    states = {r.name: r.state for r in page.rows}
    assert states == {"P": "partial", "a": "ok", "b": "unknown", "Q": "partial", "R": "unknown"}
    assert page.unknown == 2


def test_p4_marks_are_shown_and_a_prep_id_is_what_all_of_it_is(tmp_path: Path) -> None:
    made = taken(
        tmp_path / "s",
        [Workflow("a", "P"), Workflow("b", "P"), Workflow("c", "Q"), Workflow("d", "R")],
        [ErrorCount(f"/{w}/t", 85, "T1_US_FNAL", 3) for w in "abcd"],
    )

    page = overview(made.snapshot, OverviewQuery(open=("P",)), {"a": "acted", "b": "pending", "c": "acted"})

    assert {r.name: r.mark for r in page.rows} == {
        "P": "pending",
        "a": "acted",
        "b": "pending",
        "Q": "acted",
        "R": "none",
    }


def test_p4_sites_carry_readiness_in_colour_and_words(world: Made) -> None:
    columns = {c.key: c for c in ask(world, columns="all").columns}

    purdue, unheard = columns["T2_US_Purdue"], columns["T2_DE_DESY"]
    assert (purdue.colour, purdue.readiness, purdue.production) == ("red", "morgue", "drain")
    assert (unheard.colour, unheard.readiness, unheard.production) == ("none", "unknown", "unknown")


def test_p5_a_part_keeps_its_rank_on_every_page_of_rows(world: Made) -> None:
    first, second = ask(world, limit=5), ask(world, limit=5, offset=5)

    assert first.parts == second.parts
    assert [p.total for p in first.parts] == sorted((p.total for p in first.parts), reverse=True)


def test_more_workflows_than_can_be_unfolded_are_counted(tmp_path: Path) -> None:
    names = [f"w{i:04d}" for i in range(250)]
    made = taken(
        tmp_path / "s", [Workflow(n) for n in names], [ErrorCount(f"/{n}/t", 85, "T1_US_FNAL", 1) for n in names]
    )

    page = ask(made, open=("NoPrepID",))

    assert (page.rows[0].name, page.rows[0].more, len(page.rows)) == ("NoPrepID", 50, 201)


def test_what_is_not_there_has_no_rows_below(world: Made) -> None:
    with pytest.raises(NotFound, match="nothing-like-this"):
        rows_below(world.snapshot, OverviewQuery(), {}, "nothing-like-this")


@pytest.mark.parametrize("pievar", ["errorcode", "sitename", "stepname"])
def test_an_empty_snapshot_has_an_empty_page(pievar: str) -> None:
    from wwt_framework.snapshot import Snapshot

    page = overview(Snapshot.empty(), OverviewQuery(pievar=pievar, search="x", site=("T1_US_FNAL",)), {})

    assert (page.rows, page.columns, page.total, page.found, page.next) == ((), (), 0, 0, None)
