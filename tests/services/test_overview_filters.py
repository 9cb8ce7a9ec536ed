"""What a query leaves, against an independent count."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.services.overview_world import Made, random_world, workflow_of
from wwt_framework.model import ErrorCount, Workflow
from wwt_framework.services.overview import overview
from wwt_framework.services.overview_query import OverviewQuery
from wwt_framework.services.selection import select


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Made:
    return random_world(tmp_path_factory.mktemp("world") / "v1")


def tier(site: str) -> str:
    return site[:2] if site[:2] in ("T0", "T1", "T2", "T3") else "other"


def left(world: Made, query: OverviewQuery) -> list[ErrorCount]:
    """The failed jobs that *query* leaves, one by one."""
    cells = [
        e
        for e in world.counts
        if (not query.code or e.exit_code in query.code)
        and (not query.site or e.site in query.site)
        and (not query.tier or tier(e.site) in query.tier)
    ]
    totals = world.by(workflow_of, cells)

    def passes(w: Workflow) -> bool:
        return (
            (not query.campaign or w.campaign in query.campaign)
            and (not query.type or w.request_type in query.type)
            and (not query.status or w.status in query.status)
            and (query.search.lower() in w.name.lower() or query.search.lower() in w.prep_id.lower())
            and totals[w.name] >= query.minimum
        )

    return [e for e in cells if passes(world.workflows[workflow_of(e)])]


QUERIES: list[dict[str, Any]] = [
    {},
    {"campaign": ("Campaign1",)},
    {"campaign": ("Campaign1", "Campaign3"), "type": ("ReReco",)},
    {"site": ("T2_US_Purdue",)},
    {"site": ("T2_US_Purdue", "T1_US_FNAL"), "code": (8028, 85)},
    {"code": (-1,)},
    {"tier": ("T1", "other")},
    {"tier": ("T2",), "site": ("T2_CH_CERN", "T1_US_FNAL")},
    {"status": ("",)},
    {"status": ("completed", "running-closed"), "minimum": 200},
    {"search": "hig-"},
    {"search": "ACDC0", "minimum": 50, "code": (8001, 85, 92), "tier": ("T2",)},
    {"search": "no such name"},
    {"site": ("T2_XX_Nowhere",)},
]


@pytest.mark.parametrize("asked", QUERIES)
@pytest.mark.parametrize("pievar", ["errorcode", "stepname"])
def test_totals_and_cells_are_those_of_the_failed_jobs_left(world: Made, asked: dict[str, Any], pievar: str) -> None:
    query = OverviewQuery(**asked, pievar=pievar, columns="all", limit=1000)
    cells = left(world, query)

    page = overview(world.snapshot, query, {})

    def row(e: ErrorCount) -> str:
        return str(e.exit_code) if pievar == "stepname" else world.workflows[workflow_of(e)].prep_id

    assert page.total == world.total(cells)
    assert page.found == len({workflow_of(e) for e in cells})
    assert {(r.name, page.columns[c.column].key): c.total for r in page.rows for c in r.cells} == world.by(
        lambda e: (row(e), e.site), cells
    )


@pytest.mark.parametrize("asked", QUERIES)
def test_stepname_splits_count_only_what_is_left(world: Made, asked: dict[str, Any]) -> None:
    query = OverviewQuery(**asked, pievar="stepname", columns="all")
    cells = left(world, query)

    page = overview(world.snapshot, query, {})

    for row in page.rows:
        for cell in row.cells:
            site = page.columns[cell.column].key
            tasks = world.by(lambda e: e.task, [e for e in cells if (str(e.exit_code), e.site) == (row.name, site)])
            assert [n for _, n in cell.split] == sorted(tasks.values(), reverse=True)[:8]
    assert [p.total for p in page.parts] == sorted(world.by(lambda e: e.task, cells).values(), reverse=True)[:8]


# Where a least number is asked for, it counts what the other choices leave, so that each choice moves it.
@pytest.mark.parametrize("asked", [asked for asked in QUERIES if "minimum" not in asked])
def test_behind_each_choice_stand_the_failed_jobs_that_it_would_leave(world: Made, asked: dict[str, Any]) -> None:
    query = OverviewQuery(**asked)

    page = overview(world.snapshot, query, {})

    for name in ("campaign", "type", "status", "site", "code", "tier"):
        for choice in page.choices[name]:
            value = int(choice.value) if name == "code" else choice.value
            assert choice.jobs == world.total(left(world, query.with_(**{name: (value,)}))), (name, choice)


def test_a_chosen_value_that_is_not_there_can_be_taken_back(world: Made) -> None:
    page = overview(world.snapshot, OverviewQuery(site=("T2_XX_Nowhere",)), {})

    assert [(c.value, c.jobs) for c in page.choices["site"] if c.chosen] == [("T2_XX_Nowhere", 0)]


@pytest.mark.parametrize(
    ("pattern", "like"),
    [
        (r"/^pdmv.*v0_/", lambda w: w.name.startswith("pdmv") and "v0_" in w.name),
        (r"/hig-runii|top-runii/", lambda w: "HIG-RunII" in w.prep_id or "TOP-RunII" in w.prep_id),
        (r"/\A(HIG|SUS)/", lambda w: w.prep_id.startswith(("HIG", "SUS"))),
        (r"/_T_\d+7$/", lambda w: w.name.endswith("7")),
        (r"/[^x]$/", lambda w: True),
        (r"/a{0}/", lambda w: True),
    ],
)
def test_regular_expressions_search_names_and_prep_ids(world: Made, pattern: str, like: Any) -> None:
    expected = {w.name for w in world.workflows.values() if like(w)}

    mask = select(world.snapshot, OverviewQuery(search=pattern)).workflows

    assert {n for n, there in zip(world.snapshot.cube.workflows, mask.tolist(), strict=True) if there} == expected


def test_a_pattern_that_would_hang_others_does_not(world: Made) -> None:
    started = time.process_time()  # a busy machine does not count

    select(world.snapshot, OverviewQuery(search=r"/(a*)*(b|_|T)*(.*.*.*)*$x/"))

    assert time.process_time() - started < 2


def test_equal_filters_are_worked_out_once(world: Made) -> None:
    one = select(world.snapshot, OverviewQuery(search="hig", sort="name", offset=50))

    assert select(world.snapshot, OverviewQuery(search="hig", pievar="stepname")) is one
