"""What each task of each workflow would get, before anybody says yes."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.services.desk_world import GEN, MERGE, WF, Desk, World, hooks_with
from wwt_framework.store import Store

ACDC = ("actions.acdc", "actions.sites_to_run")


@pytest.fixture
def desk(tmp_path: Path, store: Store) -> Desk:
    return Desk(hooks_with(tmp_path, ACDC), World().open(tmp_path / "snapshot"), store)


def test_f4_auto_sends_each_task_to_where_its_input_is_without_sites_in_drain(desk):
    (line,) = desk.plan({"workflow": WF, "kind": "acdc", "value.memory": "12gb"}).lines

    assert line.state == "go"
    assert line.sends == {
        GEN: {"memory": 12288, "sites": ["T1_US_FNAL", "T2_CH_CERN"]},
        MERGE: {"memory": 12288, "sites": ["T2_CH_CERN"]},
    }
    assert line.tasks[0].drained == ("T2_US_Purdue",)


def test_what_was_planned_is_what_is_kept(desk):
    plan = desk.plan({"workflow": WF, "kind": "acdc"})

    result = desk.submit(plan)

    assert [(line.state, line.action.task_values) for line in result.lines] == [("queued", plan.lines[0].sends)]
