"""What each task of each workflow would get, before anybody says yes."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timezone
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.services.desk_world import (
    ACDC1,
    ALL,
    GEN,
    IVAN,
    KINDS,
    MERGE,
    OTHER,
    VISITOR,
    WF,
    Desk,
    World,
    at,
    hooks_with,
    workflow,
)
from wwt_framework import hookimpl
from wwt_framework.model import (
    Action,
    ActionState,
    Case,
    Draft,
    Effect,
    ErrorCount,
    NotHonoured,
    Problem,
    Reason,
    Recovery,
    SiteStatus,
    TaskSites,
)
from wwt_framework.options import HouseOptions
from wwt_framework.plugin import ActionKind, Field
from wwt_framework.services import desk as the_desk
from wwt_framework.services.desk.guards import ROUNDS
from wwt_framework.store import Store, ledger

ACDC_FORM = {"workflow": WF, "kind": "acdc"}


@pytest.fixture
def desk(tmp_path: Path, store: Store) -> Desk:
    return Desk(hooks_with(tmp_path, KINDS), World().open(tmp_path / "snapshot"), store)


def with_plugins(tmp_path: Path, store: Store, *plugins: object, world: World | None = None) -> Desk:
    named = [(f"test.{type(plugin).__name__}{i}", plugin) for i, plugin in enumerate(plugins)]
    return Desk(hooks_with(tmp_path, KINDS, *named), (world or World()).open(tmp_path / "snapshot"), store)


class Guard:
    """Says of every draft what it was told to say; keeps what it was asked."""

    def __init__(self, *problems: Problem, rounds: int = 99) -> None:
        self.problems, self.rounds, self.asked = problems, rounds, list[Draft]()

    @hookimpl
    def check_action(self, draft: Draft, cases: Sequence[Case], open_actions: Sequence[Action]) -> Sequence[Problem]:
        self.asked.append(draft)
        return self.problems if len(self.asked) <= self.rounds else ()


def about(message: str, task: str = GEN, **more: object) -> Problem:
    return Problem(message, workflow=WF, task=task, **more)


# -- which tasks get what --


def test_f3_all_tasks_fills_what_a_task_leaves_blank(desk):
    form = {**ACDC_FORM, "value.memory": "4000", "value.splitting": "2x", f"task.{MERGE}.memory": "6000"}

    (line,) = desk.plan(form).lines

    assert {task.task.short: task.values for task in line.tasks} == {
        GEN: {"splitting": "2x", "memory": 4000},
        MERGE: {"splitting": "2x", "memory": 6000},
    }


def test_f3_only_these_tasks_leaves_the_others_alone(desk):
    (line,) = desk.plan({**ACDC_FORM, "only_task": MERGE}).lines

    assert [task.task.short for task in line.tasks] == [MERGE]


def test_f3_each_workflow_keeps_the_tasks_that_it_has_and_the_rest_is_told(desk):
    form = {"workflow": [WF, OTHER], "kind": "acdc", f"task.{MERGE}.memory": "6000"}

    first, second = desk.plan(form).lines

    assert [task.task.short for task in first.tasks] == [GEN, MERGE]
    assert [task.task.short for task in second.tasks] == ["Other_0"]
    assert (first.left_out, second.left_out) == ((), (f"{MERGE}: this workflow has no such task",))


def test_f3_workflow_without_any_of_the_tasks_is_blocked(desk):
    _, line = desk.plan({"workflow": [WF, OTHER], "kind": "acdc", "only_task": GEN}).lines

    assert (line.state, [p.message for p in line.problems]) == (
        "blocked", ["There is no task here that this could be done to."],
    )  # fmt: skip


def test_task_that_is_named_is_acted_on_even_without_errors(desk):
    (line,) = desk.plan(
        {"workflow": ACDC1, "kind": "acdc", "method": "manual", "sites": "T1_US_FNAL", "only_task": GEN}
    ).lines

    assert line.sends == {GEN: {"sites": ["T1_US_FNAL"]}}


def test_kind_without_tasks_has_its_values_once(desk):
    plan = desk.plan({"workflow": [WF, OTHER], "kind": "clone", "value.memory": "6000"})

    assert [(line.state, line.tasks) for line in plan.lines] == [("go", ()), ("go", ())]
    assert plan.draft.values == {"memory": 6000}


def test_task_that_lacks_what_its_kind_requires_is_stopped(tmp_path, store):
    class Strict:
        @hookimpl
        def register_actions(self) -> Sequence[ActionKind]:
            return [
                ActionKind("strict", "Strict", "Needs a word.", (Field("word", "Word", per_task=True, required=True),))
            ]

    desk = with_plugins(tmp_path, store, Strict())

    (line,) = desk.plan({"workflow": WF, "kind": "strict", f"task.{GEN}.word": "yes"}).lines

    assert (line.sends, line.tasks[1].problems[0].message) == ({GEN: {"word": "yes"}}, "Word is missing.")


# -- where --


def test_f4_auto_sends_each_task_to_where_its_input_is_without_sites_in_drain(desk):
    (line,) = desk.plan({**ACDC_FORM, "value.memory": "12gb"}).lines

    assert line.state == "go"
    assert line.sends == {
        GEN: {"memory": 12288, "sites": ["T1_US_FNAL", "T2_CH_CERN"]},
        MERGE: {"memory": 12288, "sites": ["T2_CH_CERN"]},
    }
    assert line.tasks[0].drained == ("T2_US_Purdue",)


def test_f4_manual_sends_tasks_to_the_ticked_sites(desk):
    form = {**ACDC_FORM, "method": "Manual", "sites": "T2_DE_DESY", f"sites.{MERGE}": ["T1_US_FNAL", "T2_CH_CERN"]}

    (line,) = desk.plan(form).lines

    assert [task.sites for task in line.tasks] == [("T2_DE_DESY",), ("T1_US_FNAL", "T2_CH_CERN")]


def test_f4_a_site_that_no_source_knows_needs_a_yes(desk):
    planned = desk.plan({**ACDC_FORM, "method": "Manual", "sites": ["T2_CH_CERN", "T9_XX_Nowhere"], "only_task": GEN})

    assert planned.confirm == (f"{WF}: No source of this installation knows T9_XX_Nowhere.",)


def test_f4_where_no_source_tells_of_sites_every_name_will_do(tmp_path, store):
    desk = with_plugins(tmp_path, store, world=World(sites=[]))

    planned = desk.plan({**ACDC_FORM, "method": "Manual", "sites": ["T9_XX_Nowhere"]})

    assert (planned.confirm, planned.totals.workflows) == ((), 1)


def test_f4_ban_takes_the_ticked_sites_from_all_tasks(desk):
    (line,) = desk.plan({**ACDC_FORM, "method": "Ban", "sites": ["T2_CH_CERN", "T2_US_Purdue"]}).lines

    assert [task.sites for task in line.tasks] == [("T1_US_FNAL",), ()]


def test_p14_task_without_sites_waits_for_somebody_to_pick_some(desk):
    plan = desk.plan({**ACDC_FORM, "method": "Ban", "sites": "T2_CH_CERN"})

    (line,) = plan.lines
    assert (line.state, [task.task.short for task in line.without_sites], plan.go) == ("needs sites", [MERGE], ())


def test_p14_sites_picked_for_one_task_leave_the_others_as_they_were(desk):
    intent, _ = desk.read({"workflow": [WF, OTHER], "kind": "acdc", "method": "Ban", "sites": "T2_CH_CERN"})

    picked = the_desk.with_sites(intent, {f"/{WF}/{MERGE}": ("T2_DE_DESY",)})
    (line,) = desk.plan(picked).lines

    assert picked.id != intent.id
    assert (line.state, [task.sites for task in line.tasks]) == (
        "go",
        [("T1_US_FNAL", "T2_US_Purdue"), ("T2_DE_DESY",)],
    )


@pytest.mark.parametrize("production", ["drain", "disabled", "test"])
def test_f4_site_that_takes_no_production_jobs_is_not_used_by_auto(tmp_path, store, production):
    world = World(
        sites=[SiteStatus("T2_CH_CERN", production=production), SiteStatus("T1_US_FNAL", production="enabled")]
    )

    (line,) = with_plugins(tmp_path, store, world=world).plan({**ACDC_FORM, "only_task": GEN}).lines

    assert (line.tasks[0].sites, line.tasks[0].drained) == (("T1_US_FNAL",), ("T2_CH_CERN",))


def test_f4_site_of_which_nobody_knows_anything_is_used(tmp_path, store):
    (line,) = with_plugins(tmp_path, store, world=World(sites=[])).plan({**ACDC_FORM, "only_task": MERGE}).lines

    assert line.tasks[0].sites == ("T2_CH_CERN",)


class NoSites:
    @hookimpl
    def build_sites(self, case: Case) -> Sequence[TaskSites]:
        raise RuntimeError("no idea")


def test_where_a_task_can_run_that_could_not_be_told_is_no_empty_list(tmp_path, store):
    hooks = hooks_with(tmp_path, ["actions.acdc"], ("test.no_sites", NoSites()))
    desk = Desk(hooks, World().open(tmp_path / "snapshot"), store)

    plan = desk.plan(ACDC_FORM)

    assert plan.lines[0].state == "blocked"
    assert "Nobody could say where this task can run" in plan.lines[0].tasks[0].problems[0].message
    assert len(plan.complaints) == 1


# -- reasons --


def test_f5_several_reasons_are_kept_in_their_order_and_old_ones_are_picked_by_name(desk):
    ledger.add_reasons(desk.store, [Reason("old", "what was written then")], "ivan")
    form = {
        **ACDC_FORM,
        "shortreason1": "new",
        "longreason1": "a\nb",
        "longreason2": "no name",
        "selectedreason": "old",
    }

    assert desk.plan(form).reasons == (
        Reason("old", "what was written then"), Reason("new", "a\nb"), Reason("", "no name"),
    )  # fmt: skip


def test_f5_reason_without_a_long_text_says_what_it_is_called(desk):
    assert desk.plan({**ACDC_FORM, "shortreason1": "disk full"}).reasons == (Reason("disk full", "disk full"),)


@pytest.mark.parametrize("name", ["old", " OLD ", "\uff4f\uff4c\uff44"])
def test_f5_short_name_that_is_taken_is_warned_of_and_means_the_old_text(desk, name):
    ledger.add_reasons(desk.store, [Reason("old", "what was written then")], "ivan")

    plan = desk.plan({**ACDC_FORM, "shortreason1": name, "longreason1": "something else"})

    assert plan.reasons == (Reason("old", "what was written then"),)
    assert [(p.message, p.blocking) for p in plan.problems] == [
        ("The short name 'old' is taken; its text in the book is used: what was written then", False)
    ]


def test_f5_reason_that_left_the_book_stops_the_form(desk):
    plan = desk.plan({**ACDC_FORM, "selectedreason": "gone"})

    assert [p.message for p in plan.problems if p.blocking] == [
        "There is no reason called 'gone' in the book any more."
    ]
    assert plan.go == ()


# -- the form as a whole --


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"kind": "acdc"}, "There is no workflow to act on."),
        ({"workflow": WF}, "There is no action chosen."),
        (
            {"workflow": WF, "kind": "explode"},
            "There is no kind of action 'explode'; there are: acdc, clone, recovery, special.",
        ),
        ({"workflow": "a<b", "kind": "acdc"}, "'a<b' is no name of a workflow; expected letters, digits and _ . : -"),
    ],
)
def test_p13_form_that_asks_for_nothing_is_told_so(desk, form, told):
    plan = desk.plan(form)

    assert told in [problem.message for problem in plan.problems]
    assert plan.go == ()


def test_who_may_not_act_is_told_and_nothing_goes(desk):
    plan = replace(desk, user=VISITOR).plan(ACDC_FORM)

    assert [problem.message for problem in plan.problems] == ["ACDC needs the role operator."]
    assert plan.go == ()


def test_workflow_that_is_not_in_the_snapshot_is_missing_and_the_others_go(desk):
    plan = desk.plan({"workflow": ["gone_1", WF], "kind": "acdc"})

    assert [(line.workflow, line.state) for line in plan.lines] == [("gone_1", "missing"), (WF, "go")]
    assert (plan.totals.workflows, plan.totals.tasks, plan.totals.blocked, plan.totals.errors) == (1, 2, 1, 650)


def test_why_a_workflow_is_in_the_list_goes_with_it(desk):
    (line,) = desk.plan({**ACDC_FORM, f"why.{WF}": "matches 8028"}).lines

    assert line.why == "matches 8028"


def test_f8_acdcs_of_the_same_prep_id_that_are_newer_are_listed(desk):
    assert desk.plan(ACDC_FORM).lines[0].acdcs == (ACDC1,)


# -- what happened before --


def act(desk: Desk, form=ACDC_FORM) -> Action:
    (line,) = desk.submit(form, confirmed=True).lines
    assert line.action is not None
    return line.action


def test_f7_who_acted_before_and_when_needs_a_yes(tmp_path):
    store = Store.memory(lambda: datetime(2026, 11, 23, 12, 30, tzinfo=timezone.utc))
    desk = Desk(hooks_with(tmp_path, KINDS), World().open(tmp_path / "snapshot"), store, IVAN)
    act(desk)

    plan = desk.plan(ACDC_FORM)

    assert plan.confirm == (f"ivan asked for acdc on {WF} at 2026-11-23 12:30 UTC (queued).",)
    store.close()


def test_f7_what_was_taken_back_needs_no_yes(desk):
    the_desk.withdraw(desk.store, act(desk).id, "olga")

    assert desk.plan(ACDC_FORM).confirm == ()


def test_colleague_who_acted_since_the_page_was_drawn_stops_that_line_only(desk):
    form = {"workflow": [WF, OTHER], "kind": "acdc", f"seen.{WF}": "0", f"seen.{OTHER}": "0"}
    action = act(replace(desk, user=IVAN))

    first, second = desk.plan(form).lines

    assert (first.state, second.state) == ("acted elsewhere", "go")
    assert (first.last_event.action, first.last_event.user) == (action.id, "ivan")


def test_line_that_would_send_something_else_than_was_shown_does_not_go(desk):
    shown = {WF: {GEN: {"sites": ["T1_US_FNAL"]}, MERGE: {"sites": ["T2_CH_CERN"]}}}

    plan = desk.plan(ACDC_FORM, shown=shown)

    assert ([line.state for line in plan.lines], plan.go) == (["changed"], ())
    assert desk.plan(ACDC_FORM, shown=the_desk.shown_of(desk.plan(ACDC_FORM))).go != ()


# -- many at once --


@pytest.mark.parametrize(("limit", "typed"), [(1, 2), (2, None), (0, 2)])
def test_number_has_to_be_typed_above_the_limit(desk, limit, typed):
    house = HouseOptions(bulk_confirm_above=limit)

    assert replace(desk, house=house).plan({"workflow": [WF, OTHER], "kind": "acdc"}).must_type == typed


def test_many_sentences_to_say_yes_to_are_counted(tmp_path, store):
    names = [f"w_{i:03}" for i in range(30)]
    world = World(
        [workflow(name, "T") for name in names], [ErrorCount(f"/{n}/T", 85, "T2_CH_CERN", 1) for n in names], [], []
    )
    desk = with_plugins(tmp_path, store, world=world)
    form = {"workflow": names, "kind": "clone"}
    desk.submit(form, typed=30, confirmed=True)

    assert len(desk.plan(form).confirm) == 20
    assert desk.plan(form).confirm[-1] == "11 more workflows were acted on before, too."


# -- guards --


def test_guard_that_mends_is_asked_again_about_what_it_mended(tmp_path, store):
    guard = Guard(about("Too much.", change={"memory": 3000}))
    (line,) = with_plugins(tmp_path, store, guard).plan({**ACDC_FORM, "value.memory": "9000"}).lines

    assert line.state == "go"
    assert [task.values["memory"] for task in line.tasks] == [3000, 9000]
    assert line.tasks[0].changed == {"memory": the_desk.Change(9000, 3000, "Too much.")}
    assert [draft.task_values[WF][GEN]["memory"] for draft in guard.asked] == [9000, 3000]


def test_guard_may_change_sites_and_take_a_value_away(tmp_path, store):
    guard = Guard(about("Elsewhere.", change={"sites": ["T2_DE_DESY"], "splitting": None}))

    (line,) = with_plugins(tmp_path, store, guard).plan({**ACDC_FORM, "value.splitting": "2x"}).lines

    assert line.sends[GEN] == {"sites": ["T2_DE_DESY"]}
    assert line.tasks[0].changed["sites"].asked == ("T1_US_FNAL", "T2_CH_CERN")
    assert line.tasks[0].changed["splitting"] == the_desk.Change("2x", None, "Elsewhere.")


def test_task_that_a_guard_leaves_out_is_told(tmp_path, store):
    (line,) = with_plugins(tmp_path, store, Guard(about("Never.", leave_out=True))).plan(ACDC_FORM).lines

    assert (line.state, list(line.sends), line.left_out) == ("go", [MERGE], (f"{GEN}: Never.",))


def test_objection_to_one_task_stops_that_task_only(tmp_path, store):
    (line,) = with_plugins(tmp_path, store, Guard(about("No."))).plan(ACDC_FORM).lines

    assert (line.state, list(line.sends)) == ("go", [MERGE])
    assert [problem.message for problem in line.tasks[0].problems] == ["No."]


@pytest.mark.parametrize("task", ["", "no/such/task"])
def test_objection_that_names_no_task_stops_its_workflow_and_no_other(tmp_path, store, task):
    plan = with_plugins(tmp_path, store, Guard(about("No.", task))).plan({"workflow": [WF, OTHER], "kind": "acdc"})

    assert [line.state for line in plan.lines] == ["blocked", "go"]


def test_warning_needs_a_yes_and_stops_nothing(tmp_path, store):
    plan = with_plugins(tmp_path, store, Guard(about("Hm.", blocking=False))).plan(ACDC_FORM)

    assert (plan.lines[0].state, plan.confirm, plan.totals.warned) == ("go", (f"{WF}: Hm.",), 1)


class Broken:
    @hookimpl
    def check_action(self, draft: Draft) -> Sequence[Problem]:
        raise RuntimeError("the guard is ill")


def test_guard_that_fails_objects_to_everything(tmp_path, store):
    plan = with_plugins(tmp_path, store, Broken()).plan({"workflow": [WF, OTHER], "kind": "acdc"})

    assert [line.state for line in plan.lines] == ["blocked", "blocked"]
    assert "A guard could not check this: test.Broken0" in plan.lines[0].problems[0].message
    assert ["the guard is ill" in complaint for complaint in plan.complaints] == [True]


def test_guard_that_is_late_objects(tmp_path, store):
    waiting = threading.Event()

    class Slow:
        @hookimpl
        def check_action(self, draft: Draft) -> Sequence[Problem]:
            waiting.wait(30)
            return ()

    hooks = hooks_with(tmp_path, KINDS)
    hooks.register("test.slow", Slow(), deadline_s=0.02)
    (line,) = Desk(hooks, World().open(tmp_path / "snapshot"), store).plan(ACDC_FORM).lines
    waiting.set()

    assert line.state == "blocked"
    assert "test.slow, check_action: did not answer within 0.02 s" in line.problems[0].message


def test_guards_that_undo_each_other_end_in_an_objection(tmp_path, store):
    class More:
        @hookimpl
        def check_action(self, draft: Draft) -> Sequence[Problem]:
            memory = draft.task_values[WF][GEN]["memory"]
            return [about("One more.", change={"memory": memory + 1})]

    plan = with_plugins(tmp_path, store, More()).plan({**ACDC_FORM, "value.memory": "5000", "only_task": GEN})

    (line,) = plan.lines
    assert (line.state, line.tasks[0].values["memory"]) == ("blocked", 5000 + ROUNDS)
    assert line.tasks[0].problems[0].message == f"Guards do not agree, this was mended {ROUNDS} times: One more."


def test_change_of_what_a_workflow_has_once_can_not_be_mended_and_stays_an_objection(tmp_path, store):
    guard = Guard(Problem("Too much.", workflow=WF, change={"memory": 3000}))

    plan = with_plugins(tmp_path, store, guard).plan({"workflow": [WF, OTHER], "kind": "clone", "value.memory": "9000"})

    assert [line.state for line in plan.lines] == ["blocked", "go"]


problems = st.builds(
    Problem,
    st.sampled_from(["p1", "p2", "p3", "p4", "p5"]),
    blocking=st.booleans(),
    workflow=st.sampled_from([WF, WF, OTHER, ""]),
    task=st.sampled_from([GEN, MERGE, "Other_0", "", "Nowhere"]),
    change=st.sampled_from([{}, {}, {"memory": 3000}, {"sites": ["T2_DE_DESY"]}, {"splitting": None}]),
    leave_out=st.sampled_from([False, False, True]),
)


@pytest.mark.slow
@given(st.lists(problems, max_size=4, unique_by=lambda problem: problem.message))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_nothing_that_a_guard_says_is_dropped_and_nothing_it_stops_is_sent(tmp_path_factory, said):
    folder = tmp_path_factory.mktemp("guards")
    store = Store.memory()
    desk = with_plugins(folder, store, Guard(*said))

    plan = desk.plan({"workflow": [WF, OTHER], "kind": "acdc", "value.memory": "5000", "value.splitting": "2x"})

    for line in plan.lines:
        shown = [p.message for p in line.problems] + list(line.left_out)
        shown += [p.message for task in line.tasks for p in task.problems]
        shown += [change.why for task in line.tasks for change in task.changed.values()]
        text = " ".join(shown)
        tasks = {GEN, MERGE} if line.workflow == WF else {"Other_0"}
        gone = {task.partition(":")[0] for task in line.left_out}
        for problem in (p for p in said if p.workflow in ("", line.workflow)):
            mends = problem.leave_out or problem.change
            told = (
                problem.message in text or (mends and not tasks - gone) or (mends and problem.task not in {"", *tasks})
            )
            assert told or problem.change, problem
            if problem.leave_out:
                assert not ({problem.task} if problem.task else tasks) & line.sends.keys()
            elif problem.blocking and not problem.change and problem.task in tasks:
                assert problem.task not in line.sends
            elif problem.blocking and not problem.change and line.tasks:
                assert line.state != "go"
    store.close()


# -- the executor --


class Executor:
    @hookimpl
    def build_refusals(self) -> Sequence[NotHonoured]:
        return [
            NotHonoured("recovery", "nobody does recoveries"),
            NotHonoured("acdc", "cores are not read", "cores"),
            NotHonoured("special", "nobody completes by force", "action", "force-complete"),
        ]

    @hookimpl
    def build_effects(self, draft: Draft, cases: Sequence[Case]) -> Sequence[Effect]:
        return [
            Effect(case.workflow.name, f"reruns {short}", short, ignored=("comment: nobody reads it",))
            for case in cases
            for short in draft.task_values[case.workflow.name]
        ]


def test_kind_that_the_executor_does_not_honour_says_so_and_does_not_go(tmp_path, store):
    desk = with_plugins(tmp_path, store, Executor())

    plan = desk.plan({"workflow": WF, "kind": "recovery"})

    assert [problem.message for problem in plan.problems] == ["nobody does recoveries"]
    assert {choice.kind.name: choice.why_not for choice in the_desk.kinds(desk.hooks)}[
        "recovery"
    ] == "nobody does recoveries"


def test_field_that_the_executor_does_not_read_stops_the_task_that_asks_for_it(tmp_path, store):
    (line,) = with_plugins(tmp_path, store, Executor()).plan({**ACDC_FORM, f"task.{GEN}.cores": "8"}).lines

    assert (list(line.sends), line.tasks[0].problems[0].message) == ([MERGE], "cores are not read")


@pytest.mark.parametrize(("action", "wrong"), [("force-complete", ["nobody completes by force"]), ("by-pass", [])])
def test_choice_that_the_executor_does_not_honour_stops_the_form(tmp_path, store, action, wrong):
    plan = with_plugins(tmp_path, store, Executor()).plan({"workflow": WF, "kind": "special", "value.action": action})

    assert [problem.message for problem in plan.problems] == wrong


def test_what_the_executor_will_do_and_ignore_stands_beside_its_task(tmp_path, store):
    (line,) = with_plugins(tmp_path, store, Executor()).plan(ACDC_FORM).lines

    assert [(effect.text, effect.ignored) for effect in line.tasks[1].effects] == [
        (f"reruns {MERGE}", ("comment: nobody reads it",))
    ]


def test_a_warning_that_holds_for_every_task_is_said_once(tmp_path, store):
    guard = Guard(about("Hm.", GEN, blocking=False), about("Hm.", MERGE, blocking=False))

    assert with_plugins(tmp_path, store, guard).plan(ACDC_FORM).confirm == (f"{WF}: Hm.",)


def test_what_the_executor_will_do_nothing_with_needs_a_yes(tmp_path, store):
    class Lazy:
        @hookimpl
        def build_effects(self, draft: Draft, cases: Sequence[Case]) -> Sequence[Effect]:
            return [Effect(WF, "skims are skipped", MERGE, acts=False), Effect(WF, "makes an ACDC", GEN)]

    plan = with_plugins(tmp_path, store, Lazy()).plan(ACDC_FORM)

    assert plan.confirm == (f"{WF}: nothing will be done with {MERGE}: skims are skipped",)


# -- all that is shipped, together --


def test_shipped_guards_let_a_plain_acdc_go(tmp_path, store):
    desk = Desk(hooks_with(tmp_path, ALL), World().open(tmp_path / "snapshot"), store)

    plan = desk.plan(ACDC_FORM)

    assert (plan.lines[0].state, plan.complaints, plan.confirm) == ("go", (), ())


def test_more_workflows_than_guards_are_asked_about_at_once_are_all_checked(tmp_path, store):
    names = [f"w_{i:03}" for i in range(250)]
    world = World(
        [workflow(name, "T", requested_at=at(1)) for name in names], [],
        [(name, Recovery(f"/{name}/T", frozenset({"T2_CH_CERN"}))) for name in names], [],
    )  # fmt: skip
    guard = Guard(Problem("No.", workflow=names[0]), Problem("No.", workflow=names[249]))

    plan = with_plugins(tmp_path, store, guard, world=world).plan({"workflow": names, "kind": "acdc"})

    assert [line.workflow for line in plan.lines if line.state != "go"] == [names[0], names[249]]
    assert sorted(name for draft in guard.asked for name in draft.workflows) == names


def test_state_of_what_was_planned_is_what_is_kept(desk):
    plan = desk.plan(ACDC_FORM)

    (line,) = desk.submit(plan).lines

    assert (line.state, line.action.state, line.action.task_values) == (
        "queued", ActionState.QUEUED, plan.lines[0].sends,
    )  # fmt: skip
