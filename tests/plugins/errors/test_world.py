"""The made-up grid is whole, the same twice, and moves."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path
from types import SimpleNamespace

import pytest

from wwt_framework.cube import ErrorCube, workflow_of
from wwt_plugins.errors.world import World

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=timezone.utc)


def world(at=NOON, data_dir=Path("/nowhere"), **options):
    return World(
        SimpleNamespace(options=World.Options(**{"workflows": 60, **options}), data_dir=data_dir), now=lambda: at
    )


def test_the_same_seed_at_the_same_time_is_the_same_grid():
    one, other = world(), world()

    assert one.list_workflows() == other.list_workflows()
    assert ErrorCube.build((), one.load_errors(None)).total == ErrorCube.build((), other.load_errors(None)).total


def test_another_seed_is_another_grid():
    assert world(seed=1).list_workflows() != world(seed=2).list_workflows()


def test_workflows_come_and_go():
    before = {w.name for w in world().list_workflows()}
    after = {w.name for w in world(NOON + timedelta(days=7)).list_workflows()}

    assert before - after
    assert after - before
    assert before & after


def test_errors_grow_while_a_workflow_is_young():
    young = world().list_workflows()[-3].name
    totals = [sum(world(NOON + timedelta(days=days)).load_errors([young]).count.tolist()) for days in (0, 1, 3)]

    assert totals == sorted(totals)


def test_every_task_with_errors_belongs_to_a_listed_workflow():
    grid = world()
    names = {w.name for w in grid.list_workflows()}

    assert {workflow_of(task) for task in grid.load_errors(None).tasks} <= names


def test_counts_are_positive_and_each_cell_comes_once():
    columns = world(workflows=300).load_errors(None)

    assert min(columns.count.tolist()) >= 1
    assert len(set(zip(columns.task.tolist(), columns.code.tolist(), columns.site.tolist(), strict=False))) == len(
        columns
    )


def test_only_what_was_asked_for_is_answered():
    grid = world()
    name = grid.list_workflows()[5].name

    assert {workflow_of(task) for task in grid.load_errors([name]).tasks} == {name}


def test_an_acdc_names_the_workflow_it_recovers():
    workflows = {w.name: w for w in world(workflows=300).list_workflows()}
    acdcs = [w for w in workflows.values() if w.is_acdc]

    assert acdcs
    assert all(workflows[w.original].prep_id == w.prep_id for w in acdcs)


def test_logs_speak_of_the_errors_that_there_are():
    grid = world(workflows=100)
    cube = ErrorCube.build((), grid.load_errors(None))
    for i, name in enumerate(cube.workflows):
        table = cube.table(i)
        codes = frozenset(e.exit_code for e in table)
        logs = grid.fetch_logs(SimpleNamespace(name=name), codes)

        assert {(log.task, log.exit_code, log.site) for log in logs} <= {(e.task, e.exit_code, e.site) for e in table}
        assert {log.exit_code for log in logs} <= codes - {-1}
        assert all(log.text for log in logs)


@pytest.mark.parametrize("name", ["", "x", "someone_else_190101_000000_17", "a_99999999999", "ü_²"])
def test_a_workflow_of_somebody_else_is_not_known(name):
    grid = world()

    assert not grid.fetch_logs(SimpleNamespace(name=name), frozenset({8028}))
    assert not grid.fetch_workflows([name])


def test_sites_have_bad_days_and_recover():
    seen = {
        (status.site, status.readiness)
        for days in range(12)
        for status in world(NOON + timedelta(days=days)).fetch_site_statuses()
    }
    by_site = {}
    for site, readiness in seen:
        by_site.setdefault(site, set()).add(readiness.colour)

    assert any({"green", "red"} <= colours for colours in by_site.values())


def test_missing_events_are_told_for_the_tasks_that_failed():
    grid = world()
    name = next(w.name for w in grid.list_workflows() if grid.load_errors([w.name]).tasks)
    (workflow,) = grid.fetch_workflows([name])
    failed = {e.task for e in ErrorCube.build((), grid.load_errors([name])).table(0)}

    assert {r.task for r in grid.fetch_recoveries(workflow)} <= failed
