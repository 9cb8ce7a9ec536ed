"""What the form shows before anything is filled in, and after."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.services.desk_world import (
    ACDC1,
    GEN,
    IVAN,
    KINDS,
    MERGE,
    OTHER,
    VISITOR,
    WF,
    Desk,
    World,
    hooks_with,
    workflow,
)
from wwt_framework.model import ErrorCount, Reason
from wwt_framework.services import desk as the_desk
from wwt_framework.services.desk.form import TASKS
from wwt_framework.store import Store, ledger


@pytest.fixture
def desk(tmp_path: Path, store: Store) -> Desk:
    return Desk(hooks_with(tmp_path, KINDS), World().open(tmp_path / "snapshot"), store)


def view(desk: Desk, **form) -> the_desk.FormView:
    intent, _ = desk.read({"workflow": WF, "kind": "acdc", **form})
    return the_desk.form_view(desk.hooks, desk.snapshot, desk.store, desk.user, intent)


def test_kinds_are_offered_to_who_may_ask_for_them(desk):
    assert [choice.kind.name for choice in view(desk).kinds] == ["acdc", "clone", "recovery", "special"]
    assert view(replace(desk, user=VISITOR)).kinds == ()


@pytest.mark.parametrize(("kind", "chosen"), [("acdc", "acdc"), ("recover", "acdc"), ("", None), ("explode", None)])
def test_form_without_a_kind_has_no_fields_yet(desk, kind, chosen):
    shown = view(desk, kind=kind)

    assert (shown.choice and shown.choice.kind.name, bool(shown.tasks)) == (chosen, chosen is not None)


def test_tasks_are_those_that_failed_with_what_was_filled_in_and_the_most_failures_first(desk):
    first, second = view(desk, **{f"task.{MERGE}.memory": "6000"}).tasks

    assert (first.short, first.errors, first.values, first.task_type) == (MERGE, 20, {"memory": 6000}, "Merge")
    assert (second.short, second.errors, second.only, second.splitting) == (GEN, 630, False, "EventAwareLumiBased")


def test_f4_sites_with_input_are_ticked_under_manual_and_drained_ones_under_ban(desk):
    rows = {row.site: row for row in view(desk).sites}

    assert {name for name, row in rows.items() if row.ticked} == {"T1_US_FNAL", "T2_CH_CERN"}
    assert {name for name, row in rows.items() if row.banned} == {"T2_US_Purdue"}
    assert rows["T2_CH_CERN"].input == (GEN, MERGE)
    assert (rows["T2_US_Purdue"].drained, rows["T2_US_Purdue"].errors) == (True, 600)
    assert {task.short: set(task.ticked) for task in view(desk).tasks} == {
        GEN: {"T1_US_FNAL", "T2_CH_CERN"}, MERGE: {"T2_CH_CERN"},
    }  # fmt: skip


def test_f4_what_was_ticked_stays_ticked(desk):
    rows = {row.site: row for row in view(desk, method="manual", sites=["T2_DE_DESY"]).sites}
    banned = {row.site: row for row in view(desk, method="ban", sites=["T2_DE_DESY"]).sites}

    assert {name for name, row in rows.items() if row.ticked} == {"T2_DE_DESY"}
    assert {name for name, row in banned.items() if row.banned} == {"T2_DE_DESY"}
    assert {name for name, row in banned.items() if row.ticked} == {"T1_US_FNAL", "T2_CH_CERN"}


def test_f5_reasons_that_can_be_picked_are_shown(desk):
    ledger.add_reasons(desk.store, [Reason("disk", "full")], "ivan")

    assert view(desk).book == (Reason("disk", "full"),)


def test_f7_who_acted_before_is_shown_with_the_number_that_the_page_has_seen(desk):
    action = replace(desk, user=IVAN).submit({"workflow": WF, "kind": "clone"}).lines[0].action

    (line,) = view(desk).workflows

    assert ([one.id for one in line.history], line.mark) == ([action.id], "pending")
    assert (line.last_event.user, line.seen) == ("ivan", line.last_event.number)
    assert (line.known, line.errors, line.acdcs) == (True, 650, (ACDC1,))


def test_f6_workflow_that_was_acted_on_is_marked_and_one_that_is_gone_is_called_so(desk):
    desk.submit({"workflow": OTHER, "kind": "acdc"})
    ledger.hand_out(desk.store, "unified")
    ledger.report(desk.store, "unified", [OTHER])

    lines = view(desk, workflow=[OTHER, "gone_1", WF]).workflows

    assert [(line.mark, line.known) for line in lines] == [("acted", True), ("none", False), ("none", True)]


def test_new_form_begins_with_what_its_fields_begin_with(desk):
    assert view(desk, kind="recovery").intent.all_tasks == {"group": "production"}
    assert view(desk, kind="recovery", **{"value.memory": "4000"}).intent.all_tasks == {"memory": 4000}


def test_tasks_of_the_same_name_are_one_and_too_many_are_counted(tmp_path, store):
    names = [f"w_{i}" for i in range(TASKS + 3)]
    flows = [workflow(name, "Same", f"T_{name}") for name in names]
    counts = [ErrorCount(task.path, 85, "T1_US_FNAL", 1) for flow in flows for task in flow.tasks]
    desk = Desk(hooks_with(tmp_path, KINDS), World(flows, counts, [], []).open(tmp_path / "snapshot"), store)

    shown = view(desk, workflow=names)

    assert (shown.tasks[0].short, shown.tasks[0].workflows, shown.tasks[0].errors) == ("Same", TASKS + 3, TASKS + 3)
    assert (len(shown.tasks), shown.more_tasks) == (TASKS, 4)
