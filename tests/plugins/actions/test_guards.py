"""What the shipped guards mend, warn of and object to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from wwt_framework.model import Action, ActionState, Problem, Task, Workflow
from wwt_framework.testing import GuardContract, contract_case, contract_draft
from wwt_framework.testing.contracts import AT

W = "contract"


def action(state: ActionState = ActionState.QUEUED, **fields) -> Action:
    told = {"kind": "acdc", "workflow": W, "values": {}, "task_values": {"Prod": {}}, "reasons": (), "user": "ivan"}
    return Action("a1", **{**told, "state": state, "submitted_at": AT, "changed_at": AT, **fields})


def check(it, draft, case, *open_actions: Action) -> list[Problem]:
    return list(it.ask("check_action", draft=draft, cases=[case], open_actions=list(open_actions)))


def with_tasks(*tasks: Task, **workflow):
    return contract_case(tasks=tasks, **workflow)


class TestDrainGuard(GuardContract):
    plugin = "actions.drain_guard"

    def make_objection(self, it):
        case = contract_case()
        return contract_draft("acdc", case, {"sites": ["T1_US_FNAL", "T2_US_Purdue"]}), [case]


class TestTaskGuard(GuardContract):
    plugin = "actions.task_guard"

    def make_objection(self, it):
        case = with_tasks(Task("/contract/Prod", "Production", "EventBased"), Task("/contract/L", "LogCollect"))
        return contract_draft("acdc", case, {"splitting": "2x"}), [case]


class TestMemoryGuard(GuardContract):
    plugin = "actions.memory_guard"

    def make_objection(self, it):
        case = contract_case()
        return contract_draft("acdc", case, {"memory": 3000}), [case]


class TestOverlapGuard(GuardContract):
    plugin = "actions.overlap_guard"

    def make_objection(self, it):
        case = contract_case()
        return contract_draft("acdc", case), [case]

    def open_actions(self):
        return [action()]


# -- sites that take no jobs --


def drained(wwt_plugin, production: str = "drain", **options) -> list[Problem]:
    case = contract_case()
    statuses = {**case.sites, "T2_US_Purdue": replace(case.sites["T2_US_Purdue"], production=production)}
    draft = contract_draft("acdc", case, {"sites": ["T1_US_FNAL", "T2_US_Purdue"]})
    return check(wwt_plugin("actions.drain_guard", **options), draft, replace(case, sites=statuses))


def test_site_in_drain_is_taken_out(wwt_plugin):
    first, *_ = drained(wwt_plugin)

    assert (first.message, first.change) == ("T2_US_Purdue is in drain.", {"sites": ["T1_US_FNAL"]})
    assert (first.workflow, first.task, first.field) == (W, "Prod", "sites")


@pytest.mark.parametrize(("option", "blocking"), [("warn", False), ("block", True)])
def test_installation_may_have_sites_in_drain_warned_of_or_refused(wwt_plugin, option, blocking):
    first, *_ = drained(wwt_plugin, drained=option)

    assert (first.blocking, first.change, first.fix) == (blocking, {}, "Take it out of the list or choose Ban.")


@pytest.mark.parametrize(("production", "objects"), [("enabled", 0), ("unknown", 0), ("disabled", 3), ("test", 3)])
def test_only_what_is_known_to_take_no_jobs_is_taken_out(wwt_plugin, production, objects):
    assert len(drained(wwt_plugin, production)) == objects


# -- tasks --


@pytest.mark.parametrize(
    ("task", "out"),
    [
        (Task("/contract/L", "LogCollect"), True),
        (Task("/contract/C", "Cleanup"), True),
        (Task("/contract/H", "Harvesting"), True),
        (Task("/contract/P", "Production"), False),
        (Task("/contract/M", "Merge"), False),
        (Task("/contract/P/LogCollectForOutput"), True),  # by its name, where no source told a type
        (Task("/contract/P/PCleanupUnmergedX"), True),
        (Task("/contract/LogCollecting", "Processing"), False),
    ],
)
def test_tasks_that_are_never_rerun_are_left_out(wwt_plugin, task, out):
    case = with_tasks(task)

    problems = check(wwt_plugin("actions.task_guard"), contract_draft("acdc", case), case)

    assert [problem.leave_out for problem in problems] == ([True] if out else [])


@pytest.mark.parametrize("kind", ["acdc", "recovery"])
@pytest.mark.parametrize(
    ("splitting", "request_type", "mended"),
    [
        ("EventBased", "TaskChain", True),
        ("EventAwareLumiBased", "MonteCarlo", True),
        ("EventAwareLumiBased", "TaskChain", False),
    ],
)
def test_splitting_that_would_be_refused_is_taken_away(wwt_plugin, kind, splitting, request_type, mended):
    case = with_tasks(Task("/contract/P", "Production", splitting), request_type=request_type)

    problems = check(wwt_plugin("actions.task_guard"), contract_draft(kind, case, {"splitting": "2x"}), case)

    assert [problem.change for problem in problems] == ([{"splitting": None}] if mended else [])


def test_splitting_that_only_reqmgr2_knows_counts_too(wwt_plugin):
    parameters = {"Task1": {"TaskName": "P", "SplittingAlgo": "EventBased"}}
    case = with_tasks(Task("/contract/P", "Production"), parameters=parameters)

    (problem,) = check(wwt_plugin("actions.task_guard"), contract_draft("acdc", case, {"splitting": "2x"}), case)

    assert problem.message == "EventBased splitting can not be changed: no ACDC would be made."


def test_f7_clone_of_an_acdc_is_refused(wwt_plugin):
    case = contract_case(request_type="Resubmission", original="the_original")

    (problem,) = check(wwt_plugin("actions.task_guard"), contract_draft("clone", case), case)

    assert (problem.blocking, problem.message) == (True, "This is an ACDC: a clone of it would lose what it recovers.")
    assert "the_original" in problem.fix


@pytest.mark.parametrize(
    "workflow",
    [
        {"campaign": "RunIIWinter15pLHE"},
        {"prep_id": "TOP-RunIIWinter15pLHE-00001"},
        {"parameters": {"LheInputFiles": True}},
    ],
)
def test_acdc_of_a_plhe_request_is_refused(wwt_plugin, workflow):
    case = contract_case(**{"tasks": (Task("/contract/P", "Production"),), **workflow})

    (problem,) = check(wwt_plugin("actions.task_guard"), contract_draft("acdc", case), case)

    assert (problem.blocking, problem.task, problem.workflow) == (True, "", W)
    assert check(wwt_plugin("actions.task_guard"), contract_draft("clone", case), case) == []


def test_second_round_of_event_based_tasks_is_warned_of(wwt_plugin):
    case = with_tasks(Task("/contract/P", "Production", "EventBased"), request_type="Resubmission")

    (problem,) = check(wwt_plugin("actions.task_guard"), contract_draft("acdc", case), case)

    assert (problem.blocking, "#12502" in problem.message) == (False, True)


# -- memory --


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"memory": 200}, ["Memory of P must be between 1000 and 20000 MB, got 200."]),
        ({"memory": 20_001}, ["Memory of P must be between 1000 and 20000 MB, got 20001."]),
        ({"memory": 4000}, []),
        ({"memory": 3999}, ["Memory of P would be 3999 MB, less than the 4000 MB it had."]),
        ({"memory": 10_000}, []),
        (
            {"memory": 10_001},
            ["Memory of P would be 10001 MB for 4 cores, more than 2500 MB per core: few sites have it."],
        ),
        ({"memory": 10_001, "cores": 8}, []),
        ({"cores": 8}, []),
    ],
)
def test_memory_is_looked_at_by_its_limits_its_cores_and_what_there_was(wwt_plugin, asked, told):
    case = with_tasks(Task("/contract/P", "Production"))

    problems = check(wwt_plugin("actions.memory_guard"), contract_draft("acdc", case, asked), case)

    assert [problem.message for problem in problems] == told


def test_memory_outside_of_the_limits_is_refused_and_the_rest_warned_of(wwt_plugin):
    case, it = with_tasks(Task("/contract/P", "Production")), wwt_plugin("actions.memory_guard")

    blocking = [check(it, contract_draft("acdc", case, {"memory": mb}), case)[0].blocking for mb in (200, 3000)]

    assert blocking == [True, False]


def test_memory_of_each_task_of_a_chain_is_its_own(wwt_plugin):
    parameters = {
        "Memory": 2000, "Multicore": 1,
        "Task1": {"TaskName": "P", "Memory": 8000, "Multicore": 8}, "Task2": {"TaskName": "Q", "Memory": {"Q": "3000"}},
    }  # fmt: skip
    case = with_tasks(Task("/contract/P", "Production"), Task("/contract/P/Q", "Processing"), parameters=parameters)

    problems = check(
        wwt_plugin("actions.memory_guard", most_per_core_mb=9000),
        contract_draft("acdc", case, {"memory": 2500}),
        case,
    )

    assert [(p.task, p.message) for p in problems] == [
        ("P", "Memory of P would be 2500 MB, less than the 8000 MB it had."),
        ("P/Q", "Memory of Q would be 2500 MB, less than the 3000 MB it had."),
    ]


def test_memory_of_a_clone_is_that_of_the_workflow(wwt_plugin):
    case = contract_case(tasks=())

    (problem,) = check(
        wwt_plugin("actions.memory_guard"), contract_draft("clone", case, {"memory": 100}, per_task=False), case
    )

    assert (problem.message, problem.task) == ("Memory of the workflow must be between 1000 and 20000 MB, got 100.", "")


# -- overlap --


@pytest.mark.parametrize(
    ("state", "where"),
    [
        (ActionState.QUEUED, "it waits for the executor, and would be replaced"),
        (ActionState.SENT, "the executor has it, and may carry out both"),
    ],
)
def test_task_that_an_open_action_is_on_says_who_asked_and_where_it_is(wwt_plugin, state, where):
    case = contract_case()

    (problem,) = check(wwt_plugin("actions.overlap_guard"), contract_draft("acdc", case), case, action(state))

    assert (problem.task, problem.blocking) == ("Prod", False)
    assert problem.message == f"ivan asked for acdc of this task at 2026-01-01 00:00 UTC: {where}."


def test_installation_may_refuse_what_overlaps(wwt_plugin):
    case = contract_case()

    (problem,) = check(
        wwt_plugin("actions.overlap_guard", open_actions="block"), contract_draft("recovery", case), case, action()
    )

    assert problem.blocking


@pytest.mark.parametrize("other", [{"task_values": {"Other": {}}}, {"kind": "clone", "task_values": {}}])
def test_open_action_on_other_tasks_does_not_overlap(wwt_plugin, other):
    case = contract_case()

    assert check(wwt_plugin("actions.overlap_guard"), contract_draft("acdc", case), case, action(**other)) == []


@pytest.mark.parametrize(
    ("status", "original", "told"),
    [
        ("running-closed", W, 1),
        ("acquired", "", 1),
        ("running-open", "another_one", 0),
        ("announced", W, 0),
        ("", W, 0),
    ],
)
def test_acdc_that_still_runs_is_warned_of(wwt_plugin, status, original, told):
    acdc = Workflow("the_acdc", request_type="Resubmission", status=status, original=original)
    case = replace(contract_case(), family=(acdc,))

    problems = check(wwt_plugin("actions.overlap_guard"), contract_draft("acdc", case), case)

    assert [(p.message, p.blocking) for p in problems] == [
        ("An ACDC of this PrepID still runs: the_acdc.", False)
    ] * told
